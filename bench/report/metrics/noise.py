"""What noise alone makes of a ratio, as a panel's A/A case tells it: greedy over greedy."""

from bench.report.case_records import CaseRecords, flat
from bench.report.figure_types import Noise
from bench.report.metrics.rates import decode_throughput
from bench.report.statistics import speedup

# Of fewer pairs an interval misses 1.0 by chance alone too often: where all resamples lie between
# the least and the largest of n, it does so once in 2 ** (n - 1).
FEWEST_PAIRS = 6


def noise_of(same: CaseRecords, seed: int) -> Noise:
    """What the A/A case says of the machine that measured its panel.

    Args:
        same: the records of greedy decoding as a method, beside greedy decoding.
        seed: of the bootstrap.
    """
    found = speedup(decode_throughput(same.method), decode_throughput(same.reference), seed)
    told = found.value is not None and len(flat(same.method)) >= FEWEST_PAIRS
    return Noise(found, not found.holds(1.0) if told else None)
