"""RACER (arXiv 2604.14885): what followed in the text before, and then what the target considered.

Retrieval: a trie counts all n-grams of what was read. Its nodes are the states of an Aho-Corasick
automaton over these n-grams. After any text the automaton stands in the longest suffix that is a
node, and its fail links lead over the shorter ones; here all of them are walked to, which takes
O(ngram^2) and leaves no link to keep right while nodes come and go. What lies below those of two
tokens or more is drafted, the most frequent first.

Logits: as in Token Recycling (baselines/token_recycling.py) a line of every token holds the
likeliest next tokens of its last verified row. A tree over the lines, broad near the root and where
ranks are good, fills what retrieval has left.

The authors' lines also come from the rows of the prompt; here the target's head runs on a prompt's
last row alone. Their automaton starts over with the run, here with the history.
"""

import heapq
import itertools
from collections import OrderedDict, deque
from dataclasses import dataclass

from baselines.token_recycling import renew
from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least
from decoding.tree import TokenTree
from decoding.verification import Verdict

SPEC = Spec(
    name="racer",
    drafts="what followed in the text before, and tokens the target considered, as one tree",
    sources=("https://arxiv.org/abs/2604.14885",),
    colour="green",
    keeps_history=True,
)


@dataclass
class Config:
    """How much is read and how much drafted; the defaults are the paper's.

    Attributes:
        nodes: drafted tokens at most: 64 rows with the last confirmed token's.
        ngram: tokens of the n-grams that are counted, a match and its continuation together.
        capacity: nodes of the trie; beyond it the least recently read go first.
        breadth: children of the root in the tree of the lines, and tokens in a line.
    """

    name: str = "racer"
    nodes: int = 63
    ngram: int = 10
    capacity: int = 10_000
    breadth: int = 8

    def __post_init__(self) -> None:
        require_at_least("nodes", self.nodes, 1)
        require_at_least("ngram", self.ngram, 3)
        require_at_least("capacity", self.capacity, 1)
        require_at_least("breadth", self.breadth, 1)


class State:
    """A node of the trie.

    Attributes:
        count: n-grams read that begin with its tokens.
        children: by their tokens.
    """

    __slots__ = ("children", "count", "parent", "token")

    def __init__(self, parent: "State | None", token: int) -> None:
        self.parent = parent
        self.token = token
        self.count = 0
        self.children: dict[int, State] = {}


class NgramTrie:
    """Counts n-grams, and holds at most `capacity` nodes beside its root."""

    def __init__(self, ngram: int, capacity: int) -> None:
        self.ngram = ngram
        self.capacity = capacity
        self.root = State(None, -1)
        # The least recently read first. A node comes after all below it, so that the first is a
        # leaf.
        self._recent: OrderedDict[State, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._recent)

    def read(self, ngram: list[int]) -> None:
        """Count an n-gram."""
        path = [self.root]
        for token in ngram:
            state = path[-1].children.get(token)
            if state is None:
                state = path[-1].children[token] = State(path[-1], token)
            state.count += 1
            path.append(state)
        for state in reversed(path[1:]):
            self._recent[state] = None
            self._recent.move_to_end(state)
        while len(self._recent) > self.capacity:
            leaf, _ = self._recent.popitem(last=False)
            assert leaf.parent is not None
            del leaf.parent.children[leaf.token]

    def states(self, tokens: list[int], shortest: int) -> list[State]:
        """The suffixes of `tokens` that are nodes and may go on, the longest first.

        Args:
            tokens: any text.
            shortest: tokens of the shortest suffix.
        """
        found = []
        for length in range(min(self.ngram - 1, len(tokens)), shortest - 1, -1):
            state: State | None = self.root
            for token in tokens[-length:]:
                state = state.children.get(token) if state else None
            if state:
                found.append(state)
        return found


class Racer(Drafter):
    """Joins a tree from the trie with one from the lines.

    Attributes:
        trie: n-grams of prompts and outputs.
        lines: token to its likeliest next tokens, best first.
    """

    def __init__(self, config: Config, eos: frozenset[int], vocabulary: int) -> None:
        self.config = config
        self.eos = eos
        self.vocabulary = vocabulary
        self.forget()

    def forget(self) -> None:
        """Empty the trie and the lines."""
        self.trie = NgramTrie(self.config.ngram, self.config.capacity)
        self.lines: dict[int, list[int]] = {}
        self._seen = 0

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """Begin a new text with the prompt."""
        self._seen = 0
        self._read(prompt)

    def _read(self, tokens: list[int]) -> None:
        """Count the n-grams that the text has gained."""
        for end in range(max(self._seen + 1, self.config.ngram), len(tokens) + 1):
            self.trie.read(tokens[end - self.config.ngram : end])
        self._seen = len(tokens)

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang both trees below the root, merged."""
        self._read(tokens)
        limit = min(limit, tree.room)
        self._retrieve(tokens, tree, limit)
        self._fill(tree, limit)

    def _retrieve(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the most frequent continuations of the text's suffixes below the root.

        What follows several of them counts for each.
        """
        order = itertools.count()  # of equals the one that was found first
        waiting: list[tuple[int, int, int, int, list[State]]] = []

        def wait(node: int, states: list[State]) -> None:
            if tree.depths[node] >= limit or (node and tree.tokens[node] in self.eos):
                return
            following: dict[int, list[State]] = {}
            for state in states:
                for token, child in state.children.items():
                    following.setdefault(token, []).append(child)
            for token, children in following.items():
                if token < self.vocabulary:
                    count = sum(child.count for child in children)
                    heapq.heappush(waiting, (-count, next(order), node, token, children))

        wait(0, self.trie.states(tokens, shortest=2))
        while waiting and len(tree) <= self.config.nodes:
            _, _, node, token, states = heapq.heappop(waiting)
            (child,) = tree.add(node, [token], "match")
            wait(child, states)

    def _fill(self, tree: TokenTree, limit: int) -> None:
        """Add the tree of the lines, breadth first, until the tree is full.

        The child of rank j of a node of breadth b has breadth b / 2^j below the root and b / 2^(j +
        1) elsewhere, rounded down, but at least 1.
        """
        waiting = deque([(0, self.config.breadth)])
        while waiting:
            node, breadth = waiting.popleft()
            if tree.depths[node] >= limit or (node and tree.tokens[node] in self.eos):
                continue
            for rank, token in enumerate(self.lines.get(tree.tokens[node], [])[:breadth]):
                if len(tree) > self.config.nodes:
                    return
                (child,) = tree.add(node, [token], "logits")
                waiting.append((child, max(1, breadth >> (rank + (node != 0)))))

    def observe(self, verdict: Verdict) -> None:
        """Renew the line of every verified token, rejected ones too."""
        renew(self.lines, verdict, self.config.breadth)

    def metrics(self) -> dict[str, object]:
        """Nodes of the trie, and tokens that have a line."""
        return {"trie_nodes": len(self.trie), "lines": len(self.lines)}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """RACER on the pair's target; the draft is not used."""
    return DraftThenVerify(pair, Racer(config, pair.eos, pair.target.vocabulary))
