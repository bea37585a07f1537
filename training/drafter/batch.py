"""What a draft learns from in one step."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class Batch:
    """One step's text and what the draft should say after it.

    Attributes:
        ids: [rows, length], padded at the end.
        weights: of every place's label in the loss, [rows, length]; 0 for none.
        labels: places in the head of the wanted ids, [rows, length, choices]; -1 where the head
            lacks one.
        shares: their probabilities, [rows, length, choices].
        states: what the draft reads of the target, [rows, length, width].
        positions: of every place of a row, [length]; None: one after the other.
        seen: bool [length, length], which places each attends to; None: those before it.
    """

    ids: torch.Tensor
    weights: torch.Tensor
    labels: torch.Tensor
    shares: torch.Tensor
    states: torch.Tensor | None = None
    positions: torch.Tensor | None = None
    seen: torch.Tensor | None = None
