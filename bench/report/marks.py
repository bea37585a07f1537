"""Marks after a row's name, for what a reader of its figures must know, with their legends."""

from bench.report.figure_types import Noise, Runaways
from bench.report.metrics.outputs import RUNAWAY_SHARE

RUNAWAY = "~"
RUNAWAY_LEGEND = (
    f"{RUNAWAY} {100 * RUNAWAY_SHARE:.0f}% or more of the tokens are from outputs that ran to the limit repeating "
    "themselves: read geomean, and tokens/forward per prompt."
)

NOISY = "!"
NOISY_LEGEND = (
    f"{NOISY} machine too noisy: the interval of the panel's A/A case, greedy decoding over greedy decoding, misses "
    "1.0, so the intervals of this row are too narrow."
)


def too_noisy(noise: Noise | None) -> bool:
    """Whether the panel's A/A case misses 1.0.

    Args:
        noise: of the panel; None without an A/A case, and in runs that are older than the figure.
    """
    return noise is not None and bool(noise.too_noisy)


def runaways_decide(runaways: Runaways | None) -> bool:
    """Whether outputs that ran away decide the pooled figures of a case or a category.

    Args:
        runaways: those outputs; None in runs that are older than the figure.
    """
    return runaways is not None and runaways.share >= RUNAWAY_SHARE


def marked(name: str, *marks: str) -> str:
    """A row's name with those of its marks that are not empty."""
    return " ".join([name, *filter(None, marks)])
