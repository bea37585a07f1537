"""What a forward reads, brought to its device in one copy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

Array = np.ndarray[Any, np.dtype[Any]]


def staged(arrays: Sequence[Array], device: torch.device) -> list[torch.Tensor]:
    """The arrays as tensors on `device`.

    On a CPU they are the arrays' own memory. Elsewhere all go in one copy, from pinned memory where
    the device reads that by itself, so that the host need not wait for it.

    Args:
        arrays: those of larger items first, for each must begin at a multiple of its item's size.
        device: where the forward runs.
    """
    if device.type == "cpu":
        return [torch.from_numpy(each) for each in arrays]
    items = [np.ascontiguousarray(each).reshape(-1).view(np.uint8) for each in arrays]
    packed = torch.from_numpy(np.concatenate(items))
    if device.type == "cuda":
        packed = packed.pin_memory()
    parts = torch.split(packed.to(device, non_blocking=True), [each.nbytes for each in arrays])
    kinds = [torch.from_numpy(each).dtype for each in arrays]
    return [part.view(kind).view(each.shape) for part, kind, each in zip(parts, kinds, arrays, strict=True)]
