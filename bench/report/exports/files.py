"""How exports are written."""

import json
from collections.abc import Iterable
from pathlib import Path


def json_lines(file: Path, rows: Iterable[object]) -> Path:
    """Write one JSON value a line; the file.

    Raises:
        ValueError: a number that JSON cannot write.
    """
    file.write_text("".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows), "utf-8")
    return file
