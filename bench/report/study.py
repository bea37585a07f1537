"""What follows from a study's runs: tables and figures of every panel, and one table of all."""

import csv
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.console.terminal import say
from bench.report.arguments import figures as draw
from bench.report.markdown import csv_text
from bench.report.tables import main as report

TABLE = "table.csv"


def rebuild(runs: Path, study: Path) -> int:
    """Write what follows from run folders; the exit status.

    Args:
        runs: a folder for each panel.
        study: where `tables/PANEL`, `figures/PANEL` and the common table go.
    """
    worst = 0
    tables = {}
    for folder in sorted(each for each in runs.iterdir() if each.is_dir()):
        panel = folder.name
        worst = max(worst, report([str(folder), "--output", str(study / "tables" / panel)]))
        worst = max(worst, draw([str(folder), "--output", str(study / "figures" / panel)]))
        tables[panel] = (study / "tables" / panel / "report.csv",)
    if not worst:
        collect(study, "panel", tables)
    return worst


def collect(study: Path, column: str, parts: Mapping[str, Sequence[Path]]) -> None:
    """Write STUDY/table.csv, the rows of all tables.

    Args:
        study: its folder.
        column: what a part is; its name stands there, before the other columns.
        parts: by name, first the table, then figures, which become STUDY/figures/NAME.
    """
    rows = []
    for name, (table, *pictures) in parts.items():
        with table.open(encoding="utf-8", newline="") as stream:
            rows += [{column: name, **row} for row in csv.DictReader(stream)]
        for picture in pictures:
            kept = study / "figures" / f"{name.replace('/', '_')}{picture.suffix}"
            kept.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(picture, kept)
    (study / TABLE).write_text(csv_text(rows), encoding="utf-8")
    say(f"written: {study / TABLE}, {len(rows)} rows; by {column}: {len(parts)}")
