"""Lengths chosen step by step: by measured costs and by what was accepted in the prompt."""

import pytest
from families import blurred, make_model
from hypothesis import given
from hypothesis import strategies as st
from matrix import ouroboros_config, prompts

from decoding.costs import ROWS, ForwardCosts, measure_costs
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from ouroboros import method
from ouroboros.adaptive import Adaptive, Limits

EVERY = Limits(range(17), range(5))


def costs(first: float, a_row: float) -> ForwardCosts:
    return ForwardCosts((1, 64), (first, first + 63 * a_row))


def chosen(adaptive: Adaptive, steps: int, accepted: float, gain: int = 0) -> tuple[int, int]:
    """(gamma, k) after `steps` steps in which this share of the draft was accepted."""
    for _ in range(steps):
        gamma, k = adaptive.choose()
        taken = round(accepted * gamma)
        gains = [gain] + [0] * (k - 1) if taken == gamma and k else None
        adaptive.learn(gamma, taken, gamma, gamma, gains)
    return adaptive.choose()


def test_costs_are_a_line_between_and_beyond_what_was_measured() -> None:
    line = ForwardCosts((1, 3, 5), (1.0, 2.0, 4.0))
    assert [line(rows) for rows in (1, 2, 3, 4, 5, 7)] == [1.0, 1.5, 2.0, 3.0, 4.0, 6.0]
    falling = ForwardCosts((1, 2), (2.0, 1.0))
    assert falling(10) == 1.0, "noise never makes rows cost less than nothing"


def test_measured_costs_leave_the_session_clean() -> None:
    session = ModelSession(make_model("llama"))
    measured = measure_costs(session)
    assert measured.rows == ROWS
    assert all(second > 0 for second in measured.seconds)
    assert session.tokens == [] and session.counters.forwards == 0
    assert measure_costs(ModelSession(make_model("gpt2", n_positions=24))).rows == (1, 2, 4, 8)


def test_a_good_draft_gets_longer_and_a_bad_one_shorter() -> None:
    good, bad = (Adaptive(EVERY, costs(1, 0.01), costs(10, 0.1), 3) for _ in range(2))
    assert chosen(good, 30, 1.0)[0] > 10
    assert chosen(bad, 30, 0.0)[0] < good.choose()[0]
    assert chosen(bad, 30, 0.0)[0] <= 2


def test_an_expensive_draft_is_given_up_and_a_free_one_is_not() -> None:
    assert chosen(Adaptive(EVERY, costs(20, 0), costs(10, 0), 3), 30, 0.5) == (0, 4)
    assert chosen(Adaptive(EVERY, costs(0.001, 0), costs(10, 0), 3), 30, 1.0)[0] == 16


def test_suffixes_that_earn_nothing_are_left_out_where_rows_cost() -> None:
    adaptive = Adaptive(Limits(range(4, 5), range(5)), costs(1, 0), costs(10, 0.5), 3)
    assert chosen(adaptive, 40, 1.0, gain=0)[1] == 0
    adaptive.reset()
    assert chosen(adaptive, 40, 1.0, gain=3)[1] >= 1


@given(steps=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.integers(0, 3)), max_size=30))
def test_whatever_happens_the_choice_stays_in_its_bounds(steps) -> None:
    adaptive = Adaptive(Limits(range(2, 7), range(1, 3)), costs(1, 0.1), costs(5, 0.2), 3)
    first = adaptive.choose()
    for drafted, accepted, gain in steps:
        accepted = min(accepted, drafted)
        adaptive.learn(drafted, accepted, drafted, drafted, [gain] if accepted == drafted else None)
        gamma, k = adaptive.choose()
        assert 2 <= gamma <= 6 and 1 <= k <= 2
    adaptive.reset()
    assert adaptive.choose() == first, "a new prompt starts again"


@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_gamma_follows_the_draft(noise: float) -> None:
    """With the target as its own draft lengths grow, with a draft that is never right they shrink.
    """
    target = make_model("llama")
    pair = ModelPair(ModelSession(target), ModelSession(blurred(target, noise)), frozenset(), str)
    decoder = method.build(ouroboros_config(gamma="auto", k=0, phrases=False, text_phrases=False), pair)
    cheap, dear = costs(1, 0.01), costs(10, 0.1)
    decoder.drafter.adaptive.draft, decoder.drafter.adaptive.target = cheap, dear
    outcome = decoder.generate(prompts(1)[0], Stopping(frozenset(), 100))
    late = outcome.steps.drafted[len(outcome.steps) // 2 : -4] or outcome.steps.drafted[:1]
    if noise:
        assert max(late) <= 3
    else:
        assert max(outcome.steps.drafted) > outcome.steps.drafted[0]


def test_suffixes_that_the_pool_does_not_have_count_as_worth_nothing() -> None:
    """An empty pool must not let k look good forever, and so the draft look dispensable."""
    target = make_model("llama")
    pair = ModelPair(ModelSession(target), ModelSession(target), frozenset(), str)
    settings = ouroboros_config(gamma="auto", k="auto", phrases=False, text_phrases=False, enabled=False)
    decoder = method.build(settings, pair)
    adaptive = decoder.drafter.adaptive
    adaptive.draft, adaptive.target = costs(5, 0), costs(10, 0.1)
    _, first = adaptive.choose()
    decoder.generate(prompts(1)[0], Stopping(frozenset(), 100))
    gamma, last = adaptive.choose()
    assert gamma > 0 and last < first
