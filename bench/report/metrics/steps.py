"""What steps tell: forwards, drafts and how they fared, and where the time went."""

from collections.abc import Sequence
from typing import Any

from bench.report.case_records import Grid, flat
from bench.report.figure_types import Acceptance, Seconds
from bench.report.metrics.rates import decode_seconds, decode_tokens
from bench.report.own_figures import CLOCK_SECONDS
from bench.report.statistics import acceptance


def steps_column(grid: Grid, name: str) -> list[Any] | None:
    """One column of all steps of all generations.

    None for a method that does not tell its steps or has no such column, and where a record was
    made before there was one.
    """
    columns = [(record.steps or {}).get(name) for record in flat(grid)]
    known = [column for column in columns if column is not None]
    return [entry for column in known for entry in column] if len(known) == len(columns) else None


def draft_columns(grid: Grid) -> tuple[list[int], list[int], list[int]]:
    """(drafted, accepted, emitted) of all target forwards after the prefill.

    As steps tell them or a rival's rounds; empty where neither does.
    """
    told = [record.steps or record.rounds or {} for record in flat(grid)]
    names = ("drafted", "accepted", "emitted")
    if any(name not in each for each in told for name in names):
        return [], [], []
    drafted, accepted, emitted = ([entry for each in told for entry in each[name]] for name in names)
    return drafted, accepted, emitted


def acceptance_of(grid: Grid) -> Acceptance:
    """How drafts fared over all steps."""
    return acceptance(*draft_columns(grid))


def count_forwards(grid: Grid) -> tuple[int | None, int | None]:
    """Forwards of (target, draft) after the prefill, as steps tell them or a rival's own count.

    None where neither does, or where there is no draft.
    """
    emitted, drafts = (steps_column(grid, name) for name in ("emitted", "draft_forwards"))
    if emitted is not None:
        return len(emitted), sum(drafts or []) or None
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


PARTS = ("draft", "verify", "observe", "model", "sampling", *CLOCK_SECONDS)


def seconds_of(grid: Grid) -> Seconds:
    """Where the time of all generations went."""
    decode = sum(map(decode_seconds, flat(grid)))
    columns = {name: steps_column(grid, f"{name}_seconds") for name in PARTS}
    sums = {name: None if column is None else sum(column) for name, column in columns.items()}
    clocks = {name: seconds for name in CLOCK_SECONDS if (seconds := sums.pop(name)) is not None}
    other = None if sums["draft"] is None else decode - sums["draft"] - sums["verify"]
    prefill, models = sum(record.prefill_seconds for record in flat(grid)), sums.pop("model")
    return Seconds(prefill=prefill, other=other, clocks=clocks, decode=decode, models=models, **sums)


def steps_reaching(found: Acceptance) -> list[int]:
    """By depth the number of steps that had accepted everything before it."""
    counts = {int(length): count for length, count in (found.histogram or {}).items()}
    return [
        sum(count for length, count in counts.items() if length >= depth) for depth in range(len(found.marginal or []))
    ]
