"""How fast: speedups by method and task, against tokens per target forward, and cold or warm."""

from collections import Counter
from collections.abc import Sequence

from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bench.report.collection import Run, grouped
from bench.report.figures.labels import place_labels
from bench.report.figures.series import all_series, in_order, tasks_of, title_of, with_prompts
from bench.report.figures.style import (
    DASHES,
    ERROR,
    MISMATCH,
    SKY,
    VERMILION,
    WRONG_LEGEND,
    Drawing,
    Look,
    bars,
    canvas,
    cross_out,
    entitle,
    legend,
    looks,
    whiskers,
    wrong_handle,
)

NAMED = 8
INTERVALS = "95% bootstrap intervals over prompts and repeats; dashed: greedy decoding"


def speedups(runs: Sequence[Run]) -> list[Drawing]:
    """Grouped bars: decode speedup over greedy, tasks side by side."""
    # A bound would squeeze what can be reached.
    series = [each for each in all_series(runs) if each.competes]
    if not series:
        return []
    tasks = tasks_of(series)
    standing = {task: [each for each in series if task in each.runs] for task in tasks}
    width = 0.84 / max(map(len, standing.values()))
    figure, [[axes]] = canvas(1, 1, max(5.0, 0.27 * sum(map(len, standing.values())) + 1.6), 2.7)
    handles, names = [], [each.legend for each in series]
    axes.margins(y=0.12)
    for each, look in zip(series, looks([each.method for each in series]), strict=True):
        there = [task for task in tasks if task in each.runs]
        positions = [
            tasks.index(task) + (standing[task].index(each) - (len(standing[task]) - 1) / 2) * width for task in there
        ]
        shown = [each.runs[task] for task in there]
        speeds, wrong = [run.summary.speedup.decode for run in shown], [run.mismatch for run in shown]
        # Not the bars themselves: the first may be crossed.
        handles.append(Patch(facecolor=look.colour, hatch=look.hatch, edgecolor="white", linewidth=0.4))
        bars(axes, positions, speeds, 0.92 * width, look, wrong)
    if any(run.mismatch for each in series for run in each.runs.values()):
        handles.append(wrong_handle())
        names.append(WRONG_LEGEND)
    axes.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
    axes.set_xticks(range(len(tasks)), [with_prompts(series, task) for task in tasks])
    axes.set_xlim(-0.55, len(tasks) - 0.45)
    axes.set_ylabel("times greedy's decode speed")
    axes.grid(axis="y")
    legend(figure, handles, names)
    entitle(figure, "Decode speedup by method and task", title_of(series), INTERVALS)
    return [Drawing("speedup", figure)]


def efficiency(runs: Sequence[Run]) -> list[Drawing]:
    """Scatter: what confirmed tokens per target forward are worth in speed.

    A panel for every task.
    """
    series = [each for each in all_series(runs) if each.competes]
    series = [each for each in series if any(_forwards(run) for run in each.runs.values())]
    tasks = [task for task in tasks_of(series) if any(_forwards(each.runs.get(task)) for each in series)]
    if not tasks:
        return []
    columns = min(len(tasks), 3)
    figure, grid = canvas(-(-len(tasks) // columns), columns, 3.9, 3.1)
    panels = [axes for line in grid for axes in line]
    drawn = list(zip(series, looks([each.method for each in series]), strict=True))
    # So many names do not find room: the points are numbered then, and the names stand below.
    many = len(series) > NAMED
    if many:
        handles = [Line2D([], [], linestyle="", marker=look.marker, color=look.colour) for _, look in drawn]
        legend(figure, handles, [f"{number} {each.legend}" for number, each in enumerate(series, 1)])
    placed = []
    for task, axes in zip(tasks, panels, strict=False):
        points, names, bars_of = [], [], []
        for number, (each, look) in enumerate(drawn, 1):
            run = each.runs.get(task)
            point = _point(run)
            if run is None or point is None:
                continue
            axes.errorbar(
                *point, yerr=whiskers([run.summary.speedup.decode]), fmt=look.marker, color=look.colour,
                markeredgecolor="0.2", markeredgewidth=0.4, **ERROR,
            )  # fmt: skip
            points.append(point)
            name = str(number) if many else each.name
            if run.mismatch:
                cross_out(axes, *point)
                name += f" ({MISMATCH})"
            names.append(name)
            speed = run.summary.speedup.decode
            bars_of.append((speed.low or point[1], speed.high or point[1]))
        # Names need room beside the outermost points.
        axes.set_xlim(*_wider([x for x, _ in points], 0.25, 0.5))
        axes.set_ylim(*_wider([end for each in bars_of for end in each], 0.12, 0.1))
        low, high = axes.get_ylim()
        if low < 1 < high:
            axes.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9, zorder=0)
        axes.set_title(with_prompts(series, task).replace("\n", ", "))
        axes.set_xlabel("tokens per target forward")
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        axes.grid()
        placed.append((axes, points, bars_of, names))
    for axes in panels[len(tasks) :]:
        axes.set_visible(False)
    for line in grid:
        line[0].set_ylabel("times greedy's decode speed")
    entitle(figure, "Speed against tokens per target forward", title_of(series), INTERVALS)
    for axes, points, bars_of, names in placed:
        place_labels(figure, axes, points, bars_of, names)
    return [Drawing("efficiency", figure)]


def _wider(values: Sequence[float], share: float, least: float) -> tuple[float, float]:
    """The values' range with a share of it, or `least`, on both sides."""
    margin = max(share * (max(values) - min(values)), least)
    return min(values) - margin, max(values) + margin


def _forwards(run: Run | None) -> bool:
    return _point(run) is not None


def _point(run: Run | None) -> tuple[float, float] | None:
    """Tokens per target forward and speed; None where either is not known."""
    if run is None:
        return None
    tokens, speed = run.summary.tokens_per_target_forward, run.summary.speedup.decode.value
    return None if tokens is None or speed is None else (tokens, speed)


def cold_and_warm(runs: Sequence[Run]) -> list[Drawing]:
    """Grouped bars: the same case cold and warm.

    With all that it learned forgotten before every prompt, and with a history that lives on.
    """
    pairs = _pairs(runs)
    if not pairs:
        return []
    methods = grouped([cold for cold, _ in pairs], lambda run: run.summary.method)
    warm_of = dict(pairs)
    widest = max(map(len, methods.values()))
    figure, [panels] = canvas(1, len(methods), max(4.6 / len(methods), 1.1 * widest), 2.6, sharey=True)
    panels[0].margins(y=0.12)
    for axes, (method, found) in zip(panels, methods.items(), strict=True):
        order = in_order(run.summary.task for run in found)
        colds = sorted(found, key=lambda run: order.index(run.summary.task))
        handles = []
        for shift, colour, those in (
            (-0.2, SKY, colds),
            (0.2, VERMILION, [warm_of[cold] for cold in colds]),
        ):
            positions = [index + shift for index in range(len(colds))]
            shown, wrong = Look(colour, "", "o", "-"), [run.mismatch for run in those]
            handles.append(Patch(facecolor=colour))
            bars(axes, positions, [run.summary.speedup.decode for run in those], 0.38, shown, wrong)
        axes.set_xticks(range(len(colds)), [f"{run.summary.task}\n{run.summary.prompts} prompts" for run in colds])
        axes.set_xlim(-0.6, len(colds) - 0.4)
        axes.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
        axes.set_title(method)
        axes.grid(axis="y")
    panels[0].set_ylabel("times greedy's decode speed")
    names = ["cold: all forgotten before every prompt", "warm: the history lives on"]
    if any(run.mismatch for pair in pairs for run in pair):
        handles.append(wrong_handle())
        names.append(WRONG_LEGEND)
    legend(figure, handles, names)
    entitle(figure, "Cold against warm, by task", pairs[0][0].title, INTERVALS)
    return [Drawing("cold_warm", figure)]


def _pairs(runs: Sequence[Run]) -> list[tuple[Run, Run]]:
    """(cold, warm) with the same settings and prompts, one for each method and task.

    Of several, that whose settings most tasks have, then the one on most prompts, then the newest.
    """
    found = []
    for group in grouped(runs, lambda run: (run.summary.method, str(run.settings), run.conditions)).values():
        newest = {run.summary.history: run for run in sorted(group, key=lambda run: run.started)}
        if {"cold", "warm"} <= set(newest):
            found.append((newest["cold"], newest["warm"]))
    common = Counter((cold.summary.method, str(cold.settings)) for cold, _ in found)

    def says(pair: tuple[Run, Run]) -> tuple[int, int, str]:
        cold = pair[0]
        return common[cold.summary.method, str(cold.settings)], cold.summary.prompts, cold.started

    chosen: dict[tuple[str, str], tuple[Run, Run]] = {}
    for pair in sorted(found, key=says):
        chosen[pair[0].summary.method, pair[0].summary.task] = pair
    return list(chosen.values())
