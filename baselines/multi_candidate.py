"""Tree drafts from a draft model's likeliest tokens.

The draft grows level by level, one forward of the draft model a level, and the target verifies it
in one. A fixed shape is multi-candidate speculative decoding (Yang et al., arXiv 2401.06706): the
candidates are the likeliest tokens, or at a temperature draws without replacement. With `width` and
`nodes` the draft's own probabilities shape the tree as in EAGLE-2 (Li et al., arXiv 2406.16858,
section 4): the likeliest paths are expanded, and the likeliest nodes of all are verified.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch

from baselines.speculative import draft_session
from decoding.acceptance import without_replacement
from decoding.decoder import Drafter, ModelPair
from decoding.errors import SettingError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.settings import require_at_least
from decoding.tree import TokenTree

SPEC = Spec(
    name="multi_candidate",
    drafts="a tree of the small model's top tokens",
    sources=("https://arxiv.org/abs/2401.06706", "https://arxiv.org/abs/2406.16858"),
    colour="blue",
)


@dataclass
class Config:
    """The shape of the tree.

    The root, the last confirmed token, is counted nowhere here. EAGLE-2 counts it: its 60 tokens
    are nodes=59.

    Attributes:
        branching: children of every expanded node, level by level; its length is the tree's depth.
        width: nodes expanded per level, the likeliest ones (null: all).
        nodes: nodes verified beside the root, the likeliest of the whole tree (null: all).
            Likelihood is that of the path from the root.
    """

    name: str = "multi_candidate"
    branching: list[int] = field(default_factory=lambda: [4, 2, 2])
    width: int | None = None
    nodes: int | None = None

    def __post_init__(self) -> None:
        if not self.branching:
            raise SettingError("branching must be a list of one number a level, not an empty one")
        for children in self.branching:
            require_at_least("branching", children, 1)
        for name in ("width", "nodes"):
            value = getattr(self, name)
            if value is not None:
                require_at_least(name, value, 1)


    def canonical(self) -> "Config":
        """Bounds that the tree does not reach say nothing."""
        frontier, widest, total = 1, 1, 0
        for level, children in enumerate(self.branching):
            total += frontier * children
            if level + 1 < len(self.branching):
                widest = max(widest, frontier * children)
                frontier = min(frontier * children, self.width or frontier * children)
        nodes = None if self.nodes is None or self.nodes >= total else self.nodes
        reached = widest if nodes is None else min(widest, max(nodes - 1, 1))
        width = None if self.width is None or self.width >= reached else self.width
        return replace(self, width=width, nodes=nodes)


class Candidate(NamedTuple):
    """A token that may be drafted.

    Attributes:
        parent: the parent's place among the candidates, None below the root.
        score: natural logarithm of the draft's probability for the path from the root.
    """

    parent: int | None
    token: int
    score: float


class MultiCandidate(Drafter):
    """Grows a tree with `session`, in whose cache the accepted path stays.

    Nothing is expanded after an end-of-sequence token, nor where no child can be among the `nodes`
    likeliest any more: that saves forwards and changes no tree.
    """

    rule = staticmethod(without_replacement)

    def __init__(self, config: Config, session: ModelSession, eos: frozenset[int]) -> None:
        self.config = config
        self.session = session
        self.eos = eos
        # The expanded nodes of the last tree, whose rows lie past the cursor, and the position of
        # its root.
        self._expanded: TokenTree | None = None
        self._root = 0
        self._sampler: Sampler | None = None
        # By candidate the distribution that its children were drawn from.
        self._drawn_from: dict[int | None, np.ndarray] = {}

    def draw_with(self, sampler: Sampler | None) -> None:
        """Candidates are then drawn without replacement, the first as the model itself samples."""
        self._sampler = sampler

    def reset(self, prompt: list[int], length: int) -> None:
        """The draft model reads the prompt."""
        self.session.begin(prompt, length)
        self._expanded = None
        self._root = 0

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Grow the tree level by level, and hang its likeliest nodes below the root."""
        if not self.session.ready(tokens):
            return
        self._catch_up(tokens)
        depth = min(limit, tree.room, len(self.config.branching))
        if depth < 1 or len(tokens) >= self.session.context:
            return
        candidates = self._grow(tokens, depth)
        nodes: dict[int | None, int] = {None: 0}
        for place in sorted(_likeliest(candidates, range(len(candidates)), self.config.nodes)):
            parent, token, _ = candidates[place]
            nodes[place] = tree.add(nodes[parent], [token], "draft")[0]
            if self._drawn_from:
                tree.draws.setdefault(nodes[parent], ([], self._drawn_from[parent]))[0].append(token)

    def _catch_up(self, tokens: list[int]) -> None:
        """Keep the rows of the last tree that the text went along, and forget the others."""
        if self._expanded is not None:
            path = [0]
            for token in tokens[self._root + 1 : -1]:
                child = self._expanded.child(path[-1], token)
                if child is None:
                    break
                path.append(child)
            self.session.keep(path)
            self._expanded = None
        self.session.align(tokens, self._root)

    def _grow(self, tokens: list[int], depth: int) -> list[Candidate]:
        """All candidates down to `depth`, parents before their children, better siblings first."""
        self._root = len(tokens) - 1
        self._expanded = TokenTree(tokens[-1], self.session.room(self._root))
        candidates: list[Candidate] = []
        self._drawn_from = {}
        frontier: dict[int | None, int] = {None: 0}
        logits = self.session.forward(tokens[len(self.session.tokens) : -1], self._expanded, [0])
        for level in range(depth):
            children = min(self.config.branching[level], logits.shape[-1])
            if self._sampler:
                # Where width or nodes bound the tree, which draws stay in it depends on what they
                # are: they are then no draws from q, and each a point mass.
                if self._sampler.classic and self.config.width is None and self.config.nodes is None:
                    drawn_from = [self._sampler.distribution(row) for row in logits]
                    self._drawn_from |= dict(zip(frontier, drawn_from, strict=True))
                # The largest of perturbed scores are draws without replacement (Kool, van Hoof and
                # Welling, arXiv 1903.06059, section 2).
                logits = torch.stack([self._sampler.scores(row, len(tokens) + level) for row in logits])
            best = torch.stack([each.double() for each in _log_chances(logits).topk(children)]).tolist()
            first = len(candidates)
            for parent, scores, ids in zip(frontier, *best, strict=True):
                above = 0.0 if parent is None else candidates[parent].score
                siblings = zip(ids, scores, strict=True)
                candidates += [Candidate(parent, int(token), above + score) for token, score in siblings]
            if level + 1 < depth:
                frontier = self._expand(candidates, first, frontier)
                if not frontier:
                    break
                logits = self.session.extend(list(frontier.values()))
        return candidates

    def _expand(self, candidates: list[Candidate], first: int, nodes: dict[int | None, int]) -> dict[int | None, int]:
        """Add the level's likeliest candidates, those from `first` on, to the tree the draft reads.

        nodes: their parents' nodes. Returns the node of every candidate added.
        """
        # A child is never likelier than its parent: what beats the parent, and the parent itself,
        # beat the child.
        count = None if self.config.nodes is None else self.config.nodes - 1
        hopeful = _likeliest(candidates, range(len(candidates)), count)
        level = [place for place in hopeful if place >= first and candidates[place].token not in self.eos]
        frontier: dict[int | None, int] = {}
        assert self._expanded is not None
        for place in sorted(level[: self.config.width]):
            parent, token, _ = candidates[place]
            # There are no nodes where the draft's context ends.
            for node in self._expanded.add(nodes[parent], [token], "draft"):
                frontier[place] = node
        return frontier

    def forwards(self) -> tuple[int, int]:
        """The draft model's (forwards, rows) since the last reset."""
        return self.session.counters.forwards, self.session.counters.rows


def _log_chances(logits: torch.Tensor) -> torch.Tensor:
    """Log-probabilities [rows, vocabulary], in float32 at least."""
    return (logits if logits.dtype == torch.float64 else logits.float()).log_softmax(dim=-1)


def _likeliest(candidates: list[Candidate], places: Iterable[int], count: int | None) -> list[int]:
    """At most `count` of `places`, the best scores first, the earlier place on a tie.

    With None all of them.
    """
    return sorted(places, key=lambda place: -candidates[place].score)[:count]


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Multi-candidate speculative decoding for `pair`.

    Raises:
        UserError: the pair has no draft.
    """
    return DraftThenVerify(pair, MultiCandidate(config, draft_session(pair, config.name), pair.eos))
