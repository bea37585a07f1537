"""The method of the paper, as a drafter of the one loop.

1. Phrase drafting (section 3.1): the draft model drafts with lookahead decoding, its guesses taken from the pool.
2. Lengthening (3.3): the k newest phrases that begin with the draft's last token hang behind the draft as branches, all
   verified in the target's one forward. The draft may come from any other drafter of the harness as well.
3. Phrases from verification (3.4): rejected stretches and verified suffixes feed the pool.
4. History (3.5): the pool may outlive the prompt.

With every part off this takes the very steps of speculative decoding.
"""

from baselines.drafters import make_drafter
from baselines.lookahead import Lookahead, Window
from baselines.speculative import Speculative, draft_session
from decoding.costs import measure_costs
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.loop import DraftThenVerify
from decoding.phrase_pool import PhrasePool, TextPhrases
from decoding.tree import TokenTree
from decoding.verification import Verdict
from ouroboros.adaptive import LONGEST, MOST, Adaptive, Limits
from ouroboros.config import AUTO, DRAFT_MODEL, Config
from ouroboros.learning import Candidate, aligned_runs, continuations, refine

__all__ = ["Config", "Ouroboros", "build"]


class Ouroboros(Drafter):
    """Lengthens the drafts of `base` from `pool`, and lets the target's verdict feed the pool.

    base: any drafter; of a tree it drafts, the path of first children is lengthened.
    eos: nothing hangs behind these. adaptive: chooses base.gamma and k before every step; None where both are fixed.
    """

    keeps_history = True

    def __init__(
        self, config: Config, base: Drafter, pool: PhrasePool, eos: frozenset[int], adaptive: Adaptive | None = None
    ) -> None:
        self.config = config
        self.base = base
        self.pool = pool
        self.eos = eos
        self.adaptive = adaptive
        self.text = TextPhrases(pool, config.ngram - 1) if config.text_phrases else None
        self.k = 0 if config.k == AUTO else int(config.k)
        self._chain = [0]
        self._candidates: list[Candidate] = []
        self._before = (0, 0)

    def reset(self, prompt: list[int], length: int) -> None:
        self.pool.reset_counts()
        self.base.reset(prompt, length)
        if self.text:
            self.text.reset()
        if self.adaptive:
            self.adaptive.reset()

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        if self.text:
            self.text.read(tokens)
        if self.adaptive:
            self._before = self.base.forwards()
            self.base.gamma, self.k = self.adaptive.choose()
        self.base.propose(tokens, tree, limit)
        self._chain = tree.first_path()
        self._candidates = []
        end = self._chain[-1]
        last = tree.tokens[end]
        if last in self.eos and end:
            return
        for phrase in self.pool.best(last, self.k, "suffix"):
            nodes = tree.add(end, phrase[: limit - tree.depths[end]], "suffix")
            if nodes:
                self._candidates.append(Candidate(phrase, nodes))

    def observe(self, verdict: Verdict) -> None:
        self.base.observe(verdict)
        tree, end = verdict.tree, self._chain[-1]
        accepted = set(verdict.path)
        gains = [sum(node in accepted for node in candidate.nodes) for candidate in self._candidates]
        for candidate, gain in zip(self._candidates, gains, strict=True):
            self.pool.credit(tree.tokens[end], candidate.phrase, gain)
        wrong = [node for node in self._chain if node not in accepted]
        if self.adaptive:
            forwards, rows = (now - then for now, then in zip(self.base.forwards(), self._before, strict=True))
            drafted = len(self._chain) - 1
            self.adaptive.learn(drafted, drafted - len(wrong), forwards, rows, None if wrong else gains)
        if self.config.learn:
            self._learn(verdict, wrong)

    def _learn(self, verdict: Verdict, wrong: list[int]) -> None:
        config, tree, end = self.config, verdict.tree, self._chain[-1]
        bounds = (config.ngram - 1, config.shortest_run)
        if config.rejected == "aligned":
            choices = [verdict.choices[node] for node in wrong]
            pairs = aligned_runs([tree.tokens[node] for node in wrong], choices, *bounds)
        else:
            corrected = [tree.parents[wrong[0]], *wrong] if wrong else []
            behind = [[verdict.choices[node] for node in candidate.nodes] for candidate in self._candidates]
            pairs = continuations([verdict.choices[node] for node in corrected], behind, *bounds)
        for key, phrase in pairs:
            self.pool.insert(key, phrase, "rejection")
        if config.refinement != "off":
            refine(self.pool, tree.tokens[end], end, self._candidates, verdict, keep=config.refinement == "newest")

    def forget(self) -> None:
        self.pool.clear()
        self.base.forget()

    def forwards(self) -> tuple[int, int]:
        return self.base.forwards()

    def report(self) -> dict[str, object]:
        return self.base.report() | self.pool.report()


class _DraftLookahead(Lookahead):
    """Lookahead on the draft side: the pool is Ouroboros', which resets and reports it itself.

    idle_window: leave the window out where the pool has guesses, which saves its rows.
    """

    def __init__(self, window: Window, pool: PhrasePool, max_guesses: int, idle_window: bool) -> None:
        super().__init__(window, pool, max_guesses)
        self.idle_window = idle_window

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        self.window.reset(prompt)

    def wants_window(self, tree: TokenTree) -> bool:
        return not self.idle_window or len(tree) == 1


def new_pool(config: Config) -> PhrasePool:
    """An empty pool of the configured size and order."""
    return PhrasePool(config.pool_capacity or config.window, config.order)


def build(config: Config, pair: ModelPair, pool: PhrasePool | None = None) -> DraftThenVerify:
    """Ouroboros for `pair`, with what `pool` holds already. Raises UserError if the draft model it needs is missing."""
    pool = new_pool(config) if pool is None else pool
    if config.drafter != DRAFT_MODEL:
        return DraftThenVerify(pair, Ouroboros(config, make_drafter(config.drafter, pair), pool, pair.eos))
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
