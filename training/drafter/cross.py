"""What a draft that attends to its target's keys and values learns from (GliDe, arXiv 2402.02082).

While a step drafts, the target's rows end where the step began. So in training a text is cut into
blocks, and a row sees the target's rows of the blocks before its own (decoding/cross.py).
"""

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import DynamicCache

from decoding.cross import CrossReader, mask_of, seen_in_training
from decoding.reading import reader_of


def keys_and_values(target: PreTrainedModel, ids: torch.Tensor, layers: int) -> torch.Tensor:
    """The target's keys and values of a text [1, tokens] at its last `layers` layers.

    Returns:
        Float [tokens, layers * 2 * heads * size]: of every layer keys, then values.
    """
    cache = DynamicCache()
    target.base_model(input_ids=ids, past_key_values=cache, use_cache=True)
    rows = [each[0] for layer in cache.layers[-layers:] for each in (layer.keys, layer.values)]
    return torch.cat([each.transpose(0, 1).flatten(1) for each in rows], dim=-1)


def learning(student: PreTrainedModel, ids: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """The draft's hidden states [texts, tokens, width], block by block.

    Args:
        student: the draft.
        ids: int64 [texts, tokens].
        rows: [texts, tokens, width], as `keys_and_values` gives them.
    """
    places = torch.arange(ids.shape[1], device=ids.device)
    return _hidden(student, ids, rows, seen_in_training(places, len(places)))


def drafting(student: PreTrainedModel, ids: torch.Tensor, rows: torch.Tensor, depths: int) -> list[torch.Tensor]:
    """Hidden states as of the tokens 1, 2, ... of a draft that begins at every place.

    The draft's own rows before a place have seen as many of the target's too little, where in a
    draft it is the drafted ones alone.

    Args:
        student: the draft.
        ids: int64 [texts, tokens].
        rows: see `learning`.
        depths: tokens of a draft.

    Returns:
        One tensor [texts, tokens, width] a depth.
    """
    places = torch.arange(ids.shape[1], device=ids.device)
    ends = [(places - ahead).clamp_min(1)[:, None] for ahead in range(depths)]
    return [_hidden(student, ids, rows, places < end) for end in ends]


def _hidden(student: PreTrainedModel, ids: torch.Tensor, rows: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """Hidden states of rows that each see the target's rows of `seen`, bool [tokens, tokens]."""
    reader = reader_of(student)
    assert isinstance(reader, CrossReader)
    parts = rows.unflatten(-1, (2 * len(reader.layers), reader.heads, -1)).permute(2, 0, 3, 1, 4)
    reader.give([mask_of(seen, rows.dtype), *parts])
    hidden = student.base_model(input_ids=ids, use_cache=False).last_hidden_state
    reader.give([])
    return hidden
