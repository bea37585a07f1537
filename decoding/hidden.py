"""Hidden states of confirmed rows: what a feature draft reads of its target.

They are a model's last ones, after its last norm, as its head sees them. A hook on the model's own
decoder takes them, so no forward of any family is written anew.
"""

import torch
from torch import nn
from transformers import PreTrainedModel


class HiddenStates:
    """The last hidden states of a model's latest forward.

    Attributes:
        rows: float [1, rows, width].
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self.rows: torch.Tensor | None = None
        decoder: nn.Module = model.get_decoder()  # type: ignore[no-untyped-call]  # as all of it
        decoder.register_forward_hook(self._take)

    def _take(self, _module: nn.Module, _inputs: object, output: object) -> None:
        self.rows = output[0]  # type: ignore[index]  # last_hidden_state, in every family


class FeatureRows:
    """One row of features for every confirmed token, in a buffer that grows."""

    def __init__(self) -> None:
        self._rows = torch.empty(0, 0)

    def write(self, start: int, rows: torch.Tensor) -> None:
        """Put `rows` [count, width] at `start`; what stood from there on is gone."""
        end = start + len(rows)
        if end > len(self._rows):
            grown = rows.new_empty(max(end, 2 * len(self._rows), 256), rows.shape[1])
            if start:
                grown[:start] = self._rows[:start]
            self._rows = grown
        self._rows[start:end] = rows

    def read(self, start: int, end: int) -> torch.Tensor:
        """Rows [end - start, width]."""
        return self._rows[start:end]


class Fusion(nn.Module):
    """Mixes the vector of every token with a row of features.

    EAGLE's first layer (arXiv 2401.15077, section 4.1): a linear map of the two, side by side.

    Attributes:
        width: of a vector and of a row of features.
        features: float [1, rows, width], set before a forward; None: zeros.
    """

    def __init__(self, width: int, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__()
        self.width = width
        self.features: torch.Tensor | None = None
        self.linear = nn.Linear(2 * width, width, bias=False, dtype=dtype, device=device)
        with torch.no_grad():
            # Both begin as they are.
            self.linear.weight.copy_(torch.cat([torch.eye(width)] * 2, dim=1))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Vectors [1, rows, width] of tokens as what the layers read."""
        features = torch.zeros_like(tokens) if self.features is None else self.features
        mixed: torch.Tensor = self.linear(torch.cat([tokens, features], dim=-1))
        return mixed


def read_features(model: PreTrainedModel) -> Fusion:
    """Let `model` read features from now on, beside its tokens.

    A hook on its own input embedding, whatever that makes of a token, mixes them in.
    """
    embedding: nn.Module = model.get_input_embeddings()
    weight = embedding.weight
    assert isinstance(weight, torch.Tensor)
    embedding.fusion = Fusion(weight.shape[1], weight.dtype, weight.device)
    embedding.register_forward_hook(_fused)
    return embedding.fusion


def reader_of(model: PreTrainedModel) -> Fusion | None:
    """What mixes features into `model`'s tokens; None where it reads none."""
    found: Fusion | None = getattr(model.get_input_embeddings(), "fusion", None)
    return found


def _fused(embedding: nn.Module, _inputs: object, tokens: torch.Tensor) -> torch.Tensor:
    fusion: Fusion = embedding.fusion  # type: ignore[assignment]  # set above
    return fusion(tokens)  # type: ignore[no-any-return]  # a module's call has no type
