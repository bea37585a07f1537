"""The classic way to sample with drafts: accept what was drawn from q by p and q, by a rule.

Exact in distribution, and no more: what is emitted depends on what was drafted. The way that gives
the tokens of plain sampling is decoding/sampling.py.
"""

import numpy as np
import torch

from decoding.acceptance import Rule, draw, select
from decoding.sampling import SAMPLING, Sampler
from decoding.tree import TokenTree


class ClassicChoice:
    """A `Choose` (decoding/verification.py) that accepts draws by a rule.

    Args:
        sampler: whose warping makes distributions of logits, and whose noise seeds the draws.
        rule: one of decoding/acceptance.py.
    """

    def __init__(self, sampler: Sampler, rule: Rule) -> None:
        self.sampler = sampler
        self.rule = rule
        self._numbers = np.random.default_rng(sampler.noise.key)

    def __call__(self, tokens: list[int], logits: torch.Tensor, tree: TokenTree, node: int) -> int:  # noqa: ARG002
        """The token after `tokens`: an accepted draw, or one from the rule's residual.

        Below a node without draws, whose children are point masses, a draw from p and a look for
        the child that carries it is the rule.
        """
        p = self.sampler.distribution(logits)
        with SAMPLING:
            if node not in tree.draws:
                return draw(p, self._numbers.random())
            candidates, q = tree.draws[node]
            # A draft may know fewer tokens than the target: the others it never draws.
            course = self.rule(p, np.pad(q, (0, len(p) - len(q))), candidates)
            token, _ = select(course, candidates, self._numbers.random)
            return token
