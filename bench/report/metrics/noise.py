"""What noise alone makes of a ratio, as a panel's A/A case tells it: greedy over greedy."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from bench.report.case_records import CaseRecords, flat
from bench.report.figure_types import Noise
from bench.report.metrics.rates import decode_throughput
from bench.report.statistics import Needed, Throughput, least_by_chance, needed, speedup

# Of fewer pairs an interval misses 1.0 by chance alone too often: where all resamples lie between
# the least and the largest of n, it does so once in 2 ** (n - 1).
FEWEST_PAIRS = 6
# How many panels a self-check resamples, and what share of them is to hold 1.0, or to tell a
# slowdown that the machine allows to be told.
PANELS = 100
HELD, TOLD = 0.95, 0.8


def noise_of(same: CaseRecords, seed: int) -> Noise:
    """What the A/A case says of the machine that measured its panel.

    Args:
        same: the records of greedy decoding as a method, beside greedy decoding.
        seed: of the bootstrap.
    """
    found = speedup(decode_throughput(same.method), decode_throughput(same.reference), seed)
    told = found.value is not None and len(flat(same.method)) >= FEWEST_PAIRS
    return Noise(found, not found.holds(1.0) if told else None)


def resampled(same: CaseRecords, seed: int) -> Iterator[tuple[Throughput, Throughput]]:
    """PANELS panels with the noise of an A/A case, in which 1.0 is the truth.

    Each draws as many prompts as there are, with replacement, and for every one of them a coin says
    which side is called the method. So both follow one law, and a bias of the case itself, of which
    its own interval tells, is no bias of these.

    Args:
        same: the records of the A/A case.
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    heads, tails = decode_throughput(same.method), decode_throughput(same.reference)
    for _ in range(PANELS):
        picks = draw.integers(0, len(heads.tokens), size=len(heads.tokens))
        coin = draw.integers(0, 2, size=(len(picks), 1)) == 1

        def side(first: Throughput, second: Throughput) -> Throughput:
            columns = ((first.tokens, second.tokens), (first.seconds, second.seconds))
            return Throughput(*(np.where(coin, one[picks], other[picks]) for one, other in columns))  # noqa: B023

        yield side(heads, tails), side(tails, heads)


def holding(same: CaseRecords, seed: int) -> int:
    """How many of PANELS resampled panels have an interval that holds 1.0."""
    return sum(speedup(*sides, seed).holds(1.0) for sides in resampled(same, seed))


def telling(same: CaseRecords, slower: float, seed: int) -> int:
    """In how many of PANELS resampled panels a method that is slower is told from 1.0.

    Args:
        same: the records of the A/A case.
        slower: what the method's seconds are multiplied by.
        seed: of the draws.
    """
    panels = resampled(same, seed)
    slowed = ((replace(method, seconds=method.seconds * slower), reference) for method, reference in panels)
    return sum(not speedup(*sides, seed).holds(1.0) for sides in slowed)


def enough(same: CaseRecords, slower: float) -> Needed | None:
    """About how large a panel must be to tell a method that is slower in TOLD of all panels."""
    return needed(decode_throughput(same.method), decode_throughput(same.reference), slower, TOLD)


def fewest_holding(panels: int = PANELS) -> int:
    """Fewer that hold 1.0 would be chance once in a hundred, if 95 in a hundred do."""
    return least_by_chance(panels, HELD)


def fewest_telling() -> int:
    """The same of those that tell a slowdown."""
    return least_by_chance(PANELS, TOLD)
