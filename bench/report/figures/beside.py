"""Published speedups beside ours, where method and task are the same."""

from collections import defaultdict
from collections.abc import Sequence

from matplotlib.lines import Line2D

from bench.report.collection import Run
from bench.report.figures.series import all_series, in_order
from bench.report.figures.style import (
    BLACK,
    DASHES,
    ERROR,
    MARKERS,
    PALETTE,
    VERMILION,
    WRONG_LEGEND,
    YELLOW,
    Drawing,
    Keywords,
    canvas,
    cross_out,
    entitle,
    gap,
    legend,
    whiskers,
)
from bench.report.published import Speedup, rows, speedups

SPREAD = 0.5


def beside_published(runs: Sequence[Run]) -> list[Drawing]:
    """A panel for every task, a column for every method.

    Our value with its interval, and what others report.
    """
    published = speedups(rows())
    cases = {_key(each) for each in published}
    standing: dict[tuple[str, str, str], list[Run]] = defaultdict(list)
    for series in all_series(runs):
        for task, run in series.runs.items():
            key = series.method, run.summary.history, task
            if key in cases and run.summary.label.startswith(series.method):
                standing[key].append(run)
    # The plainest name of a method stands for it, a setting only if it is alone: of a sweep none
    # does, and a variant of an ablation is another method.
    ours = {}
    for key, those in standing.items():
        plain = [run for run in those if run.summary.label in (key[0], " ".join(key[:2]))]
        if plain or len(those) == 1:
            ours[key] = (plain or those)[0]
    if not ours:
        return []
    tasks = in_order(task for *_, task in ours)
    order = [(each.method, run.summary.history) for each in all_series(runs) for run in each.runs.values()]
    found = {
        task: sorted((key for key in ours if key[2] == task), key=lambda key: order.index(key[:2])) for task in tasks
    }
    columns = min(len(tasks), 3)
    widest = max(map(len, found.values()))
    figure, grid = canvas(-(-len(tasks) // columns), columns, max(2.4, 0.7 * widest + 0.5), 2.7, sharey=True)
    panels = [axes for line in grid for axes in line]
    sources = list(dict.fromkeys(each.short_source for each in published if _key(each) in ours))
    crossed = None
    for task, axes in zip(tasks, panels, strict=False):
        for position, key in enumerate(found[task]):
            own = ours[key].summary.speedup.decode
            value = gap(own.value)
            axes.errorbar(
                position, value, yerr=whiskers([own]), fmt="D", color=VERMILION, markeredgecolor=BLACK, zorder=3,
                **ERROR,
            )  # fmt: skip
            if ours[key].mismatch:
                crossed = cross_out(axes, position, value)
            others = [each for each in published if _key(each) == key]
            # To both sides of ours, which stands in the middle.
            for number, each in enumerate(sorted(others, key=lambda each: sources.index(each.short_source))):
                shift = SPREAD * (number + 0.5 - len(others) / 2) / max(len(others) - 1, 1)
                shift += 0.08 if abs(shift) < 0.04 else 0.0
                axes.plot(position + shift, each.value, **_look(sources.index(each.short_source)))
        axes.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
        names = [method + ("" if history == "cold" else f"\n{history}") for method, history, _ in found[task]]
        axes.set_xticks(range(len(names)), [name.replace("_", "\n", 1) for name in names])
        axes.set_xlim(-0.5, len(names) - 0.5)
        axes.set_title(f"{task}, {ours[found[task][0]].summary.prompts} prompts")
        axes.grid(axis="y")
    for axes in panels[len(tasks) :]:
        axes.set_visible(False)
    for line in grid:
        line[0].set_ylabel("times greedy's speed")
    handles = [Line2D([], [], marker="D", linestyle="", color=VERMILION, markeredgecolor=BLACK)]
    handles += [Line2D([], [], **_look(position)) for position in range(len(sources))]
    names = ["this run (decode, 95% interval)", *sources]
    if crossed is not None:
        handles.append(crossed)
        names.append(WRONG_LEGEND)
    legend(figure, handles, names)
    note = (
        "one mark a published target model; hardware, models, data and precision differ, so compare orders and not "
        "heights"
    )
    entitle(figure, "Published speedups beside ours", f"ours: {next(iter(ours.values())).title}", note)
    return [Drawing("published", figure)]


def _key(each: Speedup) -> tuple[str, str, str]:
    return each.method, each.history, each.task


def _look(source: int) -> Keywords:
    """Hollow marks, so that ours stand out."""
    colours = [colour for colour in PALETTE if colour not in (VERMILION, YELLOW)]
    markers = [marker for marker in MARKERS if marker != "D"]
    colour = colours[source % len(colours)]
    return {
        "marker": markers[source % len(markers)], "linestyle": "", "color": colour, "markerfacecolor": "none",
        "markersize": 4.5,
    }  # fmt: skip
