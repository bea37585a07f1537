"""Linear layers whose weights lie as a CPU's kernels for few rows want them.

On a CPU a forward of few rows costs what its weights cost to read, and torch's kernels read them
badly for more than one row.

float32: float16 weights, float32 activations and accumulation, by FBGEMM, which is part of torch.
It reads half the bytes, and several rows for little more than one. The weights are rounded once, in
place, and the rounded model is the model: greedy decoding, verdicts and teacher forcing all run on
it. `rounded` gives the same numbers to a float32 model, which must agree with it within rounding.

bfloat16: the model's own weights in oneDNN's blocked layout, for a CPU that multiplies bfloat16
(AMX, AVX512-BF16). Nothing is rounded; what is saved is laying the weights out anew in every call.
A tile holds sixteen rows, which all cost what one does.
"""

import copy

import torch
from torch import nn
from transformers import PreTrainedModel

from decoding.errors import CannotPack

NATIVE = ("amx_bf16", "avx512_bf16")


class PackedLinear(nn.Module):
    """A linear layer on packed weights; in and out as the layer that it stands for."""

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features

    @property
    def weight(self) -> torch.Tensor:
        """The weights [out, in] as the layer computes with them, unpacked anew at every call."""
        raise NotImplementedError

    def __deepcopy__(self, memo: dict[int, object]) -> "PackedLinear":
        """Itself.

        Nothing changes packed weights, and a copy that skips layers shares all others (Draft &
        Verify).
        """
        return self


class Float16Linear(PackedLinear):
    """float32 in and out, weights in float16.

    Raises:
        CannotPack: float16 cannot hold a weight.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear)
        bias = linear.bias.detach().clone() if linear.bias is not None else None
        self.packed = torch.ao.nn.quantized.dynamic.Linear(  # type: ignore[no-untyped-call]  # untyped in torch
            linear.in_features, linear.out_features, bias is not None, dtype=torch.float16
        )
        self.packed.set_weight_bias(_float16(linear.weight.detach()).float(), bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., in_features] to [..., out_features], both float32."""
        # Not the module's own forward, which looks for another dtype in every call.
        weights = self.packed._packed_params._packed_params
        output: torch.Tensor = torch.ops.quantized.linear_dynamic_fp16(hidden, weights)
        return output

    @property
    def weight(self) -> torch.Tensor:
        """As above, in float32."""
        weight: torch.Tensor = self.packed.weight()  # type: ignore[no-untyped-call]  # as above
        return weight.float()


class BlockedLinear(PackedLinear):
    """bfloat16 in and out, the weights in oneDNN's layout.

    Attributes:
        blocked: that tensor, which no graph can hold as a constant: a traced forward takes it as an
            argument.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__(linear)
        self.blocked: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach())
        self.register_buffer("bias", linear.bias.detach().clone() if linear.bias is not None else None)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., in_features] to [..., out_features], both bfloat16."""
        output: torch.Tensor = _linear(hidden, self.blocked, self.bias)
        return output

    @property
    def weight(self) -> torch.Tensor:
        """As above, in bfloat16."""
        return self.blocked.to_dense()


@torch.jit.script
def _linear(hidden: torch.Tensor, blocked: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """A script, for the tracer does not know the list among its arguments."""
    output: torch.Tensor = torch.ops.mkldnn._linear_pointwise(hidden, blocked, bias, "none", [], "")
    return output


PACKED_BY: dict[torch.dtype, type[PackedLinear]] = {torch.float32: Float16Linear, torch.bfloat16: BlockedLinear}


def can_pack(dtype: torch.dtype) -> bool:
    """Whether this machine has the kernels for a model of `dtype`."""
    if dtype == torch.float32:
        supported = torch.backends.quantized.supported_engines
        return "fbgemm" in supported and hasattr(torch.ops.quantized, "linear_dynamic_fp16")
    if dtype == torch.bfloat16:
        able = torch.cpu.get_capabilities()
        return hasattr(torch.ops.mkldnn, "_linear_pointwise") and any(able.get(name) for name in NATIVE)
    return False


def pack(model: PreTrainedModel) -> PreTrainedModel:
    """Put a PackedLinear in the place of every nn.Linear, the head's too.

    The embeddings that the head is tied to are rounded.

    Raises:
        CannotPack: the kernels are missing, the model is neither float32 nor bfloat16 on the CPU,
            or a weight is too large.
    """
    kind = PACKED_BY.get(model.dtype)
    if kind is None or {each.device.type for each in model.parameters()} != {"cpu"}:
        raise CannotPack(f"packed weights are for float32 and bfloat16 on a CPU, not {model.dtype} on {model.device}")
    if not can_pack(model.dtype):
        raise CannotPack(f"packed weights in {model.dtype} need kernels that this machine has not")
    if kind is Float16Linear:
        _round_embeddings(model)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, kind(child))
    return model


def rounded(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of a float32 model whose weights are those of the packed one."""
    model = copy.deepcopy(model)
    _round_embeddings(model)
    with torch.no_grad():
        for module in model.modules():
            if type(module) is nn.Linear:
                module.weight.copy_(_float16(module.weight))
    return model


def blocked(model: PreTrainedModel) -> list[BlockedLinear]:
    """The layers of a packed model whose weights no graph can hold."""
    return [module for module in model.modules() if isinstance(module, BlockedLinear)]


def _round_embeddings(model: PreTrainedModel) -> None:
    """Where head and embedding are one matrix they stay one."""
    embedding = model.get_input_embeddings()
    head = model.get_output_embeddings()  # type: ignore[no-untyped-call]  # untyped in transformers
    if head is not None and embedding.weight is head.weight:
        with torch.no_grad():
            embedding.weight.copy_(_float16(embedding.weight))


def _float16(weight: torch.Tensor) -> torch.Tensor:
    """The weights rounded to float16. Raises CannotPack if one becomes infinite."""
    halved = weight.to(torch.float16)
    if not bool(torch.isfinite(halved).all()):
        largest = float(weight.abs().max())
        raise CannotPack(f"a weight of {largest:.3g} is beyond float16 (65504 at most)")
    return halved
