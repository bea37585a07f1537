"""Where models run, in which precision, and by which engine."""

from dataclasses import asdict, dataclass
from typing import Any

import torch

from bench.models.config import AUTO, EAGER, PACKED, TRACED
from decoding.errors import UserError
from decoding.packing import can_pack


@dataclass(frozen=True)
class Place:
    """Where the models run, in which precision, and how.

    Attributes:
        engine: "eager" (transformers' modules as they come), "traced" (the same operators without
            Python between them, see decoding/tracing.py) or "packed" (traced, and linear layers on
            packed weights, see decoding/packing.py).
    """

    device: str
    dtype: str
    engine: str = EAGER

    def __str__(self) -> str:
        return f"{self.device.split(':')[0]}, {self.dtype}, {self.engine}"

    def identity(self) -> dict[str, Any]:
        """As it names a run's folder.

        The engine only where it is not eager: before, there was no other.
        """
        return {key: value for key, value in asdict(self).items() if (key, value) != ("engine", EAGER)}


def resolve_place(device: str | None, dtype: str | None, engine: str = EAGER) -> Place:
    """Fill in the defaults.

    Raises:
        UserError: the device is not there, or the engine cannot run on it in that precision.
    """
    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        kind = torch.device(name)
    except RuntimeError as error:
        raise UserError(f"device={name} is no device: use cpu, cuda or cuda:N") from error
    if kind.type == "cuda" and (kind.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device={name} is not there: this machine has {torch.cuda.device_count()} CUDA devices")
    if kind.type not in ("cpu", "cuda"):
        raise UserError(f"device={name} is not supported: use cpu, cuda or cuda:N")
    precision = dtype or ("float32" if kind.type == "cpu" else "bfloat16")
    return Place(name, precision, _engine(engine, kind.type, precision))


def runs(engine: str, device: str, dtype: str) -> bool:
    """Whether `engine` can run on a kind of device, "cpu" or "cuda", in a dtype."""
    if engine == PACKED:
        return device == "cpu" and can_pack(getattr(torch, dtype))
    return engine != TRACED or device == "cpu"


def fastest(device: str, dtype: str) -> str:
    """The engine that is the fastest, as far as is known, on a kind of device in a dtype."""
    return next(each for each in (PACKED, TRACED, EAGER) if runs(each, device, dtype))


def _engine(asked: str, device: str, dtype: str) -> str:
    """The engine that was asked for. Raises UserError where it cannot run."""
    if asked == AUTO:
        return fastest(device, dtype)
    if runs(asked, device, dtype):
        return asked
    if asked == TRACED:
        raise UserError("engine=traced is for a CPU: on a GPU use engine=eager")
    kernels = {
        "float32": "FBGEMM's float16 kernels, which this machine's torch has not",
        "bfloat16": "a CPU that multiplies bfloat16 (AMX or AVX512-BF16)",
    }
    needed = kernels.get(dtype) if device == "cpu" else None
    raise UserError(f"engine=packed needs {needed or 'float32 or bfloat16 on a CPU'}: use engine=auto")
