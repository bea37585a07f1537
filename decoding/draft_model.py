"""A small model that drafts a chain of tokens, itself sped up by any drafter on the same loop."""

from collections.abc import Callable

import torch

from decoding.decoder import Drafter
from decoding.loop import propose, verify
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.tree import TokenTree


class DraftModel:
    """Drafts from `session`, greedy unless `sampler` draws.

    Args:
        inner: drafts for it; a plain Drafter gives one token per forward.
        eos: drafting stops at these tokens, for nothing after them can be accepted.
        confidence: drafting stops after a forward to whose last token the model gave a lower
            probability (0: never). The token itself is kept, as in Draft & Verify (arXiv
            2309.08168, section 4.2); tokens of a phrase that come with it are paid for and not
            looked at.
        lenience: with which the model reviews what `inner` drafts (see decoding.verification.walk).
            The draft is then not the model's own text, and still only a draft.

    Attributes:
        stop: whether the draft ends, by the model's logits [vocabulary] before its last token and
            its length in tokens; asked after every forward. None: nothing is asked.
        sources: who gave each token of the last draft: "draft", or a source of the inner drafter's
            tree.
    """

    def __init__(
        self,
        session: ModelSession,
        inner: Drafter,
        eos: frozenset[int],
        confidence: float = 0.0,
        lenience: float = 1.0,
    ) -> None:
        self.session = session
        self.inner = inner
        self.eos = eos
        self.confidence = confidence
        self.lenience = lenience
        self.stop: Callable[[torch.Tensor, int], bool] | None = None
        self.sampler: Sampler | None = None
        self.sources: list[str] = []
        self._rows: list[torch.Tensor] = []
        self._ids: list[int] = []  # what was confirmed, and the last draft
        self._confirmed = 0

    def reset(self, prompt: list[int], length: int) -> None:
        """Read the prompt; `length` is the longest the sequence may get."""
        self.session.begin(prompt, length)
        self.inner.reset(prompt, length)
        self._ids, self._confirmed = [], 0

    def draft(self, tokens: list[int], gamma: int, limit: int) -> list[int]:
        """At least `gamma` tokens after `tokens`, never more than `limit`.

        Fewer where an end-of-sequence token, the draft's context, a token of low confidence or
        `stop` ends them. Tokens beyond gamma are kept: the forward that gave them is paid for.
        """
        ids, sources = self._ids, []
        self._rows, self.sources = [], []
        if not self.session.ready(tokens):
            return []
        ids[self._confirmed :] = tokens[self._confirmed :]
        self.session.align(ids, self._confirmed)
        self._confirmed = len(ids)
        while (drafted := len(ids) - len(tokens)) < gamma and len(ids) < self.session.context:
            inner_tree = propose(self.session, self.inner, ids, limit - drafted - 1)
            verdict = verify(self.session, inner_tree, ids, self.sampler, self.confidence > 0, self.lenience)
            self.inner.observe(verdict)
            if self.sampler and self.sampler.classic:
                row_of = {node: row for row, node in enumerate(verdict.nodes)}
                self._rows += [verdict.logits[row_of[node]] for node in verdict.path]
            sources += [verdict.tree.sources[node][0] for node in verdict.path[1:]] + ["draft"]
            end = next((index for index, token in enumerate(verdict.tokens) if token in self.eos), None)
            ids += verdict.tokens if end is None else verdict.tokens[: end + 1]
            if end is not None or (self.confidence and verdict.chance() < self.confidence):
                break
            if self.stop and self.stop(verdict.logits[verdict.nodes.index(verdict.path[-1])], len(ids) - len(tokens)):
                break
        drafted_tokens = ids[len(tokens) : len(tokens) + limit]
        self.sources = sources[: len(drafted_tokens)]
        return drafted_tokens

    def hang(self, tokens: list[int], tree: TokenTree, gamma: int, limit: int) -> list[int]:
        """Draft, and add the draft to `tree` as a chain below its root; the chain's nodes."""
        nodes: list[int] = []
        drafted = self.draft(tokens, gamma, limit)
        for place, (token, source) in enumerate(zip(drafted, self.sources, strict=True)):
            parent = nodes[-1] if nodes else 0
            added = tree.add(parent, [token], source)
            if not added:
                break
            if self.sampler and self.sampler.classic:
                tree.draws[parent] = [token], self.sampler.distribution(self._rows[place])
            nodes += added
        return nodes

    def forwards(self) -> tuple[int, int]:
        """(forwards, rows) since the last reset."""
        return self.session.counters.forwards, self.session.counters.rows
