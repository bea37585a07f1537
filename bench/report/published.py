"""Values that others have published.

results/published/values.csv holds them; its README explains the columns.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench import ROOT
from decoding.errors import UserError

FOLDER = ROOT / "results" / "published"
COLUMNS = (
    "method", "ours", "history", "task", "part", "target", "draft", "hardware", "metric", "value", "source", "checked",
    "note",
)  # fmt: skip


@dataclass(frozen=True)
class Speedup:
    """A published speed over greedy decoding.

    Whose method it is here, cold or warm, on which task and target.
    """

    method: str
    history: str
    task: str
    target: str
    value: float
    source: str

    @property
    def short_source(self) -> str:
        """The source up to its first comma, a commit with seven digits."""
        return re.sub(r"\b([0-9a-f]{7})[0-9a-f]{33}\b", r"\1", self.source.split(",")[0])


def rows(folder: Path = FOLDER) -> list[dict[str, str]]:
    """Every row of every file.

    Raises:
        UserError: a file has other columns.
    """
    found = []
    for file in sorted(folder.glob("*.csv")):
        with file.open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise UserError(f"{file} has other columns than {', '.join(COLUMNS)}")
            found += list(reader)
    return found


def speedups(published: Iterable[dict[str, str]]) -> list[Speedup]:
    """Of whole tasks and methods that this harness has.

    Where a source tells tokens/s alone, over its own greedy.
    """
    whole = [row for row in published if row["ours"] and not row["part"]]
    told = {_case(row): row for row in whole if row["metric"] == "speedup"}
    speeds = {_case(row): row for row in whole if row["metric"] == "tokens_per_second"}
    greedy = {_place(row): float(row["value"]) for row in speeds.values() if row["ours"] == "greedy"}
    found = {case: float(row["value"]) for case, row in told.items()}
    for case, row in speeds.items():
        if case not in found and _place(row) in greedy:
            found[case] = float(row["value"]) / greedy[_place(row)]
    cases = {**speeds, **told}
    return [
        Speedup(row["ours"], row["history"] or "cold", row["task"], row["target"], found[case], row["source"])
        for case, row in cases.items()
        if case in found and row["ours"] != "greedy"
    ]


def _place(row: dict[str, str]) -> tuple[str, ...]:
    """What a speed and its greedy share."""
    return row["source"], row["task"], row["target"], row["hardware"]


def _case(row: dict[str, str]) -> tuple[str, ...]:
    return *_place(row), row["method"], row["draft"] if row["ours"] != "greedy" else "", row["history"]
