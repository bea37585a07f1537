"""Lookahead decoding (Fu et al., arXiv 2402.02057): one model guesses ahead of itself in parallel.

A two-dimensional window of guessed tokens rides along in every forward. Its levels are Jacobi
iterations at staggered positions; their diagonals give a new n-gram per column and step, and the
n-grams that begin with the last token are verified in the same forward. The whole of it is a token
tree: the parent of L0[j] is L0[j-1], the parent of L_l[i] is L_{l-1}[i], and the parent of L_1[i]
is column i of block 0 (the last token, then L0).

Paper's terms: window = W, ngram = N, max_guesses = G.
"""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from baselines.phrase_pool import Phrase, PhrasePool, TextPhrases
from baselines.pool_meter import COLUMNS, PoolMeter
from baselines.pool_state import PoolState
from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least
from decoding.tree import TokenTree
from decoding.verification import Verdict

SPEC = Spec(
    name="lookahead",
    drafts="the target's own parallel guesses",
    sources=("https://arxiv.org/abs/2402.02057",),
    colour="green",
    keeps_history=True,
    saves_state=True,
    figures="baselines.pool_figures",
)


@dataclass
class Config:
    """The settings; the letters are the paper's.

    Attributes:
        window: W, columns.
        ngram: N, a phrase's length + 1.
        max_guesses: G, phrases kept per key and tried per forward.
        text_phrases: also take phrases from the prompt and the confirmed text.
    """

    name: str = "lookahead"
    window: int = 7
    ngram: int = 5
    max_guesses: int = 7
    text_phrases: bool = False

    def __post_init__(self) -> None:
        require_at_least("window", self.window, 1)
        require_at_least("ngram", self.ngram, 3)
        require_at_least("max_guesses", self.max_guesses, 1)

    def for_state(self, state: Mapping[str, Any], given: Collection[str]) -> "Config":
        """These settings with the N of a saved state, unless it was given.

        Phrases of another length serve nobody.
        """
        return self if "ngram" in given else replace(self, ngram=PoolState.read(state).ngram)


class Window:
    """Lookahead's window: levels of guessed tokens that shift by one column per step.

    levels[0] has width - 1 tokens in the steady state, the others `width`; until `ngram` - 1 levels
    stand, each step adds one.
    """

    def __init__(self, width: int, ngram: int, seed: int) -> None:
        self.width = width
        self.ngram = ngram
        self.seed = seed
        self.levels: list[list[int]] = []
        self._columns: list[int] = []
        self._newest: list[int] = []

    def reset(self, prompt: list[int]) -> None:
        """Start level 0 with tokens drawn from the prompt, the same in every run of this prompt."""
        draw = random.Random(f"{self.seed}/{len(prompt)}")
        self.levels = [draw.choices(prompt, k=self.width + self.ngram - 3)]
        self._newest = []

    def place(self, tree: TokenTree) -> None:
        """Add the window to the tree, the newest level's logits wanted.

        It is left out where the room is too small.
        """
        self.leave_out()
        newest = len(self.levels) - 1
        if newest + len(self.levels[newest]) > tree.room:
            return
        self._columns = [0, *tree.add(0, self.levels[0], "window", wanted=newest == 0)]
        nodes = self._columns[: len(self.levels[0]) + 1]
        if newest == 0:
            self._newest = nodes[1:]
            return
        for number, level in enumerate(self.levels[1:], start=1):
            nodes = tree.add_each(nodes, level, "window", wanted=number == newest)
        self._newest = nodes

    def leave_out(self) -> None:
        """Stay out of this step's tree: nothing will be harvested from it."""
        self._newest = []

    def advance(self, verdict: Verdict) -> list[tuple[int, tuple[int, ...]]]:
        """Take in the model's tokens after the newest level and shift by one column.

        Returns the harvested (key, phrase) pairs: none until the window is full, `width` of them in
        the steady state.
        """
        if not self._newest:
            return []
        fresh = [verdict.choices[node] for node in self._newest]
        levels = self.levels
        if len(levels) < self.ngram - 1:
            grown = fresh if len(levels) == 1 else fresh[1:]
            self.levels = [level[1:] for level in levels] + [grown] if len(levels) > 1 else [levels[0][1:], grown]
            return []
        keys = [verdict.tree.tokens[node] for node in self._columns]
        phrases = [(key, (*diagonal, last)) for key, *diagonal, last in zip(keys, *levels[1:], fresh, strict=True)]
        self.levels = [levels[1][1:], *levels[2:], fresh]
        return phrases


class Lookahead(Drafter):
    """Guesses from the pool, and a window that feeds it."""

    step_columns = COLUMNS

    def __init__(self, window: Window, pool: PhrasePool, max_guesses: int, text_phrases: bool = False) -> None:
        self.window = window
        self.pool = pool
        self.meter = PoolMeter(pool)
        self.saved: PoolState | None = None
        self.max_guesses = max_guesses
        self.text = TextPhrases(pool, window.ngram - 1) if text_phrases else None
        self._tree: TokenTree | None = None
        self._guesses: list[tuple[Phrase, list[int]]] = []

    def reset(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """Start the window from the prompt; phrases of the prompt go to the pool."""
        self.window.reset(prompt)
        self.pool.reset_counts()
        if self.text:
            self.text.reset(prompt)

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the pool's guesses for the last token below the root, and the window beside them."""
        if self.text:
            self.text.read(tokens)
        self._tree = tree
        self._guesses = [
            (phrase, tree.add(0, phrase[: max(limit, 0)], "phrase"))
            for phrase in self.pool.best(tokens[-1], self.max_guesses)
        ]
        if self.wants_window(tree):
            self.window.place(tree)
        else:
            self.window.leave_out()

    def wants_window(self, tree: TokenTree) -> bool:  # noqa: ARG002
        """Whether the window rides along after the guesses in `tree`."""
        return True

    def observe(self, verdict: Verdict) -> None:
        """Credit the guesses that were accepted, and put what the window gave into the pool."""
        self.meter.drafted()
        if verdict.tree is not self._tree:
            return
        accepted = set(verdict.path)
        for phrase, nodes in self._guesses:
            self.pool.credit(verdict.tree.tokens[0], phrase, sum(node in accepted for node in nodes))
        for key, phrase in self.window.advance(verdict):
            self.pool.insert(key, phrase, "window")

    def forget(self) -> None:
        """Empty the pool."""
        self.pool.clear()
        if self.saved:
            self.saved.fill(self.pool)

    def save_state(self) -> dict[str, Any]:
        """See Drafter.save_state."""
        return PoolState.of(self.pool, self.window.ngram).plain()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """See Drafter.load_state."""
        self.saved = PoolState.read(state, self.window.ngram)
        self.forget()

    def step_metrics(self) -> dict[str, Any]:
        """See Drafter.step_metrics."""
        return self.meter.step()

    def metrics(self) -> dict[str, Any]:
        """The pool's counts."""
        return self.pool.metrics()


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """Lookahead decoding on the pair's target; the draft is not used."""
    window = Window(config.window, config.ngram, pair.seed)
    pool = PhrasePool(config.max_guesses)
    return DraftThenVerify(pair, Lookahead(window, pool, config.max_guesses, config.text_phrases))
