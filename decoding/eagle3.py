"""EAGLE-3's draft (arXiv 2503.01840, section 3.1): a Llama layer that reads states of three layers.

A linear map makes one row as wide as the draft of the target's low, middle and high hidden states.
The first layer's queries, keys and values read that row beside the token's vector, each normed; its
residual stream is that row alone. All of it is transformers' own Llama, with three wider
projections and two modules in other places.
"""

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm

from decoding.hidden import Reader, attach


class Beside(nn.Module):
    """Stands for the first layer's norm: what attention reads is more than the residual stream.

    Attributes:
        rows: float [1, rows, 2 * width], set when the layer's input is made.
    """

    def __init__(self) -> None:
        super().__init__()
        self.rows: torch.Tensor | None = None

    def forward(self, _residual: torch.Tensor) -> torch.Tensor | None:
        """The rows."""
        return self.rows


class Eagle3Reader(Reader):
    """Makes features of the target's states, and the first layer's input of features and tokens.

    The first row that such a draft learned from is the second token's, for none comes before the
    first.

    Args:
        config: the draft's.
        layers: the target's hidden states that are read, in their order.
        target_width: of each of them.
        norm_before_residual: whether the residual stream begins with the normed features.
        norm_before_fc: whether the states are normed as one row.
        fc_norm: whether they are normed one by one.

    Attributes:
        layers: as given.
        reads_first: False.
        input_norm: before the map, of one row; or nothing.
        fc_norm: before the map, of each state; or none.
        fc: the map.
        input_layernorm: of tokens.
        hidden_norm: of features.
        first: where the first layer finds what its attention reads.
    """

    reads_first = False

    def __init__(
        self,
        config: LlamaConfig,
        layers: tuple[int, ...],
        target_width: int,
        norm_before_residual: bool = False,
        norm_before_fc: bool = False,
        fc_norm: bool = False,
    ) -> None:
        width: int = config.hidden_size
        super().__init__(width)
        self.layers = layers
        self.norm_before_residual = norm_before_residual
        read, eps = len(layers) * target_width, config.rms_norm_eps
        self.input_norm = LlamaRMSNorm(read, eps) if norm_before_fc else nn.Identity()
        self.fc_norm = nn.ModuleList(LlamaRMSNorm(target_width, eps) for _ in layers if fc_norm)
        self.fc = nn.Linear(read, width, bias=False)
        self.input_layernorm = LlamaRMSNorm(width, eps)
        self.hidden_norm = LlamaRMSNorm(width, eps)
        self.first = Beside()

    def project(self, states: torch.Tensor) -> torch.Tensor:
        """The target's states [rows, layers * target_width] as features [rows, width]."""
        rows = self.input_norm(states)
        if self.fc_norm:
            parts = rows.chunk(len(self.fc_norm), dim=-1)
            rows = torch.cat([norm(part) for norm, part in zip(self.fc_norm, parts, strict=True)], dim=-1)
        features: torch.Tensor = self.fc(rows)
        return features

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """What the residual stream begins with, for vectors [1, rows, width] of tokens."""
        features = self.beside(tokens)
        normed: torch.Tensor = self.hidden_norm(features)
        self.first.rows = torch.cat([self.input_layernorm(tokens), normed], dim=-1)
        return normed if self.norm_before_residual else features


class NormedHead(nn.Module):
    """A head with the last norm before it, so that the state before the norm is the model's last.

    Args:
        norm: the last norm.
        linear: the head.
    """

    def __init__(self, norm: nn.Module, linear: nn.Linear) -> None:
        super().__init__()
        self.norm = norm
        self.linear = linear

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., width] to logits [..., vocabulary]."""
        logits: torch.Tensor = self.linear(self.norm(hidden))
        return logits

    @property
    def weight(self) -> torch.Tensor:
        """The head's."""
        return self.linear.weight


def eagle3(config: LlamaConfig, reader: Eagle3Reader, vocabulary: int, norm_output: bool = False) -> LlamaForCausalLM:
    """A draft as Llama begins, without weights of its own.

    Args:
        config: the draft's; its vocabulary is the target's.
        reader: what makes it read features.
        vocabulary: ids of its head.
        norm_output: whether a drafted token's row reads the state of the row before it after the
            last norm, not before it.
    """
    model = LlamaForCausalLM(config)
    first = model.model.layers[0]
    for name in ("q_proj", "k_proj", "v_proj"):
        narrow = getattr(first.self_attn, name)
        wide = nn.Linear(2 * narrow.in_features, narrow.out_features, narrow.bias is not None)
        setattr(first.self_attn, name, wide)
    first.input_layernorm = reader.first
    attach(model, reader)
    model.lm_head = nn.Linear(config.hidden_size, vocabulary, bias=False)
    if not norm_output:
        model.lm_head = NormedHead(model.model.norm, model.lm_head)
        model.model.norm = nn.Identity()
    return model
