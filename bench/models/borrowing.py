"""A draft whose folder holds layers alone: embeddings, last norm and head are its target's.

`training/drafter` writes such folders. Their config.json names the tensors that are borrowed; the
tokenizer is the target's too.
"""

import operator
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from bench.models.location import folder_config, locate
from decoding.cross import attend_to
from decoding.errors import UserError
from decoding.hidden import read_features

# Key of config.json: the tensors that the folder does not hold, as the state dict names them.
BORROWED = "borrowed"
# Key of config.json: whether the draft reads its target's hidden states.
READS_FEATURES = "reads_features"
# Key of config.json: whether it attends to its target's keys and values.
ATTENDS = "attends_to_target"


def borrows(name: str | None) -> bool:
    """Whether a model, as the user calls it, is a local folder that borrows from its target."""
    return BORROWED in (folder_config(name) or {})


def load_borrowing(name: str, lender: PreTrainedModel, dtype: torch.dtype) -> PreTrainedModel:
    """The draft in folder `name` with the tensors that it borrows from `lender`.

    They are shared where dtypes agree.

    Raises:
        UserError: a tensor that the folder lacks and does not borrow, one of another shape, or a
            lender without it.
    """
    folder = Path(locate(name)[0])
    settings = folder_config(name) or {}
    borrowed: list[str] = settings[BORROWED]
    config = AutoConfig.from_pretrained(folder)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config, dtype=dtype)  # type: ignore[no-untyped-call]
    if settings.get(READS_FEATURES):
        read_features(model)
    if settings.get(ATTENDS):
        attend_to(lender, model)
    placed: nn.Module = model  # PreTrainedModel's own `to` leaves its types out
    placed.to(lender.device)
    own = load_file(folder / "model.safetensors", device=str(lender.device))
    missing = sorted(set(model.state_dict()) - set(own) - set(borrowed))
    if missing or (strange := sorted(set(own) - set(model.state_dict()))):
        what = f"lacks {missing[0]}" if missing else f"holds {strange[0]}, which the model has no place for"
        raise UserError(f"cannot load {name}: its checkpoint {what}; train it anew with scripts/train_draft.py")
    for tensor in borrowed:
        own[tensor] = _lent(name, tensor, lender).to(dtype)
    try:
        for tensor, value in own.items():
            _put(model, tensor, value.to(dtype))
    except ValueError as error:
        raise UserError(
            f"cannot load {name}: {error}: it was trained for another target than {lender.name_or_path}"
        ) from error
    model.tie_weights()
    return model


def _lent(name: str, tensor: str, lender: PreTrainedModel) -> torch.Tensor:
    try:
        found: torch.Tensor = operator.attrgetter(tensor)(lender)
    except AttributeError as error:
        raise UserError(f"{name} borrows {tensor} from its target, and {lender.name_or_path} has none") from error
    return found.detach()


def _put(model: PreTrainedModel, name: str, value: torch.Tensor) -> None:
    """Make `value` itself the tensor `name`. Raises ValueError where the shapes differ."""
    path, _, leaf = name.rpartition(".")
    module = model.get_submodule(path)
    old = getattr(module, leaf)
    if old.shape != value.shape:
        raise ValueError(f"its {name} is {tuple(old.shape)}, the target's {tuple(value.shape)}")
    if isinstance(old, nn.Parameter):
        setattr(module, leaf, nn.Parameter(value, requires_grad=False))
    else:
        setattr(module, leaf, value)
