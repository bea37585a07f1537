"""A history learned on one task and used on another: what context locality is worth."""

from collections.abc import Callable, Sequence

from bench.report.collection import Run, grouped
from bench.report.figures.series import in_order
from bench.report.figures.style import Drawing, canvas, entitle, heat

NO_HISTORY = "none (cold)"
FIGURES = ("times greedy's decode speed", "tokens per target forward")
Reading = Callable[[Run], float | None]


def contamination(runs: Sequence[Run]) -> list[Drawing]:
    """A heat map for every method with saved histories.

    Rows say whose history, columns on which task it was used.
    """
    drawings: list[Drawing] = []
    for alike in grouped(runs, lambda run: (run.summary.method, str(run.settings))).values():
        saved = [run for run in alike if run.history_of]
        if len({run.history_of for run in saved}) < 2:
            continue
        drawings.append(_matrix(saved, alike, f"_{len(drawings) + 1}" if drawings else ""))
    return drawings


def _matrix(saved: Sequence[Run], alike: Sequence[Run], suffix: str) -> Drawing:
    cells: dict[tuple[str, str], Run] = {}
    for run in sorted(saved, key=lambda run: run.started):
        assert run.history_of is not None
        cells[run.history_of, run.summary.task] = run
    columns = in_order({task for _, task in cells})
    # Cold runs stand beside them only where they saw the same prompts.
    seen = {run.conditions for run in cells.values()}
    colds = [run for run in alike if run.summary.history == "cold"]
    cold = {(NO_HISTORY, run.summary.task): run for run in colds if run.conditions in seen}
    rows = [*in_order({task for task, _ in cells}), *([NO_HISTORY] if cold else [])]
    cells |= cold
    width, height = 0.8 * len(columns) + 1.5, 0.42 * len(rows) + 1.1
    figure, [panels] = canvas(1, 2, width, height)
    readings: tuple[Reading, Reading] = (
        lambda run: run.summary.speedup.decode.value,
        lambda run: run.summary.tokens_per_target_forward,
    )
    for axes, title, reading in zip(panels, FIGURES, readings, strict=True):
        at = [[cells.get((row, column)) for column in columns] for row in rows]
        values = [[None if run is None else reading(run) for run in line] for line in at]
        right = [run for line in at for run in line if run is not None and not run.mismatch]
        known = [value for run in right if (value := reading(run)) is not None] or [0.0]
        texts = [[_text(run, reading, title) for run in line] for line in at]
        wrong = [[run is not None and run.mismatch for run in line] for line in at]
        heat(axes, values, texts, (min(known), max(known)), wrong)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlabel("used on")
        axes.set_title(title)
    panels[0].set_ylabel("history learned on")
    run = saved[0]
    counts = sorted({each.summary.prompts for each in cells.values()})
    note = f"{' or '.join(map(str, counts))} prompts each; brackets: 95% bootstrap intervals over prompts and repeats"
    entitle(figure, f"{run.summary.method}: histories of one task used on another", run.title, note)
    return Drawing(f"contamination_{run.summary.method}{suffix}", figure)


def _text(run: Run | None, reading: Reading, title: str) -> str:
    if run is None or reading(run) is None:
        return "–"
    figure = run.summary.speedup.decode
    if title != FIGURES[0] or figure.low is None:
        return f"{reading(run):.2f}"
    return f"{reading(run):.2f}\n[{figure.low:.2f}, {figure.high:.2f}]"
