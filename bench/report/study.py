"""A study below results/, rebuilt from its packed runs: `python -m bench.study results/paper`.

STUDY/runs.tar.xz holds the runs, a folder for each panel. From them follow STUDY/table.csv, a row
for every run with its panel first, and what is written and drawn of each panel: STUDY/tables/PANEL
and STUDY/figures/PANEL. Git holds the table and the figures that the study's README shows.
"""

import argparse
import csv
import tarfile
from pathlib import Path

from bench.console.disk import writing
from bench.console.terminal import complain, say
from bench.report.archive import unpack
from bench.report.arguments import USER_ERROR
from bench.report.arguments import figures as draw
from bench.report.markdown import csv_text
from bench.report.tables import main as report
from decoding.errors import UserError

TABLE = "table.csv"


def rebuild(study: Path) -> int:
    """Write everything that follows from a study's runs; the exit status.

    They are unpacked where they are not there.

    Raises:
        OSError: there is neither `runs` nor `runs.tar.xz`, or a file cannot be written.
    """
    runs = study / "runs"
    if not runs.is_dir():
        unpack(study / "runs.tar.xz", runs)
    panels = sorted(folder.name for folder in runs.iterdir() if folder.is_dir())
    worst = 0
    for panel in panels:
        worst = max(worst, report([str(runs / panel), "--output", str(study / "tables" / panel)]))
        worst = max(worst, draw([str(runs / panel), "--output", str(study / "figures" / panel)]))
    if not worst:
        write_table(study, panels)
    return worst


def write_table(study: Path, panels: list[str]) -> None:
    """STUDY/table.csv.

    The rows of tables/PANEL/report.csv, each with its panel before the other columns.
    """
    rows = []
    for panel in panels:
        with (study / "tables" / panel / "report.csv").open(encoding="utf-8", newline="") as stream:
            rows += [{"panel": panel, **row} for row in csv.DictReader(stream)]
    (study / TABLE).write_text(csv_text(rows), encoding="utf-8")
    say(f"written: {study / TABLE}, {len(rows)} runs of {len(panels)} panels")


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.study", description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path, metavar="STUDY", help="its folder, with runs.tar.xz or runs in it")
    study = parser.parse_args(arguments).study
    try:
        with writing(study):
            return rebuild(study)
    except (UserError, tarfile.TarError) as error:
        complain(str(error))
        return USER_ERROR
