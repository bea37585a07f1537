"""Tree drafts from a draft model's likeliest tokens.

The draft grows level by level, one forward of the draft model a level, and the target verifies it
in one. A fixed shape is multi-candidate speculative decoding (Yang et al., arXiv 2401.06706): the
candidates are the likeliest tokens, or at a temperature draws without replacement. With `width` and
`nodes` the draft's own probabilities shape the tree as in EAGLE-2 (Li et al., arXiv 2406.16858,
section 4): the likeliest paths are expanded, and the likeliest nodes of all are verified. With
`cape` and width=1 it is a chain whose every token has the more alternatives the less sure the draft
is (Confidence-aware Proposal Expansion, Du et al., arXiv 2402.02082). With `pruning` and `sharing`
it is a graph (Gong et al., arXiv 2407.16207): what would be drafted twice is drafted once, and
stands in the tree at every place that leads there.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from baselines.draft_graph import DraftGraph
from baselines.speculative import draft_session
from decoding.acceptance import without_replacement
from decoding.decoder import Drafter, ModelPair
from decoding.errors import SettingError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.reading_session import reading
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.settings import require_at_least, require_share
from decoding.tree import TokenTree

SPEC = Spec(
    name="multi_candidate",
    drafts="a tree of the small model's top tokens",
    sources=(
        "https://arxiv.org/abs/2401.06706",
        "https://arxiv.org/abs/2406.16858",
        "https://arxiv.org/abs/2402.02082",
        "https://arxiv.org/abs/2407.16207",
    ),
    colour="blue",
)

# CaPE's candidates for a token, by tenths of the draft's probability for the likeliest of them
# (github.com/NonvolatileMemory/GliDe_with_a_CaPE_ICML_24 at commit edf4c9a).
EXPANSION = (8, 8, 8, 6, 6, 6, 4, 4, 2, 2, 2)


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
        cape: fewer children where the draft is surer of the likeliest (`EXPANSION`).
        pruning: a child that has less than this share of its likeliest sibling's probability is
            left out; 0: none is.
        sharing: two nodes of one token are one where so many tokens before them are equal too;
            null: never. What is unrolled may be deeper than the draft model has read.
    """

    name: str = "multi_candidate"
    branching: list[int] = field(default_factory=lambda: [4, 2, 2])
    width: int | None = None
    nodes: int | None = None
    cape: bool = False
    pruning: float = 0.0
    sharing: int | None = None

    def __post_init__(self) -> None:
        if not self.branching:
            raise SettingError("branching must be a list of one number a level, not an empty one")
        for children in self.branching:
            require_at_least("branching", children, 1)
        for name in ("width", "nodes"):
            value = getattr(self, name)
            if value is not None:
                require_at_least(name, value, 1)
        require_share("pruning", self.pruning)
        if self.sharing is not None:
            require_at_least("sharing", self.sharing, 0)
            if self.nodes is None:
                raise SettingError("sharing must be null where nodes is: a cycle that is unrolled has no other end")

    @property
    def fixed(self) -> bool:
        """Whether the tree's shape is the same whatever the draft says."""
        return not (self.width or self.nodes or self.cape or self.pruning)

    def canonical(self) -> "Config":
        """Bounds that the tree does not reach say nothing, nor a choice among what is alone."""
        most = max(self.branching)
        # Whether two nodes of one level are expanded: a node shares with none of its own path, nor
        # with its siblings.
        branches = self.width != 1 and math.prod(self.branching[:-1]) > 1
        frontier, widest, total = 1, 1, 0
        for level, children in enumerate(self.branching):
            total += frontier * children
            if level + 1 < len(self.branching):
                widest = max(widest, frontier * children)
                frontier = min(frontier * children, self.width or frontier * children)
        sharing = self.sharing if branches else None
        nodes = None if self.nodes is None or (self.nodes >= total and sharing is None) else self.nodes
        reached = widest if nodes is None else min(widest, max(nodes - 1, 1))
        width = None if self.width is None or self.width >= reached else self.width
        cape = self.cape and most > min(EXPANSION)
        pruning = self.pruning if most > 1 else 0.0
        return replace(self, width=width, nodes=nodes, cape=cape, pruning=pruning, sharing=sharing)


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
        # By node of the graph the distribution that its children were drawn from.
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
        """Grow the graph level by level, and hang its likeliest paths below the root."""
        if not self.session.ready(tokens):
            return
        self._catch_up(tokens)
        depth = min(limit, tree.room)
        if depth < 1 or len(tokens) >= self.session.context:
            return
        graph = self._grow(tokens, min(depth, len(self.config.branching)))
        # Of every copy its node in the graph, and in the tree.
        copies: list[tuple[int | None, int]] = [(None, 0)]
        for copy, node in graph.unrolled(self.config.nodes, depth):
            above, parent = copies[copy]
            token = graph.tokens[node]
            copies.append((node, tree.add(parent, [token], "draft")[0]))
            if self._drawn_from:
                tree.draws.setdefault(parent, ([], self._drawn_from[above]))[0].append(token)

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

    def _grow(self, tokens: list[int], depth: int) -> DraftGraph:
        """All candidates down to `depth`, better siblings first."""
        self._root = len(tokens) - 1
        self._expanded = TokenTree(tokens[-1], self.session.room(self._root))
        graph = DraftGraph(tokens, self.config.sharing)
        self._drawn_from = {}
        frontier: dict[int | None, int] = {None: 0}
        logits = self.session.forward(tokens[len(self.session.tokens) : -1], self._expanded, [0])
        for level in range(depth):
            children = min(self.config.branching[level], logits.shape[-1])
            if self._sampler:
                # Where the draws shape the tree, which of them stay in it depends on what they
                # are: they are then no draws from q, and each a point mass.
                if self._sampler.classic and self.config.fixed:
                    drawn_from = [self._sampler.distribution(row) for row in logits]
                    self._drawn_from |= dict(zip(frontier, drawn_from, strict=True))
                # The largest of perturbed scores are draws without replacement (Kool, van Hoof and
                # Welling, arXiv 1903.06059, section 2).
                logits = torch.stack([self._sampler.scores(row, len(tokens) + level) for row in logits])
            best = torch.stack([each.double() for each in _log_chances(logits).topk(children)]).tolist()
            first = len(graph)
            for parent, chances, ids in zip(frontier, *best, strict=True):
                for token, chance in zip(ids[: self._proposed(chances)], chances, strict=False):
                    graph.add(parent, int(token), chance)
            if level + 1 < depth:
                frontier = self._expand(graph, first, frontier)
                if not frontier:
                    break
                logits = self.session.extend(list(frontier.values()))
        return graph

    def _proposed(self, chances: list[float]) -> int:
        """How many of a node's children are proposed; their log-probabilities descend."""
        count = expansion(math.exp(chances[0])) if self.config.cape else len(chances)
        if self.config.pruning:
            lowest = chances[0] + math.log(self.config.pruning)
            count = min(count, sum(chance >= lowest for chance in chances))
        return count

    def _expand(self, graph: DraftGraph, first: int, nodes: dict[int | None, int]) -> dict[int | None, int]:
        """Add the level's likeliest candidates, those from `first` on, to the tree the draft reads.

        nodes: their parents' nodes. Returns the node of every candidate added.
        """
        # A child is never likelier than its parent: what beats the parent, and the parent itself,
        # beat the child.
        count = None if self.config.nodes is None else self.config.nodes - 1
        hopeful = graph.likeliest(count)
        level = [place for place in hopeful if place >= first and graph.tokens[place] not in self.eos]
        frontier: dict[int | None, int] = {}
        assert self._expanded is not None
        for place in sorted(level[: self.config.width]):
            # There are no nodes where the draft's context ends.
            for node in self._expanded.add(nodes[graph.parents[place]], [graph.tokens[place]], "draft"):
                frontier[place] = node
        graph.end(first, frontier)
        return frontier

    def forwards(self) -> tuple[int, int]:
        """The draft model's (forwards, rows) since the last reset."""
        return self.session.counters.forwards, self.session.counters.rows

    def own_session(self) -> ModelSession | None:
        """The draft model, where it reads its target."""
        return reading(self.session)


def _log_chances(logits: torch.Tensor) -> torch.Tensor:
    """Log-probabilities [rows, vocabulary], in float32 at least."""
    return (logits if logits.dtype == torch.float64 else logits.float()).log_softmax(dim=-1)


def expansion(confidence: float) -> int:
    """How many candidates CaPE proposes for a token, the likeliest one among them.

    Args:
        confidence: the draft's probability for that one.
    """
    return EXPANSION[min(int(10 * confidence), len(EXPANSION) - 1)]


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Multi-candidate speculative decoding for `pair`.

    Raises:
        UserError: the pair has no draft.
    """
    return DraftThenVerify(pair, MultiCandidate(config, draft_session(pair, config.name), pair.eos))
