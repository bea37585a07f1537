"""Sensitivity to settings.

Runs that differ in one setting as lines, in two as a heat map, in three as a row of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

from bench.report.collection import Run, differing, grouped
from bench.report.figures.style import (
    DASHES,
    WRONG_LEGEND,
    Drawing,
    Handle,
    Keywords,
    canvas,
    cross_out,
    entitle,
    gap,
    gaps,
    heat,
    legend,
    look,
    whiskers,
)

LINE = 3
GRID = 6
# A grid may lack what was not measured yet, or settings that cannot stand together.
FILLED = 0.7
# Several lines' intervals lie over each other: each in its line's colour, thin.
FAINT: Keywords = {"elinewidth": 0.7, "capthick": 0.7}
# What is drawn of a run, and how to read it; the first with its interval.
SPEED = "times greedy's decode speed"
FIGURES: dict[str, Callable[[Run], float | None]] = {
    SPEED: lambda run: run.summary.speedup.decode.value,
    "tokens per target forward": lambda run: run.summary.tokens_per_target_forward,
    "accepted tokens per target forward": lambda run: run.summary.acceptance.accepted_per_step,
}


@dataclass(frozen=True)
class Sweep:
    """Runs by their values of the swept settings; in everything else they are equal."""

    settings: tuple[str, ...]
    cells: dict[tuple[float, ...], Run]

    @property
    def first(self) -> Run:
        """Any run of the sweep: what is not swept is equal in all."""
        return next(iter(self.cells.values()))

    def values(self, axis: int) -> list[float]:
        """The swept setting's values, in ascending order.

        Args:
            axis: which of the swept settings.
        """
        return sorted({cell[axis] for cell in self.cells})


def find_sweeps(runs: Sequence[Run]) -> list[Sweep]:
    """Every sweep that is not part of a larger one.

    At least 3 values of one setting, or 6 runs over a grid.
    """
    found: list[Sweep] = []
    swept: list[frozenset[Run]] = []

    def method(run: Run) -> tuple[object, ...]:
        return run.summary.method, run.summary.history, run.history_of, run.conditions

    for alike in grouped(runs, method).values():
        numeric = [key for key in alike[0].settings if len({_number(run, key) for run in alike}) > 1]
        for count in (3, 2, 1):
            for settings in combinations(numeric, count):
                for sweep in _sweeps(alike, settings):
                    members = frozenset(sweep.cells.values())
                    if not any(members <= other for other in swept):
                        found.append(sweep)
                        swept.append(members)
    return found


def _sweeps(runs: Sequence[Run], settings: tuple[str, ...]) -> list[Sweep]:
    those = [run for run in runs if all(_number(run, key) is not None for key in settings)]

    def rest(run: Run) -> str:
        return str(sorted((key, str(value)) for key, value in run.settings.items() if key not in settings))

    found = []
    for group in grouped(those, rest).values():
        newest = sorted(group, key=lambda run: run.started)
        sweep = Sweep(settings, {_position(run, settings): run for run in newest})
        sizes = [len(sweep.values(axis)) for axis in range(len(settings))]
        whole = 1
        for size in sizes:
            whole *= size
        least = LINE if len(settings) == 1 else max(GRID, FILLED * whole)
        if min(sizes) > 1 and len(sweep.cells) >= least:
            found.append(sweep)
    return found


def _number(run: Run, key: str) -> float | None:
    """A setting's value if it is a number; one of "auto" or null has no position on an axis."""
    value = run.settings.get(key)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _position(run: Run, settings: Sequence[str]) -> tuple[float, ...]:
    """The values of settings that are all numbers."""
    return tuple(value for key in settings if (value := _number(run, key)) is not None)


def sensitivity(runs: Sequence[Run]) -> list[Drawing]:
    """Lines for each method and setting, a heat map for each grid.

    Of speed, tokens per target forward, and acceptance.
    """
    sweeps = find_sweeps(runs)
    lines = [sweep for sweep in sweeps if len(sweep.settings) == 1]
    drawings = [
        _lines(method, setting, group)
        for (method, setting), group in _by(lines, lambda each: (each.first.summary.method, each.settings[0])).items()
    ]
    taken: dict[str, int] = {}
    for sweep in sweeps:
        if len(sweep.settings) > 1:
            run = sweep.first
            warm = "" if run.summary.history == "cold" else f"_{run.summary.history}"
            name = f"sensitivity_{_slug('_'.join(sweep.settings))}_{run.summary.method}_{run.summary.task}{warm}"
            taken[name] = taken.get(name, 0) + 1
            drawings.append(_grid(sweep, name if taken[name] == 1 else f"{name}_{taken[name]}"))
    return drawings


def _by(sweeps: Sequence[Sweep], key: Callable[[Sweep], tuple[str, str]]) -> dict[tuple[str, str], list[Sweep]]:
    groups: dict[tuple[str, str], list[Sweep]] = {}
    for sweep in sweeps:
        groups.setdefault(key(sweep), []).append(sweep)
    return groups


def _lines(method: str, setting: str, sweeps: Sequence[Sweep]) -> Drawing:
    figure, [panels] = canvas(1, len(FIGURES), 3.0, 2.6)
    tasks = list(dict.fromkeys(sweep.first.summary.task for sweep in sweeps))
    names = _names(sweeps)
    handles: list[Handle] = []
    crossed = []
    for sweep in sweeps:
        task = tasks.index(sweep.first.summary.task)
        kin = [other for other in sweeps if other.first.summary.task == sweep.first.summary.task]
        drawn = look(task, kin.index(sweep)) if len(tasks) > 1 else look(kin.index(sweep))
        values = sweep.values(0)
        chosen = [sweep.cells[value,] for value in values]
        speed = [run.summary.speedup.decode for run in chosen]
        style: Keywords = {"color": drawn.colour, "marker": drawn.marker, "linestyle": drawn.dash}
        speeds = gaps(each.value for each in speed)
        handles.append(panels[0].errorbar(values, speeds, yerr=whiskers(speed), **style, **FAINT))
        for axes, reading in list(zip(panels, FIGURES.values(), strict=True))[1:]:
            axes.plot(values, gaps(reading(run) for run in chosen), **style)
        crossed += [
            cross_out(axes, value, gap(reading(run)))
            for axes, reading in zip(panels, FIGURES.values(), strict=True)
            for value, run in zip(values, chosen, strict=True)
            if run.mismatch
        ]
    if crossed:
        handles.append(crossed[0])
        names.append(WRONG_LEGEND)
    ticks = sorted({value for sweep in sweeps for value in sweep.values(0)})
    for axes, figured in zip(panels, FIGURES, strict=True):
        axes.set_xlabel(setting)
        axes.set_ylabel(figured)
        axes.set_xticks(ticks)
        axes.grid()
    # The line of greedy only where it does not squeeze the others together.
    low, high = panels[0].get_ylim()
    if low < 1.15:
        panels[0].set_ylim(min(low, 0.95), high)
        panels[0].axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
    legend(figure, handles, names)
    note = "bars on the left: 95% bootstrap intervals over prompts and repeats"
    entitle(figure, f"{method}: sensitivity to {setting}, all else equal", sweeps[0].first.title, note)
    return Drawing(f"sensitivity_{_slug(setting)}_{method}", figure)


def _slug(setting: str) -> str:
    """A setting in a file's name, where a dot would begin an ending."""
    return setting.replace(".", "_")


def _names(sweeps: Sequence[Sweep]) -> list[str]:
    """Task and history, with the other settings in which the lines differ."""
    others = [key for key in differing([sweep.first for sweep in sweeps]) if key != sweeps[0].settings[0]]
    found = []
    for sweep in sweeps:
        run = sweep.first
        words = [run.summary.task, *([] if run.summary.history == "cold" else [run.summary.history])]
        words += [f"{key}={run.settings.get(key)}" for key in others]
        found.append(" ".join([*words, f"({run.summary.prompts} prompts)"]))
    return found


def _grid(sweep: Sweep, name: str) -> Drawing:
    """Rows: the figures.

    columns: the values of the third setting, one if there are two settings.
    """
    down, across, *more = sweep.settings
    thirds = sweep.values(2) if more else [None]
    rows, columns = sweep.values(0), sweep.values(1)
    figure, grid = canvas(len(FIGURES), len(thirds), 0.75 * len(columns) + 1.3, 0.42 * len(rows) + 0.9)
    for panels, (title, reading) in zip(grid, FIGURES.items(), strict=True):
        right = [run for run in sweep.cells.values() if not run.mismatch]
        known = [value for run in right if (value := reading(run)) is not None] or [0.0]
        for axes, third in zip(panels, thirds, strict=True):
            at = [[sweep.cells.get((y, x) if third is None else (y, x, third)) for x in columns] for y in rows]
            values = [[None if run is None else reading(run) for run in line] for line in at]
            texts = [[_cell(run, reading(run) if run else None, title) for run in line] for line in at]
            wrong = [[run is not None and run.mismatch for run in line] for line in at]
            heat(axes, values, texts, (min(known), max(known)), wrong)
            axes.set_xticks(range(len(columns)), [f"{value:g}" for value in columns])
            axes.set_yticks(range(len(rows)), [f"{value:g}" for value in rows])
            axes.set_xlabel(across)
            axes.set_ylabel(down)
            axes.set_title(title if third is None else f"{title}\n{more[0]} = {third:g}")
    run = sweep.first
    history = "" if run.summary.history == "cold" else f", {run.summary.history}"
    what = f"{run.summary.method} on {run.summary.task}{history}: {' x '.join(sweep.settings)}, all else equal"
    note = f"{run.summary.prompts} prompts; brackets: 95% bootstrap intervals over prompts and repeats"
    entitle(figure, what, run.title, note)
    return Drawing(name, figure)


def _cell(run: Run | None, value: float | None, title: str) -> str:
    if run is None or value is None:
        return "–"
    if title != SPEED or run.summary.speedup.decode.low is None:
        return f"{value:.2f}"
    figure = run.summary.speedup.decode
    return f"{value:.2f}\n[{figure.low:.2f}, {figure.high:.2f}]"
