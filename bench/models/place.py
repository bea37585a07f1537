"""Where models run and in which precision."""

from dataclasses import dataclass

import torch

from decoding.errors import UserError


@dataclass(frozen=True)
class Place:
    """Where the models run and in which precision."""

    device: str
    dtype: str


def resolve_place(device: str | None, dtype: str | None) -> Place:
    """Fill in the defaults. Raises UserError for a device that is not there."""
    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        kind = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"device={name} is no device: use cpu, cuda or cuda:N") from error
    if kind.type == "cuda" and (kind.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device={name} is not there: this machine has {torch.cuda.device_count()} CUDA devices")
    if kind.type not in ("cpu", "cuda"):
        raise UserError(f"device={name} is not supported: use cpu, cuda or cuda:N")
    return Place(name, dtype or ("float32" if kind.type == "cpu" else "bfloat16"))
