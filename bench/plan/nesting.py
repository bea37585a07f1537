"""Settings in parts: `drafting: {confidence: 0.5}` is the setting drafting.confidence.

A part holds settings and has no name. A mapping or config with a `name` is another method, and as
such one value.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings under their dotted names.

    Args:
        settings: plain containers, as YAML has them.
    """
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= {f"{key}.{name}": each for name, each in flat(value).items()} if _is_part(value) else {key: value}
    return found


def flat_config(config: Any) -> dict[str, Any]:
    """The same of a typed config; a method within it stays a config."""
    found: dict[str, Any] = {}
    for each in fields(config):
        value = getattr(config, each.name)
        if is_dataclass(value) and not hasattr(value, "name"):
            found |= {f"{each.name}.{name}": inner for name, inner in flat_config(value).items()}
        else:
            found[each.name] = value
    return found


def nested(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of dotted names in their parts."""
    found: dict[str, Any] = {}
    for key, value in settings.items():
        part, _, rest = key.partition(".")
        found = merged(found, {part: nested({rest: value}) if rest else value})
    return found


def merged(settings: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """`settings` with those that are given in their place, part by part."""
    found = dict(settings)
    for key, value in given.items():
        found[key] = merged(found[key], value) if _is_part(value) and _is_part(found.get(key)) else value
    return found


def written(value: object) -> str:
    """A plain value as it is written on the command line: null, true, [1,2]."""
    if isinstance(value, list):
        return str(value).replace(" ", "")
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _is_part(value: object) -> bool:
    return isinstance(value, Mapping) and "name" not in value
