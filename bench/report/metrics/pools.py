"""Figures of the phrase pool, which a drafter counts for itself."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from bench.report.case_records import Grid, flat
from bench.report.figure_types import Parts, PerStep, Pool, PoolFigures
from bench.report.metrics.steps import seconds_of, steps_column


def summed(extras: Sequence[Any], name: str) -> Counter[str]:
    """A count by kind, over all generations."""
    counts: Counter[str] = Counter()
    for extra in extras:
        counts.update(extra.get(name, {}))
    return counts


def pool_figures(grid: Grid, by_source: Counter[str]) -> PoolFigures | None:
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
    lookups, hits = summed(extras, "pool_lookups"), summed(extras, "pool_hits")
    return Pool(
        pool_size=sum(extra["pool_size"] for extra in extras) / len(extras),
        pool_evicted=sum(extra["pool_evicted"] for extra in extras),
        hit_rate={asker: hits[asker] / count for asker, count in lookups.items()},
        phrases_learned=dict(summed(extras, "phrases_learned")),
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
