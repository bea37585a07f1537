"""The classic acceptance rules give the target's law exactly: every draw is gone through, and the
worked examples are by hand."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoding.acceptance import (
    best_ratio,
    draw,
    k_sequential,
    select,
    sequential,
    with_replacement,
    without_replacement,
)

P, Q = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.7, 0.1])


def independent(q: np.ndarray, count: int) -> Iterator[tuple[list[int], float]]:
    """Every series of draws with replacement, and its chance."""
    if not count:
        yield [], 1.0
        return
    for series, chance in independent(q, count - 1):
        for token in range(len(q)):
            if q[token]:
                yield [*series, token], chance * q[token]


def distinct(q: np.ndarray, count: int) -> Iterator[tuple[list[int], float]]:
    """Every series of draws without replacement, and its chance."""
    if not count:
        yield [], 1.0
        return
    for series, chance in distinct(q, count - 1):
        left = 1 - sum(q[token] for token in series)
        for token in range(len(q)):
            if q[token] and token not in series:
                yield [*series, token], chance * q[token] / left


def law(rule, p: np.ndarray, q: np.ndarray, draws: Iterator[tuple[Sequence[int], float]]) -> tuple[np.ndarray, float]:
    """(the law of the token, the chance that a candidate is accepted), over all draws."""
    found, accepted = np.zeros(len(p)), 0.0
    for candidates, chance in draws:
        course, left = rule(p, q, candidates), chance
        for token, own in zip(candidates, course.chances, strict=True):
            found[token] += left * own
            accepted += left * own
            left *= 1 - own
        found += left * course.residual
    return found, accepted


RULES = [(with_replacement, independent), (without_replacement, distinct), (k_sequential, independent)]


def distributions(size: int):
    weights = st.lists(st.integers(0, 9), min_size=size, max_size=size).filter(any)
    return weights.map(lambda each: np.array(each) / sum(each))


@pytest.mark.parametrize(("rule", "draws"), RULES, ids=lambda each: getattr(each, "__name__", ""))
@given(data=st.data())
def test_the_law_is_the_targets(rule, draws, data):
    size = data.draw(st.integers(2, 4))
    p, q = data.draw(distributions(size)), data.draw(distributions(size))
    count = data.draw(st.integers(0, 3))
    if rule is without_replacement:
        count = min(count, int((q > 0).sum()))
    found, _ = law(rule, p, q, draws(q, count))
    assert found == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize(
    ("rule", "count", "accepted"),
    [
        (with_replacement, 1, 0.6),
        (with_replacement, 2, 0.72),
        (without_replacement, 2, 29 / 30),
        (k_sequential, 2, 0.75),
    ],
)
def test_worked_examples(rule, count, accepted):
    draws = distinct if rule is without_replacement else independent
    found, share = law(rule, P, Q, draws(Q, count))
    assert found == pytest.approx(P, abs=1e-12) and share == pytest.approx(accepted)


def test_residuals_by_hand():
    assert with_replacement(P, Q, [1]).residual == pytest.approx([0.75, 0, 0.25])
    assert with_replacement(P, Q, [1, 1]).residual == pytest.approx([11 / 14, 0, 3 / 14])
    assert without_replacement(P, Q, [1, 2]).residual == pytest.approx([1, 0, 0])
    assert best_ratio(P, Q, 2) == pytest.approx(1.5)
    assert k_sequential(P, Q, [0, 1]).residual == pytest.approx([0.8, 0, 0.2])
    # Of q without token 1, (2/3, 0, 1/3), token 2 is accepted at .25 over a third.
    assert without_replacement(P, Q, [1, 2]).chances == pytest.approx([3 / 7, 0.75])


def test_ratios_by_hand():
    """Two draws: the best ratio, one above it, and one below, whose residual would be negative."""
    best = sequential(P, Q, [0, 1], 1.5)
    assert best.residual == pytest.approx(k_sequential(P, Q, [0, 1]).residual)
    assert best.chances == pytest.approx([1, 0.3 / 1.05])
    above = sequential(P, Q, [0, 1], 2.0)
    assert above.residual == pytest.approx(np.array([76, 27, 18]) / 121)
    assert law(partial(sequential, ratio=2.0), P, Q, independent(Q, 2)) == (pytest.approx(P), pytest.approx(0.6975))
    below, _ = law(partial(sequential, ratio=1.0), P, Q, independent(Q, 2))
    # (11/8, -3/4, 3/8), of which nothing negative can be drawn.
    assert sequential(P, Q, [0, 1], 1.0).residual == pytest.approx(np.array([11, 0, 3]) / 14)
    assert below != pytest.approx(P, abs=0.01)


def test_greedy_drafts_are_point_masses():
    """Candidates 1, then 0, neither drawn: .3, then what .5 is of the rest."""
    found, accepted = np.zeros(3), 0.0
    p, left = P, 1.0
    for token in (1, 0):
        course = without_replacement(p, np.eye(3)[token], [token])
        found[token] += left * course.chances[0]
        accepted += left * course.chances[0]
        left *= 1 - course.chances[0]
        p = course.residual
    assert found + left * p == pytest.approx(P) and accepted == pytest.approx(0.8)


def test_wrong_rules_are_seen():
    """The target's law does not come of p / q with the unreduced p for both candidates."""

    def unreduced(p, q, candidates):
        return type(with_replacement(p, q, []))(
            [with_replacement(p, q, [token]).chances[0] for token in candidates], with_replacement(p, q, [0]).residual
        )

    found, _ = law(unreduced, P, Q, independent(Q, 2))
    assert found == pytest.approx([0.40, 0.42, 0.18], abs=1e-9)


def test_a_greedy_candidate_is_no_draw_from_the_softmax():
    """Token 1 is always the candidate: by its chance in q it would come three times in seven."""
    wrong = with_replacement(P, Q, [1])
    assert wrong.chances[0] + (1 - wrong.chances[0]) * wrong.residual[1] == pytest.approx(3 / 7)
    right = with_replacement(P, np.eye(3)[1], [1])
    assert right.chances[0] + (1 - right.chances[0]) * right.residual[1] == pytest.approx(P[1])


def test_selection_follows_the_course():
    numbers = iter([0.9, 0.1])
    course = with_replacement(P, Q, [1, 0])
    assert select(course, [1, 0], lambda: next(numbers)) == (0, 1)
    numbers = iter([0.99, 0.99])
    assert select(with_replacement(P, Q, [1]), [1], lambda: next(numbers)) == (2, None)


def test_a_draw_never_falls_on_a_token_without_mass():
    distribution = np.array([0.0, 0.5, 0.5, 0.0])
    assert [draw(distribution, each) for each in (0.0, 0.49, 0.5, 1 - 2**-53, 1.0)] == [1, 1, 2, 2, 2]
