"""Tokens per second, of a case, over greedy's, and of one case over another.

How an interval is drawn and what a ratio is stands in bench/report/statistics.py.
"""

from collections.abc import Callable

import numpy as np

from bench.measure.record import Record
from bench.report.case_records import CaseRecords, Grid
from bench.report.figure_types import NONE, Comparison, Estimate, Sides, Speedups, TokenRates
from bench.report.statistics import (
    Throughput,
    geometric_mean,
    geometric_mean_ratio,
    rate_ratio,
    ratio_of_speedups,
    speedup,
)


def decode_seconds(record: Record) -> float:
    """Without the prefill."""
    return record.total_seconds - record.prefill_seconds


def decode_tokens(record: Record) -> int:
    """Tokens but for those that the prefill gives: one, or a verified draft with it."""
    return max(len(record.tokens) - record.prefill_tokens, 0)


def decode_throughput(grid: Grid) -> Throughput:
    """Without the prefill and the tokens that it gives; the one way to a decode speed."""
    return _throughput(grid, decode_tokens, decode_seconds)


def total_throughput(grid: Grid) -> Throughput:
    """End to end: every token, every second."""
    return _throughput(grid, lambda record: len(record.tokens), lambda record: record.total_seconds)


def _throughput(grid: Grid, tokens: Callable[[Record], int], seconds: Callable[[Record], float]) -> Throughput:
    return Throughput(
        np.array([[tokens(record) for record in repeats] for repeats in grid]),
        np.array([[seconds(record) for record in repeats] for repeats in grid]),
    )


def decode_rates(records: CaseRecords) -> Sides:
    """Tokens per second without the prefill."""
    return Sides(decode_throughput(records.method).rate(), decode_throughput(records.reference).rate())


def token_rates(records: CaseRecords) -> TokenRates:
    """Tokens per second of both sides."""
    end_to_end = Sides(total_throughput(records.method).rate(), total_throughput(records.reference).rate())
    return TokenRates(decode_rates(records), end_to_end)


def speedups(records: CaseRecords, seed: int) -> Speedups:
    """Over the greedy beside the method, with intervals."""
    decode = decode_throughput(records.method), decode_throughput(records.reference)
    end_to_end = total_throughput(records.method), total_throughput(records.reference)
    return Speedups(speedup(*decode, seed), speedup(*end_to_end, seed), geometric_mean(*decode, seed))


def over_fastest(records: CaseRecords, seed: int) -> Estimate:
    """Decode speed over the faster greedy of the two dtypes; NONE where only one was measured."""
    if records.float32 is None:
        return NONE
    greedy = [decode_throughput(grid) for grid in (records.reference, records.float32)]
    return speedup(decode_throughput(records.method), max(greedy, key=lambda each: each.rate() or 0.0), seed)


def pooled_speed(records: CaseRecords) -> float | None:
    """Decode: total tokens / total seconds over greedy's, without an interval."""
    return rate_ratio(decode_throughput(records.method), decode_throughput(records.reference))


def mean_speed(records: CaseRecords) -> float | None:
    """Decode: the geometric mean over prompts of the ratios of token rates, without an interval."""
    return geometric_mean(decode_throughput(records.method), decode_throughput(records.reference)).value


def compare(panel: dict[str, CaseRecords], seed: int) -> list[Comparison]:
    """Every case over every other.

    Args:
        panel: their records by label.
        seed: of the bootstrap.
    """
    decode, end_to_end = (
        {label: (throughput(each.method), throughput(each.reference)) for label, each in panel.items()}
        for throughput in (decode_throughput, total_throughput)
    )
    return [
        Comparison(
            method=one,
            over=two,
            paired=panel[one].beside_the_same_greedy(panel[two]),
            decode=ratio_of_speedups(decode[one], decode[two], seed),
            geomean=geometric_mean_ratio(decode[one], decode[two], seed),
            end_to_end=ratio_of_speedups(end_to_end[one], end_to_end[two], seed),
        )
        for one in panel
        for two in panel
        if one != two
    ]


class RunningSpeed:
    """The pooled decode speed over greedy's of what has been measured so far."""

    def __init__(self) -> None:
        self._sums = np.zeros(4)

    def add(self, record: Record, reference: Record) -> None:
        """Count a generation and greedy's beside it."""
        sides = [decode_throughput([[each]]) for each in (record, reference)]
        self._sums += [sum.item() for side in sides for sum in (side.tokens, side.seconds)]

    @property
    def value(self) -> float | None:
        """None before there is any."""
        method, reference = self._sums[:2], self._sums[2:]
        return rate_ratio(Throughput(*method[:, None]), Throughput(*reference[:, None]))
