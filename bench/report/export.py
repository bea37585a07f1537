"""python -m bench.export FORMAT FOLDER [OUT]: finished runs in a format that another tool reads."""

from pathlib import Path

from bench.console.disk import writing
from bench.console.entry import find
from bench.console.terminal import say
from bench.report.collection import collected
from decoding.errors import UserError

# Who writes a run; imported when it is wanted.
FORMATS = {
    "acceptance": "bench.report.exports.acceptance:export",
    "profile": "bench.report.exports.profile:export",
    "spec-bench": "bench.report.exports.spec_bench:export",
    "steps": "bench.report.exports.steps:export",
}


def export_all(form: str, folder: str, output: Path) -> int:
    """Write every finished run below a folder, each to a folder of its own below `output`.

    Args:
        form: one of FORMATS.
        folder: where runs lie.
        output: where the files go, as <task>/<model>/<run>/.

    Returns:
        The exit status: 0, or 2 if a run cannot be written in this format.

    Raises:
        UserError: there is no finished run, two would be written to one place, or a file cannot be
            written.
    """
    runs = collected([folder])
    places = {run: output.joinpath(*run.folder.resolve().parts[-3:]) for run in runs}
    for run, place in places.items():
        if twins := [str(each.folder) for each in runs if places[each] == place and each is not run]:
            raise UserError(f"{run.folder} and {twins[0]} would both go to {place}: export them one by one")
    write, failed = find(FORMATS[form]), 0
    for run, place in places.items():
        try:
            with writing(place):
                place.mkdir(parents=True, exist_ok=True)
                for file in write(run, place):
                    say(f"written: {file}")
        except UserError as error:
            failed += 1
            say(f"left out: {error}")
    return 2 if failed else 0
