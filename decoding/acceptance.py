"""The classic rules by which sampled drafts are accepted: exact in distribution.

A rule sees the target's distribution p after a text, the draft's q, and the candidates that were
drawn from q there, in their order. It says with which chance each is accepted if those before it
were not, and from what is drawn where none is. Then the token has the law p, whatever q is.

Tokens that are no draws (greedy chains, look-ups, phrases) have a q with all its mass on
one token; `without_replacement` holds for them too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

# Mass below which a residual is rounding: what is left of p is drawn from then.
LEAST = 1e-12


@dataclass(frozen=True)
class Course:
    """What a rule does with candidates.

    Attributes:
        chances: of each to be accepted, if none before it was.
        residual: the distribution [vocabulary] of the token where none is.
    """

    chances: list[float]
    residual: np.ndarray


Rule = Callable[[np.ndarray, np.ndarray, Sequence[int]], Course]


def with_replacement(p: np.ndarray, q: np.ndarray, candidates: Sequence[int]) -> Course:
    """Recursive rejection of independent draws from q (arXiv 2305.09781 and 2401.06706).

    Args:
        p: the target's distribution, float64 [vocabulary].
        q: the draft's.
        candidates: drawn from q, in order; one alone is speculative sampling (arXiv 2211.17192).
    """
    chances = []
    for token in candidates:
        chances.append(_ratio(p[token], q[token]))
        p = _rest(p, q)
    return Course(chances, p)


def without_replacement(p: np.ndarray, q: np.ndarray, candidates: Sequence[int]) -> Course:
    """Recursive rejection of draws none of which is drawn twice (arXiv 2401.06706, algorithm 1).

    Args:
        p: the target's distribution, float64 [vocabulary].
        q: the draft's.
        candidates: drawn from q without replacement, in order.
    """
    chances = []
    for token in candidates:
        chances.append(_ratio(p[token], q[token]))
        p = _rest(p, q)
        q = q.copy()
        q[token] = 0.0
        left = q.sum()
        q = q / left if left > LEAST else np.zeros_like(q)
    return Course(chances, p)


def k_sequential(p: np.ndarray, q: np.ndarray, candidates: Sequence[int]) -> Course:
    """SpecTr's k-sequential selection of independent draws from q (arXiv 2310.15141, section 5).

    Args:
        p: the target's distribution, float64 [vocabulary].
        q: the draft's.
        candidates: drawn from q, in order.
    """
    count = len(candidates)
    return sequential(p, q, candidates, best_ratio(p, q, count)) if count else Course([], p)


def sequential(p: np.ndarray, q: np.ndarray, candidates: Sequence[int], ratio: float) -> Course:
    """The same with a ratio of one's own, which is valid from the best one on.

    Args:
        p: the target's distribution, float64 [vocabulary].
        q: the draft's.
        candidates: drawn from q, in order; at least one.
        ratio: rho of the paper, from 1 to their number.
    """
    count = len(candidates)
    least = np.minimum(q, p / ratio)
    accepted = float(least.sum())
    rejected = (1 - accepted) ** count
    chances = [_ratio(p[token], ratio * q[token]) for token in candidates]
    if accepted <= LEAST or rejected <= LEAST:
        return Course(chances, p)
    return Course(chances, _normed(np.maximum(p - least * (1 - rejected) / accepted, 0.0), p))


def best_ratio(p: np.ndarray, q: np.ndarray, count: int) -> float:
    """The smallest rho between 1 and `count` for which the rule is valid.

    1 - (1 - b)^k <= rho b, where b = sum min(q, p / rho); by bisection, from above.
    """

    def valid(ratio: float) -> bool:
        accepted = float(np.minimum(q, p / ratio).sum())
        return 1 - (1 - accepted) ** count <= ratio * accepted + 1e-15

    low, high = 1.0, float(count)
    if valid(low):
        return low
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if valid(middle) else (middle, high)
    return high


def select(course: Course, candidates: Sequence[int], uniforms: Callable[[], float]) -> tuple[int, int | None]:
    """(the token, which candidate it is; None where it was drawn from the residual).

    Args:
        course: the chances of the candidates, and the residual.
        candidates: token ids, in the order in which they are tried.
        uniforms: gives a fresh number between 0 and 1 at every call.
    """
    for place, (token, chance) in enumerate(zip(candidates, course.chances, strict=True)):
        if uniforms() < chance:
            return token, place
    return draw(course.residual, uniforms()), None


def draw(distribution: np.ndarray, uniform: float) -> int:
    """The token at which the cumulative distribution passes `uniform`, never one without mass."""
    whole = np.cumsum(distribution)
    return int(min(np.searchsorted(whole, uniform * whole[-1], side="right"), np.flatnonzero(distribution)[-1]))


def _ratio(p: float, q: float) -> float:
    """min(1, p / q): of a candidate that q does not give, none of whose mass is promised, 0."""
    return min(1.0, float(p) / float(q)) if q > 0 else 0.0


def _rest(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """What p has beyond q, as a distribution."""
    return _normed(np.maximum(p - q, 0.0), p)


def _normed(mass: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
    """As a distribution; `otherwise` where nothing but rounding is left, which is never drawn."""
    total = float(mass.sum())
    return mass / total if total > LEAST else otherwise
