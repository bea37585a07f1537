"""Decode speed over the faster of two greedys, where float32 ran beside bfloat16 (see bench/measure/float32.py)."""

from bench.report.fold import Fold, decode_throughput
from bench.report.statistics import NONE, Estimate, speedup


def over_fastest_greedy(fold: Fold, seed: int) -> Estimate:
    """Decode speed over the faster greedy of the two dtypes; NONE where only one was measured."""
    if fold.float32 is None:
        return NONE
    greedy = [decode_throughput(records) for records in (fold.reference, fold.float32)]
    return speedup(decode_throughput(fold.method), max(greedy, key=lambda each: each.rate() or 0.0), seed)
