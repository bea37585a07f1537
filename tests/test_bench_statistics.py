"""bench/report/statistics.py by hand-worked examples and by properties."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.report.statistics import (
    NO_DRAFTS,
    NONE,
    RESAMPLES,
    Estimate,
    Throughput,
    acceptance,
    geometric_mean,
    rate_ratio,
    ratio_of_speedups,
    repetition_rate,
    speedup,
)


def throughput(tokens, seconds) -> Throughput:
    """One repeat of every prompt."""
    return repeated([[each] for each in tokens], [[each] for each in seconds])


def repeated(tokens, seconds) -> Throughput:
    """Lists of prompts of repeats."""
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


def test_with_one_repeat_prompts_alone_are_drawn():
    """Against the bootstrap over prompts, drawn resample by resample."""
    tokens, seconds, greedy = [10, 90, 40], [1.0, 3.0, 1.5], [2.0, 8.0, 7.0]
    picks = np.random.default_rng(5).integers(0, 3, size=(RESAMPLES, 3))
    ratios = [sum(greedy[pick] for pick in row) / sum(seconds[pick] for pick in row) for row in picks]
    figure = speedup(throughput(tokens, seconds), throughput(tokens, greedy), seed=5)
    assert (figure.low, figure.high) == pytest.approx(np.percentile(ratios, [2.5, 97.5]))
    logs = np.log(np.array(greedy) / np.array(seconds))
    figure = geometric_mean(throughput(tokens, seconds), throughput(tokens, greedy), seed=5)
    means = np.exp(logs[picks].mean(axis=1))
    assert (figure.low, figure.high) == pytest.approx(np.percentile(means, [2.5, 97.5]))


@pytest.mark.parametrize("figure", [speedup, geometric_mean])
def test_repeats_are_drawn_within_each_prompt(figure):
    # Of one prompt: its first repeat twice, both, its second twice.
    found = figure(repeated([[10, 10]], [[1.0, 2.0]]), repeated([[10, 10]], [[2.0, 2.0]]))
    assert (found.low, found.value, found.high) == pytest.approx((1.0, 4 / 3, 2.0))
    # Prompts that are all alike, in which the machine was slow once: prompts alone would say that
    # the figure is sure, and one draw for all prompts that it is twice as unsure.
    found = figure(repeated([[10] * 3] * 8, [[1.0, 1.0, 1.3]] * 8), repeated([[10] * 3] * 8, [[1.0] * 3] * 8))
    assert 0.08 < found.high - found.low < 0.12 and found.holds(3 / 3.3)


@pytest.mark.parametrize("figure", [speedup, geometric_mean])
def test_the_sides_of_a_prompt_and_repeat_stay_together(figure):
    """A machine that is slow for both sides at once is no noise of their ratio."""
    load = np.random.default_rng(0).uniform(1, 9, size=(5, 4))
    found = figure(repeated([[7] * 4] * 5, load), repeated([[7] * 4] * 5, 2 * load))
    assert (found.low, found.high) == pytest.approx((2.0, 2.0))
    pair = repeated([[7] * 4] * 5, load), repeated([[7] * 4] * 5, 2 * load)
    assert ratio_of_speedups(pair, pair[::-1]).low == pytest.approx(4.0)


def test_an_estimate_holds_what_its_interval_does():
    assert Estimate(1.1, 1.0, 1.2).holds(1.0) and not Estimate(1.1, 1.01, 1.2).holds(1.0)
    assert not Estimate(1.1, 1.0, 1.2).holds(1.21) and not NONE.holds(1.0)


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
    # The last step was cut: the output ended with its second drafted token, and the third was not
    # tried.
    figures = acceptance(drafted=[3, 3, 2, 3], accepted=[0, 2, 2, 2], emitted=[1, 3, 3, 2])
    assert (figures.drafted, figures.accepted) == (11, 6)
    assert figures.rate == pytest.approx(6 / 11)
    assert figures.marginal == [0.75, 0.75, 0.0]
    assert figures.conditional == [0.75, 1.0, 0.0]
    assert figures.histogram == {"0": 1, "2": 3}
    assert figures.cut_steps == 1


def test_a_depth_that_only_cut_steps_reached_was_never_tried():
    figures = acceptance(drafted=[2, 2], accepted=[1, 1], emitted=[1, 1])
    assert figures.conditional == [1.0, None]
    assert figures.marginal == [1.0, 0.0] and figures.cut_steps == 2


@st.composite
def steps(draw):
    """(drafted, accepted, emitted) as a decoder's steps may be: an output that ends with a drafted
    token is cut."""
    drafted = draw(st.integers(0, 9))
    accepted = draw(st.integers(0, drafted))
    return drafted, accepted, accepted + (draw(st.booleans()) if accepted else 1)


@given(st.lists(steps(), min_size=1))
def test_the_marginals_are_tokens_per_forward_and_the_cut_steps(rows):
    drafted, accepted, emitted = zip(*rows, strict=True)
    figures = acceptance(drafted, accepted, emitted)
    if figures == NO_DRAFTS:
        assert not any(drafted)
        return
    per_forward = sum(emitted) / len(rows)
    assert 1 + sum(figures.marginal) == pytest.approx(per_forward + figures.cut_steps / len(rows))
    assert figures.cut_steps == len(rows) + sum(accepted) - sum(emitted)
    assert sum(figures.histogram.values()) == len(rows)


@given(st.lists(steps(), min_size=1))
def test_conditionals_by_brute_force_over_every_tried_token(rows):
    """Token by token: a drafted one was tried if all before it were accepted and the output had not
    ended yet."""
    tried, taken = {}, {}
    for drafted, accepted, emitted in rows:
        for depth in range(drafted):
            if depth > accepted or (depth == accepted and emitted == accepted):
                break
            tried[depth] = tried.get(depth, 0) + 1
            taken[depth] = taken.get(depth, 0) + (depth < accepted)
    found = acceptance(*zip(*rows, strict=True)).conditional or []
    assert found == [pytest.approx(taken[d] / tried[d]) if d in tried else None for d in range(len(found))]
    assert len(found) >= len(tried)


def test_a_steady_acceptance_is_found_whatever_cuts_the_outputs():
    """Every drafted token is right with probability 0.6, and one confirmed token in ten ends the
    output."""
    draw = np.random.default_rng(0)
    rows = []
    for _ in range(20000):
        right = int(np.argmin([*(draw.random(6) < 0.6), False]))
        end = next((place for place in range(1, right + 1) if draw.random() < 0.1), None)
        rows.append((6, right, right + 1) if end is None else (6, end, end))
    figures = acceptance(*zip(*rows, strict=True))
    assert figures.conditional == pytest.approx([0.6] * 6, abs=0.03)


def test_ratios_of_rates_where_the_sides_decoded_other_numbers_of_tokens():
    # A prefill that gave several tokens leaves fewer to decode, in less time: no speed-up of that.
    method, greedy = throughput([6, 18], [3, 9]), throughput([9, 20], [4.5, 10])
    assert rate_ratio(method, greedy) == speedup(method, greedy).value == 1.0
    nothing = throughput([0], [0])
    assert rate_ratio(nothing, nothing) is None


def test_no_drafts_is_null_not_zero():
    assert acceptance([0, 0], [0, 0], [1, 1]) == NO_DRAFTS
    assert acceptance([], [], []) == NO_DRAFTS


def test_repetition_rate():
    assert repetition_rate([[1, 2, 1, 2, 1, 2]], length=2) == pytest.approx(3 / 5)
    assert repetition_rate([[1, 2, 3]], length=4) is None
