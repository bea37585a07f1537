"""Cross-attention of a draft to its target's cached keys and values (GliDe, arXiv 2402.02082).

A layer of the draft is self-attention, cross-attention and MLP, each added to the residual stream.
The query is turned as the target's own at its place; the keys and values are the target's, as they
are cached. The draft's last layer reads the target's last, the one before it the one before that.
transformers' own layers run unchanged: hooks on self-attention add what cross-attention gives.
"""

import sys
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from transformers import PreTrainedModel

from decoding.cache import one_row
from decoding.errors import UserError
from decoding.layers import layer_stack
from decoding.reading import let_read
from decoding.tracing import rotary_settings

# Rows of a block in training, of which none sees the target's rows of its own block: the row of
# place i reads what the draft of a token i places after the last confirmed one does.
BLOCK = 5
ROTATION = "apply_rotary_pos_emb"  # transformers' name for it, in every family
NORMS = ["input_layernorm", "post_attention_layernorm"]

Angles = tuple[torch.Tensor, torch.Tensor]


def seen_in_training(positions: torch.Tensor, rows: int) -> torch.Tensor:
    """Which of the target's first rows confirmed tokens attend to: bool [positions, rows].

    Those of the blocks before their own; in the first block, those up to themselves.
    """
    first = positions - positions % BLOCK
    end = torch.where(first > 0, first, positions + 1)
    return torch.arange(rows, device=positions.device) < end[:, None]


def mask_of(seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Who sees what, as it is added to the scores."""
    return torch.zeros(seen.shape, dtype=dtype, device=seen.device).masked_fill(~seen, torch.finfo(dtype).min)


class CrossAttention(nn.Module):
    """Attention of a draft's rows to keys and values of the target.

    Args:
        width: of the draft.
        heads: of the target's queries.
        size: of a head there.
        rotate: the family's rotary embedding of queries and keys.

    Attributes:
        rows: the target's (keys, values), [texts, heads of these, rows, size] each; None: nothing
            is read.
        mask: float [draft's rows, target's rows], added to the scores (see `mask_of`).
        residual: what the layer has read, until self-attention has run.
    """

    def __init__(self, width: int, heads: int, size: int, rotate: Callable[..., Angles]) -> None:
        super().__init__()
        self.size = size
        self.rotate = rotate
        self.q_proj = nn.Linear(width, heads * size, bias=False)
        self.o_proj = nn.Linear(heads * size, width, bias=False)
        # A draft that has not learned yet is the plain one.
        nn.init.zeros_(self.o_proj.weight)
        nn.init.normal_(self.q_proj.weight, std=width**-0.5, generator=torch.Generator().manual_seed(0))
        self.rows: tuple[torch.Tensor, torch.Tensor] | None = None
        self.mask: torch.Tensor | None = None
        self.residual: torch.Tensor | None = None

    def forward(self, hidden: torch.Tensor, angles: Angles) -> torch.Tensor:
        """What is added to the residual stream `hidden`, [texts, rows, width].

        Args:
            hidden: after self-attention.
            angles: cosines and sines of the rows' own positions, as the model's layers get them.
        """
        assert self.rows is not None and self.mask is not None
        query = self.q_proj(hidden).unflatten(-1, (-1, self.size)).transpose(1, 2)
        query, _ = self.rotate(query, query, *angles)
        keys, values, mask = (each.to(query.dtype) for each in (*self.rows, self.mask))
        read = F.scaled_dot_product_attention(query, keys, values, attn_mask=mask, enable_gqa=True)
        output: torch.Tensor = self.o_proj(read.transpose(1, 2).flatten(2))
        return output


class CrossReader:
    """Hands the layers of a draft the target's keys and values.

    Args:
        layers: the cross-attention of every layer, in order.
        heads: of the target's keys and values.
    """

    def __init__(self, layers: list[CrossAttention], heads: int) -> None:
        self.layers = layers
        self.heads = heads

    def give(self, beside: list[torch.Tensor]) -> None:
        """The next forwards read these.

        Args:
            beside: float [rows, target's rows], the mask; then keys and values of layer after
                layer, [texts, heads, target's rows, size] each. [] for nothing.
        """
        for place, layer in enumerate(self.layers):
            layer.mask = beside[0] if beside else None
            layer.rows = (beside[2 * place + 1], beside[2 * place + 2]) if beside else None

    def example(self, rows: int, cached: int, draw: torch.Generator) -> list[torch.Tensor]:
        """See Reading."""
        count = max(cached, 1)
        mask = mask_of(torch.ones(rows, count, dtype=torch.bool).tril(count // 2), torch.float32)
        shape = (1, self.heads, count, self.layers[0].size)
        return [mask, *(torch.randn(shape, generator=draw, dtype=torch.float32) for _ in range(2 * len(self.layers)))]


def attend_to(target: PreTrainedModel, draft: PreTrainedModel) -> CrossReader:
    """Give every layer of `draft` cross-attention to `target`, which adds nothing before training.

    Raises:
        UserError: models that cannot be joined so.
    """
    keys, values = one_row(target)[-1]
    layers: list[Any] = list(draft.get_submodule(layer_stack(draft)).children())
    if reason := _obstacle(target, draft, layers, keys, values):
        raise UserError(f"a {type(draft).__name__} cannot attend to this target's keys and values: {reason}")
    own, config = (each.config.get_text_config(decoder=True) for each in (draft, target))
    for layer in layers:
        rotate = getattr(sys.modules[type(layer.self_attn).__module__], ROTATION)
        cross: nn.Module = CrossAttention(own.hidden_size, config.num_attention_heads, keys.shape[-1], rotate)
        layer.self_attn.cross = cross.to(draft.device, draft.dtype)
        layer.register_forward_pre_hook(_remember, with_kwargs=True)
        layer.self_attn.register_forward_hook(_add, with_kwargs=True)
    reader = CrossReader([layer.self_attn.cross for layer in layers], keys.shape[1])
    let_read(draft, reader)
    return reader


def _obstacle(
    target: PreTrainedModel, draft: PreTrainedModel, layers: list[Any], keys: torch.Tensor, values: torch.Tensor
) -> str | None:
    """Why `draft` cannot attend to such rows of `target`; None where it can."""
    own, config = (each.config.get_text_config(decoder=True) for each in (draft, target))
    inner = [name for name, _ in layers[0].named_children()]
    if "self_attn" not in inner or [name for name in inner if "norm" in name] != NORMS:
        return "its layers are not self-attention and MLP, with one norm before each"
    if not hasattr(sys.modules[type(layers[0].self_attn).__module__], ROTATION):
        return "it has no rotary embedding, by which a query would stand at its place"
    if own.num_hidden_layers > config.num_hidden_layers:
        return "it has more layers than the target"
    if keys.shape != values.shape:
        return "the target's keys and values are of unlike sizes"
    if one_row(draft)[0][0].shape[-1] != keys.shape[-1] or rotary_settings(own) != rotary_settings(config):
        return "its rotary embedding is not the target's"
    return None


def _remember(layer: nn.Module, inputs: tuple[torch.Tensor, ...], named: dict[str, Any]) -> None:
    layer.self_attn.cross.residual = inputs[0] if inputs else named["hidden_states"]  # type: ignore[union-attr]


def _add(attention: nn.Module, _inputs: object, named: dict[str, Any], output: Any) -> Any:
    """Self-attention's output with what cross-attention gives: the layer adds both."""
    cross: Any = attention.cross
    residual, cross.residual = cross.residual, None
    if cross.rows is None:
        return output
    own, *rest = output
    return own + cross(residual + own, named["position_embeddings"]), *rest
