"""The figures of one prompt, for pages that show its output too."""

from dataclasses import dataclass

from bench.measure.record import Record
from bench.measure.verdicts import divergence
from bench.report.case_records import CaseRecords
from bench.report.metrics.outputs import lossless
from bench.report.metrics.proposers import proposers
from bench.report.metrics.rates import pooled_speed
from bench.report.metrics.steps import tokens_per_forward


@dataclass(frozen=True, kw_only=True)
class PromptFigures:
    """A prompt of a case: figures over its repeats, and the repeat that tells most.

    Attributes:
        speedup: decode speed over greedy's, None without tokens after a prefill.
        tokens_per_forward: after the prefill, None where forwards were not counted.
        verdict: the worst of the repeats.
        greedy_wrong: whether it is so because greedy's own output is not the model's.
        record: the first repeat with an output that is not greedy's, a mismatch before a tie; else
            the first of all.
        reference: greedy's beside it.
        sources: who proposed each token of `record`, None where the method does not tell its steps.
        first_difference: index of its first token that is not greedy's, None where none is.
    """

    prompt: str
    speedup: float | None
    tokens_per_forward: float | None
    verdict: str
    greedy_wrong: bool
    record: Record
    reference: Record
    sources: list[str] | None
    first_difference: int | None


def prompt_figures(records: CaseRecords) -> list[PromptFigures]:
    """Those of every prompt of a case, in its order."""
    return [_of_one(records.part([index])) for index in range(len(records.prompts))]


def _of_one(records: CaseRecords) -> PromptFigures:
    found = lossless(records)
    repeats, greedy = records.method[0], records.reference[0]
    told = next((each.repeat for each in found.divergences), repeats[0].repeat)
    record, reference = next(pair for pair in zip(repeats, greedy, strict=True) if pair[0].repeat == told)
    return PromptFigures(
        prompt=record.prompt,
        speedup=pooled_speed(records),
        tokens_per_forward=tokens_per_forward(records.method)[0],
        verdict=found.verdict,
        greedy_wrong=found.reference_mismatch > 0,
        record=record,
        reference=reference,
        sources=None if record.steps is None else proposers(record),
        first_difference=divergence(record, reference, found.verdict).first_difference,
    )
