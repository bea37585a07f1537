"""A draft's head cut down to the ids that its target uses most.

FR-Spec (arXiv 2502.14856) and VocabTrim (arXiv 2506.22694) do so. A small draft spends most of its
time in the head. The ids that are left out are never drafted, so they cost acceptance; the output
stays the target's, whatever is drafted.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn
from transformers import PreTrainedModel

from bench.models.location import locate
from decoding.errors import UserError

# In a draft's folder: ids by how often the target writes them, the most frequent first.
RANKING = "token_ranking.json"


class ShortHead(nn.Module):
    """Logits of a few ids; every other id gets the lowest number there is.

    Args:
        linear: gives the logits of the few, from [..., hidden] to [..., len(ids)].
        ids: whose they are, int64.
        size: ids of the whole vocabulary.
    """

    ids: torch.Tensor

    def __init__(self, linear: nn.Module, ids: torch.Tensor, size: int) -> None:
        super().__init__()
        self.out_features = size
        self.linear = linear
        self.register_buffer("ids", ids, persistent=False)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., hidden] to logits [..., vocabulary]."""
        short: torch.Tensor = self.linear(hidden)
        # A finite number: an infinite one would look like an overflow.
        whole = short.new_full((*short.shape[:-1], self.out_features), torch.finfo(short.dtype).min)
        return whole.index_copy(-1, self.ids, short)

    @property
    def weight(self) -> torch.Tensor:
        """Rows of the ids alone."""
        weight: torch.Tensor = self.linear.weight  # type: ignore[assignment]  # of a head it is one
        return weight


def cut(head: nn.Linear, ids: torch.Tensor) -> ShortHead:
    """The rows `ids` of a head.

    Args:
        head: the whole one.
        ids: ascending, so that a tie goes to the lowest id, as with the whole head.
    """
    kind = {"device": head.weight.device, "dtype": head.weight.dtype}
    short = nn.Linear(head.in_features, len(ids), head.bias is not None, **kind)
    with torch.no_grad():
        short.weight.copy_(head.weight[ids])
        if head.bias is not None:
            short.bias.copy_(head.bias[ids])
    return ShortHead(short, ids.to(head.weight.device), head.out_features)


def shorten(draft: PreTrainedModel, ranking: list[int], size: int, eos: Iterable[int]) -> None:
    """Give `draft` a head of the `size` first ids of `ranking`, the ends of a sequence among them.

    A shorter ranking is filled up with the lowest other ids: byte-pair encoding learns frequent
    tokens first.

    Raises:
        UserError: a head that is no plain linear layer, or has fewer ids.
    """
    head = draft.get_output_embeddings()  # type: ignore[no-untyped-call]  # untyped in transformers
    if type(head) is not nn.Linear:
        raise UserError(f"model.draft_vocabulary: {type(draft).__name__}'s head is no plain linear layer to cut down")
    if size > head.out_features:
        raise UserError(f"model.draft_vocabulary={size}: the draft's head has {head.out_features} ids: give fewer")
    everything = range(head.out_features)
    front = dict.fromkeys(token for token in (*eos, *ranking, *everything) if token in everything)
    ids = torch.tensor(sorted(list(front)[:size]))
    draft.set_output_embeddings(cut(head, ids))  # type: ignore[no-untyped-call]  # untyped in transformers


def write_ranking(file: Path, ranking: list[int]) -> None:
    """Write ids, the most frequent first."""
    file.write_text(json.dumps(ranking, separators=(",", ":")) + "\n", encoding="utf-8")


def read_ranking(draft: str, given: str | None) -> list[int]:
    """The ranking in the file `given`, or in the draft's folder.

    Raises:
        UserError: there is none, or it is no list of ids.
    """
    located, local = locate(draft)
    file = Path(given) if given else Path(located) / RANKING
    if not file.is_file():
        where = str(file) if given or local else draft
        raise UserError(
            f"model.draft_vocabulary needs the target's most frequent ids, and {where} has no {RANKING}: write one "
            "with scripts/rank_tokens.py and give it as model.draft_ranking=FILE"
        )
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{file} is no JSON: {error}") from error
    if not isinstance(found, list) or not all(type(each) is int and each >= 0 for each in found):
        raise UserError(f"{file} must be a list of token ids, the most frequent first")
    return found
