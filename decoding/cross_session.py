"""The session of a draft that attends to its target's keys and values (GliDe, arXiv 2402.02082).

What is drafted sees the target's rows of all confirmed tokens before the tree's root, and no other
row. A confirmed token that the draft has not read yet, as those of the prompt, sees what training
shows it. Rows that were drafted and confirmed stay as they are: each has seen all that was
confirmed when it was drafted, which a row of training does too.
"""

import torch
from transformers import PreTrainedModel

from decoding.cross import CrossReader, mask_of, seen_in_training
from decoding.reading import reader_of
from decoding.reading_session import ReadingSession
from decoding.session import ModelSession
from decoding.tree import TokenTree


class CrossSession(ReadingSession):
    """A model that attends to the target's cached rows.

    Args:
        model: one that cross.attend_to gave cross-attention.
        target: whose confirmed rows it reads.
        vocabulary: see ModelSession.
    """

    def __init__(self, model: PreTrainedModel, target: ModelSession, vocabulary: int | None = None) -> None:
        super().__init__(model, target, vocabulary)
        reader = reader_of(model)
        assert isinstance(reader, CrossReader)
        self._layers = range(target.depth - len(reader.layers), target.depth)

    def _beside(self, chain: list[int], tree: TokenTree, standing: int) -> list[torch.Tensor]:
        """The mask over the target's confirmed rows, and these rows (see CrossReader.give)."""
        root = len(self.tokens) + len(chain)
        known = min(root, len(self.target.tokens))
        if not known:
            return []
        seen = torch.ones(len(chain) + len(tree) - standing, known, dtype=torch.bool, device=self.device)
        if chain and not standing:
            positions = torch.arange(len(self.tokens), root, device=self.device)
            seen[: len(chain)] = seen_in_training(positions, known)
        rows = [each for layer in self._layers for each in self.target.cached(layer, known)]
        dtype = self.model.dtype
        return [mask_of(seen, dtype), *(each.to(self.device, dtype) for each in rows)]
