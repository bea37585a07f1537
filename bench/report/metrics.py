"""Every figure of the harness, from records.

Whoever shows or compares a speed, an acceptance or a count takes it from here: the bar, a search
for settings, summaries, categories. How an interval is drawn and what a ratio is stands in
statistics.py.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from bench.measure.record import Record
from bench.measure.verdicts import IDENTICAL, MISMATCH, TIE, agrees, divergence, verdict
from bench.report.case_records import CaseRecords, Grid, flat
from bench.report.figure_types import (
    NONE,
    Acceptance,
    AllSpeedups,
    Comparison,
    Estimate,
    Figures,
    Lossless,
    Parts,
    PerStep,
    Pool,
    PoolFigures,
    Runaways,
    Seconds,
    Sides,
    Speedups,
    TokenRates,
)
from bench.report.statistics import (
    Throughput,
    acceptance,
    geometric_mean,
    geometric_mean_ratio,
    rate_ratio,
    ratio_of_speedups,
    repetition_rate,
    speedup,
)

SHOWN_DIVERGENCES = 5

# See ran_away.
ENDLESS = ("length", "context")
RUNAWAY_REPETITION = 0.5
# From this share of a run's tokens on, outputs that ran away decide its pooled figures.
RUNAWAY_SHARE = 0.2


def figures(records: CaseRecords, seed: int) -> Figures:
    """The figures of a case. seed: of the bootstrap."""
    method = records.method
    drafts = steps_column(method, "draft_rows")
    rows, sources = steps_column(method, "rows"), steps_column(method, "sources")
    target_forwards, draft_forwards = count_forwards(method)
    pooled, mean = tokens_per_forward(method)
    by_source = Counter(source for step in sources or [] for source in step)
    extras = [record.extra for record in flat(method)]
    lookups, hits = _summed(extras, "pool_lookups"), _summed(extras, "pool_hits")
    return Figures(
        shortened_prompts=sum(repeats[0].prompt_cut > 0 for repeats in method),
        measured_side_by_side=records.side_by_side,
        generated_tokens=sum(len(record.tokens) for record in flat(method)),
        stops=dict(Counter(record.stop for record in flat(method))),
        tokens_per_second=token_rates(records),
        speedup=AllSpeedups(**vars(speedups(records, seed)), decode_over_fastest_greedy=_over_fastest(records, seed)),
        tokens_per_target_forward=pooled,
        tokens_per_target_forward_mean=mean,
        target_forwards=target_forwards,
        draft_forwards=draft_forwards,
        verified_rows_per_step=sum(rows) / target_forwards if rows and target_forwards else None,
        draft_forwards_per_step=draft_forwards / target_forwards if draft_forwards and target_forwards else None,
        draft_rows_per_step=sum(drafts) / target_forwards if drafts and draft_forwards else None,
        acceptance=acceptance_of(method),
        accepted_by_source=dict(by_source) or None,
        pool_hit_rate=hits.total() / lookups.total() if lookups else None,
        phrases_learned=dict(_summed(extras, "phrases_learned")) or None,
        ouroboros=_pool_figures(method, by_source),
        seconds=seconds_of(method),
        greedy_seconds=seconds_of(records.reference),
        lossless=lossless(records),
        repetition=repetition_rate(record.tokens for record in flat(method)),
        runaways=runaways(method),
    )


# Rates


def decode_seconds(record: Record) -> float:
    """Without the prefill."""
    return record.total_seconds - record.prefill_seconds


def decode_tokens(record: Record) -> int:
    """Tokens but for those that the prefill gives: one, or a verified draft with it."""
    return max(len(record.tokens) - record.prefill_tokens, 0)


def decode_throughput(grid: Grid) -> Throughput:
    """Without the prefill and the tokens that it gives; the one way to a decode speed."""
    tokens = [sum(map(decode_tokens, repeats)) for repeats in grid]
    return Throughput(np.array(tokens), np.array([sum(map(decode_seconds, repeats)) for repeats in grid]))


def total_throughput(grid: Grid) -> Throughput:
    """End to end: every token, every second."""
    tokens = [sum(len(record.tokens) for record in repeats) for repeats in grid]
    seconds = [sum(record.total_seconds for record in repeats) for repeats in grid]
    return Throughput(np.array(tokens), np.array(seconds))


def decode_rates(records: CaseRecords) -> Sides:
    """Tokens per second without the prefill."""
    return Sides(decode_throughput(records.method).rate(), decode_throughput(records.reference).rate())


def token_rates(records: CaseRecords) -> TokenRates:
    """Tokens per second of both sides."""
    end_to_end = Sides(total_throughput(records.method).rate(), total_throughput(records.reference).rate())
    return TokenRates(decode_rates(records), end_to_end)


def speedups(records: CaseRecords, seed: int) -> Speedups:
    """Over the greedy beside the method, with intervals over prompts."""
    decode = decode_throughput(records.method), decode_throughput(records.reference)
    end_to_end = total_throughput(records.method), total_throughput(records.reference)
    return Speedups(speedup(*decode, seed), speedup(*end_to_end, seed), geometric_mean(*decode, seed))


def _over_fastest(records: CaseRecords, seed: int) -> Estimate:
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
    """Every case over every other; panel: their records by label."""
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


# Steps: forwards, drafts, time


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


def seconds_of(grid: Grid) -> Seconds:
    """Where the time of all generations went."""
    decode = sum(map(decode_seconds, flat(grid)))
    names = ("draft", "verify", "observe", "pool", "pool_draft")
    columns = {name: steps_column(grid, f"{name}_seconds") for name in names}
    sums = {name: None if column is None else sum(column) for name, column in columns.items()}
    other = None if sums["draft"] is None else decode - sums["draft"] - sums["verify"]
    prefill = sum(record.prefill_seconds for record in flat(grid))
    return Seconds(prefill=prefill, other=other, decode=decode, **sums)


def steps_reaching(found: Acceptance) -> list[int]:
    """By depth the number of steps that had accepted everything before it."""
    counts = {int(length): count for length, count in (found.histogram or {}).items()}
    return [
        sum(count for length, count in counts.items() if length >= depth) for depth in range(len(found.marginal or []))
    ]


# The phrase pool


def _summed(extras: Sequence[Any], name: str) -> Counter[str]:
    """A count by kind, over all generations."""
    counts: Counter[str] = Counter()
    for extra in extras:
        counts.update(extra.get(name, {}))
    return counts


def _pool_figures(grid: Grid, by_source: Counter[str]) -> PoolFigures | None:
    """None for a method that keeps no pool."""
    pool = _pool([record.extra for record in flat(grid)])
    if pool is None:
        return None
    emitted, accepted = steps_column(grid, "emitted"), steps_column(grid, "accepted")
    bonus = None if emitted is None or accepted is None else sum(emitted) - sum(accepted)
    return PoolFigures(accepted_by_source={**by_source, "bonus": bonus}, **vars(pool), per_step=_per_step(grid))


def _pool(extras: Sequence[Any]) -> Pool | None:
    """One pool's figures over all generations, None without a pool."""
    if not extras or not all("pool_size" in extra for extra in extras):
        return None
    lookups, hits = _summed(extras, "pool_lookups"), _summed(extras, "pool_hits")
    return Pool(
        pool_size=sum(extra["pool_size"] for extra in extras) / len(extras),
        pool_evicted=sum(extra["pool_evicted"] for extra in extras),
        hit_rate={asker: hits[asker] / count for asker, count in lookups.items()},
        phrases_learned=dict(_summed(extras, "phrases_learned")),
        drafter=_pool([extra.get("drafter", {}) for extra in extras]),
    )


def _per_step(grid: Grid) -> PerStep | None:
    sizes = steps_column(grid, "pool_size")
    if not sizes:
        return None
    steps = len(sizes)
    forwards, rows = (sum(steps_column(grid, name) or []) / steps for name in ("draft_forwards", "draft_rows"))
    kinds: dict[str, dict[str, float]] = {}
    for name in ("pool_lookups", "pool_hits", "phrases_learned"):
        counts: Counter[str] = Counter()
        for step in steps_column(grid, name) or []:
            counts.update(step)
        kinds[name] = {kind: count / steps for kind, count in counts.items()}
    parts = vars(seconds_of(grid).parts())
    return PerStep(
        pool_size=sum(sizes) / steps,
        # Without a draft model there are none.
        draft_forwards=forwards or None,
        draft_rows=rows if forwards else None,
        **kinds,
        seconds=Parts(**{name: None if seconds is None else seconds / steps for name, seconds in parts.items()}),
    )


# Outputs


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
    counts = {IDENTICAL: 0, TIE: 0, MISMATCH: 0}
    divergences = []
    for ours, greedy in zip(records.method, records.reference, strict=True):
        for record, reference in zip(ours, greedy, strict=True):
            outcome = verdict(record, reference, ours[0])
            counts[outcome] += 1
            if outcome != IDENTICAL:
                divergences.append(divergence(record, reference, outcome))
    divergences.sort(key=lambda each: each.outcome != MISMATCH)
    wrong = sum(
        not agrees(reference) or reference.tokens != greedy[0].tokens
        for greedy in records.reference
        for reference in greedy
    )
    return Lossless(
        **counts,
        verdict=MISMATCH if counts[MISMATCH] or wrong else TIE if counts[TIE] else IDENTICAL,
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
