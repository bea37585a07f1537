"""A draft as a graph: what would be drafted twice is one node, to which several parents lead.

Graph-structured speculative decoding (Gong et al., arXiv 2407.16207): where a token already stands
elsewhere, after the same last tokens, what follows it there follows it here too, and the draft
model need not read it again. The graph may have cycles. For the target it is unrolled into a tree.
A graph in which nothing is shared is that tree already.
"""

import heapq
from collections.abc import Container, Iterator, Sequence


class DraftGraph:
    """Nodes below the root, in the order of their addition, and what leads to them.

    Args:
        text: the confirmed tokens, the root last.
        sharing: so many of the tokens before two equal ones must be equal too for the two to be one
            node; None: no node is shared.

    Attributes:
        tokens: of every node.
        parents: the node that each was added below, None for the root.
        scores: natural logarithms of the draft's probability for the likeliest path to each node.
    """

    def __init__(self, text: Sequence[int], sharing: int | None = None) -> None:
        self.tokens: list[int] = []
        self.parents: list[int | None] = []
        self.scores: list[float] = []
        self._sharing = sharing
        self._children: dict[int | None, list[tuple[int, float]]] = {}
        # The last tokens of the text that ends with a node, as many as decide; and the nodes by
        # these.
        self._ends: dict[int | None, tuple[int, ...]] = {}
        self._standing: dict[tuple[int, ...], list[int]] = {}
        if sharing is not None:
            self._ends[None] = tuple(text[-1 - sharing :])
        self._leaves: set[int] = set()

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, parent: int | None, token: int, chance: float) -> None:
        """Let `token` follow `parent`: as a node of its own, or where a shared one stands, as that.

        Args:
            parent: a node, None for the root.
            token: an id that does not follow it yet.
            chance: natural logarithm of the draft's probability for the token after the parent.
        """
        score = chance if parent is None else self.scores[parent] + chance
        node = self._shared(parent, token)
        if node is None:
            node = len(self.tokens)
            self.tokens.append(token)
            self.parents.append(parent)
            self.scores.append(score)
            if self._sharing is not None:
                self._ends[node] = self._end(parent, token)
                self._standing.setdefault(self._ends[node], []).append(node)
        self.scores[node] = max(self.scores[node], score)
        self._children.setdefault(parent, []).append((node, chance))

    def end(self, first: int, grown: Container[int | None]) -> None:
        """Nodes from `first` on that are not `grown` stay leaves: nothing is led to them then."""
        self._leaves.update(node for node in range(first, len(self)) if node not in grown)

    def likeliest(self, count: int | None) -> list[int]:
        """At most `count` nodes (None: all), best scores first, the earlier node on a tie."""
        return sorted(range(len(self)), key=lambda node: -self.scores[node])[:count]

    def unrolled(self, count: int | None, depth: int) -> Iterator[tuple[int, int]]:
        """The tree of the graph's `count` likeliest paths from the root, parents before children.

        A path through a cycle goes round as often as it is likely enough.

        Args:
            count: of copies; None: all there are, endlessly many only where depth is endless.
            depth: of the deepest copy.

        Yields:
            (the parent's copy, the node) for every copy, which are counted from 1; 0 is the root.
        """
        paths = [(-chance, node, 0, 1) for node, chance in self._children.get(None, ())]
        heapq.heapify(paths)
        copies = 0
        while paths and (count is None or copies < count):
            loss, node, parent, level = heapq.heappop(paths)
            copies += 1
            yield parent, node
            if level < depth:
                for child, chance in self._children.get(node, ()):
                    heapq.heappush(paths, (loss - chance, child, copies, level + 1))

    def _shared(self, parent: int | None, token: int) -> int | None:
        """The node that stands for `token` after `parent` already: off the path, and no leaf."""
        if self._sharing is None:
            return None
        path, above = set(), parent
        while above is not None:
            path.add(above)
            above = self.parents[above]
        standing = self._standing.get(self._end(parent, token), ())
        return next((node for node in standing if node not in path and node not in self._leaves), None)

    def _end(self, parent: int | None, token: int) -> tuple[int, ...]:
        assert self._sharing is not None
        return (*self._ends[parent], token)[-1 - self._sharing :]
