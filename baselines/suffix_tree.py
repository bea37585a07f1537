"""A counted suffix tree of bounded depth over one growing text or several.

A node stands for a run of tokens, the labels on the way from the root, and counts its occurrences.
Runs that occur equally often and only together share a node, so that a text takes some nodes a
token and not `depth` of them. Appending a token takes O(depth), for every suffix of the text is
lengthened by it; a text can be taken out again, which takes O(depth) a token too.

SuffixDecoding (arXiv 2411.04975, section 4.1) keeps two such trees.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


class Node:
    """The end of an edge.

    Attributes:
        count: how often the run of tokens that ends here occurs.
        stamp: when it reached that count.
        children: by the first token of their edges.
    """

    __slots__ = ("children", "count", "length", "source", "stamp", "start")

    def __init__(self, source: list[int], start: int, length: int, count: int, stamp: int) -> None:
        self.source = source  # The edge's label is source[start : start + length].
        self.start = start
        self.length = length
        self.count = count
        self.stamp = stamp
        self.children: dict[int, Node] = {}

    def token(self, place: int) -> int:
        """The label's token at `place`."""
        return self.source[self.start + place]


@dataclass(frozen=True, slots=True)
class Place:
    """A run of tokens in the tree: `read` tokens along the edge that ends at `node`."""

    node: Node
    read: int

    @property
    def count(self) -> int:
        """How often the run occurs."""
        return self.node.count

    def child(self, token: int) -> "Place | None":
        """The run that is longer by `token`, None where it does not occur."""
        node, read = self.node, self.read
        if read < node.length:
            return Place(node, read + 1) if node.token(read) == token else None
        following = node.children.get(token)
        return None if following is None else Place(following, 1)

    def children(self) -> list[tuple[int, "Place"]]:
        """The tokens that follow the run, and the runs longer by them.

        The most frequent comes first, of equals the one that reached its count last.
        """
        node, read = self.node, self.read
        if read < node.length:
            return [(node.token(read), Place(node, read + 1))]
        ordered = sorted(node.children.items(), key=lambda item: (-item[1].count, -item[1].stamp))
        return [(token, Place(child, 1)) for token, child in ordered]

    def likeliest(self) -> "tuple[int, Place] | None":
        """The first of `children`, None where nothing follows."""
        node, read = self.node, self.read
        if read < node.length:
            return node.token(read), Place(node, read + 1)
        if not node.children:
            return None
        token, child = max(node.children.items(), key=lambda item: (item[1].count, item[1].stamp))
        return token, Place(child, 1)


class SuffixTree:
    """Counts every run of at most `depth` tokens of the texts it holds.

    Attributes:
        text: the tokens of the newest text, which may grow.
        texts: of all texts, the oldest first.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.root = Node([], 0, 0, 0, 0)
        self.texts: deque[list[int]] = deque()
        self._time = 0
        self.begin()

    def begin(self) -> None:
        """Begin a new text: no run reaches across."""
        self.text: list[int] = []
        self.texts.append(self.text)
        self._ends: deque[Node] = deque()  # Of the text's suffixes shorter than depth, longest first.

    def extend(self, tokens: Iterable[int]) -> None:
        """Append tokens to the newest text."""
        for token in tokens:
            self._append(token)

    def suffixes(self) -> Iterator[Place]:
        """The newest text's suffixes shorter than the depth, the shortest first."""
        return (Place(node, node.length) for node in reversed(self._ends))

    def find(self, tokens: list[int]) -> Place | None:
        """The place of a run of tokens, None where it does not occur."""
        place: Place | None = Place(self.root, 0)
        for token in tokens:
            if place is None:
                break
            place = place.child(token)
        return place

    def drop_oldest(self) -> None:
        """Take the oldest text out, which must not be the newest."""
        text = self.texts.popleft()
        for start in range(len(text)):
            node, end = self.root, min(start + self.depth, len(text))
            while start < end:
                child = node.children[text[start]]
                child.count -= 1
                if not child.count:  # Nor does anything below it occur any more.
                    del node.children[text[start]]
                    break
                node, start = child, start + child.length

    def _append(self, token: int) -> None:
        self.text.append(token)
        self._time += 1
        self._ends.append(self.root)
        for number, node in enumerate(self._ends):
            self._ends[number] = self._lengthened(node, token)
        if len(self._ends) == self.depth:
            self._ends.popleft()

    def _lengthened(self, node: Node, token: int) -> Node:
        """The node at which the suffix that ended at `node` ends after the text's last token."""
        child = node.children.get(token)
        if node.count == 1 + (child.count if child else 0):
            # All that passes the node goes on so: its end moves down by a token.
            node.length += 1
            node.source, node.start = self.text, len(self.text) - node.length
            if child is None:
                return node
            if child.length == 1:
                node.children = child.children
            else:
                child.start, child.length = child.start + 1, child.length - 1
                node.children = {child.token(0): child}
            return node
        if child is None:
            child = node.children[token] = Node(self.text, len(self.text) - 1, 1, 0, self._time)
        elif child.length > 1:
            upper = Node(child.source, child.start, 1, child.count, child.stamp)
            child.start, child.length = child.start + 1, child.length - 1
            upper.children[child.token(0)] = child
            node.children[token] = child = upper
        child.count += 1
        child.stamp = self._time
        return child
