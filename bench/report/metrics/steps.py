"""What steps tell: forwards, drafts and how they fared, and where the time went."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from bench.measure.steps import RecordedSteps
from bench.report.case_records import Grid, flat
from bench.report.figure_types import Acceptance, Seconds
from bench.report.metrics.rates import decode_seconds, decode_tokens
from bench.report.own_figures import CLOCK_SECONDS

Entry = TypeVar("Entry")


def steps_column(grid: Grid, column: Callable[[RecordedSteps], list[Entry] | None]) -> list[Entry] | None:
    """One column of all steps of all generations.

    None for a method that does not tell its steps or has no such column, and where a record was
    made before there was one.

    Args:
        grid: the generations.
        column: takes it from a generation's steps.
    """
    columns = [None if record.steps is None else column(record.steps) for record in flat(grid)]
    known = [each for each in columns if each is not None]
    return [entry for each in known for entry in each] if len(known) == len(columns) else None


def count_forwards(grid: Grid) -> tuple[int | None, int | None]:
    """Forwards of (target, draft) after the prefill, as steps tell them or a rival's own count.

    None where neither does, or where there is no draft.
    """
    drafts = steps_column(grid, lambda steps: steps.draft_forwards)
    if drafts is not None:
        return len(drafts), sum(drafts) or None
    target = _total([record.target_forwards for record in flat(grid)])
    return target, _total([record.draft_forwards for record in flat(grid)]) or None


def _total(counts: Sequence[int | None]) -> int | None:
    """None where one of them is."""
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def tokens_per_forward(grid: Grid) -> tuple[float | None, float | None]:
    """Tokens per target forward after the prefill: (of all together, mean of the prompts' own).

    A prompt's own are the tokens / forwards of all its repeats; prompts that the prefill answered
    have none. None where forwards were not counted.
    """
    shares = []
    for part in [grid, *([repeats] for repeats in grid)]:
        forwards, _ = count_forwards(part)
        shares.append(sum(map(decode_tokens, flat(part))) / forwards if forwards else None)
    own = [share for share in shares[1:] if share is not None]
    return shares[0], sum(own) / len(own) if own else None


def seconds_of(grid: Grid) -> Seconds:
    """Where the time of all generations went."""
    decode = sum(map(decode_seconds, flat(grid)))
    draft = _sum(steps_column(grid, lambda steps: steps.draft_seconds))
    verify = _sum(steps_column(grid, lambda steps: steps.verify_seconds))
    clocks = {name: _sum(steps_column(grid, _own(f"{name}_seconds"))) for name in CLOCK_SECONDS}
    return Seconds(
        prefill=sum(record.prefill_seconds for record in flat(grid)),
        draft=draft,
        verify=verify,
        other=None if draft is None or verify is None else decode - draft - verify,
        observe=_sum(steps_column(grid, lambda steps: steps.observe_seconds)),
        clocks={name: seconds for name, seconds in clocks.items() if seconds is not None},
        decode=decode,
        models=_sum(steps_column(grid, lambda steps: steps.model_seconds)),
        sampling=_sum(steps_column(grid, lambda steps: steps.sampling_seconds)),
    )


def _own(name: str) -> Callable[[RecordedSteps], list[float] | None]:
    """What takes a column of the drafter's own."""
    return lambda steps: steps.drafter_metrics.get(name)


def _sum(column: list[float] | None) -> float | None:
    return None if column is None else sum(column)


def steps_reaching(found: Acceptance) -> list[int]:
    """By depth the number of steps that had accepted everything before it."""
    counts = {int(length): count for length, count in (found.histogram or {}).items()}
    return [
        sum(count for length, count in counts.items() if length >= depth) for depth in range(len(found.marginal or []))
    ]
