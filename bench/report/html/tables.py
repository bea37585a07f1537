"""The tables of runs as HTML, readable without the page's script."""

from collections.abc import Mapping
from html import escape

from bench.report.collection import Run
from bench.report.tables import Table, caption


def table_html(table: Table, numbers: Mapping[Run, int]) -> str:
    """A table with its title, and its warnings below.

    Args:
        table: of comparable runs.
        numbers: the page's, of those runs whose prompts it shows.
    """
    headings, *lines = table.lines
    head = "".join(f'<th scope="col"><button type="button">{escape(text)}</button></th>' for text, _ in headings)
    body = "\n".join(_row(run, line, numbers) for run, line in zip(table.runs, lines, strict=True))
    title = escape(caption(table.runs))
    warned = "".join(
        f"<li><strong>Warning</strong>, {escape(', '.join(names))}: {escape(warning)}</li>"
        for warning, names in table.warnings.items()
    )
    below = f'\n<ul class="warnings">{warned}</ul>' if warned else ""
    return (
        f'<div class="table">\n<div class="wide" role="region" tabindex="0" aria-label="{title}">\n'
        f"<table>\n<caption>{title}</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n"
        f"</div>{below}\n</div>"
    )


def _row(run: Run, line: list[tuple[str, bool]], numbers: Mapping[Run, int]) -> str:
    (name, _), *cells = line
    shown = escape(name)
    if run in numbers:
        shown = f'<button type="button" data-run="{numbers[run]}" title="show its prompts">{shown}</button>'
    rest = "".join(f"<td>{f'<strong>{escape(text)}</strong>' if best else escape(text)}</td>" for text, best in cells)
    wrong = ' class="mismatch"' if run.mismatch else ""
    return f'<tr{wrong}><th scope="row">{shown}</th>{rest}</tr>'
