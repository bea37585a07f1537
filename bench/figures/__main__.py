"""Entry point of `python -m bench.figures`."""

import hashlib
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt

from bench.arguments import over_runs
from bench.collection import Run, grouped
from bench.figures.beside import beside_published
from bench.figures.contamination import contamination
from bench.figures.speed import cold_and_warm, efficiency, speedups
from bench.figures.steps import acceptance, step_time
from bench.figures.style import STYLE, Drawing, save
from bench.figures.sweeps import sensitivity
from bench.terminal import say

# What each draws from the runs of one setup ([] where there is nothing to draw), and what it takes.
FIGURES: dict[str, tuple[Callable[[Sequence[Run]], list[Drawing]], str]] = {
    "speedup": (speedups, "a method other than greedy"),
    "efficiency": (efficiency, "a method that counts its target forwards"),
    "sensitivity": (sensitivity, "runs that differ in nothing but 3 values of a setting, or 6 cells of a grid"),
    "acceptance": (acceptance, "a method that drafts, and tells its steps"),
    "step_time": (step_time, "a method that tells its steps"),
    "cold_warm": (cold_and_warm, "the same case with history=cold and history=warm"),
    "contamination": (contamination, "runs with history=file and pools of two tasks"),
    "published": (beside_published, "a method and task in results/published"),
}


def draw_figures(runs: Sequence[Run], folder: Path) -> None:
    """Every figure that has data, for each setup, in `folder`; a line for each, and for those without data."""
    setups = grouped(runs, lambda run: run.setup)
    slugs = [_slug(alike[0]) for alike in setups.values()]
    with plt.rc_context(STYLE):
        for kind, (draw, needs) in FIGURES.items():
            count = 0
            for alike, slug in zip(setups.values(), slugs, strict=True):
                # The same setup on another machine, or with other weights, is told apart by what it is.
                apart = f"_{_digest(alike[0])}" if slugs.count(slug) > 1 else ""
                for drawing in draw(alike):
                    for file in save(Drawing(f"{drawing.name}_{slug}{apart}", drawing.figure), folder):
                        say(f"drawn: {file}")
                    count += 1
            if not count:
                say(f"not drawn: {kind} takes {needs}")


def _slug(run: Run) -> str:
    words = f"{run['model']} {run.setup[2]} {run['split']} {run['dtype']} {run['device']}"
    return re.sub(r"[^A-Za-z0-9.]+", "-", words).strip("-")


def _digest(run: Run) -> str:
    return hashlib.sha256(repr(run.setup).encode()).hexdigest()[:4]


def main(arguments: Sequence[str]) -> int:
    """The exit status: 0, or 2 for something the user can put right."""
    purpose = "Figures of the finished runs below some folders, from their summaries alone, as PDF and PNG."
    return over_runs("bench.figures", purpose, "results/figures", arguments, draw_figures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
