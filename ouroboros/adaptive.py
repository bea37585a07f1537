"""Draft length and number of suffixes chosen step by step.

What earns most tokens per second, by the running figures, is chosen.

With p the running chance that a drafted token is accepted, s(k) the tokens that the k newest
suffixes add to a draft accepted as a whole, and f the tokens a draft forward gives, a step with
gamma draft tokens brings

    1 + p + ... + p^gamma + p^gamma s(k)

tokens (Leviathan et al., arXiv 2211.17192, equation 1, lengthened) and costs gamma / f draft
forwards and a target forward of 1 + gamma + k (N - 1) rows, both from measured forwards. The
running figures start anew with every prompt.
"""

from dataclasses import dataclass

from decoding.costs import ForwardCosts

LONGEST = 16  # draft tokens considered
MOST = 4  # suffixes considered
FORGETTING = 0.95  # weight of a step's evidence one step later
# Of the first guesses, in draft tokens or tries; they stay, so that what was given up is tried
# again.
WEIGHT = 4.0
ACCEPTED = 0.75  # first guess: share of draft tokens accepted
GAINED = (0.5, 0.25, 0.1, 0.1)  # first guess: tokens that each suffix adds, the newest first


@dataclass
class Limits:
    """What may be chosen: gamma and k, each up to a bound, or fixed where both ends are equal."""

    gamma: range
    k: range


class Adaptive:
    """Chooses gamma and k.

    Args:
        limits: what may be chosen.
        draft: seconds of a draft's forward by rows.
        target: seconds of a target's forward by rows.
        length: N - 1, a suffix's tokens.
    """

    def __init__(self, limits: Limits, draft: ForwardCosts, target: ForwardCosts, length: int) -> None:
        self.limits = limits
        self.draft = draft
        self.target = target
        self.length = length
        self.reset()

    def reset(self) -> None:
        """Start anew, from the first guesses alone."""
        self._accepted = self._judged = 0.0
        self._drafted = self._forwards = self._rows = 0.0
        self._gained = [0.0] * MOST
        self._tried = [0.0] * MOST

    def choose(self) -> tuple[int, int]:
        """(gamma, k) of the next step."""
        chance = (self._accepted + WEIGHT * ACCEPTED) / (self._judged + WEIGHT)
        gains = [
            (gained + WEIGHT * guess) / (tried + WEIGHT)
            for gained, tried, guess in zip(self._gained, self._tried, GAINED, strict=True)
        ]
        pace = self._drafted / self._forwards if self._forwards else 1.0
        draft = self.draft(self._rows / self._forwards if self._forwards else 1.0)

        def speed(gamma: int, k: int) -> float:
            tokens = sum(chance**place for place in range(gamma + 1)) + chance**gamma * sum(gains[:k])
            return tokens / (gamma / pace * draft + self.target(1 + gamma + k * self.length))

        return max(((gamma, k) for gamma in self.limits.gamma for k in self.limits.k), key=lambda pair: speed(*pair))

    def learn(self, drafted: int, accepted: int, forwards: int, rows: int, gains: list[int] | None) -> None:
        """Take in a step.

        Args:
            drafted: tokens of the chain.
            accepted: of those, the accepted ones.
            forwards: of the draft model, for this step.
            rows: of those forwards.
            gains: tokens accepted from each suffix, newest first; None where the draft was rejected
                and none was tried.
        """
        judged = min(accepted + 1, drafted)
        self._accepted = FORGETTING * self._accepted + accepted
        self._judged = FORGETTING * self._judged + judged
        self._drafted = FORGETTING * self._drafted + drafted
        self._forwards = FORGETTING * self._forwards + forwards
        self._rows = FORGETTING * self._rows + rows
        self._gained = [FORGETTING * gained for gained in self._gained]
        self._tried = [FORGETTING * tried for tried in self._tried]
        for rank, gain in enumerate((gains or [])[:MOST]):
            self._gained[rank] += gain
            self._tried[rank] += 1
