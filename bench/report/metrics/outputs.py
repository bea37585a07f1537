"""What came out: verdicts, runaways, and what was decoded without a draft."""

from bench.measure.record import Record
from bench.measure.verdicts import DISTRIBUTION, IDENTICAL, MISMATCH, TIE, agrees, divergence, verdict
from bench.report.case_records import CaseRecords, Grid, flat
from bench.report.figure_types import Lossless, Runaways
from bench.report.statistics import repetition_rate

SHOWN_DIVERGENCES = 5
# Of an output's verdicts the first that occurs is the whole's.
WORST = (MISMATCH, DISTRIBUTION, TIE, IDENTICAL)

# See ran_away.
ENDLESS = ("length", "context")
RUNAWAY_REPETITION = 0.5
# From this share of a run's tokens on, outputs that ran away decide its pooled figures.
RUNAWAY_SHARE = 0.2


def ran_away(record: Record) -> bool:
    """Whether an output never came to its end but went round in circles.

    It ended by "length" or with the context, and more than half of its 4-grams had occurred in it
    before. Outputs that end by themselves stay below that (0.45 at most in results/paper), and
    answers that are merely long repeat little.
    """
    return record.stop in ENDLESS and (repetition_rate([record.tokens]) or 0.0) > RUNAWAY_REPETITION


def runaways(grid: Grid) -> Runaways:
    """How many outputs ran away, and the share of all generated tokens that is theirs."""
    outputs = flat(grid)
    lengths = [len(record.tokens) for record in outputs if ran_away(record)]
    return Runaways(len(lengths), sum(lengths) / (sum(len(each.tokens) for each in outputs) or 1))


def lossless(records: CaseRecords) -> Lossless:
    """Counts of verdicts, and the first outputs that are not greedy's, mismatches before ties."""
    counts = {IDENTICAL: 0, TIE: 0, DISTRIBUTION: 0, MISMATCH: 0}
    divergences = []
    for ours, greedy in zip(records.method, records.reference, strict=True):
        for record, reference in zip(ours, greedy, strict=True):
            outcome = verdict(record, reference, ours[0])
            counts[outcome] += 1
            if outcome not in (IDENTICAL, DISTRIBUTION):
                divergences.append(divergence(record, reference, outcome))
    divergences.sort(key=lambda each: each.outcome != MISMATCH)
    wrong = sum(
        not agrees(reference) or reference.tokens != greedy[0].tokens
        for greedy in records.reference
        for reference in greedy
    )
    return Lossless(
        **counts,
        verdict=MISMATCH if wrong else next(each for each in WORST if counts[each]),
        tolerance=max(record.tolerance or 0.0 for record in flat(records.method)),
        reference_mismatch=wrong,
        largest_gap=max(record.gap or 0.0 for record in flat(records.method)),
        divergences=divergences[:SHOWN_DIVERGENCES],
    )


def undrafted_prompts(grid: Grid) -> tuple[int, int] | None:
    """(prompts without room for any draft, prompts whose outputs went on where there was none).

    None for a method without a model that drafts, and where the records are older than this count.
    """
    if any(record.undrafted_tokens is None for record in flat(grid)):
        return None

    def whole(record: Record) -> bool:
        return 0 < (record.undrafted_tokens or 0) >= len(record.tokens) - 1

    full = sum(any(map(whole, repeats)) for repeats in grid)
    touched = sum(any(record.undrafted_tokens for record in repeats) for repeats in grid)
    return full, touched - full


def nonfinite_prompts(grid: Grid) -> int:
    """Prompts on which the draft's logits were no numbers."""
    return sum(any(record.draft_fault for record in repeats) for repeats in grid)


def peak_memory_bytes(grid: Grid) -> int:
    """The most that any generation took."""
    return max(record.peak_memory_bytes for record in flat(grid))
