"""A study below results/, rebuilt from what is packed: `python -m bench.study results/paper`.

STUDY/runs.tar.xz holds what was measured: run folders by panel, searches for settings or for a skip
set, or forwards of engines. From them follow STUDY/table.csv and the tables and figures of every
part. Git holds the table and the figures that the study's README shows.
"""

if __name__ == "__main__":
    # First of all: nothing below is to be imported before an interrupt is caught, or for --help.
    from bench.console.entry import enter

    enter("bench.study:main")

import argparse
import tarfile
from pathlib import Path

from bench.console.disk import writing
from bench.console.entry import find
from bench.console.terminal import complain
from bench.report.archive import unpack
from bench.report.arguments import USER_ERROR
from decoding.errors import UserError

# By a file that its kind of study has and no kind above it, who rebuilds it; imported when needed.
KINDS = {
    "study.journal": "bench.report.skip_search:rebuild",
    "summary.json": "bench.report.study:rebuild",
    "journal.log": "bench.tune.report:rebuild",
    "forwards.jsonl": "bench.report.engines:rebuild",
}


def rebuild(study: Path) -> int:
    """Write everything that follows from a study's runs; the exit status.

    They are unpacked where they are not there.

    Raises:
        OSError: there is neither `runs` nor `runs.tar.xz`, or a file cannot be written.
        UserError: they are of no kind.
    """
    runs = study / "runs"
    if not runs.is_dir():
        unpack(study / "runs.tar.xz", runs)
    for file, made_by in KINDS.items():
        if next(runs.rglob(file), None):
            status: int = find(made_by)(runs, study)
            return status
    raise UserError(f"{runs} holds none of {', '.join(KINDS)}")


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
