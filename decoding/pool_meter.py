"""What a step did to a drafter's pool, read off the pool's running counts as a meter is read."""

from decoding.phrase_pool import PhrasePool
from decoding.records import POOL_COLUMNS, Steps


class PoolMeter:
    """Fills the pool's columns of `steps`; without pools they stay None.

    pools: a drafter's, the method's own first. The columns are that one's: what a drafter within another counts is of
    another kind, and stands in the generation's `extra`.
    """

    def __init__(self, pools: list[PhrasePool], steps: Steps) -> None:
        self.pools = pools
        self.steps = steps
        if pools:
            for name in POOL_COLUMNS:
                setattr(steps, name, [])
            self._counts = pools[0].counts()

    def record(self) -> None:
        """A step is over: append what has been counted since the last one."""
        if not self.pools:
            return
        before, self._counts = self._counts, self.pools[0].counts()
        entries = {name: dict(now - before[name]) for name, now in self._counts.items()}
        for name, entry in {"pool_size": len(self.pools[0]), **entries}.items():
            getattr(self.steps, name).append(entry)
