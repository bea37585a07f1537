"""A device in name only: its tensors lie on the CPU, and every copy between it and the host is
counted.

So a test without an accelerator sees what a host would wait for there. Operators run on the CPU and
give the same numbers; what they give is on the device if any of their tensors is. The name is
"meta", which no torch build lacks.
"""

from collections import Counter
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map
from transformers import PreTrainedModel

DEVICE = torch.device("meta")
HOST = torch.device("cpu")


class Far(torch.Tensor):
    """A tensor on the device. near: the same on the host, of which it is a view."""

    near: torch.Tensor
    is_meta = False  # it has numbers

    @staticmethod
    def __new__(cls, near: torch.Tensor) -> "Far":
        """The device's name for `near`."""
        far = torch.Tensor._make_wrapper_subclass(
            cls, near.size(), strides=near.stride(), storage_offset=near.storage_offset(), dtype=near.dtype,
            device=DEVICE,
        )  # fmt: skip
        far.near = near
        return far

    @classmethod
    def __torch_dispatch__(cls, function: Any, *_: Any) -> None:
        """Outside a PretendDevice nothing can be done with it."""
        raise RuntimeError(f"{function} without the device")


class PretendDevice(TorchDispatchMode):
    """Within, tensors may be on DEVICE. copies: "to device" and "to host", of which the host waits
    for the latter."""

    def __init__(self) -> None:
        super().__init__()
        self.copies: Counter[str] = Counter()
        self._calls = _Calls(self.copies)

    def __enter__(self) -> "PretendDevice":
        """Begin."""
        self._calls.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        """End."""
        super().__exit__(*error)
        self._calls.__exit__(*error)

    def move(self, model: PreTrainedModel) -> PreTrainedModel:
        """Put the model on the device."""
        for module in model.modules():
            for name, parameter in module._parameters.items():
                if parameter is not None:
                    module._parameters[name] = torch.nn.Parameter(Far(parameter.data), requires_grad=False)
            module._buffers.update({name: Far(each) for name, each in module._buffers.items() if each is not None})
        return model

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operator on the host's tensors."""
        kwargs = kwargs or {}
        leaves = tree_leaves((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        sources = [tensor for tensor in tensors if isinstance(tensor, Far)]
        devices = [leaf for leaf in leaves if isinstance(leaf, torch.device)]
        far = devices[0] == DEVICE if devices else bool(sources)
        self._count(function.overloadpacket.__name__, args, tensors, sources, far)
        given = tree_map(_near, (args, kwargs))
        result = function(*given[0], **given[1])
        # What an operator gives back of its arguments, as in-place ones do, stays the object that
        # it was.
        known = {id(source.near): source for source in sources}

        def named(leaf: Any) -> Any:
            return known.get(id(leaf), Far(leaf)) if isinstance(leaf, torch.Tensor) and far else leaf

        return tree_map(named, result)

    def _count(self, name: str, args: Any, tensors: list, sources: list, far: bool) -> None:
        if name in ("_to_copy", "to") and bool(sources) != far:
            self.copies["to device" if far else "to host"] += 1
        if name == "copy_" and 0 < len(sources) < len(tensors):
            self.copies["to device" if isinstance(args[0], Far) else "to host"] += 1
        if name in ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "masked_select", "item") and sources:
            self.copies["to host"] += 1
        if name in ("index", "index_put", "index_put_", "_index_put_impl_") and sources:
            for index in (each for each in args[1] if each is not None):
                self.copies["to device"] += not isinstance(index, Far)
                # How many there are decides the shape.
                self.copies["to host"] += index.dtype == torch.bool


class _Calls(TorchFunctionMode):
    """What does not reach the operators as it was called."""

    def __init__(self, copies: Counter[str]) -> None:
        super().__init__()
        self._copies = copies

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call, outside of inference mode, in which wrapped tensors have no views."""
        kwargs = kwargs or {}
        if function in (torch.tensor, torch.as_tensor) and torch.device(kwargs.get("device") or "cpu") == DEVICE:
            self._copies["to device"] += 1
            return Far(function(*args, **{**kwargs, "device": HOST}))
        if function in (torch.Tensor.tolist, torch.Tensor.numpy) and isinstance(args[0], Far):
            self._copies["to host"] += 1
            return function(args[0].near)
        with torch.inference_mode(False), torch.no_grad():
            return function(*args, **kwargs)


def _near(leaf: Any) -> Any:
    return leaf.near if isinstance(leaf, Far) else HOST if isinstance(leaf, torch.device) else leaf
