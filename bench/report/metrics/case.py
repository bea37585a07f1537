"""Every figure of a case that follows from its records alone."""

from collections import Counter

from bench.report.case_records import CaseRecords, flat
from bench.report.figure_types import AllSpeedups, Figures
from bench.report.metrics.drafts import acceptance_of, drafts
from bench.report.metrics.latency import latency
from bench.report.metrics.outputs import lossless, runaways
from bench.report.metrics.own import own_figures
from bench.report.metrics.rates import over_fastest, speedups, token_rates
from bench.report.metrics.steps import count_forwards, seconds_of, steps_column, tokens_per_forward
from bench.report.statistics import RESAMPLED, repetition_rate


def figures(records: CaseRecords, seed: int) -> Figures:
    """The figures of a case.

    Args:
        records: of the case.
        seed: of the bootstrap.
    """
    method = records.method
    draft_rows = steps_column(method, lambda steps: steps.draft_rows)
    rows = steps_column(method, lambda steps: steps.rows)
    sources = steps_column(method, lambda steps: steps.sources)
    target_forwards, draft_forwards = count_forwards(method)
    pooled, mean = tokens_per_forward(method)
    by_source = Counter(source for step in sources or [] for source in step)
    return Figures(
        shortened_prompts=sum(repeats[0].prompt_cut > 0 for repeats in method),
        measured_side_by_side=records.side_by_side,
        generated_tokens=sum(len(record.tokens) for record in flat(method)),
        stops=dict(Counter(record.stop for record in flat(method))),
        tokens_per_second=token_rates(records),
        speedup=AllSpeedups(**vars(speedups(records, seed)), decode_over_fastest_greedy=over_fastest(records, seed)),
        tokens_per_target_forward=pooled,
        tokens_per_target_forward_mean=mean,
        target_forwards=target_forwards,
        draft_forwards=draft_forwards,
        verified_rows_per_step=sum(rows) / target_forwards if rows and target_forwards else None,
        draft_forwards_per_step=draft_forwards / target_forwards if draft_forwards and target_forwards else None,
        draft_rows_per_step=sum(draft_rows) / target_forwards
        if draft_rows and draft_forwards and target_forwards
        else None,
        acceptance=acceptance_of(method),
        accepted_by_source=dict(by_source) or None,
        own=own_figures(method),
        seconds=seconds_of(method),
        greedy_seconds=seconds_of(records.reference),
        lossless=lossless(records),
        repetition=repetition_rate(record.tokens for record in flat(method)),
        runaways=runaways(method),
        intervals_over=RESAMPLED,
        drafts=drafts(method),
        latency=latency(method),
        greedy_latency=latency(records.reference),
    )
