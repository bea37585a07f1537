"""Drafts from the longest suffix seen before: SAM-Decoding (arXiv 2411.10666).

A suffix automaton over prompt and output knows the longest suffix of the text that has occurred
before, of any length, and where it did so last; what followed there is proposed, the more of it the
longer the match. Outputs of earlier prompts are a second automaton, in the place of SAM-Decoding's
static one over a corpus: the longer match is drafted from, the one in the text itself on a tie, and
a match in earlier outputs counts as `history_bias` tokens shorter. It is empty unless history is
warm, and then grows with every output (some 600 bytes a token).

Where fewer tokens follow than are wanted, SAM-Decoding drafts from a shorter suffix or drafts less;
here the copy runs on into itself. SAM-Decoding copies from the first occurrence, here it is the
last one; and it draws a tree by counts from its static automaton, here every draft is a chain.

SuffixDecoding (arXiv 2411.04975), the method `suffix`, counts how often each continuation occurred
and compares the matches of all lengths by an expected number of accepted tokens.
"""

from dataclasses import dataclass, replace
from math import inf
from typing import Self

from decoding.copying import copied
from decoding.decoder import Drafter, ModelPair
from decoding.errors import SettingError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least
from decoding.suffix_automaton import Cursor, SuffixAutomaton
from decoding.tree import TokenTree
from decoding.verification import Verdict

SPEC = Spec(
    name="sam",
    drafts="what followed the longest repeated suffix, as a chain",
    sources=("https://arxiv.org/abs/2411.10666",),
    colour="sky",
    keeps_history=True,
    formerly={"suffix": "min_match"},
)


@dataclass
class Config:
    """A match of m >= min_match tokens takes 1 + alpha * m rows, at most draft_length.

    The rows are counted as SAM-Decoding counts them: the first is that of the last confirmed token,
    so that one token fewer is drafted, at most draft_length - 1.

    The defaults are SAM-Decoding's without a tree model (alpha 4, at most 40 rows).

    Attributes:
        alpha: rows a token of the match; null: draft_length rows, however long the match.
        history_bias: of a match in the outputs of earlier prompts, m is so many tokens fewer than
            match.
    """

    name: str = "sam"
    min_match: int = 1
    alpha: float | None = 4.0
    draft_length: int = 40
    history_bias: int = 5

    def __post_init__(self) -> None:
        require_at_least("min_match", self.min_match, 1)
        if self.alpha is not None and not 0 < self.alpha < inf:
            raise SettingError(f"alpha must be null or a finite number above 0, not {self.alpha}")
        require_at_least("draft_length", self.draft_length, 2)
        require_at_least("history_bias", self.history_bias, 0)

    def canonical(self) -> Self:
        """Where the shortest match takes all the rows already, alpha says nothing."""
        silent = self.alpha is not None and 1 + int(self.alpha * self.min_match) >= self.draft_length
        return replace(self, alpha=None) if silent else self

    def drafted(self, match: int) -> int:
        """Tokens that a match of so many is good for.

        Its rows are counted without the last confirmed token's.
        """
        rows = self.draft_length
        if self.alpha is not None:
            rows = min(rows, 1 + int(self.alpha * match))
        return rows - 1


class Sam(Drafter):
    """Copies what followed the longest suffix of the text where it occurred last.

    Attributes:
        text: the automaton over prompt and confirmed output.
        history: the one over the outputs of earlier prompts.
    """

    def __init__(self, config: Config, eos: frozenset[int], vocabulary: int) -> None:
        self.config = config
        self.eos = eos
        self.vocabulary = vocabulary
        self.forget()

    def forget(self) -> None:
        """Empty the history's automaton."""
        self.history = SuffixAutomaton()
        self._begin(prompt=[])

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """Add the last output to the history, and begin a new text with the prompt."""
        output = self.text.tokens[self._prompt :] + self._confirmed
        if output:
            self.history.extend(output)
            self.history.separate()
        self._begin(prompt)

    def _begin(self, prompt: list[int]) -> None:
        self.text = SuffixAutomaton()
        self._cursor = Cursor(self.history)
        self._prompt = len(prompt)
        self._read(prompt)
        self._drafts = {"text": 0, "history": 0}

    def _read(self, tokens: list[int]) -> None:
        new = tokens[len(self.text.tokens) :]
        self.text.extend(new)
        self._cursor.follow(new)
        self._confirmed: list[int] = []

    def draft(self, tokens: list[int], limit: int) -> list[int]:
        """At most `limit` tokens to follow the confirmed `tokens`.

        There are none without a match that is long enough.
        """
        self._read(tokens)
        here, there = self.text.repeat, self._cursor.match
        matches = [
            (here.length, here.end, self.text, "text"),
            (there.length - self.config.history_bias, there.end, self.history, "history"),
        ]
        for length, end, source, name in sorted(matches, key=lambda each: -each[0]):
            if length < self.config.min_match:
                break
            count = min(self.config.drafted(length), limit)
            drafted = copied(source.tokens, end + 1, count, self.eos, self.vocabulary)
            if drafted:
                self._drafts[name] += 1
                return drafted
        return []

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the continuation of the longest match below the root."""
        tree.add(0, self.draft(tokens, limit), "match")

    def observe(self, verdict: Verdict) -> None:
        """Keep the step's tokens, for nothing is proposed after the last ones of an output."""
        self._confirmed = copied(verdict.tokens, 0, len(verdict.tokens), self.eos, self.vocabulary)

    def metrics(self) -> dict[str, object]:
        """Drafts by the automaton they came from, and tokens of the history."""
        return {"sam_drafts": dict(self._drafts), "history_tokens": len(self.history.tokens)}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """SAM-Decoding on the pair's target; the draft is not used."""
    return DraftThenVerify(pair, Sam(config, pair.eos, pair.target.vocabulary))
