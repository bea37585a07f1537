"""The command line of what reads many runs.

Folders, an output folder, and errors in one line with status 2.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from bench.console.disk import writing
from bench.console.entry import find
from bench.console.terminal import complain
from bench.report.collection import Run, collected
from bench.report.export import FORMATS, export_all
from decoding.errors import UserError

USER_ERROR = 2


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


def over_runs(
    program: str,
    purpose: str,
    output: str,
    arguments: Sequence[str] | None,
    make: Callable[[list[Run], Path], None] | str,
) -> int:
    """Call `make` with the runs of the folders in `arguments` and where its output goes.

    Args:
        program: the module that the command line runs.
        purpose: what it does, for --help.
        output: the default of --output: a folder, or a file where it has a suffix.
        arguments: those of the command line; None for those of the process.
        make: a function, or "module:function", which is imported when it is needed.

    Returns:
        The exit status.
    """
    parser = _Parser(prog=f"python -m {program}", description=purpose)
    parser.add_argument("folders", nargs="*", default=["results/runs"], help="where runs lie (default results/runs)")
    parser.add_argument("--output", default=output, help=f"where it goes (default {output})")
    try:
        given = parser.parse_args(arguments)
        runs = collected(given.folders)
        into = Path(given.output)
        (into.parent if Path(output).suffix else into).mkdir(parents=True, exist_ok=True)
        with writing(into):
            (find(make) if isinstance(make, str) else make)(runs, into)
    except (UserError, OSError) as error:
        complain(str(error))
        return USER_ERROR
    return 0


def figures(arguments: Sequence[str] | None = None) -> int:
    """The command line of bench.figures; the exit status.

    matplotlib is imported when it is needed.
    """
    purpose = "Figures of the finished runs below some folders, from their summaries alone, as PDF and PNG."
    return over_runs("bench.figures", purpose, "results/figures", arguments, "bench.report.figures.draw:draw_figures")


def html(arguments: Sequence[str] | None = None) -> int:
    """The command line of bench.html; the exit status.

    What it runs is imported when it is needed.
    """
    purpose = "The finished runs below some folders as one page for a browser: tables, figures, every prompt's output."
    return over_runs("bench.html", purpose, "results/report.html", arguments, "bench.report.html.page:write_page")


def refold(arguments: Sequence[str] | None = None) -> int:
    """The command line of bench.refold; the exit status.

    What it runs is imported when it is needed.
    """
    purpose = "Summaries of finished runs, recomputed from their records by today's formulas."
    parser = _Parser(prog="python -m bench.refold", description=purpose)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="where finished runs lie")
    try:
        folders = parser.parse_args(arguments).folders
    except UserError as error:
        complain(str(error))
        return USER_ERROR
    status: int = find("bench.report.refold:refold_all")(folders)
    return status


def export(arguments: Sequence[str] | None = None) -> int:
    """The command line of bench.export; the exit status."""
    purpose = "Finished runs in a format that another tool reads (docs/exports.md)."
    parser = _Parser(prog="python -m bench.export", description=purpose)
    parser.add_argument("format", choices=FORMATS, metavar="FORMAT", help=f"one of {', '.join(FORMATS)}")
    parser.add_argument("folder", metavar="FOLDER", help="a run folder, or one with many below it")
    where = "where it goes, as <task>/<model>/<run>/ (default results/exports/FORMAT)"
    parser.add_argument("output", metavar="OUT", nargs="?", type=Path, help=where)
    try:
        given = parser.parse_args(arguments)
        return export_all(given.format, given.folder, given.output or Path("results/exports", given.format))
    except (UserError, OSError) as error:
        complain(str(error))
        return USER_ERROR


def simulate(arguments: Sequence[str] | None = None) -> int:
    """The command line of bench.simulate; the exit status.

    What it runs is imported when it is needed.
    """
    purpose = "Runs of speculative decoding replayed with shorter drafts: tokens per forward and speedup by gamma."
    parser = _Parser(prog="python -m bench.simulate", description=purpose)
    parser.add_argument("folders", nargs="*", default=["results/runs"], help="where runs lie (default results/runs)")
    try:
        status: int = find("bench.report.simulate:simulate")(parser.parse_args(arguments).folders)
        return status
    except UserError as error:
        complain(str(error))
        return USER_ERROR


def project(arguments: Sequence[str] | None = None) -> int:
    """The command line of bench.project; the exit status.

    What it runs is imported when it is needed.
    """
    purpose = "Recorded steps at other costs: what speedup the same acceptance gives on other hardware and models."
    parser = _Parser(prog="python -m bench.project", description=purpose)
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="where finished runs lie")
    validate = "predict every setting of a sweep from the costs of one, beside what was measured"
    parser.add_argument("--validate", action="store_true", help=validate)
    engine = "take forwards from a table.csv of bench.engine, which measured them alone"
    parser.add_argument("--engine", type=Path, metavar="TABLE", help=engine)
    parser.add_argument("--output", type=Path, default=Path("results/projection"), help="default: results/projection")
    try:
        given = parser.parse_args(arguments)
        runs = collected(given.folders)
        if given.validate:
            find("bench.report.projection:validate")(runs, given.engine)
        else:
            given.output.mkdir(parents=True, exist_ok=True)
            with writing(given.output):
                find("bench.report.projection:project")(runs, given.engine, given.output)
    except (UserError, OSError) as error:
        complain(str(error))
        return USER_ERROR
    return 0
