"""Reading rows from jsonl, json, csv and parquet files, with a place to name in every complaint."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from decoding.errors import UserError

EXTENSIONS = (".jsonl", ".json", ".csv", ".parquet")
# How the hub names the parts of a split, as in test-00000-of-00002.parquet; earlier with a digest
# after it.
SHARD = re.compile(r"(?P<split>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})(-[0-9a-f]{16})?")

Kind = type | tuple[type, ...]


class NoRows(UserError):
    """The split is not there, not whole, or leaves no row beside the worked examples.

    Nothing is broken.
    """


def splits_in(folder: Path) -> dict[str, list[Path]]:
    """The splits a folder holds, in order of name.

    Maps a file name without its extension to the file, or to its shards.

    Raises:
        UserError: two files hold one split.
    """
    found: dict[str, list[Path]] = {}
    for file in sorted(file for file in folder.glob("*") if file.suffix in EXTENSIONS):
        shard = SHARD.fullmatch(file.stem)
        split = shard["split"] if shard else file.stem
        first = found.setdefault(split, [file])[0]
        if first == file:
            continue
        kin = SHARD.fullmatch(first.stem)
        if not shard or not kin or (shard["count"], file.suffix) != (kin["count"], first.suffix):
            raise UserError(f"{folder} holds both {first.name} and {file.name}: keep one of them")
        # The two are neighbours in order of name.
        if SHARD.fullmatch(found[split][-1].stem)["number"] == shard["number"]:
            raise UserError(f"{folder} holds both {found[split][-1].name} and {file.name}: keep one of them")
        found[split].append(file)
    return found


def read_split(
    files: Sequence[Path], required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None
) -> Iterator[tuple[str, dict]]:
    """Rows of a split's file or shards, as `read_rows` gives them.

    Raises:
        NoRows: a shard is missing; before the first row is read.
    """
    if shard := SHARD.fullmatch(files[0].stem):
        there = {int(SHARD.fullmatch(file.stem)["number"]) for file in files}
        if lacking := [number for number in range(int(shard["count"])) if number not in there]:
            name = f"{shard['split']}-{lacking[0]:05}-of-{shard['count']}{files[0].suffix}"
            raise NoRows(f"{files[0].parent}: {name} is missing beside {files[0].name}")
    for file in files:
        yield from read_rows(file, required, optional)


def read_rows(
    path: Path, required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None
) -> Iterator[tuple[str, dict]]:
    """Rows of a file with the place each was read from ("test.jsonl:3"), one after another.

    Args:
        path: the file; its extension says how it is written.
        required: field to type, so that lists and nested fields are recognised in the cells of a
            csv file.
        optional: the same; an empty cell of an optional field is no field (of a parquet column
            neither).

    Raises:
        UserError: the file is missing, of another kind, or a row cannot be read.
    """
    readers = {".jsonl": _jsonl, ".json": _json, ".csv": _csv, ".parquet": _parquet}
    if path.suffix not in readers:
        raise UserError(f"{path}: cannot read {path.suffix or 'such'} files; use one of {', '.join(EXTENSIONS)}")
    if not path.is_file():
        raise UserError(f"{path} does not exist or is no file")
    empty = True
    for place, row in readers[path.suffix](path, required, optional or {}):
        if not isinstance(row, dict):
            raise UserError(f"{place}: a row must be an object with named fields, not {type(row).__name__}")
        empty = False
        yield place, row
    if empty:
        raise UserError(f"{path} holds no rows")


def check_fields(row: Mapping, required: Mapping[str, Kind], optional: Mapping[str, Kind], place: str) -> None:
    """Raise UserError, naming place and field, if a field is missing or does not fit.

    It does not fit if it is of the wrong type, or no text that a tokenizer takes. A dotted name is
    a field of a nested object; the kind `list` means a list of strings, `object` anything.
    """
    for name, kind in (required | optional).items():
        value: object = row
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is None and name in required:
            raise UserError(f"{place}: field {name!r} is missing; the row has {', '.join(map(str, row)) or 'none'}")
        if value is not None and not _fits(value, kind):
            wanted = " or ".join(_names(kind))
            raise UserError(f"{place}: field {name!r} must be {wanted}, not {type(value).__name__}")
        if not _encodable(value):
            raise UserError(f"{place}: field {name!r} holds a lone surrogate (half a character, \\ud800 to \\udfff)")


def _fits(value: object, kind: Kind) -> bool:
    if isinstance(value, list) and list in _kinds(kind):
        return all(isinstance(item, str) for item in value)
    return kind is object or (isinstance(value, kind) and not isinstance(value, bool))


def _encodable(value: object) -> bool:
    """Whether all strings in the value can be written as UTF-8.

    JSON's escapes can name halves of characters.
    """
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def _kinds(kind: Kind) -> tuple[type, ...]:
    return kind if isinstance(kind, tuple) else (kind,)


def _names(kind: Kind) -> list[str]:
    return ["a list of strings" if each is list else each.__name__ for each in _kinds(kind)]


def _jsonl(path: Path, *_kinds: Mapping[str, Kind]) -> Iterator[tuple[str, object]]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield f"{path}:{number}", _parsed(line.rstrip(), path, number)


def _json(path: Path, *_kinds: Mapping[str, Kind]) -> Iterator[tuple[str, object]]:
    rows = _parsed(path.read_bytes(), path)
    if not isinstance(rows, list):
        raise UserError(f"{path}: the file must hold a list of rows, not {type(rows).__name__}")
    for number, row in enumerate(rows, 1):
        yield f"{path}: row {number}", row


def _csv(
    path: Path, required: Mapping[str, Kind], optional: Mapping[str, Kind]
) -> Iterator[tuple[str, object]]:
    kinds = {**required, **optional}
    structured = {name: kind for name, kind in kinds.items() if "." not in name and kind is not str}
    structured |= {name.split(".")[0]: dict for name in kinds if "." in name}
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            # The default of 128 kB is less than the longest articles.
            csv.field_size_limit(1 << 27)
            reader = csv.DictReader(lines)
            headings = reader.fieldnames or []
            for row in reader:
                # Where the row begins: a cell may go on over many lines, and empty lines before it
                # are none of its own.
                texts = [text for value in row.values() for text in (value if isinstance(value, list) else [value])]
                place = f"{path}:{reader.line_num - sum(text.count(chr(10)) for text in texts if text)}"
                if None in row:
                    raise UserError(f"{place}: the row has more cells than the {len(headings)} headings of the file")
                cells = {name: value for name, value in row.items() if value or name not in optional}
                parsed = {name: _cell(cells[name], kind) for name, kind in structured.items() if name in cells}
                yield place, cells | parsed
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path}: no valid UTF-8 csv ({error})") from error


def _cell(text: str | None, kind: Kind) -> object:
    """A cell that may hold a number, a list or an object.

    What is neither, or does not fit the kind, stays text.
    """
    try:
        value = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return text
    return text if str in _kinds(kind) and not _fits(value, kind) else value


def _parquet(
    path: Path, _required: Mapping[str, Kind], optional: Mapping[str, Kind]
) -> Iterator[tuple[str, object]]:
    # Imported here: only this format needs it, and it takes a while.
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        number = 0
        for batch in file.iter_batches():
            for row in batch.to_pylist():
                number += 1
                # A column stands in every row; where it is empty, an optional field is no field.
                fields = {name: value for name, value in row.items() if value is not None or name not in optional}
                yield f"{path}: row {number}", fields
    except (pyarrow.ArrowException, OSError) as error:
        raise UserError(f"{path}: no valid parquet ({str(error).splitlines()[0]})") from error


def _parsed(text: bytes, path: Path, first: int = 1) -> object:
    """The JSON value that begins on line `first` of the file."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = first + error.lineno - 1
        raise UserError(f"{path}:{line}: no valid JSON ({error.msg}, column {error.colno})") from error
    except UnicodeDecodeError as error:
        line = first + text.count(b"\n", 0, error.start)
        raise UserError(f"{path}:{line}: no valid UTF-8 ({error.reason})") from error
    except (ValueError, RecursionError) as error:  # thousands of digits, or lists in lists
        raise UserError(f"{path}:{first}: no JSON that can be read ({error})") from error
