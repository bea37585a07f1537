"""The drafters' own figures, folded by the modules that know their meaning."""

from typing import Any

from bench.report.case_records import Grid, flat
from bench.report.metrics.steps import seconds_of
from bench.report.own_figures import OWN
from decoding.figures import Told


def own_figures(grid: Grid) -> dict[str, Any]:
    """By name, over all generations; without those that are null."""
    told = Told([record.extra for record in flat(grid)], _columns(grid), seconds_of(grid).parts())
    return {name: figure for each in OWN for name, figure in each.figures(told).items() if figure is not None}


def _columns(grid: Grid) -> dict[str, list[Any]]:
    """Those of all steps of all generations by name, as far as every generation has them."""
    each = [record.steps.columns() if record.steps else {} for record in flat(grid)]
    common = [name for name in each[0] if all(name in columns for columns in each)] if each else []
    return {name: [entry for columns in each for entry in columns[name]] for name in common}
