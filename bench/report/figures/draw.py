"""Which figures there are, and drawing each that has data."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from bench.console.terminal import say
from bench.report.collection import Run, grouped
from bench.report.figures.beside import beside_published
from bench.report.figures.contamination import contamination
from bench.report.figures.drafts import draft_size, of_several_drafts
from bench.report.figures.speed import cold_and_warm, efficiency, speedups
from bench.report.figures.steps import MOST, acceptance, step_time
from bench.report.figures.style import STYLE, Drawing, save
from bench.report.figures.sweeps import sensitivity
from bench.report.figures.temperature import by_temperature, of_several_temperatures

Draw = Callable[[Sequence[Run]], list[Drawing]]

# What each draws from runs of one setup ([] where there is nothing to draw), what it takes for
# that, and whether each experiment (output folder) has its own: what compares methods, against what
# looks for runs that fit together.
FIGURES: dict[str, tuple[Draw, str, bool]] = {
    "speedup": (speedups, "a method other than greedy", True),
    "efficiency": (efficiency, "a method that counts its target forwards", True),
    "sensitivity": (sensitivity, "runs that differ in nothing but 3 values of a setting, or 6 cells of a grid", False),
    "acceptance": (acceptance, f"a method that drafts, and tells its steps; {MOST} at most", True),
    "step_time": (step_time, "a method that tells its steps", True),
    "cold_warm": (cold_and_warm, "the same case with history=cold and history=warm", True),
    "contamination": (contamination, "runs with history=file and histories of two tasks", False),
    "published": (beside_published, "a method and task in results/published", False),
}


def draw_figures(runs: Sequence[Run], folder: Path) -> None:
    """Every figure that has data, for each setup, in `folder`.

    A line for each, and for those without data.
    """

    def keep(drawing: Drawing) -> None:
        for file in save(drawing, folder):
            say(f"drawn: {file}")

    for kind in draw_each(runs, keep):
        say(f"not drawn: {kind} takes {FIGURES[kind][1]}")


def draw_each(runs: Sequence[Run], keep: Callable[[Drawing], None]) -> list[str]:
    """Every figure that has data, for each setup.

    Args:
        runs: of any setups.
        keep: takes a drawing with a name that no other has, in the style of all.

    Returns:
        Those of FIGURES without data.
    """
    missing = []
    with plt.rc_context(STYLE):
        # Each draft makes a setup of its own: what compares them takes the place of figures of each
        # alone.
        for those in of_several_drafts(runs):
            drawing = draft_size(those)
            keep(Drawing(f"{drawing.name}_{_slug(those[0], those[0].summary.model)}", drawing.figure))
            runs = [run for run in runs if run not in those]
        for those in of_several_temperatures(runs):
            drawing = by_temperature(those)
            keep(Drawing(f"{drawing.name}_{those[0].experiment}_{_slug(those[0])}", drawing.figure))
    setups = {key: _slug(alike[0]) for key, alike in grouped(runs, lambda run: run.setup).items()}
    slugs = list(setups.values())
    with plt.rc_context(STYLE):
        for kind, (draw, _, own) in FIGURES.items():
            count = 0
            parts = grouped(runs, (lambda run: (run.experiment, run.setup)) if own else (lambda run: ("", run.setup)))
            for (experiment, setup), alike in parts.items():
                # The same setup on another machine, or with other weights, is told apart by what it
                # is.
                apart = [_digest(alike[0])] if slugs.count(setups[setup]) > 1 else []
                for drawing in draw(alike):
                    words = [drawing.name, *([experiment] if experiment else []), setups[setup], *apart]
                    keep(Drawing("_".join(words), drawing.figure))
                    count += 1
            if not count:
                missing.append(kind)
    return missing


def _slug(run: Run, models: str | None = None) -> str:
    words = f"{models or run.pair} {run.setup.data} {run.summary.split} {run.summary.dtype} {run.summary.device}"
    return re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-")


def _digest(run: Run) -> str:
    return hashlib.sha256(repr(tuple(run.setup)).encode()).hexdigest()[:4]
