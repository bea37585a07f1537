"""From plain settings to a typed, checked config."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from decoding.errors import UserError

T = TypeVar("T")

TEXTS = (str, str | None)


def typed(kind: type[T], settings: Mapping[str, object], group: str) -> T:
    """An instance of the dataclass `kind` with `settings` in place of its defaults.

    Args:
        kind: of the settings.
        settings: plain values.
        group: what a user writes before a setting's name, for messages; "" for those of no group.

    Raises:
        UserError: an unknown key, a value of the wrong type, or one outside its range.
    """
    _require_settings(kind, settings, group)
    try:
        return OmegaConf.to_object(OmegaConf.merge(_schema(kind), dict(settings)))
    except OmegaConfBaseException as error:
        key = _named(group, error.full_key) if error.full_key else group
        raise UserError(f"{key}: {str(error).splitlines()[0]}") from error


@cache
def _schema(kind: type) -> DictConfig:
    """Made once, for it takes longer than all the rest; `OmegaConf.merge` changes a copy."""
    schema = OmegaConf.structured(kind)
    # A frozen dataclass makes a read-only schema, which nothing could be merged into.
    OmegaConf.set_readonly(schema, None)
    return schema


def _require_settings(kind: type, settings: Mapping[str, object], group: str) -> None:
    """Raise UserError for a key that is no field of the dataclass, or of one within it.

    Also for what must be a text and is none.
    """
    known = [field.name for field in fields(kind)]
    hints = _hints(kind)
    for key, value in settings.items():
        if key not in known:
            raise UserError(f"{_named(group, key)} is no setting: choose among {', '.join(known)}")
        _require_value(hints[key], value, _named(group, key))


def _require_value(hint: Any, value: object, name: str) -> None:
    """Raise UserError for a value of the setting `name` that is not of its kind."""
    if is_dataclass(hint):
        assert isinstance(hint, type)
        if not isinstance(value, Mapping):
            own = name.rpartition(".")[2]
            names = ", ".join(f"{own}.{field.name}" for field in fields(hint))
            raise UserError(f"{name} holds settings, {names}: it cannot be {value}")
        _require_settings(hint, value, name)
    elif get_origin(hint) is list and isinstance(value, Mapping):
        # OmegaConf's own error names no setting.
        raise UserError(f"{name} is a list: it cannot be {value}")
    elif get_origin(hint) is list and isinstance(value, list):
        for number, each in enumerate(value):
            _require_value(get_args(hint)[0], each, f"{name}[{number}]")
    elif hint in TEXTS:
        require_text(name, value)


_hints = cache(get_type_hints)


def _named(group: str, key: str) -> str:
    return f"{group}.{key}" if group else key


def require_text(name: str, value: object) -> None:
    """Raise UserError, naming the setting, for what YAML has not read as a text.

    1.10 would come back as 1.1.
    """
    if value is not None and not isinstance(value, str):
        raise UserError(
            f"{name} is a text, but without quotes YAML reads {value} there: quote it, on the command line as "
            f"'{name}=\"...\"' with both pairs of quotes"
        )
