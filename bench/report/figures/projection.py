"""Projected speedup over batch size: a panel for each hardware and pair, a line for each method."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
from matplotlib.ticker import StrMethodFormatter

from bench.report.figures.style import DASHES, STYLE, Drawing, Handle, canvas, entitle, legend, looks, save

if TYPE_CHECKING:
    from bench.report.projection import Projected


def draw(rows: Sequence[Projected], folder: Path) -> list[Path]:
    """A figure for each task, of every method the fastest setting at each batch size; its files.

    Args:
        rows: of which those without GPUs, one machine's at batch size 1, make no line.
        folder: of the files.
    """
    files = []
    with plt.rc_context(STYLE):
        for task in dict.fromkeys(row.task for row in rows):
            drawing = _of_task(task, [row for row in rows if row.task == task and row.gpus])
            files += save(drawing, folder)
    return files


def _of_task(task: str, rows: Sequence[Projected]) -> Drawing:
    hardware, pairs, methods = (
        list(dict.fromkeys(getattr(row, name) for row in rows)) for name in ("hardware", "pair", "method")
    )
    figure, grid = canvas(len(hardware), len(pairs), 2.2, 1.8, sharex=True, sharey=True)
    handles: list[Handle] = []
    for line, gpu in enumerate(hardware):
        for column, pair in enumerate(pairs):
            axes = grid[line][column]
            drawn: list[Handle] = []
            for method, look in zip(methods, looks(methods), strict=True):
                best: dict[int, float] = {}
                for row in rows:
                    if (row.hardware, row.pair, row.method) == (gpu, pair, method):
                        best[row.batch] = max(row.speedup, best.get(row.batch, 0.0))
                drawn += axes.plot(
                    [*best], [*best.values()], color=look.colour, marker=look.marker, linestyle=look.dash, markersize=3
                )
            handles = drawn
            axes.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axes.set_title(f"{pair}, {gpu}", fontsize=7)
            axes.grid()
            if line + 1 == len(hardware):
                axes.set_xlabel("batch size")
            if not column:
                axes.set_ylabel("speedup")
    legend(figure, handles, methods)
    what = f"{task}: projected decode speedup over greedy, the same acceptance by a roofline"
    entitle(figure, what, "of each method the fastest of its settings at each batch size; nothing here is measured")
    return Drawing(f"projection_{task}", figure)
