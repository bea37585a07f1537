"""What a step does: how deep drafts are accepted, and where its time goes."""

import itertools
from collections.abc import Sequence

from matplotlib.ticker import MaxNLocator

from bench.report.collection import Run
from bench.report.figures.series import Series, all_series, tasks_of, title_of, with_prompts
from bench.report.figures.style import (
    BLUE,
    GREEN,
    GREY,
    HATCHES,
    ORANGE,
    PURPLE,
    SKY,
    Drawing,
    Handle,
    Keywords,
    canvas,
    entitle,
    gaps,
    legend,
    looks,
)
from bench.report.metrics.steps import steps_reaching
from bench.report.own_figures import CLOCKS

# A share of fewer steps is noise, and is left out.
FEWEST = 20
# More lines than this nobody can tell apart.
MOST = 12
CLOCK_COLOURS = itertools.cycle((GREEN, PURPLE, SKY))
LOOKS = {
    "draft": ("draft", ORANGE, HATCHES[1]),
    "verify": ("verify (the target's forward)", BLUE, ""),
    **{name: (words, next(CLOCK_COLOURS), HATCHES[3]) for name, words in CLOCKS.items()},
    "rest": ("rest (bookkeeping, learning)", GREY, HATCHES[2]),
}


def acceptance(runs: Sequence[Run]) -> list[Drawing]:
    """Lines by depth.

    The share of all steps that accept so far, and of those that came there the share that go on.
    """
    series = [each for each in all_series(runs) if any(_drafted(each, task) for task in each.runs)]
    if not 0 < len(series) <= MOST:
        return []
    tasks = [task for task in tasks_of(series) if any(_drafted(each, task) for each in series)]
    figure, grid = canvas(2, len(tasks), max(2.9, 4.6 / len(tasks)), 2.1, sharex="col", sharey="row")
    handles: dict[str, Handle] = {}
    deepest = dict.fromkeys(tasks, 1)
    for each, look in zip(series, looks([each.method for each in series]), strict=True):
        style: Keywords = {"color": look.colour, "marker": look.marker, "linestyle": look.dash, "markersize": 3.5}
        for column, task in enumerate(tasks):
            if not _drafted(each, task):
                continue
            found = each.runs[task].summary.acceptance
            reached = steps_reaching(found)
            marginal = [share for share, count in zip(found.marginal or [], reached, strict=True) if count >= FEWEST]
            depths = range(1, len(marginal) + 1)
            deepest[task] = max(deepest[task], len(marginal))
            [handles[each.legend]] = grid[0][column].plot(depths, marginal, **style)
            conditional = gaps(found.conditional or [])
            grid[1][column].plot(depths, conditional[: len(marginal)], **style)
    for column, task in enumerate(tasks):
        grid[0][column].set_title(with_prompts(series, task).replace("\n", ", "))
        grid[1][column].set_xlabel("depth in the draft")
        for line in grid:
            line[column].set_ylim(0, 1.04)
            line[column].set_xlim(0.7, deepest[task] + 0.3)
            line[column].xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            line[column].grid()
    grid[0][0].set_ylabel("share of all steps")
    grid[1][0].set_ylabel("share of those there")
    legend(figure, list(handles.values()), list(handles))
    note = f"depths that fewer than {FEWEST} steps came to are left out; no intervals"
    entitle(figure, "Acceptance by depth of the accepted path", title_of(series), note)
    return [Drawing("acceptance", figure)]


def _drafted(series: Series, task: str) -> bool:
    """Whether there is any depth to show."""
    run = series.runs.get(task)
    reached = steps_reaching(run.summary.acceptance) if run else []
    return bool(reached) and reached[0] >= FEWEST


def step_time(runs: Sequence[Run]) -> list[Drawing]:
    """Stacked bars: milliseconds of a step, by draft, verification, own clocks and the rest.

    Greedy's step beside them.
    """
    series = [each for each in all_series(runs) if any(map(_timed, each.runs.values()))]
    if not series:
        return []
    tasks = [task for task in tasks_of(series) if any(_timed(each.runs.get(task)) for each in series)]
    timed = [run for each in series for run in each.runs.values() if _timed(run)]
    parts = [name for name in LOOKS if any(run.summary.seconds.parts()[name] is not None for run in timed)]
    names = ["greedy", *(each.legend for each in series)]
    columns = min(len(tasks), 3)
    lines = -(-len(tasks) // columns)
    figure, grid = canvas(lines, columns, 2.7, 0.24 * len(names) + 0.8, sharey=True)
    panels = [axes for line in grid for axes in line]
    for task, axes in zip(tasks, panels, strict=False):
        there = [(line, each.runs[task]) for line, each in enumerate(series, 1) if _timed(each.runs.get(task))]
        steps = [(0, there[0][1].summary.greedy_step_milliseconds)]
        steps += [(line, run.summary.step_milliseconds) for line, run in there]
        shown = [(line, step) for line, step in steps if step is not None]
        handles, left = [], [0.0] * len(shown)
        for name in parts:
            _, colour, hatch = LOOKS[name]
            widths = [step[name] for _, step in shown]
            handles.append(
                axes.barh(
                    [line for line, _ in shown], widths, 0.7, left=left, color=colour, hatch=hatch, edgecolor="white",
                    linewidth=0.4,
                )
            )  # fmt: skip
            left = [start + width for start, width in zip(left, widths, strict=True)]
        for (line, _), end in zip(shown, left, strict=True):
            axes.annotate(f"{end:.1f}", (end, line), (3, 0), textcoords="offset points", va="center", fontsize=6.5)
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, max(left) * 1.17)
        axes.set_title(with_prompts(series, task).replace("\n", ", "))
        axes.set_xlabel("milliseconds a step")
        axes.grid(axis="x")
    for axes in panels[len(tasks) :]:
        axes.set_visible(False)
    legend(figure, handles, [LOOKS[name][0] for name in parts])
    note = "a step is one forward of the target after the prefill; greedy: as measured beside the first"
    entitle(figure, "Where a step's time goes", title_of(series), note)
    return [Drawing("step_time", figure)]


def _timed(run: Run | None) -> bool:
    return run is not None and run.summary.step_milliseconds is not None
