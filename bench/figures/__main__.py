"""Entry point of `python -m bench.figures`."""

from collections.abc import Sequence

from bench.arguments import over_runs
from bench.entry import enter


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 2 for something the user can put right."""
    purpose = "Figures of the finished runs below some folders, from their summaries alone, as PDF and PNG."
    return over_runs("bench.figures", purpose, "results/figures", arguments, "bench.figures.draw:draw_figures")


if __name__ == "__main__":
    enter("bench.figures.__main__:main")
