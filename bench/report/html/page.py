"""python -m bench.html FOLDER...: the finished runs below some folders as one page for a browser.

The page needs no other file and no network: style, script and data lie in it.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.resources import files
from pathlib import Path

from bench.console.terminal import say
from bench.report.collection import Run, overlapping
from bench.report.figures.draw import draw_each
from bench.report.figures.style import Drawing, svg
from bench.report.html.contents import Contents, encoded
from bench.report.html.pieces import TokenTexts, token_texts
from bench.report.html.tables import table_html
from bench.report.metrics.prompts import prompt_figures
from bench.report.tables import Table, caption, legend, tables
from decoding.errors import UserError

PLACE = re.compile(r"\{\{(\w+)\}\}")


def write_page(runs: Sequence[Run], file: Path) -> None:
    """The page of some finished runs, and a line that says where it lies."""
    shared = overlapping(runs)
    contents, found = Contents(), tables(runs, shared)
    numbers, notes = _add_prompts(found, contents)

    def keep(drawing: Drawing) -> None:
        title = " ".join(drawing.figure.get_suptitle().split())
        contents.add_figure(title or drawing.name, svg(drawing))

    draw_each(runs, keep)
    counts = f"{_count(len(runs), 'run')} in {_count(len(found), 'table')}"
    parts = {
        "counts": counts,
        "legend": "".join(f"<p>{escape(each)}</p>" for each in legend(runs, shared)),
        "tables": "\n".join(table_html(table, numbers) for table in found),
        "notes": "".join(f"<li>{escape(each)}</li>" for each in notes),
    }
    file.write_text(page(parts, contents), encoding="utf-8")
    say(f"written: {file} ({counts})")


def _add_prompts(found: Sequence[Table], contents: Contents) -> tuple[dict[Run, int], list[str]]:
    """The numbers of the runs whose prompts are shown; what is missing of others, and why."""
    numbers: dict[Run, int] = {}
    notes = []
    for table in found:
        contents.add_table(caption(table.runs))
        for run in table.runs:
            name = table.called[run]
            try:
                prompts = prompt_figures(run.records())
            except UserError as error:
                notes.append(f"{name}: its prompts are not shown. {error}")
                continue
            texts, reason = _texts(run)
            number = numbers[run] = contents.add_run(name, prompts, texts)
            if foreign := contents.foreign.get(number):
                reason = f"the tokenizer of its config decodes {foreign} outputs to another text than the run recorded"
            if reason:
                notes.append(f"{name}, {run.folder}: whole texts, tokens not told apart: {reason}.")
    return numbers, notes


def page(parts: Mapping[str, str], contents: Contents) -> str:
    """The whole page.

    A policy in it lets its own script and style in and nothing else, whatever an output holds.

    Args:
        parts: HTML for the places in page.html that are about runs.
        contents: what the script reads.
    """
    folder = files(__package__)
    style, script, frame = (folder.joinpath(f"page.{kind}").read_text("utf-8") for kind in ("css", "js", "html"))
    encoding, data = encoded(contents.to_json())
    policy = f"default-src 'none'; img-src blob:; script-src {_digest(script)}; style-src {_digest(style)}"
    filled = {**parts, "style": style, "script": script, "encoding": encoding, "data": data, "policy": policy}
    # In one pass: what is filled in is not looked through again.
    return PLACE.sub(lambda place: filled[place[1]], frame)


def _texts(run: Run) -> tuple[TokenTexts | None, str]:
    """What takes the run's outputs apart; None where nothing can, and why."""
    try:
        return token_texts(run), ""
    except UserError as error:
        return None, str(error)


def _digest(text: str) -> str:
    """What a content security policy knows an inline element by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
