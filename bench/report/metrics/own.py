"""The drafters' own figures, folded by the modules that know their meaning."""

from typing import Any

from bench.report.case_records import Grid, flat
from bench.report.metrics.steps import seconds_of, steps_column
from bench.report.own_figures import OWN
from decoding.figures import Told


def own_figures(grid: Grid) -> dict[str, Any]:
    """By name, over all generations; without those that are null."""
    names = dict.fromkeys(name for record in flat(grid) for name in record.steps or {})
    columns = {name: column for name in names if (column := steps_column(grid, name)) is not None}
    told = Told([record.extra for record in flat(grid)], columns, seconds_of(grid).parts())
    return {name: figure for each in OWN for name, figure in each.figures(told).items() if figure is not None}
