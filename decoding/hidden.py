"""Hidden states of confirmed rows: what a feature draft reads of its target.

Hooks on the model's own decoder and layers take them, so no forward of any family is written anew.
"""

from functools import partial
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from decoding.layers import layer_stack
from decoding.reading import let_read


class HiddenStates:
    """Hidden states of a model's latest forward, side by side.

    Args:
        model: whose they are.
        layers: ascending, as transformers numbers hidden_states: i is what layer i reads, and the
            number of layers what the head reads, after the last norm.

    Attributes:
        rows: float [1, rows, sum of widths].
        widths: how many numbers of a row are of each layer, once there was a forward.

    Raises:
        ValueError: a layer that the model does not have.
    """

    def __init__(self, model: PreTrainedModel, layers: tuple[int, ...]) -> None:
        count = model.config.get_text_config(decoder=True).num_hidden_layers
        if not all(0 <= layer <= count for layer in layers):
            raise ValueError(f"hidden states {layers} of a model of {count} layers")
        self.layers = layers
        self.rows: torch.Tensor | None = None
        self.widths: list[int] = []
        self._taken: dict[int, torch.Tensor] = {}
        self._last = count
        decoder: nn.Module = model.get_decoder()  # type: ignore[no-untyped-call]  # as all of it
        self._hooks = [decoder.register_forward_hook(self._gather)]
        inner = [layer for layer in layers if layer < count]
        stack = list(model.get_submodule(layer_stack(model)).children()) if inner else []
        for layer in inner:
            taking = partial(self._take, layer)
            self._hooks.append(stack[layer].register_forward_pre_hook(taking, with_kwargs=True))

    def remove(self) -> None:
        """Take no states any more."""
        for hook in self._hooks:
            hook.remove()

    def _take(self, layer: int, _module: nn.Module, inputs: tuple[torch.Tensor, ...], named: dict[str, Any]) -> None:
        self._taken[layer] = inputs[0] if inputs else named["hidden_states"]

    def _gather(self, _module: nn.Module, _inputs: object, output: Any) -> None:
        self._taken[self._last] = last = output[0]  # last_hidden_state, in every family
        taken = [self._taken[layer] for layer in self.layers]
        self.widths = [int(each.shape[-1]) for each in taken]
        self.rows = taken[0] if len(taken) == 1 else torch.cat([each.to(last.device) for each in taken], dim=-1)


class FeatureRows:
    """One row of features for every confirmed token, in a buffer that grows.

    Rows of another width begin at 0.
    """

    def __init__(self) -> None:
        self._rows = torch.empty(0, 0)

    def write(self, start: int, rows: torch.Tensor) -> None:
        """Put `rows` [count, width] at `start`; what stood from there on is gone."""
        end = start + len(rows)
        if end > len(self._rows) or rows.shape[1] != self._rows.shape[1]:
            grown = rows.new_empty(max(end, 2 * len(self._rows), 256), rows.shape[1])
            if start:
                grown[:start] = self._rows[:start]
            self._rows = grown
        self._rows[start:end] = rows

    def read(self, start: int, end: int) -> torch.Tensor:
        """Rows [end - start, width]."""
        return self._rows[start:end]


class Reader(nn.Module):
    """What lets a model read features beside its tokens.

    Args:
        width: of a row of features.

    Attributes:
        layers: which of the target's hidden states its features are made of (see HiddenStates);
            None: the last.
        reads_first: whether a text's first token, before which there is no state, has a row.
        features: float [1, rows, width], set before a forward; None: zeros.
    """

    layers: tuple[int, ...] | None = None
    reads_first = True

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.features: torch.Tensor | None = None

    def give(self, beside: list[torch.Tensor]) -> None:
        """The next forwards read these features, [[1, rows, width]]; [] for zeros."""
        self.features = beside[0] if beside else None

    def example(self, rows: int, cached: int, draw: torch.Generator) -> list[torch.Tensor]:  # noqa: ARG002
        """See Reading."""
        return [torch.randn(1, rows, self.width, generator=draw, dtype=torch.float32)]

    def project(self, states: torch.Tensor) -> torch.Tensor:
        """The target's states [rows, width of all layers] as features [rows, width]."""
        return states

    def beside(self, tokens: torch.Tensor) -> torch.Tensor:
        """The features of these tokens [1, rows, width]."""
        return torch.zeros_like(tokens) if self.features is None else self.features


class Fusion(Reader):
    """Mixes the vector of every token with a row of features.

    EAGLE's first layer (arXiv 2401.15077, section 4.1): a linear map of the two, side by side.

    Args:
        width: of a vector and of a row of features.
        dtype: of the map's weights.
        device: where they are.
    """

    def __init__(self, width: int, dtype: torch.dtype, device: torch.device) -> None:
        super().__init__(width)
        self.linear = nn.Linear(2 * width, width, bias=False, dtype=dtype, device=device)
        with torch.no_grad():
            # Both begin as they are.
            self.linear.weight.copy_(torch.cat([torch.eye(width)] * 2, dim=1))

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Vectors [1, rows, width] of tokens as what the layers read."""
        mixed: torch.Tensor = self.linear(torch.cat([tokens, self.beside(tokens)], dim=-1))
        return mixed


def read_features(model: PreTrainedModel) -> Fusion:
    """Let `model` read features from now on, mixed into its tokens."""
    weight = model.get_input_embeddings().weight
    assert isinstance(weight, torch.Tensor)
    fusion = Fusion(weight.shape[1], weight.dtype, weight.device)
    attach(model, fusion)
    return fusion


def attach(model: PreTrainedModel, reader: Reader) -> None:
    """Let `reader` say what the layers of `model` read of a token.

    A hook on the model's own input embedding, whatever that makes of a token, asks it.
    """
    embedding: nn.Module = model.get_input_embeddings()
    embedding.fusion = reader
    embedding.register_forward_hook(_fused)
    let_read(model, reader)


def _fused(embedding: nn.Module, _inputs: object, tokens: torch.Tensor) -> torch.Tensor:
    reader: Reader = embedding.fusion  # type: ignore[assignment]  # set above
    return reader(tokens)  # type: ignore[no-any-return]  # a module's call has no type
