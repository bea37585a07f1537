"""Where decode time goes, in four parts that add up to it: drafting, verification, the phrase pool, the rest."""

from typing import Any

PARTS = ("draft", "verify", "pool", "rest")


def split(seconds: dict[str, Any]) -> dict[str, float | None]:
    """The parts, of a summary's `seconds`, where the pool's time still lies within draft and other.

    pool is None without a pool and in a summary from before it was timed: then it is not taken out of the others. All
    are None for a rival that does not tell its steps.
    """
    pool = seconds.get("pool")
    drafting = seconds["pool_draft"] if pool is not None else 0.0
    observing = pool - drafting if pool is not None else 0.0
    draft, other = seconds["draft"], seconds["other"]
    return {
        "draft": None if draft is None else draft - drafting,
        "verify": seconds["verify"],
        "pool": pool,
        "rest": None if other is None else other - observing,
    }
