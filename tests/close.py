"""Comparison of figures that cross machines: another CPU's vector width changes the last digits of
a sum.

Floats are compared with a relative tolerance of 1e-9, all else exactly, whichever keys and columns
there are.
"""

import csv
import io
import math
import re
from collections.abc import Iterable, Iterator
from typing import Any

TOLERANCE = 1e-9
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def close(found: float, wanted: float) -> bool:
    """Whether they differ by rounding alone."""
    return math.isclose(found, wanted, rel_tol=TOLERANCE) or (math.isnan(found) and math.isnan(wanted))


def differences(found: Any, wanted: Any, place: str = "") -> Iterator[str]:
    """A line for each place where two values made of dicts, lists and plain values differ."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        if found.keys() != wanted.keys():
            yield f"{place}: keys {sorted(found.keys() ^ wanted.keys())} on one side alone"
        for key in found.keys() & wanted.keys():
            yield from differences(found[key], wanted[key], f"{place}.{key}")
    elif isinstance(found, list) and isinstance(wanted, list):
        if len(found) != len(wanted):
            yield f"{place}: {len(found)} entries, not {len(wanted)}"
        for index, pair in enumerate(zip(found, wanted, strict=False)):
            yield from differences(*pair, f"{place}[{index}]")
    elif not _same(found, wanted):
        yield f"{place}: {found!r}, not {wanted!r}"


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, float) and isinstance(wanted, float):
        return close(found, wanted)
    return type(found) is type(wanted) and found == wanted


def csv_differences(found: str, wanted: str) -> Iterator[str]:
    """The same for the texts of two csv files, cell by cell."""
    tables = (list(csv.reader(io.StringIO(text, newline=""))) for text in (found, wanted))
    return differences(*([[_value(cell) for cell in row] for row in table] for table in tables))


def _value(cell: str) -> str | float:
    """A cell's number, or its text; of whole numbers the text, which is exact."""
    try:
        return cell if cell.isdigit() else float(cell)
    except ValueError:
        return cell


def printed_differences(found: str, wanted: str, values: Iterable[float]) -> Iterator[str]:
    """The same for two texts with rounded numbers.

    Args:
        found: the one text.
        wanted: the other.
        values: the full-precision figures behind the numbers, or behind percentages. Where one of
            them lies on the edge between two roundings, either may be printed.
    """
    if NUMBER.split(found) != NUMBER.split(wanted):
        yield "the words around the numbers differ"
        return
    figures = [scale * value for value in values for scale in (1, 100)]
    for one, other in zip(NUMBER.findall(found), NUMBER.findall(wanted), strict=True):
        if one != other and not _one_edge(one, other, figures):
            yield f"{one}, not {other}"


def _one_edge(one: str, other: str, figures: Iterable[float]) -> bool:
    """Whether a figure lies half-way between two neighbouring roundings."""
    digits = {len(each.partition(".")[2]) for each in (one, other)}
    if len(digits) > 1 or abs(float(one) - float(other)) > 1.5 * 10 ** -digits.pop():
        return False
    edge = (float(one) + float(other)) / 2
    return any(close(abs(figure), edge) for figure in figures)
