"""The settings of Ouroboros, in the paper's terms."""

from dataclasses import dataclass

from decoding.errors import UserError
from decoding.phrase_pool import ORDERS
from decoding.settings import require_at_least
from ouroboros.learning import REFINEMENTS, REJECTED

AUTO = "auto"
DRAFT_MODEL = "draft_model"


@dataclass
class Config:
    """What is drafted, what lengthens it, what is learned, and what the pool keeps.

    drafter: what drafts: "draft_model", or another method of the harness, whose own default settings hold (gamma,
        window, max_guesses, phrase_drafting, idle_window and confidence then say nothing).
    gamma: draft length per step; "auto" chooses it step by step (see ouroboros/adaptive.py).
    k: suffix candidates verified behind the draft (0: no lengthening; or "auto").
    window: W, lookahead columns on the draft model. ngram: N, a phrase's length + 1.
    phrase_drafting: draft with lookahead and the pool; off: token by token. max_guesses: phrases tried per draft
        forward (null: the capacity). idle_window: no window rows where the pool has guesses. confidence: a draft ends
        behind a token of lower probability (0: never).
    learn: feed the pool from verification. rejected: "aligned" runs (the paper) or all "continuations" (the authors'
        code for Spec-Bench). shortest_run: tokens of the shortest phrase taken from rejected text (the paper takes only
        full ones, N - 1). refinement: what the target said along a suffix replaces it "in_place" (the paper), stands
        beside it as "newest", or is "off".
    pool_capacity: phrases kept per key (null: W). order: which of them are tried first, by "recency" (the paper) or
        "usefulness". text_phrases: also take phrases from the prompt and the confirmed text (not in the paper).
    """

    name: str = "ouroboros"
    drafter: str = DRAFT_MODEL
    gamma: int | str = 5
    k: int | str = 2
    window: int = 1
    ngram: int = 3
    phrase_drafting: bool = True
    max_guesses: int | None = 2
    idle_window: bool = False
    confidence: float = 0.0
    learn: bool = True
    rejected: str = "aligned"
    shortest_run: int = 1
    refinement: str = "in_place"
    pool_capacity: int | None = 4
    order: str = "recency"
    text_phrases: bool = True

    def __post_init__(self) -> None:
        for name in ("gamma", "k"):
            value = getattr(self, name)
            if isinstance(value, str) and value != AUTO:
                raise UserError(f"method.{name} must be a number or {AUTO}, not {value}")
            if value != AUTO:
                require_at_least(f"method.{name}", value, 0)
            elif self.drafter != DRAFT_MODEL:
                raise UserError(f"method.{name}={AUTO} is for drafter={DRAFT_MODEL}, not {self.drafter}: give a number")
        require_at_least("method.window", self.window, 1)
        require_at_least("method.ngram", self.ngram, 3)
        require_at_least("method.shortest_run", self.shortest_run, 1)
        if self.shortest_run >= self.ngram:
            raise UserError(f"method.shortest_run must be below method.ngram ({self.ngram}), not {self.shortest_run}")
        for name in ("pool_capacity", "max_guesses"):
            value = getattr(self, name)
            if value is not None:
                require_at_least(f"method.{name}", value, 1)
        for name, known in (("rejected", REJECTED), ("refinement", REFINEMENTS), ("order", ORDERS)):
            if getattr(self, name) not in known:
                raise UserError(f"method.{name} must be one of {', '.join(known)}, not {getattr(self, name)}")
        if not 0 <= self.confidence <= 1:
            raise UserError(f"method.confidence must be between 0 and 1, not {self.confidence:g}")
