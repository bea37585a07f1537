"""Linear layers on float16 weights with float32 activations and accumulation, by FBGEMM, which is part of torch.

On a CPU a forward of few rows costs what its weights cost to read, and torch's float32 kernels read them badly for more
than one row. FBGEMM's read half the bytes, and several rows for little more than one.

The weights are rounded once, in place, and the rounded model is the model: greedy decoding, verdicts and teacher
forcing all run on it. `rounded` gives the same numbers to a float32 model, which must agree with it within rounding.
"""

import copy

import torch
from torch import nn
from transformers import PreTrainedModel

from decoding.errors import UserError


class PackedLinear(nn.Module):
    """`linear` with its weights packed; float32 in and out.

    Raises UserError for a weight that float16 cannot hold.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        bias = linear.bias.detach().clone() if linear.bias is not None else None
        self.packed = torch.ao.nn.quantized.dynamic.Linear(  # type: ignore[no-untyped-call]  # untyped in torch
            linear.in_features, linear.out_features, bias is not None, dtype=torch.float16
        )
        self.packed.set_weight_bias(_float16(linear.weight.detach()).float(), bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """[..., in_features] to [..., out_features], both float32."""
        output: torch.Tensor = self.packed(hidden)
        return output

    @property
    def weight(self) -> torch.Tensor:
        """The rounded weights [out, in] in float32, unpacked anew at every call."""
        weight: torch.Tensor = self.packed.weight()  # type: ignore[no-untyped-call]  # as above
        return weight.float()

    def __deepcopy__(self, memo: dict[int, object]) -> "PackedLinear":
        """Itself: nothing changes packed weights, and a copy that skips layers shares all others (Draft & Verify)."""
        return self


def can_pack() -> bool:
    """Whether this machine has the kernels."""
    supported = torch.backends.quantized.supported_engines
    return "fbgemm" in supported and hasattr(torch.ops.quantized, "linear_dynamic_fp16")


def pack(model: PreTrainedModel) -> PreTrainedModel:
    """Put a PackedLinear in the place of every nn.Linear, the head's too, and round the embeddings that it is tied to.

    Raises UserError where the kernels are missing, the model is not float32 on the CPU, or a weight is too large.
    """
    if not can_pack():
        raise UserError("packed weights need FBGEMM's float16 kernels, which this machine's torch has not")
    if model.dtype != torch.float32 or {each.device.type for each in model.parameters()} != {"cpu"}:
        raise UserError(f"packed weights are for float32 on a CPU, not {model.dtype} on {model.device}")
    _round_embeddings(model)
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.Linear:
                setattr(parent, name, PackedLinear(child))
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


def _round_embeddings(model: PreTrainedModel) -> None:
    """Where head and embedding are one matrix they stay one."""
    embedding = model.get_input_embeddings()
    head = model.get_output_embeddings()  # type: ignore[no-untyped-call]  # untyped in transformers
    if head is not None and embedding.weight is head.weight:
        with torch.no_grad():
            embedding.weight.copy_(_float16(embedding.weight))


def _float16(weight: torch.Tensor) -> torch.Tensor:
    """The weights rounded to float16. Raises UserError if one becomes infinite."""
    halved = weight.to(torch.float16)
    if not bool(torch.isfinite(halved).all()):
        largest = float(weight.abs().max())
        raise UserError(f"a weight of {largest:.3g} is beyond float16 (65504 at most): use engine=traced")
    return halved
