"""Recorded steps at other costs: how fast the same acceptance would be elsewhere.

What was drafted, verified and accepted stays as recorded, and so do all tokens. Only what the
steps' forwards take is another.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import numpy as np

from bench.report.case_records import CaseRecords, Grid, flat
from bench.report.metrics.costs import Costs, Curve, Roofline
from bench.report.metrics.rates import decode_seconds, decode_throughput
from bench.report.metrics.steps import seconds_of, steps_column


@dataclass(frozen=True)
class Replay:
    """All steps of some generations, after their prefills; arrays have an entry a step.

    Attributes:
        rows: of the target's forward.
        context: tokens cached before it.
        emitted: tokens that the step gave.
        draft_forwards, draft_rows: of the draft model, a step's together.
        outside: seconds outside of models' forwards, of all steps together; None where that is not
            known.
    """

    rows: np.ndarray
    context: np.ndarray
    emitted: np.ndarray
    draft_forwards: np.ndarray
    draft_rows: np.ndarray
    outside: float | None

    @property
    def mean_context(self) -> float:
        """Tokens cached before a step."""
        return float(self.context.mean())

    def seconds(self, roofline: Roofline, batch: int, outside: bool) -> float:
        """Of all steps, if `batch` such sequences take them together.

        Args:
            roofline: what forwards take.
            batch: sequences, alike and in step.
            outside: whether a step takes what was recorded outside of forwards, once for the whole
                batch; else nothing.
        """
        width = self.draft_rows / np.maximum(self.draft_forwards, 1)
        verify = roofline.target(self.rows, self.context, batch)
        draft = self.draft_forwards * roofline.draft(width, self.context, batch)
        return float((verify + draft).sum()) + (self.outside or 0.0) * outside


def replay_of(grid: Grid) -> Replay | None:
    """The steps of these generations; None where there are none or a rival does not tell them."""
    generations = [(record, record.steps) for record in flat(grid)]
    if any(steps is None for _, steps in generations):
        return None
    context: list[int] = []
    for record, steps in generations:
        assert steps is not None
        before = record.prompt_tokens + record.prefill_tokens - 1
        context += accumulate(steps.emitted[:-1], initial=before) if steps.emitted else []
    columns = [
        steps_column(grid, column)
        for column in (
            lambda steps: steps.rows,
            lambda steps: steps.emitted,
            lambda steps: steps.draft_forwards,
            lambda steps: steps.draft_rows,
        )
    ]
    rows, emitted, forwards, draft_rows = (np.array(each) for each in columns)
    if not len(rows):
        return None
    models = steps_column(grid, lambda steps: steps.model_seconds)
    outside = None if models is None else sum(map(decode_seconds, flat(grid))) - sum(models)
    return Replay(rows, np.array(context), emitted, forwards, draft_rows, outside)


def verified_rows(steps: Replay) -> float:
    """The mean rows of a target's forward."""
    return float(steps.rows.mean())


def projected_speedup(method: Replay, greedy: Replay, roofline: Roofline, batch: int, outside: bool) -> float:
    """The method's decode speed over greedy's, both at the costs of `roofline`.

    Args:
        method: its recorded steps.
        greedy: those of greedy decoding beside it.
        roofline: what forwards take.
        batch: sequences of each.
        outside: see Replay.seconds.
    """
    speeds = [each.emitted.sum() / each.seconds(roofline, batch, outside) for each in (method, greedy)]
    return float(speeds[0] / speeds[1])


def costs_of(records: CaseRecords) -> Costs | None:
    """What the parts of a step took; None where records lack steps or seconds."""
    replay, seconds = replay_of(records.method), seconds_of(records.method)
    drafting = steps_column(records.method, lambda steps: steps.draft_seconds)
    speed = decode_throughput(records.reference).rate()
    sides = [_verification(grid) for grid in (records.method, records.reference)]
    if replay is None or drafting is None or seconds.other is None or not speed or not all(sides):
        return None
    forwards = [
        (rows / count, spent, count)
        for rows, count, spent in zip(replay.draft_rows, replay.draft_forwards, drafting, strict=True)
        if count
    ]
    idle = sum(spent for spent, count in zip(drafting, replay.draft_forwards, strict=True) if not count)
    # Of a width that both have, the method's own: its forwards are what is told of.
    verify = {rows: spent for each in reversed(sides) for rows, spent in each.items()}
    return Costs(
        draft=Curve.of(forwards) if forwards else None,
        verify=Curve(dict(sorted(verify.items()))),
        rest=(seconds.other + idle) / len(replay.rows),
        greedy=1 / speed,
    )


def _verification(grid: Grid) -> dict[int, float]:
    """Mean seconds of the target's forwards by rows; none where they are not told."""
    rows = steps_column(grid, lambda steps: steps.rows)
    seconds = steps_column(grid, lambda steps: steps.verify_seconds)
    if not rows or seconds is None:
        return {}
    return Curve.of((width, spent, 1) for width, spent in zip(rows, seconds, strict=True)).seconds


def with_forwards(costs: Costs, records: CaseRecords, target: Curve, draft: Curve | None) -> Costs | None:
    """Costs whose forwards were measured alone, and what surrounds them in the run.

    Args:
        costs: of the run.
        records: of the run.
        target: seconds of its forwards by rows.
        draft: the same of the draft model; None where it was not measured.

    Returns:
        None where the records do not tell what forwards took, or where the run drafts with a model
        and there is no curve of one.
    """
    method, greedy = replay_of(records.method), replay_of(records.reference)
    if method is None or greedy is None or method.outside is None or greedy.outside is None:
        return None
    if costs.draft is not None and draft is None:
        return None
    token = float(target(1)) + greedy.outside / greedy.emitted.sum()
    return Costs(draft if costs.draft else None, target, method.outside / len(method.rows), token)


@dataclass(frozen=True)
class Prediction:
    """A run's decode speedup by another run's costs, beside what was measured.

    Attributes:
        predicted, measured: over greedy.
        flat, undrafted, seamless: predicted without one of the costs: if a target forward took what
            one row does; if drafting took nothing; if nothing but models' forwards took anything.
    """

    predicted: float
    measured: float
    flat: float
    undrafted: float
    seamless: float

    @property
    def errors(self) -> dict[str, float]:
        """By prediction, in order, its share of what was measured minus 1."""
        names = "predicted", "flat", "undrafted", "seamless"
        return {name: getattr(self, name) / self.measured - 1 for name in names}


def predict(costs: Costs, records: CaseRecords) -> Prediction | None:
    """The speedup of a run's steps at these costs; None where records do not tell.

    Args:
        costs: of another run of the sweep.
        records: whose steps are taken, and whose seconds are only compared with.
    """
    steps, measured = replay_of(records.method), decode_throughput(records.method).rate()
    beside = decode_throughput(records.reference).rate()
    if steps is None or not measured or not beside or (costs.draft is None and steps.draft_forwards.any()):
        return None
    flat_costs = replace(costs, verify=Curve.flat(float(costs.verify(1))))
    variants = costs, flat_costs, replace(costs, draft=None), replace(costs, rest=0.0)
    found = [_speedup(each, steps) for each in variants]
    return Prediction(found[0], measured / beside, *found[1:])


def _speedup(costs: Costs, steps: Replay) -> float:
    seconds = costs.step(steps.rows, steps.draft_forwards, steps.draft_rows).sum()
    return float(steps.emitted.sum() / seconds * costs.greedy)


def mean_error(errors: Sequence[float]) -> float:
    """The mean of their sizes."""
    return float(np.mean(np.abs(errors)))
