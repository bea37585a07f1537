"""A chain that the target drafts for itself with fewer layers, over its own rows.

Draft & Verify (arXiv 2309.08168) and CLaSp (arXiv 2505.24196) draft so. While drafting, the
shortened target reads the target's own rows of all confirmed tokens, at every layer that it still
has. Its own rows lie after them, and none outlives its draft. So the layers that are skipped may be
others from draft to draft, but not within one.
"""

import torch

from decoding.decoder import Drafter
from decoding.sampling import Sampler
from decoding.tree import TokenTree
from decoding.view import SessionView


class SelfDraft(Drafter):
    """Drafts a chain with `view`, the target without some of its layers.

    Args:
        view: the shortened target.
        max_draft: the longest chain, in tokens.
        eos: drafting stops at these tokens, for nothing after them can be accepted.
    """

    def __init__(self, view: SessionView, max_draft: int, eos: frozenset[int]) -> None:
        self.view = view
        self.max_draft = max_draft
        self.eos = eos
        self._sampler: Sampler | None = None

    def draw_with(self, sampler: Sampler | None) -> None:
        """See Drafter.draw_with."""
        self._sampler = sampler

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """Begin a new text."""
        self.view.reset()

    def readable(self, tokens: list[int]) -> bool:
        """Whether the target's rows before the draft are there, as its next forward will see them.

        They are not before the prefill, nor where that forward encodes them anew.
        """
        return len(self.view.tokens) >= len(tokens) - 1 and not self.view.rotates_anew(len(tokens) - 1)

    def hang(self, tokens: list[int], tree: TokenTree, limit: int, threshold: float) -> tuple[list[int], bool]:
        """Hang a chain below the root.

        Args:
            tokens: everything confirmed, the root last.
            tree: the root alone.
            limit: longest chain that can serve.
            threshold: the chain ends after a token that has a lower probability.

        Returns:
            The chain's nodes, and whether such a token or an end of sequence ended it.
        """
        node, fresh, chain = 0, tokens[-1:], list[int]()
        with self.view.ahead():
            for _ in range(min(self.max_draft, limit)):
                token, probability = self._choose(len(tokens) + len(chain), self.view.prefill(fresh))
                (node,) = tree.add(node, [token], "draft")
                chain.append(node)
                if probability < threshold or token in self.eos:
                    return chain, True
                fresh = [token]
        return chain, False

    def _choose(self, place: int, logits: torch.Tensor) -> tuple[int, float]:
        """The token at `place` of the text, and the view's probability of it."""
        if self._sampler is None:
            return likeliest(logits)
        token = self._sampler.choice(logits, place)
        return token, float(logits.float().softmax(-1)[token])

    def forwards(self) -> tuple[int, int]:
        """The shortened target's (forwards, rows) since the last reset."""
        return self.view.counters.forwards, self.view.counters.rows

    def own_session(self) -> SessionView:
        """The shortened target."""
        return self.view


def likeliest(logits: torch.Tensor) -> tuple[int, float]:
    """The best token of logits [vocabulary], and its probability."""
    best = logits.softmax(-1, dtype=torch.float32).max(-1)
    # In one copy from the device.
    probability, token = torch.stack([each.double() for each in best]).tolist()
    return int(token), probability
