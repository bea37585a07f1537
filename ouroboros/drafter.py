"""The method of the paper, as a drafter of the one loop; ouroboros/method.py has its settings.

1. Phrase drafting (section 3.1): the draft model drafts with lookahead decoding, its guesses taken
   from the pool.
2. Lengthening (3.3): the k newest phrases that begin with the draft's last token hang after the
   draft as branches, all verified in the target's one forward. The draft may come from any other
   drafter of the harness as well.
3. Phrases from verification (3.4): rejected stretches and verified suffixes feed the pool.
4. History (3.5): the pool may outlive the prompt.

With every part off this takes the very steps of speculative decoding.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from baselines.lookahead import Lookahead, Window
from baselines.phrase_pool import TEXTS, PhrasePool, TextPhrases
from baselines.pool_meter import COLUMNS, PoolMeter, with_inner
from baselines.pool_state import PoolState
from baselines.speculative import Speculative
from decoding.decoder import Drafter
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.tree import TokenTree
from decoding.verification import Verdict
from ouroboros.adaptive import LONGEST, Adaptive
from ouroboros.learning import Candidate, aligned_runs, continuations, refine, refines
from ouroboros.settings import AUTO

if TYPE_CHECKING:
    from ouroboros.method import Config


class Ouroboros(Drafter):
    """Lengthens the drafts of `base` from `pool`, and lets the target's verdict feed the pool.

    Args:
        base: any drafter; of a tree it drafts, the path of first children is lengthened.
        eos: nothing hangs after these.
        adaptive: chooses base.gamma and k before every step; None where both are fixed.
    """

    step_columns = COLUMNS

    def __init__(
        self, config: "Config", base: Drafter, pool: PhrasePool, eos: frozenset[int], adaptive: Adaptive | None = None
    ) -> None:
        self.config = config
        self.base = base
        self.rule, self.classic_only = base.rule, base.classic_only
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
            # Whatever the last prompt ended with, the draft model reads this one.
            self.base.gamma = LONGEST
        self.base.reset(prompt, length)
        if self.text:
            self.text.reset(prompt)

    def draw_with(self, sampler: Sampler | None) -> None:
        """See Drafter.draw_with."""
        self.base.draw_with(sampler)

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
            # The last step's words too: a warm pool wants them. After the credits, for a phrase may
            # give way to these.
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
            after_suffixes = [[verdict.choices[node] for node in candidate.nodes] for candidate in self._candidates]
            pairs = continuations([verdict.choices[node] for node in corrected], after_suffixes, *bounds)
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

    def own_session(self) -> ModelSession | None:
        """The draft side's."""
        return self.base.own_session()

    def step_metrics(self) -> dict[str, Any]:
        """See Drafter.step_metrics."""
        return with_inner(self.meter.step(), self.base.step_metrics())

    def metrics(self) -> dict[str, Any]:
        """The pool's counts; below `drafter` those of the drafter within."""
        inner = self.base.metrics()
        return self.pool.metrics() | ({"drafter": inner} if inner else {})


class DraftLookahead(Lookahead):
    """Lookahead on the draft side: the pool is Ouroboros', which resets and reports it itself.

    A window of width 0 is never placed.

    Args:
        idle_window: leave the window out where the pool has guesses, which saves its rows.
    """

    def __init__(self, window: Window, pool: PhrasePool, max_guesses: int, idle_window: bool) -> None:
        super().__init__(window, pool, max_guesses)
        self.idle_window = idle_window

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """The window alone."""
        self.window.reset(prompt)

    def wants_window(self, tree: TokenTree) -> bool:
        """Whether this draft forward carries the window's rows."""
        return self.window.width > 0 and (not self.idle_window or len(tree) == 1)
