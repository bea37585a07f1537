"""Prompt lookup decoding (Saxena, 2023): no draft model at all.

Published at github.com/apoorvumang/prompt-lookup-decoding. The text's last n tokens are looked up
in the prompt and the output so far, the longest n first, and the tokens after their most recent
earlier occurrence are proposed, fewer than `draft_length` where the repeat is that recent. The
author's code scans for the first occurrence instead; here an index from n-gram to its places makes
a lookup O(1). Without a match nothing is proposed.
"""

from dataclasses import dataclass

from decoding.copying import copied
from decoding.decoder import Drafter, ModelPair
from decoding.errors import SettingError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least
from decoding.tree import TokenTree

SPEC = Spec(
    name="prompt_lookup",
    drafts="what followed the last n-gram in the text",
    sources=("https://github.com/apoorvumang/prompt-lookup-decoding",),
    colour="orange",
)


@dataclass
class Config:
    """Which n-grams are looked up, and how much is drafted.

    The defaults are the author's (n-grams of 3, 2, 1 and 10 tokens).

    Attributes:
        max_ngram, min_ngram: the longest and shortest n-gram looked up.
        draft_length: tokens proposed after a match.
    """

    name: str = "prompt_lookup"
    max_ngram: int = 3
    min_ngram: int = 1
    draft_length: int = 10

    def __post_init__(self) -> None:
        require_at_least("min_ngram", self.min_ngram, 1)
        require_at_least("draft_length", self.draft_length, 1)
        if self.max_ngram < self.min_ngram:
            raise SettingError(
                f"max_ngram must be at least min_ngram ({self.min_ngram}), not {self.max_ngram}"
            )


class NgramIndex:
    """Where every n-gram of a text ended, the text's own end left out: it is to be looked up.

    The text may grow, and its end may be taken back, as drafted text is.
    """

    def __init__(self, shortest: int, longest: int) -> None:
        self.shortest = shortest
        self.longest = longest
        self._ids: list[int] = []
        self._ends: dict[tuple[int, ...], list[int]] = {}  # ascending

    def clear(self) -> None:
        """A new text begins."""
        self._ids = []
        self._ends = {}

    def read(self, tokens: list[int]) -> None:
        """Forget what the text has lost since the last call, take in what it has gained.

        O(longest) for each of these tokens, after one comparison of the whole text.
        """
        ids = tokens[:-1]
        while self._ids != ids[: len(self._ids)]:
            for ngram in self._endings():
                self._ends[ngram].pop()
            self._ids.pop()
        for token in ids[len(self._ids) :]:
            self._ids.append(token)
            for ngram in self._endings():
                self._ends.setdefault(ngram, []).append(len(self._ids))

    def find(self, tokens: list[int]) -> int | None:
        """The place after the last earlier occurrence of the longest n-gram that ends the text.

        None without any.

        Args:
            tokens: the text that was read last.
        """
        for length in range(min(self.longest, len(tokens)), self.shortest - 1, -1):
            ends = self._ends.get(tuple(tokens[-length:]))
            if ends:
                return ends[-1]
        return None

    def _endings(self) -> list[tuple[int, ...]]:
        """The n-grams that end the text read."""
        longest = min(self.longest, len(self._ids))
        return [tuple(self._ids[-size:]) for size in range(self.shortest, longest + 1)]


class PromptLookup(Drafter):
    """Copies what followed the last occurrence of the text's end."""

    def __init__(self, index: NgramIndex, draft_length: int, eos: frozenset[int], vocabulary: int) -> None:
        self.index = index
        self.draft_length = draft_length
        self.eos = eos
        self.vocabulary = vocabulary

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """Index the prompt's n-grams."""
        self.index.clear()
        self.index.read(prompt)

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang what followed the last occurrence of the text's end below the root."""
        self.index.read(tokens)
        start = self.index.find(tokens)
        if start is not None:
            count = min(self.draft_length, limit, len(tokens) - start)
            tree.add(0, copied(tokens, start, count, self.eos, self.vocabulary), "lookup")


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Prompt lookup on the pair's target; the draft is not used."""
    index = NgramIndex(config.min_ngram, config.max_ngram)
    return DraftThenVerify(pair, PromptLookup(index, config.draft_length, pair.eos, pair.target.vocabulary))
