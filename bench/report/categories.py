"""The parts of a task that are also reported by themselves: speed, drafts, verdicts and quality of each category."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from bench.measure.lossless import IDENTICAL, MISMATCH, TIE
from bench.report.fold import (
    Fold,
    decode_throughput,
    draft_columns,
    lossless,
    runaways,
    tokens_per_forward,
    total_throughput,
)
from bench.report.statistics import acceptance, geometric_mean, speedup
from tasks import Scores
from tasks.base import averaged


def by_category(
    fold: Fold, categories: Sequence[str | None], quality: tuple[Scores, Scores], seed: int
) -> dict[str, dict[str, Any]] | None:
    """Category to its figures, named as in a summary, in order of first appearance; None for a task without any.

    Args:
        fold: the records of a case.
        categories: of the fold's prompts.
        quality: scores of the method's outputs and of greedy's. A category's quality is the mean
            over its prompts, and lacks a metric that none of them has.
        seed: of the intervals.
    """
    found = {}
    for name in dict.fromkeys(category for category in categories if category is not None):
        places = [place for place, category in enumerate(categories) if category == name]
        found[name] = _figures(fold.part(places), seed) | {
            "quality": {
                side: averaged([scores.per_example[place] for place in places]).means
                for side, scores in zip(("method", "greedy"), quality, strict=True)
            }
        }
    return found or None


def _figures(fold: Fold, seed: int) -> dict[str, Any]:
    decode, greedy_decode = decode_throughput(fold.method), decode_throughput(fold.reference)
    pooled, mean = tokens_per_forward(fold.method)
    drafts = acceptance(*draft_columns(fold.method))
    judged = lossless(fold)
    return {
        "prompts": len(fold.prompts),
        "tokens_per_second": {"decode": {"method": decode.rate(), "greedy": greedy_decode.rate()}},
        "speedup": {
            "decode": asdict(speedup(decode, greedy_decode, seed)),
            "end_to_end": asdict(speedup(total_throughput(fold.method), total_throughput(fold.reference), seed)),
            "geomean": asdict(geometric_mean(decode, greedy_decode, seed)),
        },
        "tokens_per_target_forward": pooled,
        "tokens_per_target_forward_mean": mean,
        "acceptance": {"rate": drafts.rate, "cut_steps": drafts.cut_steps},
        "runaways": runaways(fold.method),
        "lossless": {name: judged[name] for name in (IDENTICAL, TIE, MISMATCH, "verdict", "reference_mismatch")},
    }
