"""Ouroboros' settings beyond the paper's four, by what they are about: drafting, learning, pool."""

from dataclasses import dataclass

from baselines.phrase_pool import ORDERS, TEXTS
from decoding.errors import SettingError
from decoding.settings import require_at_least, require_share
from ouroboros.learning import REFINEMENTS, REJECTED

AUTO = "auto"


@dataclass
class DraftingConfig:
    """How the draft model drafts.

    Attributes:
        phrases: with lookahead and the pool; off: token by token.
        max_guesses: phrases tried per draft forward (null: the pool's capacity).
        idle_window: no window rows where the pool has guesses.
        confidence: a draft ends after a draft forward whose last token has a lower probability (0:
            never).
    """

    phrases: bool = True
    max_guesses: int | None = None
    idle_window: bool = False
    confidence: float = 0.0

    def __post_init__(self) -> None:
        if self.max_guesses is not None:
            require_at_least("drafting.max_guesses", self.max_guesses, 1)
        require_share("drafting.confidence", self.confidence)


@dataclass
class LearningConfig:
    """What verification teaches the pool.

    Attributes:
        enabled: feed the pool from verification.
        rejected: "aligned" runs (the paper) or all "continuations" (the authors' code for
            Spec-Bench).
        shortest_run: tokens of the shortest phrase taken from rejected text (null: N - 1, as in the
            paper, which takes full ones alone).
        refinement: what the target said along a suffix replaces it "in_place" (the paper; by value,
            so that the refined are the newest then, in their old order), stands beside it as
            "newest", or is "off".
        accepted_only: whether that happens only where the whole draft was accepted. The paper
            refines after a rejection as well (False); the authors' code does not, where K < N - 1,
            as in all their published settings (True).
    """

    enabled: bool = True
    rejected: str = "aligned"
    shortest_run: int | None = None
    refinement: str = "in_place"
    accepted_only: bool = False

    def __post_init__(self) -> None:
        if self.shortest_run is not None:
            require_at_least("learning.shortest_run", self.shortest_run, 1)
        _require_known("learning.rejected", self.rejected, REJECTED)
        _require_known("learning.refinement", self.refinement, REFINEMENTS)


@dataclass
class PoolConfig:
    """What the pool keeps.

    Attributes:
        capacity: phrases per key (null: W).
        order: which of them are tried first and give way last, by "recency" (the paper) or
            "usefulness".
        text_phrases: also take phrases from the text, of the "prompt", the confirmed "output" or
            both (True; not in the paper).
    """

    capacity: int | None = None
    order: str = "recency"
    text_phrases: bool | str = False

    def __post_init__(self) -> None:
        if self.capacity is not None:
            require_at_least("pool.capacity", self.capacity, 1)
        _require_known("pool.order", self.order, ORDERS)
        if not isinstance(self.text_phrases, bool) and self.text_phrases not in TEXTS:
            raise SettingError(
                f"pool.text_phrases must be true, false or one of {', '.join(TEXTS)}, not {self.text_phrases}"
            )


def _require_known(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise SettingError(f"{name} must be one of {', '.join(known)}, not {value}")
