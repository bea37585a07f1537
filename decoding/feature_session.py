"""The session of a feature draft: a small model that reads its target's hidden states.

EAGLE (arXiv 2401.15077), EAGLE-2 (2406.16858) and EAGLE-3 (2503.01840). The draft's row for a token
reads, beside the token, the target's hidden state one place before it; where the target has not
been yet, the draft's own. So a drafted token's row is written anew once the target has confirmed
it, and a tree grows by one level a forward.
"""

import torch
from transformers import PreTrainedModel

from decoding.hidden import Reader
from decoding.masks import MaskBuilder
from decoding.reading import reader_of
from decoding.reading_session import ReadingSession
from decoding.session import MODELS, ModelSession
from decoding.tree import TokenTree

UNREAD = "a feature draft reads the row before each of its rows: it grows a tree by one level a forward"


class FeatureSession(ReadingSession):
    """A model that reads features, beside the target that gives them.

    Args:
        model: one that hidden.attach gave a reader.
        target: whose confirmed rows it reads.
        vocabulary: see ModelSession.
    """

    def __init__(self, model: PreTrainedModel, target: ModelSession, vocabulary: int | None = None) -> None:
        super().__init__(model, target, vocabulary)
        reader = reader_of(model)
        assert isinstance(reader, Reader)
        # How far the target had come at the last forward of a new tree, and how many cached rows
        # read the target's own states.
        self._known = 0
        self._true = 0
        self.reader = reader
        self._layers = reader.layers or (target.depth,)
        target.watch(self._layers)
        self.watch((self.depth,))
        if not reader.reads_first:
            self._masks = MaskBuilder(model, without_first=True)

    def keep(self, path: list[int]) -> None:
        """See ModelSession.keep."""
        super().keep(path)
        self._true = min(len(self.tokens), self._known + 1)

    def truncate(self, length: int) -> None:
        """See ModelSession.truncate."""
        super().truncate(length)
        self._true = min(self._true, length)

    def align(self, tokens: list[int], known: int = 0) -> None:
        """See ModelSession.align; rows that read the draft's own states are forgotten too."""
        super().align(tokens, known)
        self.truncate(min(len(self.tokens), self._true))

    def _beside(self, chain: list[int], tree: TokenTree, standing: int) -> list[torch.Tensor]:
        return [self._features(chain, tree, standing)[None]]

    def _features(self, chain: list[int], tree: TokenTree, standing: int) -> torch.Tensor:
        """Of every row the hidden state of the row before it.

        Raises:
            RuntimeError: the row before one has not been through a forward.
        """
        rows = []
        if not standing:
            self._known = len(self.target.tokens)
            start, end = len(self.tokens) - 1, len(self.tokens) + len(chain)
            if start < 0:
                # Nothing comes before the first token of a text.
                rows.append(torch.zeros(1, self.reader.width))
            begin, from_target = max(start, 0), min(self._known, end)
            if begin < from_target:
                rows.append(self._read(begin, from_target))
            if from_target < end:
                if chain:
                    raise RuntimeError(UNREAD)
                rows.append(self.features.read(start, end))
        first = max(standing - len(chain), 1)
        parents = [len(chain) + tree.parents[node] for node in range(first, len(tree))]
        if parents:
            if self._seen is None or max(parents) >= min(standing, len(self._seen)):
                raise RuntimeError(UNREAD)
            rows.append(self._seen[parents])
        return torch.cat([each.to(self.device, self.model.dtype) for each in rows])

    def _read(self, start: int, end: int) -> torch.Tensor:
        """Features [end - start, width] from the target's states of the tokens there."""
        states = self.target.states(self._layers, start, end).to(self.device, self.model.dtype)
        with MODELS:
            return self.reader.project(states)
