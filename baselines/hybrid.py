"""A hybrid: what followed a long repeat of the text, else the draft of another method.

SAM-Decoding (arXiv 2411.10666) with a tree model is such a hybrid, with Token Recycling or EAGLE-2
as the other drafter; here that may be any method of the harness, with the method's own settings. It
is not SuffixDecoding's hybrid (arXiv 2411.04975), which chooses by a score of the match and not by
its length.

Both read the prompt before the first step. Then the automaton reads the text at every step, and the
other drafter catches up with it when it is asked next. Both observe every verdict, so that a
drafter which can learn from a foreign tree does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from baselines import sam, token_recycling
from baselines.drafters import make_drafter
from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.settings import canonical
from decoding.tree import TokenTree
from decoding.verification import Verdict

SPEC = Spec(
    name="hybrid",
    drafts="a long repeat, else any other method (`method.fallback=`)",
    sources=("https://arxiv.org/abs/2411.10666",),
    colour="yellow",
    keeps_history=True,
    within=("fallback",),
)


@dataclass
class Config(sam.Config):
    """The settings of `sam`, and `fallback`: the other method's typed config.

    On the command line that is a method's name, or a mapping with `name` and settings. The defaults
    are SAM-Decoding's with a tree model: a match of at least 5 tokens takes 40 rows, however long
    it is, and Token Recycling drafts otherwise. conf/method/hybrid.yaml says where ours differs.
    """

    name: str = "hybrid"
    min_match: int = 5
    alpha: float | None = None
    fallback: Any = field(default_factory=token_recycling.Config)

    def canonical(self) -> Self:
        """As the look-up and the other method have it, each for itself."""
        return replace(super().canonical(), fallback=canonical(self.fallback))


class Hybrid(Drafter):
    """Asks `matcher` first, and `fallback` where that has nothing to say."""

    def __init__(self, matcher: sam.Sam, fallback: Drafter) -> None:
        self.matcher = matcher
        self.fallback = fallback
        self.rule, self.classic_only = fallback.rule, fallback.classic_only
        self.step_columns = fallback.step_columns
        self._steps = {"match": 0, "fallback": 0}

    def reset(self, prompt: list[int], length: int) -> None:
        """Both drafters read the prompt."""
        self.matcher.reset(prompt, length)
        self.fallback.reset(prompt, length)
        self._steps = {"match": 0, "fallback": 0}

    def draw_with(self, sampler: Sampler | None) -> None:
        """See Drafter.draw_with."""
        self.fallback.draw_with(sampler)

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang the match below the root; without one the fallback proposes."""
        drafted = self.matcher.draft(tokens, limit)
        self._steps["match" if drafted else "fallback"] += 1
        if drafted:
            tree.add(0, drafted, "match")
        else:
            self.fallback.propose(tokens, tree, limit)

    def observe(self, verdict: Verdict) -> None:
        """Both drafters learn from the verdict."""
        self.matcher.observe(verdict)
        self.fallback.observe(verdict)

    def forget(self) -> None:
        """Both drafters forget."""
        self.matcher.forget()
        self.fallback.forget()

    def forwards(self) -> tuple[int, int]:
        """The fallback's (forwards, rows) since the last reset."""
        return self.fallback.forwards()

    def own_session(self) -> ModelSession | None:
        """The fallback's."""
        return self.fallback.own_session()

    def step_metrics(self) -> Mapping[str, Any]:
        """See Drafter.step_metrics."""
        return self.fallback.step_metrics()

    def metrics(self) -> dict[str, Any]:
        """Both drafters' metrics."""
        return {**self.fallback.metrics(), **self.matcher.metrics(), "hybrid_steps": dict(self._steps)}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """The hybrid for `pair`.

    Raises:
        UserError: the fallback does not draft, or lacks a draft model that it needs.
    """
    fallback = make_drafter(config.fallback, pair, "fallback")
    matcher = sam.Sam(config, pair.eos, pair.target.vocabulary)
    return DraftThenVerify(pair, Hybrid(matcher, fallback))
