"""Which sub-layers Draft & Verify skips while it drafts.

A small JSON file, or a preset in baselines/skip_sets.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from decoding.errors import MissingSkipSet, SettingError, UserError
from decoding.settings import path_of

PRESETS = Path(__file__).parent / "skip_sets"


@dataclass
class SkipSet:
    """Sub-layers to skip, each list ascending, counted from 0.

    Attributes:
        model: whose set it is, a folder or an id of the hub.
        layers: how many layers that model has.
        source: where the set comes from.

    Raises:
        UserError: a layer is out of range or named twice; the message names it.
    """

    model: str
    layers: int
    attention: list[int]
    mlp: list[int]
    source: str

    def __post_init__(self) -> None:
        for kind in ("attention", "mlp"):
            setattr(self, kind, checked(getattr(self, kind), self.layers, kind))

    def save(self, file: Path) -> None:
        """Write the set as JSON, a list to a line."""
        lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(value)}" for key, value in vars(self).items())
        file.write_text("{\n" + lines + "\n}\n", encoding="utf-8")


def checked(layers: list[int], count: int | None, what: str) -> list[int]:
    """`layers` in ascending order.

    Args:
        layers: numbers of layers, from 0.
        count: how many layers the model has; None where that is not known yet.
        what: the setting, for messages.

    Raises:
        UserError: a layer is not one of 0 .. count - 1, or is named twice.
    """
    for layer in layers:
        if type(layer) is not int or layer < 0 or (count is not None and layer >= count):
            top = f" to {count - 1}" if count is not None else ""
            raise SettingError(f"{what} names the layer {layer}: layers are numbered from 0{top}")
    if len(set(layers)) < len(layers):
        raise SettingError(f"{what} names a layer twice")
    return sorted(layers)


def made_for(target: str) -> str:
    """The preset whose model is `target`, a folder or an id of the hub.

    The path must end as the model's name does.

    Raises:
        MissingSkipSet: there is none.
    """
    parts = _parts(target)
    for preset in sorted(PRESETS.glob("*.json")):
        wanted = _parts(load_skip_set(preset.stem).model)
        if parts[-len(wanted) :] == wanted:
            return preset.stem
    raise MissingSkipSet(
        f"no skip set was made for the target {target!r}: give the file of one, skip=FILE, or name a set of a model "
        f"with as many layers: {_known()} (skip=null skips nothing but what skip_attention and skip_mlp name)"
    )


def _parts(model: str) -> tuple[str, ...]:
    return Path(model.removeprefix("bundled:")).parts


def _known() -> str:
    return ", ".join(sorted(preset.stem for preset in PRESETS.glob("*.json")))


def load_skip_set(name: str) -> SkipSet:
    """The skip set in a JSON file, or the preset of that name.

    Raises:
        UserError: it is not there, or cannot be read.
    """
    file = PRESETS / f"{name}.json"
    if name.endswith(".json") or not file.is_file():
        file = path_of(name)
    if not file.is_file():
        raise SettingError(
            f"skip={name} is no file and no preset: give a JSON file, auto, null, or one of {_known()}"
        )
    try:
        return SkipSet(**json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise UserError(f"{file} holds no skip set: {error}") from error
    except UserError as error:
        raise UserError(f"{file}: {error}") from error
