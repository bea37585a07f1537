"""SpecTr: several drafts drawn independently, one selected step by step.

Sun et al., arXiv 2310.15141. The draft model draws k continuations of gamma tokens, level by level
in one forward each; the target verifies them all in one forward. At every node the continuations
that go through it are candidates of k-sequential selection; where one is accepted, those that share
it stay. Exact in distribution. At temperature 0 all continuations are the greedy one.
"""

from dataclasses import dataclass

from baselines.multi_candidate import Config as TreeConfig
from baselines.multi_candidate import MultiCandidate
from baselines.speculative import draft_session
from decoding.acceptance import k_sequential
from decoding.decoder import ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.sampling import FreshNoise, Sampler
from decoding.session import ModelSession
from decoding.settings import require_at_least
from decoding.tree import TokenTree

SPEC = Spec(
    name="spectr",
    drafts="several independent draws of a small model",
    sources=("https://arxiv.org/abs/2310.15141",),
    colour="blue",
)


@dataclass
class Config:
    """How many paths are drawn, and how long they are.

    Attributes:
        paths: continuations drawn per step (the paper's K).
        gamma: tokens of each (its L).
    """

    name: str = "spectr"
    paths: int = 8
    gamma: int = 8

    def __post_init__(self) -> None:
        require_at_least("paths", self.paths, 1)
        require_at_least("gamma", self.gamma, 1)


class Spectr(MultiCandidate):
    """Grows its tree path by path, each with noise of its own."""

    rule = staticmethod(k_sequential)
    classic_only = True

    def __init__(self, config: Config, session: ModelSession, eos: frozenset[int]) -> None:
        super().__init__(TreeConfig(branching=[1] * config.gamma), session, eos)
        self.paths = config.paths
        self._samplers: list[Sampler] = []

    def draw_with(self, sampler: Sampler | None) -> None:
        """Each path draws for itself; None: all are the greedy one."""
        keys = [FreshNoise(sampler.noise.key, path) for path in range(self.paths)] if sampler else []
        self._samplers = [Sampler(sampler.sampling, key) for key in keys] if sampler else []

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Draw the paths, and hang them below the root."""
        self._catch_up(tokens)
        depth = min(limit, tree.room, len(self.config.branching))
        if depth < 1 or len(tokens) >= self.session.context:
            return
        self._root = len(tokens) - 1
        self._expanded = own = TokenTree(tokens[-1], self.session.room(self._root))
        logits = self.session.forward(tokens[len(self.session.tokens) : -1], own, [0])
        # Where each path has come, in the draft model's tree and in the target's; which rows of
        # the last forward belong to which node.
        ends = [(0, 0)] * max(len(self._samplers), 1)
        rows = {0: 0}
        for level in range(depth):
            reached: list[tuple[int, int]] = []
            for path, (inner, outer) in enumerate(ends):
                row = logits[rows[inner]]
                if self._samplers:
                    sampler = self._samplers[path]
                    token = sampler.choice(row, len(tokens) + level)
                    drawn = tree.draws.setdefault(outer, ([], sampler.distribution(row)))
                    drawn[0].append(token)
                else:
                    token = int(row.argmax())
                node = tree.add(outer, [token], "draft")[0]
                if token not in self.eos and level + 1 < depth:
                    # Its own tree holds what it reads; there is no room where its context ends.
                    reached += [(grown, node) for grown in own.add(inner, [token], "draft")]
            ends = reached
            fresh = sorted({inner for inner, _ in ends})
            if not fresh:
                break
            logits = self.session.extend(fresh)
            rows = {node: row for row, node in enumerate(fresh)}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """SpecTr for `pair`.

    Raises:
        UserError: the pair has no draft.
    """
    return DraftThenVerify(pair, Spectr(config, draft_session(pair, config.name), pair.eos))
