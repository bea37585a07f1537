"""bench/statistics.py by hand-worked examples and by properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.statistics import (
    NO_DRAFTS,
    Throughput,
    acceptance,
    geometric_mean,
    ratio_of_speedups,
    repetition_rate,
    speedup,
)


def throughput(tokens, seconds) -> Throughput:
    return Throughput(np.array(tokens), np.array(seconds, dtype=float))


def test_speedup_is_the_ratio_of_totals_not_the_mean_of_ratios():
    method = throughput([10, 90], [1.0, 1.0])  # 50 tokens/s
    greedy = throughput([10, 90], [1.0, 9.0])  # 10 tokens/s
    figure = speedup(method, greedy)
    assert figure.value == pytest.approx(5.0)
    # Resamples are (first, first): 1, mixed: 5, (second, second): 9.
    assert figure.low == pytest.approx(1.0)
    assert figure.high == pytest.approx(9.0)
    assert geometric_mean(method, greedy).value == pytest.approx(3.0)


def test_one_prompt_has_its_own_value_as_interval():
    figure = speedup(throughput([10], [1]), throughput([10], [2]))
    assert (figure.value, figure.low, figure.high) == (2.0, 2.0, 2.0)


def test_nothing_decoded_is_none():
    nothing = throughput([0, 0], [0, 0])
    assert speedup(nothing, nothing).value is None
    assert geometric_mean(nothing, nothing).value is None
    assert ratio_of_speedups((nothing, nothing), (nothing, nothing)).value is None


def test_ratio_of_speedups_cancels_the_common_greedy():
    greedy = throughput([5, 7], [3, 4])
    first, second = throughput([5, 7], [1, 1]), throughput([5, 7], [2, 1])
    assert ratio_of_speedups((first, greedy), (second, greedy)).value == pytest.approx(1.5)
    assert ratio_of_speedups((first, greedy), (second, greedy)).low == pytest.approx(speedup(first, second).low)


POSITIVE = st.floats(0.01, 100)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 500), POSITIVE, POSITIVE), min_size=2, max_size=20))
def test_interval_holds_the_value_of_equal_prompts_and_is_reproducible(rows):
    method = throughput([row[0] for row in rows], [row[1] for row in rows])
    greedy = throughput([row[0] for row in rows], [row[2] for row in rows])
    figure = speedup(method, greedy, seed=3)
    assert figure == speedup(method, greedy, seed=3)
    ratios = [row[2] / row[1] for row in rows]
    assert min(ratios) * 0.999 <= figure.low <= figure.high <= max(ratios) * 1.001
    assert speedup(method, method).low == pytest.approx(1.0)


def test_acceptance_by_hand():
    # The last step was cut by the stopping rule: accepted 3, emitted 2.
    figures = acceptance(drafted=[3, 3, 2, 3], accepted=[0, 2, 2, 3], emitted=[1, 3, 3, 2])
    assert (figures.drafted, figures.accepted) == (11, 7)
    assert figures.rate == pytest.approx(7 / 11)
    assert figures.marginal == [0.75, 0.75, 0.25]
    assert figures.conditional == [pytest.approx(2 / 3), 1.0, 0.0]
    assert figures.histogram == {"0": 1, "2": 2, "3": 1}


def test_no_drafts_is_null_not_zero():
    assert acceptance([0, 0], [0, 0], [1, 1]) == NO_DRAFTS
    assert acceptance([], [], []) == NO_DRAFTS


@given(st.lists(st.integers(0, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), min_size=1))
def test_mean_accepted_length_is_one_plus_the_marginals(steps):
    drafted, accepted = [step[0] for step in steps], [step[1] for step in steps]
    figures = acceptance(drafted, accepted, [count + 1 for count in accepted])
    if figures == NO_DRAFTS:
        assert not any(drafted)
    else:
        assert 1 + sum(figures.marginal) == pytest.approx(np.mean(accepted) + 1)
        assert sum(figures.histogram.values()) == len(steps)


def test_repetition_rate():
    assert repetition_rate([[1, 2, 1, 2, 1, 2]], length=2) == pytest.approx(3 / 5)
    assert repetition_rate([[1, 2, 3]], length=4) is None
