"""A checkpoint that is loaded as a whole or not at all.

transformers draws what a checkpoint lacks at random and goes on, which leaves a model that decodes
nonsense, as fast as the right one.
"""

from collections.abc import Iterable
from typing import Any, cast

from transformers import AutoModelForCausalLM, PreTrainedModel

from decoding.errors import UserError

SHOWN = 3


def load_whole(name: str, **options: Any) -> tuple[PreTrainedModel, list[str]]:
    """(the model, warnings).

    Tied weights and buffers may be absent: they follow from the others and from the config.

    Args:
        name: as the user calls it.
        options: for `from_pretrained`.

    Raises:
        UserError: a tensor is missing or of another shape; and whatever `from_pretrained` raises
            for broken files.
    """
    # Mismatched sizes are let through because only then does transformers tell the shapes.
    loaded = AutoModelForCausalLM.from_pretrained(output_loading_info=True, ignore_mismatched_sizes=True, **options)
    model, found = cast(tuple[PreTrainedModel, dict[str, Any]], loaded)
    kind, surplus = type(model).__name__, sorted(found["unexpected_keys"])
    if found["mismatched_keys"]:
        tensor, stored, wanted = min(found["mismatched_keys"])
        more = f" (and {count - 1} more)" if (count := len(found["mismatched_keys"])) > 1 else ""
        raise UserError(
            f"cannot load {name}: its tensor {tensor} has the shape {_shape(stored)}, {kind} with its config.json has "
            f"{_shape(wanted)}{more}: config.json and weights are of different models; fetch both again"
        )
    buffers = {buffer for buffer, _ in model.named_buffers()}
    missing = sorted(key for key in found["missing_keys"] if key not in buffers)
    if missing:
        others = f"; it holds {_some(surplus)}, which {kind} has no place for" if surplus else ""
        raise UserError(
            f"cannot load {name}: its checkpoint lacks {_some(missing)} of {kind}{others}: fetch it again, or take the "
            "config.json that belongs to it"
        )
    warnings = []
    if surplus:
        warnings.append(
            f"the checkpoint {name} holds {_some(surplus)}, which {kind} has no place for: if config.json names "
            "another architecture than the weights are of, this is not the model it is called"
        )
    unset = sorted(buffers & set(found["missing_keys"]))
    if unset:
        warnings.append(f"the checkpoint {name} lacks {_some(unset)} that are no weights: they are as {kind} begins")
    return model, warnings


def _shape(sizes: Iterable[int]) -> str:
    return " x ".join(map(str, sizes))


def _some(names: list[str]) -> str:
    """"2 tensors (a, b)", the first few by name."""
    more = ", ..." if len(names) > SHOWN else ""
    return f"{len(names)} tensor{'' if len(names) == 1 else 's'} ({', '.join(names[:SHOWN])}{more})"
