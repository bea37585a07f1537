"""Many prompts decoded at once by the target, greedily or sampled: what a draft learns from.

No drafts here and no timing: a batch in which every row is at another place, in one forward a
token. transformers' models run unchanged on a cache that is allocated once, in which rows that have
ended make room for the others.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers import PreTrainedModel
from transformers.cache_utils import Cache, CacheLayerMixin

# transformers then attends with the heads of keys and values as they are, where it would repeat
# them for every query.
GROUPED = "TRANSFORMERS_SDPA_FORCE_GQA"
# Rows are copied together when fewer than this share of them still decode.
ALIVE = 0.6


@dataclass
class Decoding:
    """How to continue prompts.

    Attributes:
        max_new_tokens: an answer's limit.
        eos: ids that end an answer; the one that does is part of it.
        temperature: 0 for greedy.
        generator: draws where temperature is above 0.
    """

    max_new_tokens: int
    eos: frozenset[int]
    temperature: float = 0.0
    generator: torch.Generator | None = None


class _Layer(CacheLayerMixin):
    """Keys and values of one layer, [rows, heads, capacity, dim], written at one shared cursor."""

    is_sliding = False

    def __init__(self, cache: "BatchCache") -> None:
        super().__init__()
        self.cache = cache
        self.is_initialized = True

    def lazy_initialization(self, key_states: torch.Tensor, value_states: torch.Tensor) -> None:
        """Make room for as many rows as the first forward has."""
        for name, states in (("keys", key_states), ("values", value_states)):
            rows, heads, _, dim = states.shape
            setattr(self, name, states.new_empty(rows, heads, self.cache.capacity, dim))

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_args: object, **_kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Write at the cursor and return all up to there."""
        if self.keys is None:
            self.lazy_initialization(key_states, value_states)
        begin, end = self.cache.length, self.cache.length + key_states.shape[2]
        self.keys[:, :, begin:end] = key_states
        self.values[:, :, begin:end] = value_states
        return self.keys[:, :, :end], self.values[:, :, :end]

    def get_mask_sizes(self, query_length: int) -> tuple[int, int]:
        return self.cache.length + query_length, 0

    def get_seq_length(self) -> int:
        return self.cache.length

    def get_max_length(self) -> int:
        return self.cache.capacity


class BatchCache(Cache):
    """A cache for `capacity` tokens a row, whose rows can be dropped."""

    def __init__(self, layers: int, capacity: int) -> None:
        self.capacity, self.length = capacity, 0
        super().__init__(layers=[_Layer(self) for _ in range(layers)])

    def select(self, rows: torch.Tensor) -> None:
        """Keep these rows alone, in this order."""
        for layer in self.layers:
            for name in ("keys", "values"):
                old = getattr(layer, name)
                new = old.new_empty(len(rows), *old.shape[1:])
                new[:, :, : self.length] = old[rows, :, : self.length]
                setattr(layer, name, new)


@torch.inference_mode()
def decode(model: PreTrainedModel, prompts: Sequence[list[int]], how: Decoding) -> list[list[int]]:
    """The continuation of every prompt, in order.

    Args:
        model: a decoder without sliding windows.
        prompts: token ids, none empty; of like length, or padding costs time.
        how: limit, end and temperature.

    Returns:
        Token ids, the end-of-sequence token included where one came.
    """
    os.environ[GROUPED] = "1"
    longest = max(map(len, prompts))
    seen = torch.zeros(len(prompts), 1, 1, longest + how.max_new_tokens, dtype=torch.bool)
    ids = torch.zeros(len(prompts), longest, dtype=torch.long)
    for row, prompt in enumerate(prompts):
        ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        seen[row, :, :, longest - len(prompt) :] = True
    positions = (seen[:, 0, 0, :longest].cumsum(1) - 1).clamp_min(0)
    # A padded place sees itself, for a softmax over nothing is no number.
    mask = torch.ones(longest, longest, dtype=torch.bool).tril() & seen[..., :longest] | torch.eye(
        longest, dtype=torch.bool
    )
    cache = BatchCache(model.config.get_text_config(decoder=True).num_hidden_layers, seen.shape[-1])
    answers: list[list[int]] = [[] for _ in prompts]
    rows = torch.arange(len(prompts))  # which prompt each row of the batch belongs to
    position = positions[:, -1:]
    ended = torch.zeros(len(prompts), dtype=torch.bool)
    for _ in range(how.max_new_tokens):
        # The last place as an index: after a slice, torch copies the head once for every row.
        last = torch.tensor([ids.shape[1] - 1])
        logits = model(
            input_ids=ids, position_ids=positions, attention_mask=mask, past_key_values=cache, logits_to_keep=last
        ).logits[:, -1]
        cache.length += ids.shape[1]
        tokens = _choose(logits, how)
        for row, (prompt, token) in enumerate(zip(rows.tolist(), tokens.tolist(), strict=True)):
            if not ended[row]:
                answers[prompt].append(token)
                ended[row] = token in how.eos
        if bool(ended.all()):
            break
        position = position + 1
        if float((~ended).float().mean()) < ALIVE:
            alive = (~ended).nonzero().flatten()
            cache.select(alive)
            rows, tokens, position, seen = rows[alive], tokens[alive], position[alive], seen[alive]
            ended = torch.zeros(len(alive), dtype=torch.bool)
        ids, positions, mask = tokens[:, None], position, seen[..., : cache.length + 1]
    return answers


def _choose(logits: torch.Tensor, how: Decoding) -> torch.Tensor:
    """The next token of every row."""
    if not how.temperature:
        return logits.argmax(-1)
    return torch.multinomial((logits.float() / how.temperature).softmax(-1), 1, generator=how.generator).flatten()


def batches(prompts: Sequence[list[int]], rows: int, tokens: int) -> Iterator[list[int]]:
    """Indices of prompts to decode together, like lengths beside each other.

    They are at most `rows`, and at most `tokens` are read.
    """
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    group: list[int] = []
    for index in order:
        if group and (len(group) == rows or (len(group) + 1) * len(prompts[index]) > tokens):
            yield group
            group = []
        group.append(index)
    if group:
        yield group
