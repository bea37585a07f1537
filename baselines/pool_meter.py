"""What a step did to a phrase pool, read off its running counts and its clock as off a meter."""

from collections.abc import Mapping
from typing import Any

from baselines.phrase_pool import PhrasePool

COLUMNS = ("pool_size", "pool_lookups", "pool_hits", "phrases_learned", "pool_seconds", "pool_draft_seconds")


class PoolMeter:
    """A drafter's metrics of a step, of its own pool.

    What the prefill counted, the prompt's phrases among it, is in the generation's `extra` alone;
    in records of older runs it is the first step's.
    """

    def __init__(self, pool: PhrasePool) -> None:
        self.pool = pool
        self._counts = pool.counts()
        self._begun = self._drafted = pool.clock.seconds

    def drafted(self) -> None:
        """The step's proposals stand: pool time until here was a part of drafting."""
        self._drafted = self.pool.clock.seconds

    def step(self) -> dict[str, Any]:
        """A step is over: what has been counted since the last one.

        Returns:
            By the names in COLUMNS; of the counts, kinds that did not occur are left out:
                pool_size: phrases in the pool now.
                pool_lookups, pool_hits: how often a key was asked for, and found, by who asked: a
                    "guess" for a model's forward, a "suffix".
                phrases_learned: phrases newly inserted, by where they came from.
                pool_seconds: time in the pool: look-ups, inserts, credits, refinement, reading the
                    text's phrases. It lies within the step's draft_seconds and observe_seconds.
                pool_draft_seconds: the part of it that lies within draft_seconds.
        """
        before, self._counts = self._counts, self.pool.counts()
        begun, self._begun = self._begun, self.pool.clock.seconds
        return {name: _gained(now, before[name]) for name, now in self._counts.items()} | {
            "pool_size": len(self.pool),
            "pool_seconds": self._begun - begun,
            "pool_draft_seconds": self._drafted - begun,
        }


def with_inner(own: dict[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """A drafter's step with the pool time of a drafter within it added.

    Sizes and counts stay its own: what the inner one counts is of another kind, and stands in the
    generation's `extra`.
    """
    return own | {name: own[name] + inner.get(name, 0.0) for name in ("pool_seconds", "pool_draft_seconds")}


def _gained(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """What each kind has been counted since; kinds that have not are left out."""
    return {kind: gain for kind, count in now.items() if (gain := count - before.get(kind, 0))}
