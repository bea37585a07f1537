"""Typed dataclasses as JSON and back: a file's mappings end here."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from decoding.errors import UserError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# A field whose key in the file is another name than Python allows: field(metadata={KEY: "from"}).
KEY = "key"


def to_json(value: Any) -> Any:
    """Plain mappings, lists and values; fields in their order."""
    if is_dataclass(value) and not isinstance(value, type):
        return {_key(each): to_json(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {key: to_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(each) for each in value]
    return value


def from_json(kind: Any, content: Any, where: str = "") -> Any:
    """The value of type `kind` that `content` writes down.

    A key that is missing takes its field's default, which says that it was not known then.

    Args:
        kind: a dataclass, or a type of one of its fields.
        content: from JSON.
        where: the key it stands at, for messages; "" for a whole file.

    Raises:
        UserError: a key is missing, or unknown, or holds no mapping or list where one belongs.
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
    if origin is dict:
        found = _require(content, Mapping, where)
        return {key: from_json(arguments[1], each, _inner(where, key)) for key, each in found.items()}
    return content


def _dataclass(kind: "type[DataclassInstance]", content: Mapping[str, Any], where: str) -> Any:
    known, hints = {_key(each): each for each in fields(kind)}, _hints(kind)
    needed = [key for key, each in known.items() if each.default is MISSING and each.default_factory is MISSING]
    if missing := [_inner(where, key) for key in needed if key not in content]:
        raise UserError(f"lacks {', '.join(missing)}")
    if unknown := [_inner(where, key) for key in content if key not in known]:
        raise UserError(f"holds {', '.join(unknown)}, which this harness does not know: a newer one wrote it")
    names = {key: known[key].name for key in content}
    return kind(**{name: from_json(hints[name], content[key], _inner(where, key)) for key, name in names.items()})


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _key(each: Field[Any]) -> str:
    return str(each.metadata.get(KEY, each.name))


def _inner(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _require(content: Any, kind: type[Any], where: str) -> Any:
    if not isinstance(content, kind):
        raise UserError(f"holds no {'list' if kind is list else 'mapping'}{f' at {where}' if where else ''}")
    return content
