"""Samples at several temperatures: what is left of drafts' tokens, and of speed."""

from collections.abc import Sequence

from bench.report.collection import Run, grouped
from bench.report.figures.lines import Axis, speed_and_tokens
from bench.report.figures.style import Drawing, entitle

FEWEST = 3


def of_several_temperatures(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs of an experiment that are alike but for the temperature, of which there are three."""
    # At temperature 0 no seed is told.
    alike = grouped(runs, lambda run: (run.experiment, run.setup._replace(temperature=None, seed=None))).values()
    return [those for those in alike if len({run.summary.temperature for run in those}) >= FEWEST]


def by_temperature(runs: Sequence[Run]) -> Drawing:
    """A row for each task, a line for each case: speed, and tokens per target forward."""
    temperatures = sorted({_temperature(run) for run in runs})
    axis = Axis(_temperature, {each: (each, str(each)) for each in temperatures}, "temperature")
    # What has one temperature is no line.
    cases = {
        label: those
        for label, those in grouped(sorted(runs, key=lambda run: run.started), lambda run: run.summary.label).items()
        if len({_temperature(run) for run in those}) >= FEWEST - 1
    }
    figure = speed_and_tokens(runs, cases, axis, "plain decoding's speed", 2.6, markersize=3)
    title = runs[0].title_of(runs[0].pair)
    note = "plain decoding at the same temperature; bars on the left: 95% bootstrap intervals over prompts and repeats"
    entitle(figure, "Speed and accepted tokens by temperature", title, note)
    return Drawing("temperature", figure)


def _temperature(run: Run) -> float:
    return run.summary.temperature or 0.0
