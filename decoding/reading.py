"""What a draft reads beside its tokens: something that its target has made of the text."""

from typing import Protocol

import torch
from torch import nn
from transformers import PreTrainedModel


class Reading(Protocol):
    """Hands a model what its rows read beside their tokens."""

    def give(self, beside: list[torch.Tensor]) -> None:
        """The next forwards read these; [] for nothing."""

    def example(self, rows: int, cached: int, draw: torch.Generator) -> list[torch.Tensor]:
        """Random numbers, in float32, in the shape of what is given.

        Args:
            rows: of the forward.
            cached: rows before them.
            draw: gives the numbers.
        """
        ...


def let_read(model: PreTrainedModel, reader: Reading) -> None:
    """From now on `reader` is asked for by `reader_of`."""
    # Not as a module of its own: it stands where the model's forward meets it.
    vars(model)["reader"] = reader


def reader_of(model: nn.Module) -> Reading | None:
    """What makes `model` read something beside its tokens; None where it reads nothing."""
    found: Reading | None = vars(model).get("reader")
    return found
