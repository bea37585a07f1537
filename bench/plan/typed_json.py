"""Typed dataclasses as JSON and back: a file's mappings end here.

A dataclass that a file holds has a field schema_version, and says in SCHEMA_VERSION which it reads.
"""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from decoding.errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# A field whose key in the file is another name than Python allows: field(metadata={KEY: "from"}).
KEY = "key"
# Of a field that is left out of the file where it has its default: field(metadata=LEFT_OUT).
LEFT_OUT = {"left_out": True}
# Of a field with a mapping by some names, which stand in the file beside the other keys, null where
# the mapping has none: field(metadata={BESIDE: names}).
BESIDE = "beside"


def to_json(value: Any) -> Any:
    """Plain mappings, lists and values; fields in their order."""
    if is_dataclass(value) and not isinstance(value, type):
        shown = {each: getattr(value, each.name) for each in fields(value)}
        written: dict[str, Any] = {}
        for each, own in shown.items():
            if BESIDE in each.metadata:
                written |= {name: to_json(own.get(name)) for name in each.metadata[BESIDE]}
            elif own != each.default or not each.metadata.get("left_out"):
                written[_key(each)] = to_json(own)
        return written
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    return value


def from_file(kind: Any, content: Any, name: str) -> Any:
    """The dataclass `kind` that a whole file holds.

    Args:
        kind: with a SCHEMA_VERSION.
        content: from JSON.
        name: of the file, for messages.

    Raises:
        UserError: another schema version, or a key that is missing, unknown or damaged.
    """
    version = content.get("schema_version") if isinstance(content, Mapping) else None
    if version != kind.SCHEMA_VERSION:
        raise UserError(f"{name} has schema version {version}, this harness reads {kind.SCHEMA_VERSION}")
    try:
        return from_json(kind, content)
    except UserError as error:
        raise UserError(f"{name} is damaged, it {error}") from error


def from_json(kind: Any, content: Any, where: str = "") -> Any:
    """The value of type `kind` that `content` writes down.

    A key that is missing takes its field's default, which says that it was not known then.

    Args:
        kind: a dataclass, or a type of one of its fields.
        content: from JSON.
        where: the key it stands at, for messages; "" for a whole file.

    Raises:
        UserError: a key is missing, or unknown, or holds no mapping or list where one belongs, or
            one of another schema version.
    """
    if isinstance(kind, type) and is_dataclass(kind):
        return _dataclass(kind, _require(content, Mapping, where), where)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (types.UnionType, Union):
        # The only unions are with None.
        [wanted] = [each for each in arguments if each is not type(None)]
        return None if content is None else from_json(wanted, content, where)
    if origin is list:
        return [from_json(arguments[0], each, where) for each in _require(content, list, where)]
    if origin is tuple:
        return tuple(from_json(arguments[0], each, where) for each in _require(content, list, where))
    if origin is dict:
        found = _require(content, Mapping, where)
        values = {key: from_json(arguments[1], each, _inner(where, key)) for key, each in found.items()}
        return {_number(key, where): each for key, each in values.items()} if arguments[0] is int else values
    return Path(content) if kind is Path else content


def _dataclass(kind: "type[DataclassInstance]", content: Mapping[str, Any], where: str) -> Any:
    version, wanted = content.get("schema_version"), getattr(kind, "SCHEMA_VERSION", None)
    if wanted is not None and version != wanted:
        raise UserError(f"holds {where} of schema version {version}, this harness reads {wanted}")
    besides = {each.name: each.metadata[BESIDE] for each in fields(kind) if BESIDE in each.metadata}
    gathered = {
        name: {key: content[key] for key in keys if content.get(key) is not None} for name, keys in besides.items()
    }
    content = {key: value for key, value in content.items() if not any(key in keys for keys in besides.values())}
    known, hints = {_key(each): each for each in fields(kind) if each.name not in besides}, _hints(kind)
    needed = [key for key, each in known.items() if each.default is MISSING and each.default_factory is MISSING]
    if missing := [_inner(where, key) for key in needed if key not in content]:
        raise UserError(f"lacks {', '.join(missing)}")
    if unknown := [_inner(where, key) for key in content if key not in known]:
        raise UserError(f"holds {', '.join(unknown)}, which this harness does not know: a newer one wrote it")
    names = {key: known[key].name for key in content}
    values = {name: from_json(hints[name], content[key], _inner(where, key)) for key, name in names.items()}
    return kind(**values, **gathered)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _key(each: Field[Any]) -> str:
    return str(each.metadata.get(KEY, each.name))


def _inner(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _number(key: str, where: str) -> int:
    """A key that is a number, which a file writes as text."""
    try:
        return int(key)
    except ValueError as error:
        raise UserError(f"holds {_inner(where, key)}, which is no number") from error


def _require(content: Any, kind: type[Any], where: str) -> Any:
    if not isinstance(content, kind):
        raise UserError(f"holds no {'list' if kind is list else 'mapping'}{f' at {where}' if where else ''}")
    return content
