"""The method of the paper, as a drafter of the one loop.

1. Phrase drafting (section 3.1): the draft model drafts with lookahead decoding, its guesses taken from the pool.
2. Lengthening (3.3): the k newest phrases that begin with the draft's last token hang behind the draft as branches, all
   verified in the target's one forward.
3. Phrases from verification (3.4): rejected stretches and verified suffixes feed the pool.
4. History (3.5): the pool may outlive the prompt.

With every part off this takes the very steps of speculative decoding.
"""

from dataclasses import dataclass

from baselines.lookahead import Lookahead, Window
from baselines.speculative import draft_session
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.errors import UserError
from decoding.loop import DraftThenVerify
from decoding.phrase_pool import Phrase, PhrasePool, TextPhrases
from decoding.settings import require_at_least
from decoding.tree import TokenTree
from decoding.verification import Verdict
from ouroboros.learning import aligned_runs, refine


@dataclass
class Config:
    """The paper's terms.

    gamma: draft length per step. k: suffix candidates verified behind the draft (0: no lengthening).
    window: W, lookahead columns on the draft model. ngram: N, a phrase's length + 1.
    pool_capacity: phrases kept per key (null: W). max_guesses: phrases tried per draft forward (null: the capacity).
    phrase_drafting: draft with lookahead and the pool; off: token by token.
    learn: feed the pool from verification. shortest_run: tokens of the shortest phrase taken from rejected text (the
        paper takes only full ones, N - 1). text_phrases: also take phrases from the prompt and the confirmed text
        (not in the paper).
    """

    name: str = "ouroboros"
    gamma: int = 5
    k: int = 2
    window: int = 1
    ngram: int = 3
    pool_capacity: int | None = 4
    max_guesses: int | None = 2
    phrase_drafting: bool = True
    learn: bool = True
    shortest_run: int = 1
    text_phrases: bool = True

    def __post_init__(self) -> None:
        require_at_least("method.gamma", self.gamma, 0)
        require_at_least("method.k", self.k, 0)
        require_at_least("method.window", self.window, 1)
        require_at_least("method.ngram", self.ngram, 3)
        require_at_least("method.shortest_run", self.shortest_run, 1)
        if self.shortest_run >= self.ngram:
            raise UserError(f"method.shortest_run must be below method.ngram ({self.ngram}), not {self.shortest_run}")
        for name in ("pool_capacity", "max_guesses"):
            value = getattr(self, name)
            if value is not None:
                require_at_least(f"method.{name}", value, 1)


class Ouroboros(Drafter):
    """Drafts with `draft`, lengthens from `pool`, and lets the target's verdict feed the pool."""

    keeps_history = True

    def __init__(self, config: Config, draft: DraftModel, pool: PhrasePool) -> None:
        self.config = config
        self.draft = draft
        self.pool = pool
        self.text = TextPhrases(pool, config.ngram - 1) if config.text_phrases else None
        self._tree: TokenTree | None = None
        self._chain: list[int] = []
        self._candidates: list[tuple[Phrase, list[int]]] = []

    def reset(self, prompt: list[int], length: int) -> None:
        self.pool.reset_counts()
        self.draft.reset(prompt, length)
        if self.text:
            self.text.reset()

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        if self.text:
            self.text.read(tokens)
        self._tree = tree
        drafted = self.draft.draft(tokens, min(self.config.gamma, limit), limit)
        self._chain = [0, *tree.add(0, drafted, "draft")]
        self._candidates = []
        last = tree.tokens[self._chain[-1]]
        if last in self.draft.eos:
            return
        for phrase in self.pool.newest(last, self.config.k):
            nodes = tree.add(self._chain[-1], phrase[: limit - len(drafted)], "suffix")
            if nodes:
                self._candidates.append((phrase, nodes))

    def observe(self, verdict: Verdict) -> None:
        if not self.config.learn or verdict.tree is not self._tree:
            return
        tree, end = verdict.tree, self._chain[-1]
        wrong = [node for node in self._chain[1:] if node not in verdict.path]
        rejected = [tree.tokens[node] for node in wrong]
        choices = [verdict.choices[node] for node in wrong]
        for key, phrase in aligned_runs(rejected, choices, self.config.ngram - 1, self.config.shortest_run):
            self.pool.insert(key, phrase, "rejection")
        refine(self.pool, tree.tokens[end], end, self._candidates, verdict)

    def forget(self) -> None:
        self.pool.clear()

    def forwards(self) -> tuple[int, int]:
        return self.draft.forwards()

    def report(self) -> dict[str, object]:
        return self.pool.report()


class _DraftLookahead(Lookahead):
    """Lookahead on the draft side: the pool is Ouroboros', which resets and reports it itself."""

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        self.window.reset(prompt)


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Ouroboros for `pair`. Raises UserError if the pair has no draft."""
    capacity = config.pool_capacity or config.window
    pool = PhrasePool(capacity)
    inner = Drafter()
    if config.phrase_drafting:
        window = Window(config.window, config.ngram, pair.seed)
        inner = _DraftLookahead(window, pool, config.max_guesses or capacity)
    draft = DraftModel(draft_session(pair, config.name), inner, pair.eos)
    return DraftThenVerify(pair, Ouroboros(config, draft, pool))
