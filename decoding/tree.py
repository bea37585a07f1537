"""The token tree: the one structure that every draft is, and the one attention mask that follows.

Node 0 is the root, the last confirmed token. A plain draft is a chain, K suffix candidates are
branches at its end, and lookahead's window is a tree too, so positions are depths and the mask is
the ancestor relation.
"""

from collections.abc import Iterable

import numpy as np

_CAUSAL = np.tri(64, dtype=bool)
_CAUSAL.setflags(write=False)


def causal(count: int) -> np.ndarray:
    """Boolean [count, count]: each row of a chain sees itself and the rows before it.

    Not to be written to.
    """
    return _CAUSAL[:count, :count] if count <= len(_CAUSAL) else np.tri(count, dtype=bool)


class TokenTree:
    """Tokens that may follow the root, as a tree in which equal children of one node are one node.

    Parents always come before their children, so node order is a valid row order for a forward.

    Attributes:
        room: deepest node that may be added; deeper ones are left out without a word, because a
            draft is only a proposal (the context limit shrinks the tree, never the output).
        tokens, parents, depths: one entry a node; the root's parent is -1 and its depth 0.
        wanted: whether the model's logits after the node are asked for; only such nodes can be
            accepted.
        sources: who proposed the node, in the order of proposal; the first is credited.
        draws: by node the tokens that were drawn below it, in their order and with repetitions, and
            the distribution they were drawn from, float64 [vocabulary]. What is not among them is
            no draw. Only the classic acceptance rules ask.
    """

    def __init__(self, root: int, room: int) -> None:
        self.room = room
        self.tokens = [root]
        self.parents = [-1]
        self.depths = [0]
        self.wanted = [True]
        self.sources: list[tuple[str, ...]] = [()]
        self.draws: dict[int, tuple[list[int], np.ndarray]] = {}
        self._lines = [1]  # bit j of entry i says that node j is node i or one of its ancestors
        self._children: dict[tuple[int, int], int] = {}

    def __len__(self) -> int:
        return len(self.tokens)

    def add(self, parent: int, tokens: Iterable[int], source: str, wanted: bool = True) -> list[int]:
        """Hang the chain `tokens` below `parent`, merging with nodes that are already there.

        Args:
            parent: the node above the chain.
            tokens: token ids, in order.
            source: who proposes them.
            wanted: whether the logits after them are asked for.

        Returns:
            The chain's nodes, fewer than tokens where the room ends.
        """
        nodes = []
        for token in tokens:
            if self.depths[parent] >= self.room and (parent, token) not in self._children:
                break
            parent = self._add(parent, token, source, wanted)
            nodes.append(parent)
        return nodes

    def add_each(self, parents: Iterable[int], tokens: Iterable[int], source: str, wanted: bool = True) -> list[int]:
        """Hang one token below each of `parents`, all within the room; their nodes.

        The rest is as in `add`.
        """
        return [self._add(parent, token, source, wanted) for parent, token in zip(parents, tokens, strict=True)]

    def _add(self, parent: int, token: int, source: str, wanted: bool) -> int:
        node = self._children.setdefault((parent, token), len(self.tokens))
        if node == len(self.tokens):
            self.tokens.append(token)
            self.parents.append(parent)
            self.depths.append(self.depths[parent] + 1)
            self.wanted.append(wanted)
            self.sources.append((source,))
            self._lines.append(self._lines[parent] | 1 << node)
            return node
        self.wanted[node] = self.wanted[node] or wanted
        if source not in self.sources[node]:
            self.sources[node] += (source,)
        return node

    @property
    def is_chain(self) -> bool:
        """Whether every node is the one child of the node before it, as in most drafts."""
        return self.depths[-1] == len(self.tokens) - 1

    def child(self, node: int, token: int) -> int | None:
        """The child of `node` that carries `token`, or None."""
        return self._children.get((node, token))

    def first_path(self) -> list[int]:
        """The root and, from it on, every node's first child that can be accepted.

        It is a chain draft as a whole.
        """
        path = [0]
        for node in range(1, len(self)):
            if self.parents[node] == path[-1] and self.wanted[node]:
                path.append(node)
        return path

    def wanted_nodes(self) -> list[int]:
        """The nodes whose logits are asked for, in row order."""
        return [node for node, wanted in enumerate(self.wanted) if wanted]

    def drafted(self, limit: int) -> int:
        """Depth, at most `limit`, of the deepest path that could be accepted.

        The logits of all its nodes are asked for.
        """
        if all(self.wanted):
            return min(max(self.depths), limit)
        reachable = [True] * len(self)
        deepest = 0
        for node in range(1, len(self)):
            reachable[node] = self.wanted[node] and reachable[self.parents[node]]
            if reachable[node]:
                deepest = max(deepest, self.depths[node])
        return min(deepest, limit)

    def ancestors(self) -> np.ndarray:
        """Boolean [nodes, nodes]: (i, j) says that node j is node i or one of its ancestors."""
        count = len(self)
        if self.is_chain:
            return causal(count)
        size = (count + 7) // 8
        lines = np.frombuffer(b"".join([line.to_bytes(size, "little") for line in self._lines]), dtype=np.uint8)
        return np.unpackbits(lines.reshape(count, size), axis=1, count=count, bitorder="little").view(bool)
