"""A small model that drafts a chain of tokens, itself sped up by any drafter on the same loop."""

from decoding.decoder import Drafter
from decoding.loop import step
from decoding.session import ModelSession


class DraftModel:
    """Greedy drafts from `session`; `inner` drafts for it (a plain Drafter: one token per forward).

    eos: drafting stops at these tokens, for nothing after them can be accepted.
    """

    def __init__(self, session: ModelSession, inner: Drafter, eos: frozenset[int]) -> None:
        self.session = session
        self.inner = inner
        self.eos = eos
        self._confirmed = 0

    def reset(self, prompt: list[int], length: int) -> None:
        """Read the prompt; `length` is the longest the sequence may get."""
        self.session.reset()
        self.session.reserve(length)
        if len(prompt) < self.session.context:
            self.session.prefill(prompt)
        self.inner.reset(prompt, length)
        self._confirmed = 0

    def draft(self, tokens: list[int], gamma: int, limit: int) -> list[int]:
        """At least `gamma` greedy tokens after `tokens`, never more than `limit`.

        Fewer where an end-of-sequence token or the draft's context ends them. Tokens beyond gamma are kept: the
        forward that gave them is paid for.
        """
        self.session.align(tokens[:-1], self._confirmed)
        self._confirmed = len(tokens) - 1
        text = list(tokens)
        while (drafted := len(text) - len(tokens)) < gamma and len(text) < self.session.context:
            verdict, _, _ = step(self.session, self.inner, text, limit - drafted - 1)
            self.inner.observe(verdict)
            for token in verdict.tokens:
                text.append(token)
                if token in self.eos:
                    return text[len(tokens) :][:limit]
        return text[len(tokens) :][:limit]

    def forwards(self) -> tuple[int, int]:
        """(forwards, rows) since the last reset."""
        return self.session.counters.forwards, self.session.counters.rows
