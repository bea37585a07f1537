"""What a pair takes of the machine's memory, by its files and configs before it is loaded."""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from safetensors import SafetensorError, safe_open
from transformers import AutoModelForCausalLM, PretrainedConfig

from decoding.errors import UserError

GIB = 1 << 30
FLOATING = {"F64", "F32", "F16", "BF16"}
# Pickled weights are SpecForge's and EAGLE's, where no other file is.
INDEX, SINGLE, PICKLED = "model.safetensors.index.json", "model.safetensors", "pytorch_model.bin"


@dataclass(frozen=True)
class Part:
    """One model in memory.

    Attributes:
        parameters: their number.
        weights: bytes.
        row: bytes of keys and values a token.
        device: where it goes; None if accelerate spreads it over all GPUs and the CPU's memory
            (device_map).
    """

    name: str
    parameters: int
    weights: int
    row: int
    device: str | None

    def bytes(self, length: int) -> int:
        """With the cache of a sequence of `length` tokens."""
        return self.weights + self.row * length


def part(name: str, folder: str | None, config: PretrainedConfig, dtype: torch.dtype, device: str | None) -> Part:
    """The size of a model loaded in `dtype`.

    It is read from the headers of the safetensors files in `folder` or from its pickled weights, or
    else, of a model on the hub (folder None), from its shapes alone, built on torch's meta device,
    which holds no numbers.
    """
    counted = (_headers(Path(folder), dtype) or _pickled(Path(folder), dtype)) if folder else None
    parameters, weights = counted or _shapes(config, dtype)
    return Part(name, parameters, weights, _row_bytes(config, dtype), device)


def require_room(parts: list[Part], length: int) -> str:
    """A line that says what the parts and the caches of `length` tokens take and what is free.

    Raises:
        UserError: they do not fit.
    """
    free = {device: free_bytes(device) for device in _devices()}
    takes = ", ".join(f"{each.name} {_gib(each.weights)} + cache {_gib(each.row * length)}" for each in parts)
    room = ", ".join(f"{device} {_gib(size)}" for device, size in free.items())
    sizes = f"{takes} for {length} tokens; free: {room}"
    left, passing = dict(free), 0
    for each in parts:
        if each.device is not None:
            left[_known(each.device)] -= each.bytes(length)
            # Without a device_map a model comes to its GPU through the CPU's memory.
            passing = max(passing, each.weights if _known(each.device) != "cpu" else 0)
    short = [device for device, rest in left.items() if rest < (passing if device == "cpu" else 0)]
    spread = sum(each.bytes(length) for each in parts if each.device is None)
    if short or spread > sum(left.values()):
        where = f" on {' and '.join(short)}" if short else ""
        raise UserError(
            f"not enough memory{where} ({sizes}): set dtype=bfloat16, model.device_map=auto or a smaller "
            "max_new_tokens, or take a smaller model"
        )
    beside = spread - sum(rest for device, rest in left.items() if device != "cpu")
    slow = f", but {_gib(beside)} stay on the CPU, which is slow" if len(free) > 1 and beside > 0 else ""
    return f"memory: {sizes}: enough{slow}"


def free_bytes(device: str) -> int:
    """What a device ("cpu", "cuda:0", ...) has left."""
    if torch.device(device).type == "cuda":
        return torch.cuda.mem_get_info(torch.device(device))[0]
    available: int = psutil.virtual_memory().available
    return available


def _devices() -> list[str]:
    return ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]


def _known(device: str) -> str:
    """The device as `_devices` names it."""
    kind = torch.device(device)
    return "cpu" if kind.type == "cpu" else f"cuda:{kind.index or 0}"


def _gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB" if size >= GIB / 10 else f"{size / (1 << 20):.1f} MiB"


def _headers(folder: Path, dtype: torch.dtype) -> tuple[int, int] | None:
    """(parameters, bytes in `dtype`) of the weights in a folder; None if they are no safetensors.

    Packed (quantized) numbers stay as they are.
    """
    files = safetensors_files(folder / INDEX)
    if not all((folder / file).is_file() for file in files):
        return None
    parameters = weights = 0
    for file in files:
        try:
            with safe_open(folder / file, framework="pt") as tensors:
                pieces = [tensors.get_slice(name) for name in tensors.keys()]  # noqa: SIM118 (no mapping)
                kinds = [(math.prod(piece.get_shape()), piece.get_dtype()) for piece in pieces]
        except SafetensorError as error:
            raise UserError(f"{folder / file} is damaged or cut short ({error}): fetch it again") from error
        parameters += sum(numbers for numbers, _ in kinds)
        weights += sum(numbers * (dtype.itemsize if kind in FLOATING else _stored(kind)) for numbers, kind in kinds)
    return parameters, weights


def _pickled(folder: Path, dtype: torch.dtype) -> tuple[int, int] | None:
    """The same of weights in one pickled file; None if there is none that can be read."""
    file = folder / PICKLED
    if not file.is_file():
        return None
    try:
        weights = torch.load(file, map_location="meta", weights_only=True)
    except Exception:  # noqa: BLE001 (of many kinds; loading tells it)
        return None
    sizes = [(each.numel(), (dtype if each.is_floating_point() else each.dtype).itemsize) for each in weights.values()]
    return sum(numbers for numbers, _ in sizes), sum(numbers * size for numbers, size in sizes)


def _stored(kind: str) -> int:
    """Bytes of a number as safetensors names its kind: I32, U8, F8_E4M3, BOOL."""
    bits = re.search(r"\d+", kind)
    return max(int(bits.group()) // 8, 1) if bits else 1


def safetensors_files(index: Path | None) -> list[str]:
    """Names of the files that hold a model's weights, by its index where it has one."""
    if index is None or not index.is_file():
        return [SINGLE]
    try:
        return sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{index} is no index of weights, or damaged: fetch it again") from error


def _shapes(config: PretrainedConfig, dtype: torch.dtype) -> tuple[int, int]:
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config)  # type: ignore[no-untyped-call]  # untyped in transformers
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return parameters, parameters * dtype.itemsize


def _row_bytes(config: PretrainedConfig, dtype: torch.dtype) -> int:
    own = config.get_text_config(decoder=True)
    heads = getattr(own, "num_key_value_heads", None) or own.num_attention_heads
    size = getattr(own, "head_dim", None) or own.hidden_size // own.num_attention_heads
    numbers: int = 2 * own.num_hidden_layers * heads * size
    return numbers * dtype.itemsize
