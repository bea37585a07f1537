"""TapOut: a bandit chooses by which rule a draft ends (Sridhar et al., arXiv 2511.02017).

A draft model drafts a chain until one of several rules without a parameter to tune finds it unsure.
Before every draft UCB1 (Auer et al., Machine Learning 47, 2002) chooses the rule by what the drafts
that it ended have brought.

Thresholds of the rules, the weights of the reward and the longest draft are ours: the paper has no
published code.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from baselines.speculative import Speculative, draft_session
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least
from decoding.tree import TokenTree
from decoding.verification import Verdict

SPEC = Spec(
    name="tapout",
    drafts="a small model, ended by the rule that a bandit chooses",
    sources=("https://arxiv.org/abs/2511.02017",),
    colour="blue",
    keeps_history=True,
)


@dataclass
class Config:
    """How much is drafted at most.

    Attributes:
        gamma: draft tokens per step; the rules end most drafts before.
    """

    name: str = "tapout"
    gamma: int = 16

    def __post_init__(self) -> None:
        require_at_least("gamma", self.gamma, 1)


@dataclass(frozen=True)
class Doubt:
    """How unsure a row of logits is.

    Attributes:
        first, second: its two largest probabilities.
        entropy: in nats.
    """

    first: float
    second: float
    entropy: float


def doubt_of(logits: torch.Tensor) -> Doubt:
    """The doubt in logits [vocabulary], in one copy from the device."""
    chances = logits.double().log_softmax(-1)
    entropy = -torch.xlogy(chances.exp(), chances.exp()).sum()
    return Doubt(*torch.cat([chances.topk(2).values.exp(), entropy[None]]).tolist())


# By name the rules, each of which says whether a draft ends after a token with such a row before
# it: the largest probability, AdaEDL's bound on the acceptance (arXiv 2410.18351), SVIP's root of
# the entropy (arXiv 2411.18462), and the margin between the two likeliest tokens.
RULES: dict[str, Callable[[Doubt], bool]] = {
    "confidence": lambda doubt: doubt.first < 0.5,
    "adaedl": lambda doubt: 1 - math.sqrt(0.2 * doubt.entropy) < 0.3,
    "svip": lambda doubt: math.sqrt(doubt.entropy) > 0.6,
    "margin": lambda doubt: doubt.first - doubt.second < 0.2,
}


class Ucb1:
    """Upper confidence bounds on the mean rewards, within [0, 1], of several arms.

    Attributes:
        pulls: of each arm.
        rewards: the sum of each arm's.
    """

    def __init__(self, arms: int) -> None:
        self.pulls = [0] * arms
        self.rewards = [0.0] * arms

    def choose(self) -> int:
        """The next arm: each once, then the one with the largest bound, the first of equals."""
        if 0 in self.pulls:
            return self.pulls.index(0)
        spread = 2 * math.log(sum(self.pulls))
        bounds = [
            reward / pulls + math.sqrt(spread / pulls) for reward, pulls in zip(self.rewards, self.pulls, strict=True)
        ]
        return bounds.index(max(bounds))

    def learn(self, arm: int, reward: float) -> None:
        """Take in what an arm has brought."""
        self.pulls[arm] += 1
        self.rewards[arm] += reward


class Tapout(Speculative):
    """Drafts a chain that ends by the rule of the bandit's choice.

    Attributes:
        bandit: has an arm a rule.
    """

    def __init__(self, gamma: int, draft: DraftModel) -> None:
        super().__init__(gamma, draft)
        self._rules = list(RULES.values())
        self.forget()

    def forget(self) -> None:
        """Begin with rules that were never tried."""
        self.bandit = Ucb1(len(self._rules))
        self._arm = 0
        self._tree: TokenTree | None = None
        self._chain: list[int] = []
        self._cut = False

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Hang a chain below the root that the chosen rule ends, or gamma."""
        self._arm = self.bandit.choose()
        rule = self._rules[self._arm]
        self.draft.stop = lambda logits, _: rule(doubt_of(logits))
        self._tree = tree
        self._chain = self.draft.hang(tokens, tree, min(self.gamma, limit), limit)
        self._cut = len(self._chain) == limit < self.gamma

    def observe(self, verdict: Verdict) -> None:
        """Reward the rule, unless the draft ended because the output may get no longer.

        Half of the reward is the accepted tokens' share of gamma, half their share of the draft.
        """
        if verdict.tree is self._tree and self._chain and not self._cut:
            accepted = len(set(self._chain).intersection(verdict.path))
            self.bandit.learn(self._arm, 0.5 * accepted / self.gamma + 0.5 * accepted / len(self._chain))

    def metrics(self) -> dict[str, object]:
        """How often each rule was chosen, the earlier prompts counted in."""
        return {"rule_pulls": dict(zip(RULES, self.bandit.pulls, strict=True))}


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """TapOut for `pair`.

    Raises:
        UserError: the pair has no draft.
    """
    return DraftThenVerify(
        pair, Tapout(config.gamma, DraftModel(draft_session(pair, config.name), Drafter(), pair.eos))
    )
