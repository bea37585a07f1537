"""A model that is a table: the logits after a text are those of its last two tokens.

A session of it costs next to nothing, so that distributions can be measured on tens of thousands of
outputs.
"""

import torch

from decoding.session import Counters
from decoding.tree import TokenTree


class TableSession:
    """What drafters and the loop ask of a ModelSession.

    table: float64 [vocabulary, vocabulary, vocabulary], logits by the token before the last, the
        last, and the next.
    """

    def __init__(self, table: torch.Tensor, context: int = 1000) -> None:
        self.table = table
        self.vocabulary = table.shape[-1]
        self.context = context
        self.device = table.device
        self.tokens: list[int] = []
        self.counters = Counters()
        self._pending: tuple[list[int], TokenTree] | None = None

    def reset(self) -> None:
        self.truncate(0)
        self.counters = Counters()

    def ready(self, tokens: list[int]) -> bool:
        return True

    def reserve(self, length: int) -> None:
        pass

    def begin(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        self.reset()
        self.tokens = prompt[:-1]

    def room(self, position: int) -> int:
        return max(self.context - 1 - position, 0)

    def forward(self, chain: list[int], tree: TokenTree, nodes: list[int]) -> torch.Tensor:
        self._pending = chain, tree
        self.counters.forwards += 1
        self.counters.rows += len(chain) + len(tree)
        return torch.stack([self._row(chain, tree, node) for node in nodes])

    def extend(self, nodes: list[int]) -> torch.Tensor:
        chain, tree = self._pending
        self.counters.forwards += 1
        return torch.stack([self._row(chain, tree, node) for node in nodes])

    def _row(self, chain: list[int], tree: TokenTree, node: int) -> torch.Tensor:
        last = tree.tokens[node]
        before = tree.tokens[tree.parents[node]] if node else (chain or self.tokens or [0])[-1]
        return self.table[before, last]

    def keep(self, path: list[int]) -> None:
        chain, tree = self._pending
        self.tokens = self.tokens + chain + [tree.tokens[node] for node in path]
        self._pending = None

    def truncate(self, length: int) -> None:
        self.tokens = self.tokens[:length]
        self._pending = None

    def align(self, tokens: list[int], known: int = 0) -> None:  # noqa: ARG002
        length = min(len(self.tokens), len(tokens) - 1)
        same = 0
        while same < length and self.tokens[same] == tokens[same]:
            same += 1
        self.truncate(same)
