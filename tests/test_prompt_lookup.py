"""Prompt lookup against brute force, and what a copied draft may hold."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matrix import check, decode, make_pair, prompts, reference
from samples import covering

from baselines import prompt_lookup
from baselines.prompt_lookup import NgramIndex, PromptLookup
from decoding.copying import copied
from decoding.errors import UserError
from decoding.stopping import Stopping
from decoding.tree import TokenTree


def last_match(text: list[int], shortest: int, longest: int) -> int | None:
    """Brute force: the place after the last earlier occurrence of the longest n-gram that ends the
    text."""
    for length in range(longest, shortest - 1, -1):
        for end in range(len(text) - 2, length - 2, -1):
            if length <= len(text) and text[end + 1 - length : end + 1] == text[-length:]:
                return end + 1
    return None


@given(
    texts=st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=40), min_size=1, max_size=3),
    cuts=st.lists(st.integers(1, 40), max_size=6),
    shortest=st.integers(1, 3),
    more=st.integers(0, 3),
)
def test_the_index_finds_the_most_recent_match_of_the_longest_ngram(
    texts: list[list[int]], cuts: list[int], shortest: int, more: int
) -> None:
    """Read at once or in pieces; of an earlier text nothing is left."""
    index = NgramIndex(shortest, shortest + more)
    for text in texts:
        index.clear()
        for end in [*sorted(min(cut, len(text)) for cut in cuts), len(text)]:
            index.read(text[:end])
            assert index.find(text[:end]) == last_match(text[:end], shortest, shortest + more)


def test_every_place_is_indexed_once() -> None:
    """O(1) a token: the number of insertions is that of the text's n-grams, however often the index
    is read."""

    class Counting(dict):
        count = 0

        def setdefault(self, key, default):
            self.count += 1
            return super().setdefault(key, default)

    index = NgramIndex(1, 3)
    index._ends = Counting()
    text = [place % 5 for place in range(200)]
    for end in range(1, 201):
        index.read(text[:end])
    assert index._ends.count == 3 * 199 - 3


def proposal(tokens: list[int], limit: int = 100, eos: frozenset[int] = frozenset(), **settings: int) -> list[int]:
    config = prompt_lookup.Config(**settings)
    index = NgramIndex(config.min_ngram, config.max_ngram)
    drafter = PromptLookup(index, config.draft_length, eos, vocabulary=100)
    drafter.reset([*range(40), *range(40)], 200)  # an earlier prompt, of which nothing is left
    drafter.reset(tokens[:1], 200)
    tree = TokenTree(tokens[-1], room=200)
    drafter.propose(tokens, tree, limit)
    assert tree.parents == list(range(-1, len(tree) - 1)), "a chain"
    return tree.tokens[1:]


def test_proposals() -> None:
    text = [1, 2, 3, 10, 11, 12, 13, 2, 3, 20, 9, 3, 30, 31, 1, 2, 3]
    assert proposal(text, draft_length=3) == [10, 11, 12], "the longest n-gram first"
    assert proposal(text, draft_length=3, max_ngram=2) == [20, 9, 3], "its most recent place"
    assert proposal(text, draft_length=3, max_ngram=1) == [30, 31, 1]
    assert proposal(text, limit=2) == [10, 11]
    assert proposal(text) == text[3:13]
    assert proposal([7, 8, 5, 7, 8]) == [5, 7, 8], "a recent repeat yields what there is"
    assert proposal([4, 4, 4]) == [4]
    assert proposal([1, 2, 3]) == [], "no match, no draft"
    assert proposal([1, 2, 1], min_ngram=2) == []
    assert proposal(text, eos=frozenset({11})) == [10, 11], "nothing after an end of sequence"


@given(
    text=st.lists(st.integers(-1, 6), min_size=1, max_size=12), start=st.integers(0, 11), count=st.integers(0, 30)
)
def test_a_copy_ends_where_nothing_can_be_accepted(text: list[int], start: int, count: int) -> None:
    start = min(start, len(text) - 1)
    unrolled = text + [0] * 40
    for place in range(len(text), len(unrolled)):
        unrolled[place] = unrolled[place - (len(text) - start)]
    expected = []
    for token in unrolled[start : start + count]:
        if token in (-1, 6):  # separators, and ids outside the vocabulary
            break
        expected.append(token)
        if token == 5:
            break
    assert copied(text, start, count, frozenset({5}), vocabulary=6) == expected


@pytest.mark.parametrize(
    "options", covering([*product([(1, 1), (2, 1), (3, 2), (8, 1)], [1, 4, 10, 40])], enumerate), ids=str
)
def test_outputs_are_greedys(options: tuple) -> None:
    (longest, shortest), length = options
    pair = make_pair("llama")
    stoppings = [Stopping(frozenset({5}), 40), Stopping(frozenset(), 60, ("ab", "q"), decode)]
    tests = [(p, s, reference(pair, p, s)) for p, s in zip(prompts(2), stoppings, strict=True)]
    check(pair, prompt_lookup.Config(max_ngram=longest, min_ngram=shortest, draft_length=length), tests)


def test_drafts_are_proposed_accepted_and_rejected() -> None:
    """A random model repeats itself, so that lookups hit, miss, and are wrong."""
    pair = make_pair("llama")
    stopping = Stopping(frozenset(), 60)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(4)]
    outcomes = check(pair, prompt_lookup.Config(), tests)
    drafted = [d for outcome in outcomes for d in outcome.steps.drafted]
    accepted = [a for outcome in outcomes for a in outcome.steps.accepted]
    assert 0 in drafted
    assert max(accepted) > 1
    assert any(a < d for a, d in zip(accepted, drafted, strict=True))
    assert {source for outcome in outcomes for step in outcome.steps.sources for source in step} == {"lookup"}
    assert all(set(outcome.steps.draft_forwards) == {0} for outcome in outcomes)


@pytest.mark.parametrize("fields", [{"min_ngram": 0}, {"draft_length": 0}, {"max_ngram": 0}])
def test_settings_out_of_range_are_refused(fields: dict) -> None:
    with pytest.raises(UserError, match=f"^{next(iter(fields))} must be"):
        prompt_lookup.Config(**fields)
