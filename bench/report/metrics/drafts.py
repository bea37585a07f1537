"""How drafts fared: by depth, by request, by position, and in rows that confirmed nothing."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.measure.record import Record
from bench.report.case_records import Grid, flat
from bench.report.figure_types import CHAIN, TREE, Acceptance, AcceptedPart, Drafts
from bench.report.metrics.spans import span_name, span_of
from bench.report.statistics import acceptance

# Spans of positions and of lengths double from here on.
FIRST_SPAN = 32


@dataclass(frozen=True)
class _Step:
    """One step: where it begins in the output, what it drafted, accepted and emitted, its rows.

    rows: None for a rival, which verifies one chain.
    """

    position: int
    drafted: int
    accepted: int
    emitted: int
    rows: int | None

    @property
    def confirmed(self) -> int:
        """Accepted tokens and the target's own, whether the output ended before it or not."""
        return self.accepted + 1


def _steps(record: Record) -> list[_Step] | None:
    """Those after the prefill, as steps tell them or a rival's rounds; None where neither does."""
    told = record.steps or record.rounds
    if told is None:
        return None
    rows: Iterable[int | None] = record.steps.rows if record.steps else [None] * len(told.drafted)
    found, position = [], record.prefill_tokens
    for drafted, accepted, emitted, count in zip(told.drafted, told.accepted, told.emitted, rows, strict=True):
        found.append(_Step(position, drafted, accepted, emitted, count))
        position += emitted
    return found


def _all_steps(grid: Grid) -> list[tuple[Record, list[_Step]]]:
    """Every generation with its steps; none where one does not tell them."""
    found = [(record, _steps(record)) for record in flat(grid)]
    known = [(record, steps) for record, steps in found if steps is not None]
    return known if len(known) == len(found) else []


def _shape(steps: Iterable[_Step]) -> str:
    return TREE if any(each.rows is not None and each.rows > each.drafted + 1 for each in steps) else CHAIN


def draft_columns(grid: Grid) -> tuple[list[int], list[int], list[int]]:
    """(drafted, accepted, emitted) of all target forwards after the prefill.

    Empty where a generation does not tell them.
    """
    steps = [each for _, own in _all_steps(grid) for each in own]
    return [each.drafted for each in steps], [each.accepted for each in steps], [each.emitted for each in steps]


def acceptance_of(grid: Grid) -> Acceptance:
    """How drafts fared over all steps; of trees without a rate."""
    steps = [each for _, own in _all_steps(grid) for each in own]
    found = acceptance(*draft_columns(grid))
    return replace(found, rate=None) if _shape(steps) == TREE else found


def drafts(grid: Grid) -> Drafts | None:
    """The figures of all generations; None where nothing was drafted or steps are not told."""
    told = _all_steps(grid)
    steps = [each for _, own in told for each in own]
    if not any(each.drafted for each in steps):
        return None
    rows = [each.rows for each in steps if each.rows is not None]
    wasted = (sum(rows) - sum(each.confirmed for each in steps)) / len(steps) if len(rows) == len(steps) else None
    requests = [_part(own).length for _, own in told if own]
    return Drafts(
        shape=_shape(steps),
        length=_part(steps).length,
        length_by_request=sum(requests) / len(requests),
        wasted_rows_per_step=wasted,
        by_position=_parts((each.position, each) for each in steps),
        by_prompt_length=_parts((record.prompt_tokens, each) for record, own in told for each in own),
    )


def _part(steps: list[_Step]) -> AcceptedPart:
    return AcceptedPart(len(steps), sum(each.confirmed for each in steps) / len(steps))


def _parts(placed: Iterable[tuple[int, _Step]]) -> dict[str, AcceptedPart]:
    """Steps by the span that their number falls into, the lowest first."""
    groups: dict[tuple[int, int], list[_Step]] = defaultdict(list)
    for number, step in placed:
        groups[span_of(number, FIRST_SPAN)].append(step)
    return {span_name(span): _part(groups[span]) for span in sorted(groups)}
