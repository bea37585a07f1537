"""SAM-Decoding: what is drafted from the text and from earlier outputs, and that history is
exactly the outputs."""

from itertools import product, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matrix import build, check, decode, make_pair, prompts, reference
from samples import covering
from test_suffix_automaton import longest_match, longest_repeat

from baselines import sam
from baselines.sam import Sam
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.stopping import Stopping
from decoding.suffix_automaton import SEPARATOR
from decoding.tree import TokenTree
from decoding.verification import Verdict

EOS = frozenset({5})
short_texts = st.lists(st.integers(0, 2), min_size=1, max_size=25)


@pytest.fixture(scope="module")
def llama() -> ModelPair:
    return make_pair("llama", traced=True)


def drafter_of(**settings: float) -> Sam:
    return Sam(sam.Config(**settings), EOS, vocabulary=100)


def learn(drafter: Sam, prompt: list[int], output: list[int]) -> None:
    """A generation: its last two tokens are confirmed by the last step."""
    drafter.reset(prompt, 100)
    drafter.draft(prompt + output[:-2], 50)
    drafter.observe(Verdict(TokenTree(0, 0), [0], output[-2:], {}, [], None))


def periodic(text: list[int], start: int, count: int) -> list[int]:
    """`count` tokens of text[start:], said over and over."""
    return [(text[start:] * count)[place] for place in range(count)]


@given(text=short_texts, cuts=st.lists(st.integers(1, 25), max_size=4), limit=st.integers(0, 30))
def test_the_draft_follows_the_last_place_of_the_longest_repeat(text: list, cuts: list, limit: int) -> None:
    """Of the rows that the match is good for the root takes one."""
    drafter = drafter_of(min_match=2, alpha=1.5, draft_length=9)
    drafter.reset(text[:1], 100)
    for end in [*sorted(min(cut, len(text)) for cut in cuts), len(text)]:
        length, place = longest_repeat(text[:end])
        count = min(9 - 1, int(1.5 * length), limit) if length >= 2 else 0
        assert drafter.draft(text[:end], limit) == periodic(text[:end], place + 1, count)


@given(earlier=st.lists(short_texts, max_size=3), text=short_texts, bias=st.integers(0, 2))
def test_the_longer_match_wins_and_the_text_on_a_tie(earlier: list[list[int]], text: list[int], bias: int) -> None:
    drafter = drafter_of(draft_length=6, history_bias=bias)
    for output in earlier:
        learn(drafter, [4, 4], [3, *output, 3])
    drafter.reset(text[:3], 100)
    drafted = drafter.draft(text, 50)
    here, there = longest_repeat(text), longest_match(drafter.history.tokens, text)
    best = max(here.length, there.length - bias)
    assert bool(drafted) == (best > 0)
    if there.length - bias > here.length:
        following = takewhile(lambda token: token != SEPARATOR, drafter.history.tokens[there.end + 1 :])
        assert drafted == list(following)[: min(6 - 1, 4 * best)]
        assert drafter.metrics()["sam_drafts"] == {"text": 0, "history": 1}
    elif best:
        assert drafted == periodic(text, here.end + 1, min(6 - 1, 4 * best))
        assert drafter.metrics()["sam_drafts"] == {"text": 1, "history": 0}


@pytest.mark.parametrize(("alpha", "length", "drafts"), [(4.0, 40, [4, 8, 36, 39, 39]), (0.5, 40, [0, 1, 4, 5, 10]),
                                                        (None, 40, [39] * 5), (None, 7, [6] * 5)])  # fmt: skip
def test_the_root_is_one_of_the_rows(alpha: float | None, length: int, drafts: list[int]) -> None:
    """SAM-Decoding's rule: [start_token] + text[end + 1 : end + n], n = min(draft_length, 1 +
    int(alpha * match)). The start token is the last confirmed one."""
    period = list(range(10, 90))
    drafter = drafter_of(alpha=alpha, draft_length=length)
    for match, drafted in zip((1, 2, 9, 10, 20), drafts, strict=True):
        text = [*period, 1, *period[:match]]
        drafter.reset(text[:1], 200)
        assert drafter.draft(text, 100) == period[match : match + drafted]
        assert 1 + drafted == min(length, 1 + int(alpha * match) if alpha is not None else length)


@pytest.mark.parametrize(("match", "drafted"), [(5, 0), (6, 4), (8, 12)])
def test_a_match_in_earlier_outputs_counts_as_shorter(match: int, drafted: int) -> None:
    """By 5 tokens, as in SAM-Decoding: where it is looked for, where it is compared and where it
    sets the length."""
    known = list(range(10, 50))
    drafter = drafter_of()
    learn(drafter, [1], known)
    drafter.reset([2], 200)
    assert drafter.draft([2, *known[:match]], 100) == known[match : match + drafted]


def test_where_an_earlier_output_ends_the_text_itself_is_drafted_from() -> None:
    drafter = drafter_of(history_bias=0)
    learn(drafter, [9], [1, 2, 3, 4])
    drafter.reset([4, 8, 7], 100)
    assert drafter.draft([4, 8, 7, 2, 3, 4], 3) == [8, 7, 2]
    assert drafter.draft([4, 8, 7, 2, 3, 4, 1, 2], 3) == [3, 4], "a draft ends where the output did"


def test_a_draft_ends_with_the_end_of_sequence_and_keeps_to_the_vocabulary() -> None:
    drafter = drafter_of()
    drafter.reset([1, 2, 5, 3, 1, 7, 100, 4], 100)
    assert drafter.draft([1, 2, 5, 3, 1, 7, 100, 4, 8, 1, 2], 9) == [5]
    assert drafter.draft([1, 2, 5, 3, 1, 7, 100, 4, 8, 1, 2, 7], 9) == []


def test_history_is_the_outputs_and_nothing_else(llama: ModelPair) -> None:
    """Last steps included; prompts, and what a step verified after an end of sequence, not."""
    decoder = build(sam.Config(), llama)
    observe = decoder.drafter.observe
    said: list[list[int]] = []
    decoder.drafter.observe = lambda verdict: (said.append(verdict.tokens), observe(verdict))
    expected: list[int] = []
    behind_the_end = 0
    for prompt in [*prompts(6), *prompts(6)]:
        said.clear()
        output = decoder.generate(prompt, Stopping(frozenset({5}), 20)).tokens
        if said:  # of an output that ends with the prefill nothing is ever heard
            expected += [*output, SEPARATOR]
            behind_the_end += 5 in said[-1][:-1]
    decoder.drafter.reset([1], 10)
    assert decoder.drafter.history.tokens == expected
    assert behind_the_end


def test_warm_history_changes_the_work_but_not_the_tokens_and_is_forgotten(llama: ModelPair) -> None:
    stopping = Stopping(frozenset(), 40)
    decoder = build(sam.Config(), llama)
    for prompt in prompts(3):
        decoder.forget()
        cold = decoder.generate(prompt, stopping)
        warm = decoder.generate(prompt, stopping)
        decoder.forget()
        again = decoder.generate(prompt, stopping)
        assert cold.tokens == warm.tokens == again.tokens
        assert cold.steps.rows == again.steps.rows, "forgetting forgets all"
        assert cold.extra == again.extra
        assert cold.extra["sam_drafts"]["history"] == cold.extra["history_tokens"] == 0
        assert warm.extra["sam_drafts"]["history"] > 0
        assert warm.extra["history_tokens"] == 41
        assert len(warm.steps) < len(cold.steps), "the output is known"
        assert max(warm.steps.emitted) > 10, "the longer the match, the longer the draft"


@pytest.mark.parametrize(
    "options", covering([*product([1, 3], [0.5, 1.0, 4.0, None], [2, 5, 40])], enumerate), ids=str
)
def test_outputs_are_greedys_with_a_history_that_grows(llama: ModelPair, options: tuple) -> None:
    min_match, alpha, length = options
    stoppings = [Stopping(frozenset({5}), 40), Stopping(frozenset(), 60, ("ab", "q"), decode), Stopping(frozenset(), 9)]
    tests = [(p, s, reference(llama, p, s)) for p in prompts(3) for s in stoppings]
    config = sam.Config(min_match=min_match, alpha=alpha, draft_length=length, history_bias=min_match - 1)
    check(llama, config, tests + tests)


@pytest.mark.parametrize(
    "fields",
    [
        {"min_match": 0},
        {"alpha": 0.0},
        {"alpha": float("inf")},
        {"alpha": float("nan")},
        {"draft_length": 1},
        {"history_bias": -1},
    ],
)
def test_settings_out_of_range_are_refused(fields: dict) -> None:
    with pytest.raises(UserError, match=f"^{next(iter(fields))} must be"):
        sam.Config(**fields)
