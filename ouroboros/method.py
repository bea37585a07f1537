"""The method of the paper, as a drafter of the one loop.

1. Phrase drafting (section 3.1): the draft model drafts with lookahead decoding, its guesses taken from the pool.
2. Lengthening (3.3): the k newest phrases that begin with the draft's last token hang after the draft as branches, all
   verified in the target's one forward. The draft may come from any other drafter of the harness as well.
3. Phrases from verification (3.4): rejected stretches and verified suffixes feed the pool.
4. History (3.5): the pool may outlive the prompt.

With every part off this takes the very steps of speculative decoding.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from baselines.drafters import make_drafter
from baselines.lookahead import Lookahead, Window
from baselines.phrase_pool import TEXTS, PhrasePool, TextPhrases
from baselines.pool_meter import COLUMNS, PoolMeter, with_inner
from baselines.pool_state import PoolState
from baselines.speculative import Speculative, draft_session
from decoding.costs import measure_costs
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.errors import SettingError, UserError
from decoding.loop import DraftThenVerify
from decoding.method import Spec, require_new_names
from decoding.settings import canonical, require_at_least
from decoding.tree import TokenTree
from decoding.verification import Verdict
from ouroboros.adaptive import LONGEST, MOST, Adaptive, Limits
from ouroboros.learning import Candidate, aligned_runs, continuations, refine, refines
from ouroboros.settings import DraftingConfig, LearningConfig, PoolConfig

AUTO = "auto"
DRAFT_MODEL = "draft_model"

SPEC = Spec(
    name="ouroboros",
    drafts="a small model by phrases, lengthened from a pool; or any method of ours but `oracle` (`method.drafter=`)",
    sources=("https://arxiv.org/abs/2402.13720",),
    colour="vermilion",
    keeps_history=True,
    saves_state=True,
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
        drafter: what drafts: "draft_model", or the typed config of another method (on the command line its name, or a
            mapping with `name` and settings); gamma and drafting then say nothing and stay at their defaults, window
            stands for the pool's capacity at most.
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
        """These settings with the N of a saved state, unless it was given: phrases of another length serve nobody."""
        ngram = PoolState.read(state).ngram
        if "ngram" in given or ngram == self.ngram:
            return self
        too_long = (self.learning.shortest_run or 0) >= ngram
        learning = replace(self.learning, shortest_run=None) if too_long else self.learning
        return replace(self, ngram=ngram, learning=learning)

    def canonical(self) -> "Config":
        """The same behaviour, with every setting that says nothing beside the others at its default.

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


class Ouroboros(Drafter):
    """Lengthens the drafts of `base` from `pool`, and lets the target's verdict feed the pool.

    base: any drafter; of a tree it drafts, the path of first children is lengthened.
    eos: nothing hangs after these. adaptive: chooses base.gamma and k before every step; None where both are fixed.
    """

    step_columns = COLUMNS

    def __init__(
        self, config: Config, base: Drafter, pool: PhrasePool, eos: frozenset[int], adaptive: Adaptive | None = None
    ) -> None:
        self.config = config
        self.base = base
        self.pool = pool
        self.meter = PoolMeter(pool)
        self.saved: PoolState | None = None
        self.eos = eos
        self.adaptive = adaptive
        texts = config.pool.text_phrases
        parts = TEXTS if isinstance(texts, bool) else (texts,)
        self.text = TextPhrases(pool, config.ngram - 1, parts) if texts else None
        self.k = 0 if config.k == AUTO else int(config.k)
        self._tree: TokenTree | None = None
        self._tokens: list[int] = []
        self._chain = [0]
        self._candidates: list[Candidate] = []
        self._before = (0, 0)

    def reset(self, prompt: list[int], length: int) -> None:
        """The draft model reads the prompt; phrases of the prompt go to the pool."""
        self.pool.reset_counts()
        if self.adaptive:
            assert isinstance(self.base, Speculative)
            self.adaptive.reset()
            self.base.gamma = LONGEST  # whatever the last prompt ended with, the draft model reads this one
        self.base.reset(prompt, length)
        if self.text:
            self.text.reset(prompt)

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the draft below the root, and K phrases of the pool below its last token."""
        self._tokens = tokens
        if self.text:
            self.text.read(tokens)
        if self.adaptive:
            assert isinstance(self.base, Speculative)
            self._before = self.base.forwards()
            self.base.gamma, self.k = self.adaptive.choose()
        self._tree = tree
        self.base.propose(tokens, tree, limit)
        self._chain = tree.first_path()
        self._candidates = []
        end = self._chain[-1]
        last = tree.tokens[end]
        if last in self.eos and end:
            return
        for phrase in self.pool.best(last, self.k, "suffix"):
            nodes = tree.add(end, phrase[: max(limit - tree.depths[end], 0)], "suffix")
            if nodes:
                self._candidates.append(Candidate(phrase, nodes))

    def observe(self, verdict: Verdict) -> None:
        """Credit the phrases that were accepted, and feed the pool from the verdict."""
        self.meter.drafted()
        self.base.observe(verdict)
        if verdict.tree is not self._tree:
            return
        tree, end = verdict.tree, self._chain[-1]
        accepted, counted = set(verdict.path), set[int]()
        gains = []  # a node that several candidates share is the newest's gain
        for candidate in self._candidates:
            hits = accepted.intersection(candidate.nodes)
            gains.append(len(hits - counted))
            counted |= hits
            self.pool.credit(tree.tokens[end], candidate.phrase, len(hits))
        if self.text:
            # The last step's words too: a warm pool wants them. After the credits, for a phrase may give way to these.
            self.text.read(self._tokens, verdict.tokens)
        wrong = [node for node in self._chain if node not in accepted]
        if self.adaptive:
            forwards, rows = (now - then for now, then in zip(self.base.forwards(), self._before, strict=True))
            drafted = len(self._chain) - 1
            gains += [0] * (self.k - len(gains))  # asked for and not found: it gave nothing
            self.adaptive.learn(drafted, drafted - len(wrong), forwards, rows, None if wrong else gains)
        if self.config.learning.enabled:
            self._learn(verdict, wrong)

    def _learn(self, verdict: Verdict, wrong: list[int]) -> None:
        learning, tree, end = self.config.learning, verdict.tree, self._chain[-1]
        longest = self.config.ngram - 1
        bounds = (longest, learning.shortest_run or longest)
        if learning.rejected == "aligned":
            choices = [verdict.choices[node] for node in wrong]
            pairs = aligned_runs([tree.tokens[node] for node in wrong], choices, *bounds)
        else:
            corrected = [tree.parents[wrong[0]], *wrong] if wrong else []
            behind = [[verdict.choices[node] for node in candidate.nodes] for candidate in self._candidates]
            pairs = continuations([verdict.choices[node] for node in corrected], behind, *bounds)
        for key, phrase in pairs:
            self.pool.insert(key, phrase, "rejection")
        if refines(learning.refinement, learning.accepted_only, whole=not wrong):
            refine(self.pool, tree.tokens[end], end, self._candidates, verdict, keep=learning.refinement == "newest")

    def forget(self) -> None:
        """Empty the pool, and all that the draft side has learned."""
        self.pool.clear()
        if self.saved:
            self.saved.fill(self.pool)
        self.base.forget()

    def save_state(self) -> dict[str, Any]:
        """The pool; what `base` learns is not saved."""
        return PoolState.of(self.pool, self.config.ngram).plain()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """See Drafter.load_state."""
        self.saved = PoolState.read(state, self.config.ngram)
        self.forget()

    def forwards(self) -> tuple[int, int]:
        """The draft side's (forwards, rows) since the last reset."""
        return self.base.forwards()

    def step_metrics(self) -> dict[str, Any]:
        """See Drafter.step_metrics."""
        return with_inner(self.meter.step(), self.base.step_metrics())

    def metrics(self) -> dict[str, Any]:
        """The pool's counts; below `drafter` those of the drafter within."""
        inner = self.base.metrics()
        return self.pool.metrics() | ({"drafter": inner} if inner else {})


class _DraftLookahead(Lookahead):
    """Lookahead on the draft side: the pool is Ouroboros', which resets and reports it itself.

    A window of width 0 is never placed. idle_window: leave the window out where the pool has guesses, which saves its
    rows.
    """

    def __init__(self, window: Window, pool: PhrasePool, max_guesses: int, idle_window: bool) -> None:
        super().__init__(window, pool, max_guesses)
        self.idle_window = idle_window

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        self.window.reset(prompt)

    def wants_window(self, tree: TokenTree) -> bool:
        return self.window.width > 0 and (not self.idle_window or len(tree) == 1)


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
        inner = _DraftLookahead(window, pool, drafting.max_guesses or pool.capacity, drafting.idle_window)
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
