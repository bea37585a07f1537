"""Published speedups beside ours, where method and task are the same."""

from collections.abc import Sequence

from matplotlib.lines import Line2D

from bench.collection import Run
from bench.figures.series import all_series, tasks_of, title_of, with_prompts
from bench.figures.style import BLACK, DASHES, ERROR, MARKERS, PALETTE, VERMILION, Drawing, canvas, entitle, whiskers
from bench.published import rows, speedups

SPREAD = 0.5


def beside_published(runs: Sequence[Run]) -> list[Drawing]:
    """A panel for every task, a column for every method: our value with its interval, and what others tell."""
    published = speedups(rows())
    cases = {(each.method, each.history, each.task) for each in published}
    ours = {
        (each.method, each.name, task): run
        for each in all_series(runs)
        for task, run in each.runs.items()
        if (each.method, run["history"], task) in cases and run["label"].startswith(each.method)
    }
    if not ours:
        return []
    tasks = [task for task in tasks_of(all_series(runs)) if any(task == key[2] for key in ours)]
    names = {task: [key[1] for key in ours if key[2] == task] for task in tasks}
    columns = min(len(tasks), 3)
    widest = max(map(len, names.values()))
    figure, grid = canvas(-(-len(tasks) // columns), columns, max(2.4, 0.95 * widest + 0.4), 2.7, sharey=True)
    panels = [axes for line in grid for axes in line]
    sources = list(dict.fromkeys(each.short_source for each in published if _shown(each, ours)))
    for task, axes in zip(tasks, panels, strict=False):
        for place, name in enumerate(names[task]):
            run = next(run for key, run in ours.items() if key[1:] == (name, task))
            own = run["speedup"]["decode"]
            axes.errorbar(
                place, own["value"], yerr=whiskers([own]), fmt="D", color=VERMILION, markeredgecolor=BLACK, zorder=3,
                **ERROR,
            )  # fmt: skip
            others = [
                each
                for each in published
                if (each.method, each.history, each.task) == (run["method"], run["history"], task)
            ]
            for number, each in enumerate(sorted(others, key=lambda each: sources.index(each.short_source)), 1):
                shift = SPREAD * (number / (len(others) + 1) - 0.5) + (0.06 if len(others) % 2 else 0.0)
                axes.plot(place + shift, each.value, **_look(sources.index(each.short_source)))
        axes.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
        axes.set_xticks(range(len(names[task])), [name.replace(" ", "\n") for name in names[task]])
        axes.set_xlim(-0.5, len(names[task]) - 0.5)
        axes.set_title(with_prompts(all_series(runs), task).replace("\n", ", "))
        axes.grid(axis="y")
    for axes in panels[len(tasks) :]:
        axes.set_visible(False)
    for line in grid:
        line[0].set_ylabel("times greedy's speed")
    handles = [Line2D([], [], marker="D", linestyle="", color=VERMILION, markeredgecolor=BLACK)]
    handles += [Line2D([], [], **_look(place)) for place in range(len(sources))]
    figure.legend(handles, ["this run (decode, 95% interval)", *sources], loc="outside lower center", ncols=1)
    note = (
        "one mark a published target model; hardware, models, data and precision differ, so compare orders and not "
        "heights"
    )
    entitle(figure, "Published speedups beside ours", f"ours: {title_of(all_series(runs))}", note)
    return [Drawing("published", figure)]


def _shown(each, ours) -> bool:
    return any((each.method, each.history, each.task) == (run["method"], run["history"], run["task"])
               for run in ours.values())  # fmt: skip


def _look(source: int) -> dict[str, object]:
    """Hollow marks, so that ours stand out."""
    colours = [colour for colour in PALETTE if colour != VERMILION]
    markers = [marker for marker in MARKERS if marker != "D"]
    colour = colours[source % len(colours)]
    return {
        "marker": markers[source % len(markers)], "linestyle": "", "color": colour, "markerfacecolor": "none",
        "markersize": 4.5,
    }  # fmt: skip
