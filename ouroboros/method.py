"""Ouroboros (arXiv 2402.13720): its settings, and how it is built for a pair of models.

What it does stands in ouroboros/drafter.py.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from baselines.drafters import make_drafter
from baselines.lookahead import Window
from baselines.phrase_pool import PhrasePool
from baselines.pool_state import PoolState
from baselines.speculative import Speculative, draft_session
from decoding.costs import measure_costs
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.errors import SettingError, UserError
from decoding.loop import DraftThenVerify
from decoding.method import Spec, require_new_names
from decoding.settings import canonical, require_at_least
from ouroboros.adaptive import LONGEST, MOST, Adaptive, Limits
from ouroboros.drafter import DraftLookahead, Ouroboros
from ouroboros.settings import AUTO, DraftingConfig, LearningConfig, PoolConfig

DRAFT_MODEL = "draft_model"

SPEC = Spec(
    name="ouroboros",
    drafts="a small model by phrases, lengthened from a pool; or any of ours that knows no output (`method.drafter=`)",
    sources=("https://arxiv.org/abs/2402.13720",),
    colour="vermilion",
    keeps_history=True,
    saves_state=True,
    figures="baselines.pool_figures",
    within=("drafter",),
    renamed={
        "phrase_drafting": "drafting.phrases",
        "max_guesses": "drafting.max_guesses",
        "idle_window": "drafting.idle_window",
        "confidence": "drafting.confidence",
        "learn": "learning.enabled",
        "rejected": "learning.rejected",
        "shortest_run": "learning.shortest_run",
        "refinement": "learning.refinement",
        "accepted_only": "learning.accepted_only",
        "pool_capacity": "pool.capacity",
        "order": "pool.order",
        "text_phrases": "pool.text_phrases",
    },
)


@dataclass
class Config:
    """The paper's own settings, and the others in three parts (ouroboros/settings.py).

    Attributes:
        drafter: what drafts: "draft_model", or the typed config of another method (on the command
            line its name, or a mapping with `name` and settings); gamma and drafting then say
            nothing and stay at their defaults, window stands for the pool's capacity at most.
        gamma: draft length per step; "auto" chooses it step by step (see ouroboros/adaptive.py).
        k: suffix candidates verified after the draft (0: no lengthening; or "auto").
        window: W, lookahead columns on the draft model (0: no window, phrases come from elsewhere).
        ngram: N, a phrase's length + 1.
        drafting: how the draft model drafts.
        learning: what verification teaches the pool.
        pool: what the pool keeps.
    """

    name: str = "ouroboros"
    drafter: Any = DRAFT_MODEL
    gamma: int | str = 12
    k: int | str = 3
    window: int = 20
    ngram: int = 7
    drafting: DraftingConfig = field(default_factory=DraftingConfig)
    learning: LearningConfig = field(default_factory=LearningConfig)
    pool: PoolConfig = field(default_factory=PoolConfig)

    def __new__(cls, *_: object, **settings: object) -> "Config":
        """Raise UserError for a setting under the name it had before there were parts."""
        require_new_names(SPEC, settings)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        if self.drafter != DRAFT_MODEL and (isinstance(self.drafter, type) or not is_dataclass(self.drafter)):
            raise SettingError(
                f"drafter must be {DRAFT_MODEL} or another method's Config, such as baselines.suffix.Config(), "
                f"not {self.drafter}"
            )
        if self.drafter != DRAFT_MODEL:
            silent: list[tuple[str, object, object]] = [("gamma", self.gamma, Config.gamma)]
            for each in fields(self.drafting):
                silent.append((f"drafting.{each.name}", getattr(self.drafting, each.name), each.default))
            for name, value, usual in silent:
                if value != usual:
                    raise SettingError(f"{name} is for drafter={DRAFT_MODEL}: leave it at {usual}")
        for name in ("gamma", "k"):
            value = getattr(self, name)
            if isinstance(value, str) and value != AUTO:
                raise SettingError(f"{name} must be a number or {AUTO}, not {value}")
            if not isinstance(value, int | str):
                raise SettingError(f"{name} must be a whole number or {AUTO}, not {value}")
            if isinstance(value, int):
                require_at_least(name, value, 0)
            elif self.drafter != DRAFT_MODEL:
                raise SettingError(f"{name}={AUTO} is for drafter={DRAFT_MODEL}: give a number")
        require_at_least("window", self.window, 0)
        if self.window == 0 and self.pool.capacity is None:
            raise SettingError("pool.capacity must be given where window=0: null stands for W phrases a key")
        require_at_least("ngram", self.ngram, 3)
        shortest = self.learning.shortest_run
        if shortest is not None and shortest >= self.ngram:
            raise SettingError(f"learning.shortest_run must be below ngram ({self.ngram}), not {shortest}")

    def for_state(self, state: Mapping[str, Any], given: Collection[str]) -> "Config":
        """These settings with the N of a saved state, unless it was given.

        Phrases of another length serve nobody.
        """
        ngram = PoolState.read(state).ngram
        if "ngram" in given or ngram == self.ngram:
            return self
        too_long = (self.learning.shortest_run or 0) >= ngram
        learning = replace(self.learning, shortest_run=None) if too_long else self.learning
        return replace(self, ngram=ngram, learning=learning)

    def canonical(self) -> "Config":
        """The same behaviour, with every setting that says nothing beside others at its default.

        A setting that stands for another's value (null for W, or for N - 1) becomes that value.
        """
        capacity = self.pool.capacity or self.window
        guesses = min(self.drafting.max_guesses or capacity, capacity)
        values: dict[str, Any] = {
            "drafter": self.drafter if self.drafter == DRAFT_MODEL else canonical(self.drafter),
            "drafting": replace(self.drafting, max_guesses=guesses),
            "learning": replace(self.learning, shortest_run=self.learning.shortest_run or self.ngram - 1),
            "pool": replace(self.pool, capacity=capacity),
        }
        usual = Config()
        for name in self._silent():
            part, _, setting = name.partition(".")
            default = getattr(usual, part)
            values[part] = replace(values[part], **{setting: getattr(default, setting)}) if setting else default
        return replace(self, **values)

    def _silent(self) -> set[str]:
        """The settings that change nothing beside the others; `part.setting` in a part."""
        guessing = {"drafting.max_guesses", "drafting.idle_window", "window"}
        refining = {"learning.refinement", "learning.accepted_only"}
        silent: set[str] = set()
        if self.drafter != DRAFT_MODEL:
            silent |= {"gamma", "drafting.phrases", "drafting.confidence", *guessing}
        if self.gamma == 0:
            silent |= {"drafting.phrases", *guessing}
        if self.gamma in (0, 1):  # a draft of one forward ends after it, sure or not
            silent.add("drafting.confidence")
        if not self.drafting.phrases:
            silent |= guessing
        if self.window == 0:
            silent.add("drafting.idle_window")
        if self.k == 0:
            silent |= refining
            if guessing <= silent:  # nobody asks the pool
                silent |= {"ngram", "pool.capacity", "pool.order", "pool.text_phrases", "learning.enabled"}
        if not self.learning.enabled or "learning.enabled" in silent:
            silent |= {"learning.rejected", "learning.shortest_run", *refining}
        if self.learning.refinement == "off":
            silent.add("learning.accepted_only")
        return silent


def new_pool(config: Config) -> PhrasePool:
    """An empty pool of the configured size and order, for phrases of the configured length."""
    return PhrasePool(config.pool.capacity or config.window, config.pool.order, config.ngram)


def require_phrase_length(pool: PhrasePool, config: Config) -> None:
    """Raise UserError for a pool that was made for another N."""
    if pool.ngram not in (None, config.ngram):
        raise UserError(f"the pool was made for ngram={pool.ngram}, the method has ngram={config.ngram}: use new_pool")


def build(config: Config, pair: ModelPair, pool: PhrasePool | None = None) -> DraftThenVerify:
    """Ouroboros for `pair`.

    Args:
        config: the settings.
        pair: target and draft model.
        pool: what was learned before; it keeps its own capacity and order. None for an empty one.

    Raises:
        UserError: the draft model it needs is missing, or the pool was made for another N.
    """
    pool = new_pool(config) if pool is None else pool
    require_phrase_length(pool, config)
    if config.drafter != DRAFT_MODEL:
        base = make_drafter(config.drafter, pair, "drafter")
        return DraftThenVerify(pair, Ouroboros(config, base, pool, pair.eos))
    session = draft_session(pair, config.name)
    inner = Drafter()
    drafting = config.drafting
    if drafting.phrases:
        window = Window(config.window, config.ngram, pair.seed)
        inner = DraftLookahead(window, pool, drafting.max_guesses or pool.capacity, drafting.idle_window)
    adaptive = None
    if AUTO in (config.gamma, config.k):
        limits = Limits(
            gamma=range(LONGEST + 1) if config.gamma == AUTO else range(int(config.gamma), int(config.gamma) + 1),
            k=range(MOST + 1) if config.k == AUTO else range(int(config.k), int(config.k) + 1),
        )
        adaptive = Adaptive(limits, measure_costs(session), measure_costs(pair.target), config.ngram - 1)
    gamma = 0 if config.gamma == AUTO else int(config.gamma)
    base = Speculative(gamma, DraftModel(session, inner, pair.eos, drafting.confidence))
    return DraftThenVerify(pair, Ouroboros(config, base, pool, pair.eos, adaptive))
