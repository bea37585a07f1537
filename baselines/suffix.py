"""Drafts from the longest suffix seen before: SAM-Decoding (arXiv 2411.10666), SuffixDecoding (arXiv 2411.04975).

A suffix automaton over prompt and output knows the longest suffix of the text that has occurred before, of any length,
and where it did so last; what followed there is proposed, the more of it the longer the match. Outputs of earlier
prompts are a second automaton, SAM-Decoding's static one and SuffixDecoding's global tree: the longer match is drafted
from, the one in the text itself on a tie. It is empty unless history is warm, and then grows with every output (some
600 bytes a token).

Where fewer tokens follow than are wanted, SAM-Decoding looks for older occurrences; here the copy runs on into itself.
"""

from dataclasses import dataclass
from math import inf

from decoding.copying import copied
from decoding.decoder import Drafter, ModelPair
from decoding.errors import UserError
from decoding.loop import DraftThenVerify
from decoding.settings import require_at_least
from decoding.suffix_automaton import Cursor, SuffixAutomaton
from decoding.tree import TokenTree
from decoding.verification import Verdict


@dataclass
class Config:
    """A match of m >= min_match tokens drafts 1 + alpha * m tokens, at most draft_length.

    The defaults are SAM-Decoding's without a tree model (alpha 4, at most 40 tokens).
    """

    name: str = "suffix"
    min_match: int = 1
    alpha: float = 4.0
    draft_length: int = 40

    def __post_init__(self) -> None:
        require_at_least("method.min_match", self.min_match, 1)
        if not 0 <= self.alpha < inf:
            raise UserError(f"method.alpha must be a finite number of at least 0, not {self.alpha}")
        require_at_least("method.draft_length", self.draft_length, 1)


class Suffix(Drafter):
    """Copies what followed the longest suffix of the text where it occurred last.

    text: the automaton over prompt and confirmed output. history: the one over the outputs of earlier prompts.
    """

    keeps_history = True

    def __init__(self, config: Config, eos: frozenset[int], vocabulary: int) -> None:
        self.config = config
        self.eos = eos
        self.vocabulary = vocabulary
        self.forget()

    def forget(self) -> None:
        self.history = SuffixAutomaton()
        self._begin(prompt=[])

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        output = self.text.text[self._prompt :] + self._confirmed
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
        new = tokens[len(self.text.text) :]
        self.text.extend(new)
        self._cursor.follow(new)
        self._confirmed: list[int] = []

    def draft(self, tokens: list[int], limit: int) -> list[int]:
        """At most `limit` tokens to follow the confirmed `tokens`, none without a match that is long enough."""
        self._read(tokens)
        matches = [(self.text.repeat, self.text, "text"), (self._cursor.match, self.history, "history")]
        for match, source, name in sorted(matches, key=lambda each: -each[0].length):
            if match.length < self.config.min_match:
                break
            count = min(self.config.draft_length, 1 + int(self.config.alpha * match.length), limit)
            drafted = copied(source.text, match.end + 1, count, self.eos, self.vocabulary)
            if drafted:
                self._drafts[name] += 1
                return drafted
        return []

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        tree.add(0, self.draft(tokens, limit), "match")

    def observe(self, verdict: Verdict) -> None:
        """Keep the step's tokens, for the last ones of an output are never proposed behind."""
        self._confirmed = copied(verdict.tokens, 0, len(verdict.tokens), self.eos, self.vocabulary)

    def report(self) -> dict[str, object]:
        return {"suffix_drafts": dict(self._drafts), "history_tokens": len(self.history.text)}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Suffix decoding on the pair's target; the draft is not used."""
    return DraftThenVerify(pair, Suffix(config, pair.eos, pair.target.vocabulary))
