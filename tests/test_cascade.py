"""The cascade: the lookup against brute force, the draft model's own text in front, the lookup's
after it."""

from collections import Counter

import pytest
import torch
from families import VOCABULARY, blurred, make_model
from hypothesis import given
from hypothesis import strategies as st
from matrix import check, make_pair, prompts, reference
from test_drafting import continuation

from baselines import speculative
from baselines.cascade import Cascade, Config, MaxGram, build
from baselines.prompt_lookup import NgramIndex, PromptLookup
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import walk

END, ALIEN = 3, 4


def proposed(drafter: Drafter, tokens: list[int], limit: int) -> list[int]:
    tree = TokenTree(tokens[-1], room=99)
    drafter.propose(tokens, tree, limit)
    assert tree.depths == list(range(len(tree))), "a chain"
    return tree.tokens[1:]


def brute_force(text: list[int], longest: int, shortest: int, count: int) -> list[int]:
    for size in range(longest, shortest - 1, -1):
        for place in range(len(text) - 1, size - 1, -1):
            if size <= len(text) and text[place - size : place] == text[-size:]:
                copy = text[place : place + count]
                copy = copy[: copy.index(ALIEN)] if ALIEN in copy else copy
                return copy[: copy.index(END) + 1] if END in copy else copy
    return []


texts = st.lists(st.tuples(st.integers(0, 12), st.lists(st.integers(0, ALIEN), max_size=6)), min_size=1, max_size=8)


@given(texts, st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(-1, 5))
def test_lookup_against_brute_force_while_the_text_is_taken_back(
    changes: list, shortest: int, more: int, draft_length: int, limit: int
) -> None:
    """Each change takes tokens from the text's end and adds others, as rejected drafts do."""
    longest = shortest + more - 1
    lookup = PromptLookup(NgramIndex(shortest, longest), draft_length, frozenset({END}), vocabulary=ALIEN)
    lookup.reset([], 99)
    text = [0, 1, 2, 0, 1]
    for taken, added in changes:
        text = text[: max(len(text) - taken, 1)] + added
        count = max(min(draft_length, limit), 0)
        assert proposed(lookup, text, limit) == brute_force(text, longest, shortest, count)


def max_gram(text: list[int], shortest: int) -> int | None:
    """The place after the first occurrence of the longest match, by looking at every pair of
    places."""
    for size in range(len(text) - 1, shortest - 1, -1):
        for place in range(size, len(text)):
            if text[place - size : place] == text[-size:]:
                return place
    return None


@given(st.lists(st.integers(0, ALIEN), min_size=1, max_size=20), st.integers(1, 3), st.integers(-1, 30))
def test_max_gram_against_brute_force(text: list[int], shortest: int, limit: int) -> None:
    """A copy that reaches the text's end goes on with what it has copied."""
    lookup = MaxGram(shortest, 12, frozenset({END}), vocabulary=ALIEN)
    start = max_gram(text, shortest)
    assert lookup.find(text) == start
    copy = [] if start is None else (text[start:] * 12)[: max(min(limit, 12), 0)]
    copy = copy[: copy.index(ALIEN)] if ALIEN in copy else copy
    assert proposed(lookup, text, limit) == (copy[: copy.index(END) + 1] if END in copy else copy)


def test_max_gram_copies_from_the_first_of_equal_matches_and_n_grams_from_the_last() -> None:
    text = [7, 8, 9, 2, 8, 9, 3, 8, 9]
    assert proposed(MaxGram(1, 2, frozenset(), VOCABULARY), text, 9) == [2, 8]
    lookup = PromptLookup(NgramIndex(1, 3), 2, frozenset(), VOCABULARY)
    assert proposed(lookup, text, 9) == [3, 8]


@pytest.mark.parametrize(("lenience", "passes"), [(1.0, False), (2.0, False), (2.4, False), (3.0, True)])
def test_a_lenient_review_passes_what_is_likely_enough(lenience: float, passes: bool) -> None:
    """A row of .5, .4, .1: the draft's token 1 passes above 1 / lenience; the last token is the
    model's own."""
    logits = torch.tensor([[0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.6, 0.3, 0.1]]).log()
    tree = TokenTree(2, room=9)
    tree.add(0, [1, 0], "lookup")
    verdict = walk(tree, [0, 1, 2], logits, lenience=lenience)
    assert verdict.tokens == ([1, 2] if passes else [0])


def test_of_several_that_pass_the_likeliest_does_and_the_models_own_comes_first() -> None:
    logits = torch.tensor([[0.4, 0.25, 0.35], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]).log()
    tree = TokenTree(2, room=9)
    tree.add_each([0, 0], [1, 2], "lookup")
    assert walk(tree, [0, 1, 2], logits[:3], lenience=9.0).tokens == [2, 1]
    tree.add(0, [0], "lookup")
    assert walk(tree, [0, 1, 2, 3], logits, lenience=9.0).tokens == [0, 2]
    foreign = TokenTree(2, room=9)
    foreign.add(0, [3], "lookup")
    assert walk(foreign, [0, 1], logits[:2], lenience=99.0).tokens == [0], "a token that the model lacks"


def test_outputs_are_greedys_whatever_the_lenience_and_drafts_are_not() -> None:
    pair = make_pair("llama", noise=0.05)
    stopping = Stopping(frozenset({5}), 40)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(2)]
    lookups = []
    for lenience in (1.0, 100.0):
        outcomes = check(pair, Config(gamma=5, tail=2, draft_length=4, lenience=lenience), tests)
        lookups.append([(each.steps.drafted, each.steps.draft_forwards) for each in outcomes])
    assert lookups[0] != lookups[1], "the review passed more"


def test_what_the_text_has_lost_is_found_no_more() -> None:
    index = NgramIndex(1, 2)
    index.read([1, 2, 3, 3])
    assert index.find([1, 2, 3, 3]) == 3
    index.read([1, 2, 5, 3])
    assert index.find([1, 2, 5, 3]) is None
    index.read([1, 3, 2, 2])
    assert index.find([1, 3, 2, 2]) == 3


def test_a_new_text_begins_empty() -> None:
    lookup = PromptLookup(NgramIndex(1, 2), 4, frozenset(), VOCABULARY)
    assert proposed(lookup, [1, 2, 3, 1], 9) == [2, 3, 1]
    lookup.reset([1], 99)
    assert proposed(lookup, [1], 9) == []


class Script(Drafter):
    """Proposes one given tree."""

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        (first, second) = tree.add(0, [11, 12], "script")
        tree.add(first, [13], "other")
        tree.add(second, [14], "script", wanted=False)


def drafter_of(gamma: int, tail: int, lookup: Drafter, eos: frozenset[int] = frozenset()) -> Cascade:
    return Cascade(gamma, tail, DraftModel(ModelSession(make_model("llama")), Drafter(), eos), lookup)


def test_the_draft_model_first_and_the_lookup_behind_it() -> None:
    """Any drafter may continue, with a tree too.

    Its nodes hang after the draft and keep their sources.
    """
    drafter = drafter_of(3, 9, Script())
    tokens = [2, 7, 1, 8]
    drafter.reset(tokens[:-1], 50)
    text = continuation(drafter.draft.session.model, tokens, 3)
    tree = TokenTree(tokens[-1], room=50)
    drafter.propose(tokens, tree, 20)
    assert tree.tokens == [8, *text, 11, 12, 13, 14]
    assert tree.parents == [-1, 0, 1, 2, 3, 4, 4, 5]
    assert tree.sources[1:] == [("draft",)] * 3 + [("script",)] * 2 + [("other",), ("script",)]


@pytest.mark.parametrize(("limit", "room", "length"), [(20, 50, 5), (20, 4, 4), (4, 50, 4), (3, 50, 3), (2, 50, 2)])
def test_limit_and_room_end_the_tail(limit: int, room: int, length: int) -> None:
    text = [9, 9, 9, 9, 9, 9]
    drafter = drafter_of(3, 2, PromptLookup(NgramIndex(1, 1), 5, frozenset(), VOCABULARY))
    tokens = [*range(VOCABULARY), *text, *range(VOCABULARY)]
    drafter.reset(tokens[:-1], 200)
    tree = TokenTree(tokens[-1], room)
    drafter.propose(tokens, tree, limit)
    assert tree.depths == list(range(length + 1))
    assert tree.sources[1:] == ([("draft",)] * 3 + [("lookup",)] * 2)[:length]


def test_nothing_follows_an_end_of_sequence() -> None:
    tokens = [2, 7, 1, 8]
    text = continuation(make_model("llama"), tokens, 6)
    end = next(place for place, token in enumerate(text) if token not in text[:place])
    drafter = drafter_of(6, 9, Script(), frozenset({text[end]}))
    drafter.reset(tokens[:-1], 50)
    tree = TokenTree(tokens[-1], room=50)
    drafter.propose(tokens, tree, 20)
    assert tree.tokens[1:] == text[: end + 1]


def test_drafts_are_the_draft_models_text_in_fewer_forwards() -> None:
    """The vertical cascade changes the draft's price and never its text, whatever is accepted or
    rejected."""
    target = make_model("llama", seed=4)
    seen: Counter[str] = Counter()
    forwards = {}
    for name, config in {
        "cascade": Config(gamma=5, tail=0, draft_length=4),
        "speculative": speculative.Config(gamma=5),
    }.items():
        pair = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.02)), frozenset(), str)
        decoder = (build if name == "cascade" else speculative.build)(config, pair)
        propose = decoder.drafter.propose

        def spy(tokens, tree, limit, propose=propose, model=pair.draft.model, name=name):
            propose(tokens, tree, limit)
            drafted = tree.tokens[1:]
            assert drafted == continuation(model, tokens, len(drafted))
            assert min(5, limit) <= len(drafted) <= limit
            seen[name] += len(drafted)

        decoder.drafter.propose = spy
        outcome = decoder.generate([3, 3, 3, 3], Stopping(frozenset(), 80))
        forwards[name] = decoder.drafter.forwards()[0] - 1  # but for the prefill
        assert sum(outcome.steps.accepted)
    assert forwards["speculative"] == seen["speculative"]
    assert forwards["cascade"] < 0.9 * seen["cascade"]


def test_tokens_of_the_tail_are_accepted() -> None:
    """A draft that is the target: the whole of it is accepted every time, and the lookup goes on
    from there."""
    pair = make_pair("llama", noise=0.0)
    stopping = Stopping(frozenset(), 80)
    tests = [([3, 3, 3, 3], stopping, reference(pair, [3, 3, 3, 3], stopping))]
    tests += [(p, stopping, reference(pair, p, stopping)) for p in prompts(2)]
    sources: Counter[str] = Counter()
    for outcome in check(pair, Config(gamma=2, tail=3), tests):
        for step in outcome.steps.sources:
            sources.update(step)
            assert step == sorted(step), "the draft model's before the lookup's"
            assert step.count("lookup") <= 3
    assert sources["draft"] > sources["lookup"] > 10
