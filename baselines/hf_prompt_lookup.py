"""transformers' prompt lookup: what followed the last tokens at an earlier place is the draft.

The library takes the first occurrence in the text, of the longest n-gram that has one.
"""

from dataclasses import dataclass
from typing import cast

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from baselines.hf_rival import HfRival
from decoding.decoder import ModelPair
from decoding.method import Spec
from decoding.settings import require_at_least

SPEC = Spec(
    name="hf_prompt_lookup",
    drafts="text look-up, by transformers' own prompt lookup",
    colour="grey",
    ours=False,
)


@dataclass
class Config:
    """How much is drafted, and after what match.

    The defaults are the library's own.

    Attributes:
        draft_length: tokens of a draft at most.
        max_matching_ngram_size: tokens that must match, at most; the library shortens the n-gram to
            1 where longer ones do not occur.
    """

    name: str = "hf_prompt_lookup"
    draft_length: int = 10
    max_matching_ngram_size: int = 2

    def __post_init__(self) -> None:
        require_at_least("draft_length", self.draft_length, 1)
        require_at_least("max_matching_ngram_size", self.max_matching_ngram_size, 1)


class ContextEnd(LogitsProcessor):
    """Forbids every token after a text of `length` tokens, which ends a draft there.

    None of them could be emitted. The library asks with equal scores which tokens a draft may hold.
    Scores of the target, in the row after such a draft, stay: a softmax over nothing is no number.
    """

    def __init__(self, length: int) -> None:
        self.length = length

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor) -> torch.FloatTensor:
        """Minus infinity for all where the text is long enough and all are equal, else the scores.

        Both are [1, vocabulary].
        """
        ended = input_ids.shape[1] >= self.length and bool((scores == scores[0, 0]).all())
        return cast(torch.FloatTensor, torch.full_like(scores, -torch.inf)) if ended else scores


class HfPromptLookup(HfRival):
    """generate() with prompt lookup."""

    drafts = True

    def __init__(self, pair: ModelPair, config: Config) -> None:
        super().__init__(
            pair,
            {
                "prompt_lookup_num_tokens": config.draft_length,
                "max_matching_ngram_size": config.max_matching_ngram_size,
            },
        )
        self.draft_length = config.draft_length

    def arguments(self, length: int) -> dict[str, object]:
        """What ends a draft at the longest output, where the context holds no more.

        The library drafts on after it, where learned positions end and others may change.
        """
        if length + self.draft_length <= self.context:
            return {}
        return {"logits_processor": LogitsProcessorList([ContextEnd(length)])}


def build(config: Config, pair: ModelPair) -> HfPromptLookup:
    """Prompt lookup on the pair's target; the draft is not used."""
    return HfPromptLookup(pair, config)
