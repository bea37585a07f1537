"""The parts of a task that are also reported by themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.case_records import CaseRecords
from bench.report.figure_types import Runaways, Sides, Speedups, Verdicts
from bench.report.metrics.drafts import acceptance_of
from bench.report.metrics.outputs import lossless, runaways
from bench.report.metrics.rates import decode_rates, speedups
from bench.report.metrics.steps import tokens_per_forward
from tasks import Scores
from tasks.base import averaged


@dataclass(frozen=True)
class DecodeRates:
    """Tokens per second of both sides, without the prefill."""

    decode: Sides


@dataclass(frozen=True)
class AcceptanceRate:
    """See bench.report.statistics.Acceptance."""

    rate: float | None
    cut_steps: int | None = None


@dataclass(frozen=True)
class Quality:
    """Scores by metric, of the method's outputs and of greedy's."""

    method: dict[str, float | None]
    greedy: dict[str, float | None]


@dataclass(frozen=True, kw_only=True)
class Category:
    """Figures of some prompts of a case, named as in its Summary, with defaults in older ones."""

    prompts: int
    tokens_per_second: DecodeRates
    speedup: Speedups
    tokens_per_target_forward: float | None
    tokens_per_target_forward_mean: float | None = None
    acceptance: AcceptanceRate
    runaways: Runaways | None = None
    lossless: Verdicts
    quality: Quality


def by_category(
    records: CaseRecords, categories: Sequence[str | None], quality: tuple[Scores, Scores], seed: int
) -> dict[str, Category] | None:
    """Each category's figures, in order of first appearance; None for a task without any.

    Args:
        records: of one case.
        categories: of the prompts.
        quality: scores of the method's outputs and of greedy's; a category's quality is the mean
            over its prompts, and lacks a metric that none of them has.
        seed: of the bootstrap.
    """
    found = {}
    for name in dict.fromkeys(category for category in categories if category is not None):
        indices = [index for index, category in enumerate(categories) if category == name]
        means = (averaged([scores.per_example[index] for index in indices]).means for scores in quality)
        found[name] = _category(records.part(indices), Quality(*means), seed)
    return found or None


def _category(records: CaseRecords, quality: Quality, seed: int) -> Category:
    pooled, mean = tokens_per_forward(records.method)
    drafts = acceptance_of(records.method)
    return Category(
        prompts=len(records.prompts),
        tokens_per_second=DecodeRates(decode_rates(records)),
        speedup=speedups(records, seed),
        tokens_per_target_forward=pooled,
        tokens_per_target_forward_mean=mean,
        acceptance=AcceptanceRate(drafts.rate, drafts.cut_steps),
        runaways=runaways(records.method),
        lossless=lossless(records).verdicts(),
        quality=quality,
    )
