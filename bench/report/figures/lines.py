"""Speed and tokens per target forward along one quantity: a row a task, a line a case."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from bench.report.collection import Run
from bench.report.figures.series import in_order
from bench.report.figures.style import (
    DASHES,
    WRONG_LEGEND,
    Handle,
    Keywords,
    canvas,
    cross_out,
    gaps,
    legend,
    looks,
    whiskers,
)


@dataclass(frozen=True)
class Axis:
    """The quantity.

    Attributes:
        value: a run's.
        ticks: by value its place and its name, in their order.
        label: what it is.
    """

    value: Callable[[Run], Hashable]
    ticks: Mapping[Hashable, tuple[float, str]]
    label: str


def speed_and_tokens(
    runs: Sequence[Run],
    cases: Mapping[Hashable, Sequence[Run]],
    axis: Axis,
    reference: str,
    height: float,
    **line: float,
) -> Figure:
    """The panels and their legend, without a title.

    Args:
        runs: all of them.
        cases: the runs of each line, the newest last.
        axis: along which they lie.
        reference: what speeds are over, in words.
        height: of a panel in inches.
        line: how lines are drawn, beside what tells them apart.
    """
    tasks = in_order(run.summary.task for run in runs)
    drawn = looks([those[0].summary.method for those in cases.values()])
    figure, grid = canvas(len(tasks), 2, 3.6, height)
    handles: dict[str, Handle] = {}
    for (speed, tokens), task in zip(grid, tasks, strict=True):
        for those, look in zip(cases.values(), drawn, strict=True):
            found = {axis.value(run): run for run in those if run.summary.task == task}
            there = [value for value in axis.ticks if value in found]
            chosen, places = [found[value] for value in there], [axis.ticks[value][0] for value in there]
            style: Keywords = {"color": look.colour, "marker": look.marker, "linestyle": look.dash, **line}
            figures = [run.summary.speedup.decode for run in chosen]
            values = gaps(each.value for each in figures)
            bars = speed.errorbar(places, values, yerr=whiskers(figures), elinewidth=0.7, **style)
            handles[those[0].summary.label] = bars
            per_forward = gaps(run.summary.tokens_per_target_forward for run in chosen)
            tokens.plot(places, per_forward, **style)
            for run, place, value, count in zip(chosen, places, values, per_forward, strict=True):
                if run.mismatch:
                    handles[WRONG_LEGEND] = cross_out(speed, place, value)
                    cross_out(tokens, place, count)
        speed.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
        prompts = next(run.summary.prompts for run in runs if run.summary.task == task)
        for axes, what in ((speed, f"times {reference}"), (tokens, "tokens per target forward")):
            axes.set_xticks([place for place, _ in axis.ticks.values()], [name for _, name in axis.ticks.values()])
            axes.set_title(f"{task}, {prompts} prompts")
            axes.set_ylabel(what)
            axes.grid()
    for axes in grid[-1]:
        axes.set_xlabel(axis.label)
    legend(figure, list(handles.values()), list(handles))
    return figure
