"""What a record says of its output: identical to greedy's, a tie within rounding, or a mismatch."""

from dataclasses import dataclass

from bench.measure.record import Record

# DISTRIBUTION: of a sample by a classic rule or by transformers, whose tokens need not be those of
# plain sampling: they cannot tell right from wrong.
IDENTICAL, TIE, DISTRIBUTION, MISMATCH = "identical", "tie", "distribution", "mismatch"


def agrees(record: Record) -> bool:
    """Whether a record's output is the target's by itself, within the tolerance."""
    if record.gap is None or record.tolerance is None:
        return False
    return bool(record.tokens) and record.gap <= record.tolerance and record.stop_fault is None


def verdict(record: Record, reference: Record, first: Record) -> str:
    """Whether an output is right: identical, tie, distribution or mismatch.

    A broken stop is a fault under any rule, so a sample that is judged by its distribution alone is
    a mismatch where it ends elsewhere than the stopping rule says, or by another reason.

    Args:
        record: the generation in question.
        reference: greedy's for the same prompt and repeat.
        first: the same case's generation of the prompt in its first repeat, which every repeat must
            give again.
    """
    if record.own_draws:
        return MISMATCH if record.stop_fault else DISTRIBUTION
    if record.tokens != first.tokens or not agrees(record):
        return MISMATCH
    if record.tokens == reference.tokens and record.stop == reference.stop:
        return IDENTICAL if agrees(reference) else MISMATCH
    return TIE


@dataclass(frozen=True)
class Divergence:
    """Where and why an output is not greedy's, for people.

    Attributes:
        first_difference: index of the first token that differs, None where they are the same.
        token, greedy_token: what stands there, None after an end.
        gap, gap_at, greedy_gap, stop_fault: see bench.measure.lossless.Agreement; a gap that is
            infinite is null in a file.
    """

    prompt: str
    repeat: int
    outcome: str
    first_difference: int | None
    token: int | None
    greedy_token: int | None
    gap: float | None
    gap_at: int | None
    greedy_gap: float | None
    stop_fault: str | None


def divergence(record: Record, reference: Record, outcome: str) -> Divergence:
    """How an output differs from greedy's.

    Args:
        record: the generation in question.
        reference: greedy's for the same prompt and repeat.
        outcome: the verdict on `record`.
    """
    pairs = zip(record.tokens, reference.tokens, strict=False)
    shorter = min(len(record.tokens), len(reference.tokens))
    at = next((index for index, (ours, theirs) in enumerate(pairs) if ours != theirs), shorter)
    return Divergence(
        prompt=record.prompt,
        repeat=record.repeat,
        outcome=outcome,
        first_difference=None if record.tokens == reference.tokens else at,
        token=record.tokens[at] if at < len(record.tokens) else None,
        greedy_token=reference.tokens[at] if at < len(reference.tokens) else None,
        gap=record.gap,
        gap_at=record.gap_at,
        greedy_gap=reference.gap,
        stop_fault=record.stop_fault,
    )
