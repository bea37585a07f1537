"""What a step did to a drafter's pools, read off their running counts and clocks as a meter is read."""

from decoding.phrase_pool import PhrasePool
from decoding.records import POOL_COLUMNS, Steps


class PoolMeter:
    """Fills the pool's columns of `steps`; without pools they stay None.

    pools: a drafter's, the method's own first. Sizes and counts are that one's: what a drafter within another counts is
    of another kind, and stands in the generation's `extra`. Seconds are those of all.
    """

    def __init__(self, pools: list[PhrasePool], steps: Steps) -> None:
        self.pools = pools
        self.steps = steps
        if pools:
            for name in POOL_COLUMNS:
                setattr(steps, name, [])
            # What the prompt taught during the prefill counts for the first step; the time of it does not.
            self._counts = {name: {} for name in pools[0].counts()}
            self._begun = self._drafted = self._seconds()

    def drafted(self) -> None:
        """The step's proposals stand: pool time until here was a part of drafting."""
        self._drafted = self._seconds()

    def record(self) -> None:
        """A step is over: append what has been counted since the last one."""
        if not self.pools:
            return
        before, self._counts = self._counts, self.pools[0].counts()
        begun, self._begun = self._begun, self._seconds()
        entries = {name: _gained(now, before[name]) for name, now in self._counts.items()} | {
            "pool_size": len(self.pools[0]),
            "pool_seconds": self._begun - begun,
            "pool_draft_seconds": self._drafted - begun,
        }
        for name, entry in entries.items():
            getattr(self.steps, name).append(entry)

    def _seconds(self) -> float:
        return sum(pool.clock.seconds for pool in self.pools)


def _gained(now: dict[str, int], before: dict[str, int]) -> dict[str, int]:
    """What each kind has been counted since; kinds that have not are left out."""
    return {kind: gain for kind, count in now.items() if (gain := count - before.get(kind, 0))}
