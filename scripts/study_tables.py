"""Write the tables in a study's README again, from its table.csv and its run folders.

    python scripts/study_tables.py results/paper

A table stands between `<!-- table PANELS: COLUMNS -->` and `<!-- end -->`: a row for each case of
these panels, for each task the columns. `<!-- ratios PANELS: CASE / CASE, ... -->` has paired
ratios of decode speed. `python -m bench.study` makes table.csv, and unpacks the runs.
"""

import csv
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.report.marks import RUNAWAY, marked  # noqa: E402
from bench.report.metrics.outputs import RUNAWAY_SHARE  # noqa: E402

TASKS = ("humaneval", "mbpp", "gsm8k", "cnndm", "wmt16", "spec_bench")
BLOCK = re.compile(r"(<!-- (table|ratios) ([^:]+): ([^>]*?) -->\n).*?(<!-- end -->)", re.DOTALL)
Row = Mapping[str, str]


def with_interval(row: Row, name: str = "decode_speedup", value: str = "") -> str:
    """A figure and its interval, two digits each."""
    return "{:.2f} [{:.2f}, {:.2f}]".format(*(float(row[f"{name}{end}"]) for end in (value, "_low", "_high")))


def plain(name: str, digits: int = 2) -> Callable[[Row], str]:
    """A cell of one column."""
    return lambda row: f"{float(row[name]):.{digits}f}" if row[name] else ""


# What a table may show of a case: its heading and its cell.
COLUMNS: dict[str, tuple[str, Callable[[Row], str]]] = {
    "speedup": ("decode speedup", with_interval),
    "geomean": ("geometric mean of prompts", plain("geomean_speedup")),
    "tokens": ("tokens per target forward", plain("tokens_per_target_forward")),
    "mean tokens": ("mean of prompts", plain("tokens_per_target_forward_mean")),
    "end to end": ("end to end", lambda row: with_interval(row, "end_to_end_speedup")),
}


def renewed(text: str, study: Path) -> str:
    """A README's text with today's tables."""
    with (study / "table.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))

    def made(block: re.Match[str]) -> str:
        begin, kind, panels, wanted, end = block.groups()
        names = [each.strip() for each in wanted.split(",")]
        if kind == "table":
            lines = table([row for row in rows if row["panel"] in panels.split()], names)
        else:
            lines = ratios([study / "runs" / panel for panel in panels.split()], names)
        return begin + "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n" + end

    return BLOCK.sub(made, text)


def with_mark(cell: str, row: Row) -> str:
    """A cell, marked where outputs that ran away decide the row's pooled figures."""
    return marked(cell, RUNAWAY * (float(row["runaway_share"] or 0) >= RUNAWAY_SHARE))


def table(rows: Sequence[Row], columns: Sequence[str]) -> list[list[str]]:
    """A row for each case, in the order in which the panels' tables have them."""
    tasks = [task for task in TASKS if any(row["task"] == task for row in rows)]
    cells = {(row["name"], row["task"]): row for row in rows}
    names = list(dict.fromkeys(row["name"] for task in tasks for row in rows if row["task"] == task))
    head = [""]
    for task in tasks:
        head += [f"{task}: {COLUMNS[columns[0]][0]}", *(COLUMNS[each][0] for each in columns[1:])]
    lines = [head, ["---"] * len(head)]
    for name in names:
        line = [name]
        for task in tasks:
            row = cells.get((name, task))
            shown = [COLUMNS[each][1](row) if row else "" for each in columns]
            line += [with_mark(shown[0], row) if row else "", *shown[1:]]
        lines.append(line)
    return lines


def ratios(panels: Sequence[Path], pairs: Sequence[str]) -> list[list[str]]:
    """A row for each pair of cases, `A / B`: how many times B's decode speed A has, by prompt."""
    found: dict[tuple[str, str, str], Row] = {}
    for file in (each for panel in panels for each in sorted(panel.rglob("comparison.csv"))):
        with file.open(encoding="utf-8", newline="") as stream:
            found |= {(row["method"], row["over"], file.parts[-4]): row for row in csv.DictReader(stream)}
    tasks = [task for task in TASKS if any(task == each for *_, each in found)]
    lines = [["", *tasks], ["---"] * (1 + len(tasks))]
    for pair in pairs:
        one, other = (each.strip() for each in pair.split("/"))
        rows = [found.get((one, other, task)) for task in tasks]
        lines.append([f"{one} over {other}", *(with_interval(row, "decode", "_value") if row else "" for row in rows)])
    return lines


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    file = folder / "README.md"
    file.write_text(renewed(file.read_text(encoding="utf-8"), folder), encoding="utf-8")
