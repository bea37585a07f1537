"""Samples at several temperatures: what is left of drafts' tokens, and of speed."""

from collections.abc import Sequence

from bench.report.collection import Run, grouped
from bench.report.figures.series import in_order
from bench.report.figures.style import (
    DASHES,
    WRONG_LEGEND,
    Drawing,
    Handle,
    Keywords,
    canvas,
    cross_out,
    entitle,
    gaps,
    legend,
    looks,
    whiskers,
)

FEWEST = 3
# Of a run's setup the settings of sampling, temperature first.
DRAWN = slice(4, 9)


def _but_drawing(run: Run) -> tuple[object, ...]:
    setup = list(run.setup)
    del setup[DRAWN]
    summary = run.summary
    return run.experiment, *setup, summary.top_k, summary.top_p, summary.min_p


def of_several_temperatures(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs of an experiment that are alike but for the temperature, of which there are three."""
    alike = grouped(runs, _but_drawing).values()
    return [those for those in alike if len({run.summary.temperature for run in those}) >= FEWEST]


def by_temperature(runs: Sequence[Run]) -> Drawing:
    """A row for each task, a line for each case: speed, and tokens per target forward."""
    tasks = in_order(run.summary.task for run in runs)
    temperatures = sorted({run.summary.temperature or 0.0 for run in runs})
    # As few as the legend can tell apart: what has one temperature is no line.
    cases = {
        label: those
        for label, those in grouped(sorted(runs, key=lambda run: run.started), lambda run: run.summary.label).items()
        if len({run.summary.temperature for run in those}) >= FEWEST - 1
    }
    drawn = looks([those[0].summary.method for those in cases.values()])
    figure, grid = canvas(len(tasks), 2, 3.6, 2.6)
    handles: dict[str, Handle] = {}
    for (speed, tokens), task in zip(grid, tasks, strict=True):
        for (label, those), look in zip(cases.items(), drawn, strict=True):
            found = {run.summary.temperature or 0.0: run for run in those if run.summary.task == task}
            there = [temperature for temperature in temperatures if temperature in found]
            style: Keywords = {"color": look.colour, "marker": look.marker, "linestyle": look.dash, "markersize": 3}
            figures = [found[temperature].summary.speedup.decode for temperature in there]
            values = gaps(each.value for each in figures)
            handles[label] = speed.errorbar(there, values, yerr=whiskers(figures), elinewidth=0.5, **style)
            per_forward = gaps(found[temperature].summary.tokens_per_target_forward for temperature in there)
            tokens.plot(there, per_forward, **style)
            for temperature, value, count in zip(there, values, per_forward, strict=True):
                if found[temperature].mismatch:
                    handles[WRONG_LEGEND] = cross_out(speed, temperature, value)
                    cross_out(tokens, temperature, count)
        speed.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
        prompts = next(run.summary.prompts for run in runs if run.summary.task == task)
        for axes, what in ((speed, "times plain decoding's speed"), (tokens, "tokens per target forward")):
            axes.set_xticks(temperatures)
            axes.set_title(f"{task}, {prompts} prompts")
            axes.set_ylabel(what)
            axes.grid()
    for axes in grid[-1]:
        axes.set_xlabel("temperature")
    legend(figure, list(handles.values()), list(handles))
    title = runs[0].title_of(runs[0].pair)
    note = "plain decoding at the same temperature; bars on the left: 95% bootstrap intervals over prompts"
    entitle(figure, "Speed and accepted tokens by temperature", title, note)
    return Drawing("temperature", figure)
