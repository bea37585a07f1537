"""Figures of the phrase pool, which a drafter counts for itself (see decoding/figures.py)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from decoding.figures import Told, in_counts, percent

# The pool's part in a method has been called after the paper's from the first summary on.
NAMES = ("pool_hit_rate", "phrases_learned", "ouroboros")
CLOCKS = {"pool": "pool (look-ups, inserts)"}


def figures(told: Told) -> dict[str, Any]:
    """The pool's figures over all generations.

    Args:
        told: what they told of the pool.

    Returns:
        By the names in NAMES:
            pool_hit_rate: look-ups that found a phrase / look-ups.
            phrases_learned: phrases newly inserted, by where they came from.
            ouroboros: the pool's part in the method: accepted tokens by who proposed them (bonus:
                the target's own at the steps' ends), the figures of `_pool`, and per_step, None
                where records are older than the pool's columns.
    """
    lookups, hits = _summed(told.metrics, "pool_lookups"), _summed(told.metrics, "pool_hits")
    pool = _pool(told.metrics)
    return {
        "pool_hit_rate": hits.total() / lookups.total() if lookups else None,
        "phrases_learned": dict(_summed(told.metrics, "phrases_learned")) or None,
        "ouroboros": pool and {"accepted_by_source": _accepted(told), **pool, "per_step": _per_step(told)},
    }


def rows(figures: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The hit rate and what was learned; of a drafter within the method, which has a pool, too."""
    if not figures.keys() & {*NAMES}:
        return []
    rate = figures.get("pool_hit_rate")
    found = [
        ("pool hit rate", percent(rate)),
        ("phrases learned", in_counts(figures.get("phrases_learned"))),
    ]
    inner = figures.get("ouroboros", {}).get("drafter")
    if inner:
        rates = ", ".join(f"{percent(rate)} by {asker}" for asker, rate in inner["hit_rate"].items())
        found.append(("pool hit rate of the drafter's own pool", rates or "-"))
        found.append(("phrases learned by it", in_counts(inner["phrases_learned"])))
    return found


def _pool(metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """One pool's figures over all generations, None without a pool.

    Sizes are means over the generations' ends. Hit rates go by who asked (a "guess" for a model's
    forward, a "suffix"). drafter: the pool of a drafter within the method, whose phrases are
    another model's or of another length, so that the two are never added.
    """
    if not metrics or not all("pool_size" in each for each in metrics):
        return None
    lookups, hits = _summed(metrics, "pool_lookups"), _summed(metrics, "pool_hits")
    return {
        "pool_size": sum(each["pool_size"] for each in metrics) / len(metrics),
        "pool_evicted": sum(each["pool_evicted"] for each in metrics),
        "hit_rate": {asker: hits[asker] / count for asker, count in lookups.items()},
        "phrases_learned": dict(_summed(metrics, "phrases_learned")),
        "drafter": _pool([each.get("drafter", {}) for each in metrics]),
    }


def _accepted(told: Told) -> dict[str, int | None]:
    by_source = Counter(source for step in told.steps.get("sources", ()) for source in step)
    emitted, accepted = told.steps.get("emitted"), told.steps.get("accepted")
    bonus = None if emitted is None or accepted is None else sum(emitted) - sum(accepted)
    return {**by_source, "bonus": bonus}


def _per_step(told: Told) -> dict[str, Any] | None:
    """Means over all steps, of counts by kind and of the parts of a step's time."""
    sizes = told.steps.get("pool_size")
    if not sizes:
        return None
    steps = len(sizes)
    forwards, rows = (sum(told.steps.get(name, ())) / steps for name in ("draft_forwards", "draft_rows"))
    kinds: dict[str, dict[str, float]] = {}
    for name in ("pool_lookups", "pool_hits", "phrases_learned"):
        counts: Counter[str] = Counter()
        for step in told.steps.get(name, ()):
            counts.update(step)
        kinds[name] = {kind: count / steps for kind, count in counts.items()}
    return {
        "pool_size": sum(sizes) / steps,
        # Without a draft model there are none.
        "draft_forwards": forwards or None,
        "draft_rows": rows if forwards else None,
        **kinds,
        "seconds": {name: None if seconds is None else seconds / steps for name, seconds in told.seconds.items()},
    }


def _summed(metrics: Sequence[Mapping[str, Any]], name: str) -> Counter[str]:
    """A count by kind, over all generations."""
    counts: Counter[str] = Counter()
    for each in metrics:
        counts.update(each.get(name, {}))
    return counts
