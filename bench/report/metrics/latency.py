"""What a user feels: the first token, the gaps after it, stalls, and the energy of a token."""

from bench.report.case_records import Grid, flat
from bench.report.figure_types import Latency
from bench.report.metrics.steps import steps_column
from bench.report.statistics import percentiles

# A step that takes so many times the median one is a stall.
STALL = 5.0


def latency(grid: Grid) -> Latency:
    """The latencies of all generations.

    The tokens of one step arrive together. A gap of nothing between two of them is no latency, and
    the whole step would be none of a token either: each token counts with its part of the step.
    """
    first = percentiles([record.prefill_seconds for record in flat(grid)])
    assert first is not None, "a case has records"
    seconds = steps_column(grid, lambda steps: steps.step_seconds)
    emitted = steps_column(grid, lambda steps: steps.emitted)
    joules = [record.joules for record in flat(grid)]
    known = [each for each in joules if each is not None]
    tokens = sum(len(record.tokens) for record in flat(grid))
    step = percentiles(seconds or [])
    stalls = None
    if seconds is not None and step is not None:
        stalls = [each for each in seconds if each > STALL * step.p50]
    parts = [took / count for took, count in zip(seconds or [], emitted or [], strict=False)]
    return Latency(
        first_token=first,
        step=step,
        inter_token=percentiles(parts, emitted) if parts else None,
        stalls=None if stalls is None else len(stalls),
        stalled=None if stalls is None or not seconds else sum(stalls) / sum(seconds),
        joules_per_token=sum(known) / tokens if known and len(known) == len(joules) and tokens else None,
    )
