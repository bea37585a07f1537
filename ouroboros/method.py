"""The method of the paper, as a drafter of the one loop.

1. Phrase drafting (section 3.1): the draft model drafts with lookahead decoding, its guesses taken from the pool.
2. Lengthening (3.3): the k newest phrases that begin with the draft's last token hang behind the draft as branches, all
   verified in the target's one forward. The draft may come from any other drafter of the harness as well.
3. Phrases from verification (3.4): rejected stretches and verified suffixes feed the pool.
4. History (3.5): the pool may outlive the prompt.

With every part off this takes the very steps of speculative decoding.
"""

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from baselines.drafters import make_drafter
from baselines.lookahead import Lookahead, Window
from baselines.speculative import Speculative, draft_session
from decoding.costs import measure_costs
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.errors import UserError
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.phrase_pool import ORDERS, TEXTS, PhrasePool, TextPhrases
from decoding.settings import canonical, require_at_least, require_share
from decoding.tree import TokenTree
from decoding.verification import Verdict
from ouroboros.adaptive import LONGEST, MOST, Adaptive, Limits
from ouroboros.learning import REFINEMENTS, REJECTED, Candidate, aligned_runs, continuations, refine, refines

AUTO = "auto"
DRAFT_MODEL = "draft_model"
# Settings of how the draft model drafts.
DRAFTING = ("gamma", "phrase_drafting", "max_guesses", "idle_window", "confidence")


SPEC = Spec(
    name="ouroboros",
    drafts="a small model by phrases, lengthened from a pool; or any method of ours but `oracle` (`method.drafter=`)",
    sources=("https://arxiv.org/abs/2402.13720",),
    colour="vermilion",
    keeps_history=True,
    saves_state=True,
)


@dataclass
class Config:
    """What is drafted, what lengthens it, what is learned, and what the pool keeps.

    drafter: what drafts: "draft_model", or the typed config of another method (on the command line its name, or a
        mapping with `name` and settings); gamma, max_guesses, phrase_drafting, idle_window and confidence then say
        nothing and stay at their defaults, window stands for the pool's capacity at most.
    gamma: draft length per step; "auto" chooses it step by step (see ouroboros/adaptive.py).
    k: suffix candidates verified behind the draft (0: no lengthening; or "auto").
    window: W, lookahead columns on the draft model (0: no window, phrases come from elsewhere). ngram: N, a phrase's
        length + 1.
    phrase_drafting: draft with lookahead and the pool; off: token by token. max_guesses: phrases tried per draft
        forward (null: the capacity). idle_window: no window rows where the pool has guesses. confidence: a draft ends
        behind a draft forward whose last token has a lower probability (0: never).
    learn: feed the pool from verification. rejected: "aligned" runs (the paper) or all "continuations" (the authors'
        code for Spec-Bench). shortest_run: tokens of the shortest phrase taken from rejected text (null: N - 1, as in
        the paper, which takes full ones alone). refinement: what the target said along a suffix replaces it "in_place"
        (the paper; by value, so that the refined are the newest then, in their old order), stands beside it as
        "newest", or is "off". accepted_only: whether that happens only where the whole draft was accepted. The paper
        refines after a rejection as well (False); the authors' code does not, where K < N - 1, as in all their
        published settings (True).
    pool_capacity: phrases kept per key (null: W). order: which of them are tried first and give way last, by "recency"
        (the paper) or "usefulness". text_phrases: also take phrases from the text, of the "prompt", the confirmed
        "output" or both (True; not in the paper).
    """

    name: str = "ouroboros"
    drafter: Any = DRAFT_MODEL
    gamma: int | str = 12
    k: int | str = 3
    window: int = 20
    ngram: int = 7
    phrase_drafting: bool = True
    max_guesses: int | None = None
    idle_window: bool = False
    confidence: float = 0.0
    learn: bool = True
    rejected: str = "aligned"
    shortest_run: int | None = None
    refinement: str = "in_place"
    accepted_only: bool = False
    pool_capacity: int | None = None
    order: str = "recency"
    text_phrases: bool | str = False

    def __post_init__(self) -> None:
        if self.drafter != DRAFT_MODEL and (isinstance(self.drafter, type) or not is_dataclass(self.drafter)):
            raise UserError(
                f"method.drafter must be {DRAFT_MODEL} or another method's Config, such as baselines.suffix.Config(), "
                f"not {self.drafter}"
            )
        if self.drafter != DRAFT_MODEL:
            for each in fields(self):
                if each.name in DRAFTING and getattr(self, each.name) != each.default:
                    raise UserError(f"method.{each.name} is for drafter={DRAFT_MODEL}: leave it at {each.default}")
        for name in ("gamma", "k"):
            value = getattr(self, name)
            if isinstance(value, str) and value != AUTO:
                raise UserError(f"method.{name} must be a number or {AUTO}, not {value}")
            if not isinstance(value, int | str):
                raise UserError(f"method.{name} must be a whole number or {AUTO}, not {value}")
            if value != AUTO:
                require_at_least(f"method.{name}", value, 0)
            elif self.drafter != DRAFT_MODEL:
                raise UserError(f"method.{name}={AUTO} is for drafter={DRAFT_MODEL}: give a number")
        require_at_least("method.window", self.window, 0)
        if self.window == 0 and self.pool_capacity is None:
            raise UserError("method.pool_capacity must be given where method.window=0: null stands for W phrases a key")
        require_at_least("method.ngram", self.ngram, 3)
        for name in ("pool_capacity", "max_guesses", "shortest_run"):
            value = getattr(self, name)
            if value is not None:
                require_at_least(f"method.{name}", value, 1)
        if self.shortest_run is not None and self.shortest_run >= self.ngram:
            raise UserError(f"method.shortest_run must be below method.ngram ({self.ngram}), not {self.shortest_run}")
        if not isinstance(self.text_phrases, bool) and self.text_phrases not in TEXTS:
            raise UserError(
                f"method.text_phrases must be true, false or one of {', '.join(TEXTS)}, not {self.text_phrases}"
            )
        for name, known in (("rejected", REJECTED), ("refinement", REFINEMENTS), ("order", ORDERS)):
            if getattr(self, name) not in known:
                raise UserError(f"method.{name} must be one of {', '.join(known)}, not {getattr(self, name)}")
        require_share("method.confidence", self.confidence)

    def canonical(self) -> "Config":
        """The same behaviour, with every setting that says nothing beside the others at its default.

        A setting that stands for another's value (null for W, or for N - 1) becomes that value.
        """
        capacity = self.pool_capacity or self.window
        values: dict[str, Any] = {
            "pool_capacity": capacity,
            "max_guesses": min(self.max_guesses or capacity, capacity),
            "shortest_run": self.shortest_run or self.ngram - 1,
            "drafter": self.drafter if self.drafter == DRAFT_MODEL else canonical(self.drafter),
        }
        silent = self._silent()
        return replace(self, **values | {each.name: each.default for each in fields(self) if each.name in silent})

    def _silent(self) -> set[str]:
        """The settings that change nothing beside the others."""
        silent: set[str] = set()
        if self.drafter != DRAFT_MODEL:
            silent |= {*DRAFTING, "window"}
        if self.gamma == 0:
            silent |= {"phrase_drafting", "max_guesses", "idle_window", "window"}
        if self.gamma in (0, 1):  # a draft of one forward ends after it, sure or not
            silent.add("confidence")
        if not self.phrase_drafting:
            silent |= {"max_guesses", "idle_window", "window"}
        if self.window == 0:
            silent.add("idle_window")
        if self.k == 0:
            silent |= {"refinement", "accepted_only"}
            if "max_guesses" in silent:  # nobody asks the pool
                silent |= {"ngram", "pool_capacity", "order", "text_phrases", "learn"}
        if not self.learn or "learn" in silent:
            silent |= {"rejected", "shortest_run", "refinement", "accepted_only"}
        if self.refinement == "off":
            silent.add("accepted_only")
        return silent


class Ouroboros(Drafter):
    """Lengthens the drafts of `base` from `pool`, and lets the target's verdict feed the pool.

    base: any drafter; of a tree it drafts, the path of first children is lengthened.
    eos: nothing hangs behind these. adaptive: chooses base.gamma and k before every step; None where both are fixed.
    """

    def __init__(
        self, config: Config, base: Drafter, pool: PhrasePool, eos: frozenset[int], adaptive: Adaptive | None = None
    ) -> None:
        self.config = config
        self.base = base
        self.pool = pool
        self.eos = eos
        self.adaptive = adaptive
        parts = TEXTS if config.text_phrases is True else (config.text_phrases,)
        self.text = TextPhrases(pool, config.ngram - 1, parts) if config.text_phrases else None
        self.k = 0 if config.k == AUTO else int(config.k)
        self._tree: TokenTree | None = None
        self._tokens: list[int] = []
        self._chain = [0]
        self._candidates: list[Candidate] = []
        self._before = (0, 0)

    def reset(self, prompt: list[int], length: int) -> None:
        self.pool.reset_counts()
        if self.adaptive:
            self.adaptive.reset()
            self.base.gamma = LONGEST  # whatever the last prompt ended with, the draft model reads this one
        self.base.reset(prompt, length)
        if self.text:
            self.text.reset(prompt)

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        self._tokens = tokens
        if self.text:
            self.text.read(tokens)
        if self.adaptive:
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
        self.base.observe(verdict)
        if verdict.tree is not self._tree:
            return
        tree, end = verdict.tree, self._chain[-1]
        accepted, counted = set(verdict.path), set()
        gains = []  # a node that several candidates share is the newest's gain
        for candidate in self._candidates:
            hits = accepted.intersection(candidate.nodes)
            gains.append(len(hits - counted))
            counted |= hits
            self.pool.credit(tree.tokens[end], candidate.phrase, len(hits))
        if self.text:
            # The last step's words too: a warm pool wants them. Behind the credits, for a phrase may give way to these.
            self.text.read(self._tokens + verdict.tokens)
        wrong = [node for node in self._chain if node not in accepted]
        if self.adaptive:
            forwards, rows = (now - then for now, then in zip(self.base.forwards(), self._before, strict=True))
            drafted = len(self._chain) - 1
            gains += [0] * (self.k - len(gains))  # asked for and not found: it gave nothing
            self.adaptive.learn(drafted, drafted - len(wrong), forwards, rows, None if wrong else gains)
        if self.config.learn:
            self._learn(verdict, wrong)

    def _learn(self, verdict: Verdict, wrong: list[int]) -> None:
        config, tree, end = self.config, verdict.tree, self._chain[-1]
        bounds = (config.ngram - 1, config.shortest_run or config.ngram - 1)
        if config.rejected == "aligned":
            choices = [verdict.choices[node] for node in wrong]
            pairs = aligned_runs([tree.tokens[node] for node in wrong], choices, *bounds)
        else:
            corrected = [tree.parents[wrong[0]], *wrong] if wrong else []
            behind = [[verdict.choices[node] for node in candidate.nodes] for candidate in self._candidates]
            pairs = continuations([verdict.choices[node] for node in corrected], behind, *bounds)
        for key, phrase in pairs:
            self.pool.insert(key, phrase, "rejection")
        if refines(config.refinement, config.accepted_only, whole=not wrong):
            refine(self.pool, tree.tokens[end], end, self._candidates, verdict, keep=config.refinement == "newest")

    def forget(self) -> None:
        self.pool.clear()
        self.base.forget()

    def forwards(self) -> tuple[int, int]:
        return self.base.forwards()

    def pools(self) -> list[PhrasePool]:
        return [self.pool, *self.base.pools()]

    def report(self) -> dict[str, object]:
        inner = self.base.report()
        return self.pool.report() | ({"drafter": inner} if inner else {})


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
    return PhrasePool(config.pool_capacity or config.window, config.order, config.ngram)


def require_phrase_length(pool: PhrasePool, config: Config) -> None:
    """Raise UserError for a pool that was made for another N."""
    if pool.ngram not in (None, config.ngram):
        raise UserError(f"the pool was made for ngram={pool.ngram}, the method has ngram={config.ngram}: use new_pool")


def build(config: Config, pair: ModelPair, pool: PhrasePool | None = None) -> DraftThenVerify:
    """Ouroboros for `pair`, with what `pool` holds already; a given pool keeps its own capacity and order.

    Raises UserError if the draft model it needs is missing, or the pool was made for another N.
    """
    pool = new_pool(config) if pool is None else pool
    require_phrase_length(pool, config)
    if config.drafter != DRAFT_MODEL:
        base = make_drafter(config.drafter, pair, "method.drafter")
        return DraftThenVerify(pair, Ouroboros(config, base, pool, pair.eos))
    session = draft_session(pair, config.name)
    inner = Drafter()
    if config.phrase_drafting:
        window = Window(config.window, config.ngram, pair.seed)
        inner = _DraftLookahead(window, pool, config.max_guesses or pool.capacity, config.idle_window)
    adaptive = None
    if AUTO in (config.gamma, config.k):
        limits = Limits(
            gamma=range(LONGEST + 1) if config.gamma == AUTO else range(int(config.gamma), int(config.gamma) + 1),
            k=range(MOST + 1) if config.k == AUTO else range(int(config.k), int(config.k) + 1),
        )
        adaptive = Adaptive(limits, measure_costs(session), measure_costs(pair.target), config.ngram - 1)
    gamma = 0 if config.gamma == AUTO else int(config.gamma)
    base = Speculative(gamma, DraftModel(session, inner, pair.eos, config.confidence))
    return DraftThenVerify(pair, Ouroboros(config, base, pool, pair.eos, adaptive))
