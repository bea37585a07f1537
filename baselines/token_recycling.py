"""Token Recycling (Luo et al., arXiv 2408.08696): the target's unused candidates draft for it.

An adjacency matrix holds, for every token, the likeliest next tokens at the last place where the
target read it. A draft is a breadth-first walk over the matrix from the last token, laid out by a
tree of ranks that never changes; every verified row, rejected ones too, renews its token's line.
Where a token has no line yet the tree ends.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from decoding.decoder import Drafter, ModelPair
from decoding.errors import SettingError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least
from decoding.tree import TokenTree
from decoding.verification import Verdict

# The authors' tree, level by level: the number of children of every node of the level above, in
# order; where a row ends, the nodes that are left have none. Children carry the ranks 0, 1, ... of
# their parent's line.
PAPER_TREE = (
    (8,),
    (8, 4, 3, 2, 1, 1, 1, 1),
    (8, 3, 2, 1, 1, 1, 1, 1, 2, 1, 0, 0, 1, 0, 0, 1, 0, 1, 1),
    (5, 2, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 1, 1),
    (3, 1, 1, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1),
    (2, 0, 0, 1),
)
PAPER_NODES = sum(map(sum, PAPER_TREE))


SPEC = Spec(
    name="token_recycling",
    drafts="a tree of tokens the target considered before",
    sources=("https://arxiv.org/abs/2408.08696",),
    colour="green",
    keeps_history=True,
)


@dataclass
class Config:
    """How large the tree is, and what fills the matrix.

    Attributes:
        nodes: size of the tree; 80 is the paper's, a smaller one its likeliest nodes.
        prompt: also take the pairs of tokens that the prompt holds (not in the paper).
    """

    name: str = "token_recycling"
    nodes: int = PAPER_NODES
    prompt: bool = False

    def __post_init__(self) -> None:
        require_at_least("nodes", self.nodes, 1)
        if self.nodes > PAPER_NODES:
            raise SettingError(f"nodes must be at most {PAPER_NODES}, not {self.nodes}")


def shape(nodes: int) -> list[tuple[int, int]]:
    """(parent, rank) of the `nodes` likeliest nodes of the paper's tree, breadth first.

    A parent is a place in the list counted from 1; 0 is the root. Rank r is taken to be right in
    proportion to 1 / (r + 1.5), which orders the nodes about as the bundled target accepts them.
    """
    levels: list[list[tuple[int, ...]]] = [[()]]
    for counts in PAPER_TREE:
        levels.append([(*path, rank) for path, count in zip(levels[-1], counts, strict=False) for rank in range(count)])
    paths = [path for level in levels[1:] for path in level]
    likeliest = sorted(paths, key=lambda path: math.prod(rank + 1.5 for rank in path))[:nodes]
    kept = [path for path in paths if path in likeliest]
    place = {path: number for number, path in enumerate([(), *kept])}
    return [(place[path[:-1]], path[-1]) for path in kept]


def renew(matrix: dict[int, list[int]], verdict: Verdict, ranks: int) -> None:
    """Write the line of every verified token anew, from the target's logits after it.

    Of a token that stands in the tree twice, the last row counts.

    Args:
        matrix: token to its likeliest next tokens, best first.
        verdict: on the step's tree.
        ranks: tokens in a line.
    """
    ranks = min(ranks, verdict.logits.shape[-1])
    for node, line in zip(verdict.nodes, verdict.logits.topk(ranks).indices.tolist(), strict=True):
        matrix[verdict.tree.tokens[node]] = line


class TokenRecycling(Drafter):
    """Proposes a tree from the matrix, and renews the matrix from the target's logits.

    Attributes:
        matrix: token to its likeliest next tokens, best first.
    """

    def __init__(self, tree: list[tuple[int, int]], prompt: bool, eos: frozenset[int]) -> None:
        self.shape = tree
        self.prompt = prompt
        self.eos = eos
        self.ranks = 1 + max(rank for _, rank in tree)
        self.matrix: dict[int, list[int]] = {}

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """Take the prompt's pairs of tokens into the matrix, where that is wanted."""
        if self.prompt:
            for token, following in pairwise(prompt):
                others = [other for other in self.matrix.get(token, ()) if other != following]
                self.matrix[token] = [following, *others[: self.ranks - 1]]

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:  # noqa: ARG002
        """Fill the tree's shape from the matrix.

        Rank r of a node's token is its child of rank r.
        """
        nodes: list[int | None] = [0]
        for parent, rank in self.shape:
            node = nodes[parent]
            added = []
            if node is not None and tree.depths[node] < limit and tree.tokens[node] not in self.eos:
                line = self.matrix.get(tree.tokens[node], [])
                added = tree.add(node, line[rank : rank + 1], "recycled")
            nodes.append(added[0] if added else None)

    def observe(self, verdict: Verdict) -> None:
        """Renew the line of every verified token."""
        renew(self.matrix, verdict, self.ranks)

    def forget(self) -> None:
        """Empty the matrix."""
        self.matrix.clear()

    def metrics(self) -> dict[str, object]:
        """How many tokens have a line in the matrix."""
        return {"matrix_tokens": len(self.matrix)}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Token Recycling on the pair's target; the draft is not used."""
    return DraftThenVerify(pair, TokenRecycling(shape(config.nodes), config.prompt, pair.eos))
