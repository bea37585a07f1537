"""The pool against a plain model of it: a list per key, oldest first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from baselines.phrase_pool import ORDERS, TEXTS, PhrasePool, TextPhrases

# Few, so that the same phrase comes again, and keys are full and their phrases credited.
keys = st.integers(0, 1)
phrases = st.sampled_from([(), (1,), (2,), (1, 2), (2, 1), (3, 3, 3)])
operations = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), keys, phrases),
        st.tuples(st.just("replace"), keys, phrases, phrases),
        st.tuples(st.just("credit"), keys, phrases, st.integers(1, 3)),
        st.tuples(st.just("clear")),
    ),
    min_size=10,
    max_size=60,
)


def test_the_least_useful_gives_way_and_of_several_the_oldest() -> None:
    pool = PhrasePool(3, "usefulness")
    for token in (1, 2, 3):
        pool.insert(9, (token,), "test")
    pool.credit(9, (1,), 4)
    pool.insert(9, (4,), "test")
    assert pool.best(9, 3) == [(1,), (4,), (3,)], "the oldest stays, it has served"
    for token in (3, 4):
        pool.credit(9, (token,), 1)
    pool.insert(9, (5,), "test")
    assert pool.best(9, 3) == [(1,), (4,), (5,)], "of two with one token each the older goes; the new one has yet none"


@given(capacity=st.integers(1, 4), order=st.sampled_from(ORDERS), operations=operations)
def test_pool_behaves_like_lists(capacity: int, order: str, operations: list[tuple]) -> None:
    """The least recent of a key is evicted or, in order of usefulness, the oldest of those with the
    least credit."""
    pool, model, credits = PhrasePool(capacity, order), {}, {}
    evicted = 0

    def ranked(key: int) -> list[tuple[int, ...]]:
        newest = model.get(key, [])[::-1]
        return sorted(newest, key=lambda phrase: -credits[key, phrase]) if order == "usefulness" else newest

    for operation, *arguments in operations:
        if operation == "clear":
            pool.clear()
            model, evicted = {}, 0
            continue
        key, *said = arguments
        entries = model.setdefault(key, [])
        if operation == "credit":
            pool.credit(key, *said)
            if said[0] in entries:
                credits[key, said[0]] += said[1]
            assert pool.best(key, capacity) == ranked(key)
            continue
        earned = 0
        if operation == "replace" and said[0] != said[1] and said[0] in entries:
            entries.remove(said[0])
            earned = credits[key, said[0]]
        if operation == "insert":
            pool.insert(key, said[0], "test")
        else:
            pool.replace(key, said[0], said[1], "test")
        new = said[-1]
        if new:
            if new in entries:
                entries.remove(new)
            else:
                if len(entries) == capacity:
                    entries.remove(ranked(key)[-1])
                    evicted += 1
                credits[key, new] = 0
            credits[key, new] += earned
            entries.append(new)
            assert new in pool.best(key, capacity), "what comes never makes way for itself"
        for other in range(2):
            expected = ranked(other)
            assert pool.best(other, capacity) == expected
            assert pool.best(other, 2) == expected[:2]
        assert len(pool) == sum(map(len, model.values()))
        assert pool.evicted == evicted
    saved = PhrasePool(capacity, order)
    saved.load(pool.phrases(), pool.credits())
    assert [saved.best(key, capacity) for key in range(2)] == [ranked(key) for key in range(2)]
    assert len(saved) == len(pool)
    smaller = PhrasePool(1, order)
    smaller.load(pool.phrases(), pool.credits())
    assert [smaller.best(key, capacity) for key in range(2)] == [ranked(key)[:1] for key in range(2)]


def test_counts_tell_origins_lookups_and_hits() -> None:
    pool = PhrasePool(2)
    pool.insert(1, (2, 3), "window")
    pool.insert(1, (2, 3), "rejection")
    pool.insert(1, (4,), "rejection")
    assert pool.best(1, 5) == [(4,), (2, 3)]
    assert pool.best(7, 5) == []
    assert pool.best(1, 0) == []
    assert pool.metrics() == {
        "pool_size": 2, "pool_lookups": {"guess": 2}, "pool_hits": {"guess": 1}, "pool_evicted": 0,
        "phrases_learned": {"window": 1, "rejection": 1},
    }  # fmt: skip
    pool.reset_counts()
    assert len(pool) == 2
    assert pool.metrics()["phrases_learned"] == {}


def test_capacity_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        PhrasePool(0)


@given(text=st.lists(st.integers(0, 5), max_size=30), prompt=st.integers(0, 30))
def test_text_phrases_belong_to_the_part_they_end_in(text: list[int], prompt: int) -> None:
    learned = {}
    for parts in (TEXTS, *((part,) for part in TEXTS)):
        pool = PhrasePool(50)
        reader = TextPhrases(pool, 3, parts)
        reader.reset(text[:prompt])
        assert "output" not in pool.learned and bool(pool) == ("prompt" in parts and min(prompt, len(text)) > 3)
        reader.read(text)
        learned[parts] = {(key, phrase) for key in range(6) for phrase in pool.best(key, 50)}
        assert set(pool.learned) <= set(parts)
    runs = [tuple(text[start : start + 4]) for start in range(len(text) - 3)]
    for part, mine in (("prompt", runs[: max(prompt - 3, 0)]), ("output", runs[max(prompt - 3, 0) :])):
        assert learned[part,] == {(run[0], run[1:]) for run in mine}
    assert learned[TEXTS] == learned["prompt",] | learned["output",]


@given(text=st.lists(st.integers(0, 5), max_size=30), cuts=st.lists(st.integers(0, 30), max_size=5))
def test_text_phrases_do_not_depend_on_how_the_text_arrives(text: list[int], cuts: list[int]) -> None:
    whole, pieces = PhrasePool(50), PhrasePool(50)
    TextPhrases(whole, 3).read(text)
    reader = TextPhrases(pieces, 3)
    for end in sorted(min(cut, len(text)) for cut in cuts):
        reader.read(text[:end])
    reader.read(text)
    for key in range(6):
        assert whole.best(key, 50) == pieces.best(key, 50)
    expected = {(text[i], tuple(text[i + 1 : i + 4])) for i in range(len(text) - 3)}
    assert {(key, phrase) for key in range(6) for phrase in whole.best(key, 50)} == expected


@given(
    inserted=st.lists(st.integers(0, 5), min_size=1, max_size=12),
    credits=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3)), max_size=8),
)
def test_usefulness_goes_by_accepted_tokens_and_then_by_recency(inserted, credits):
    pool = PhrasePool(10, order="usefulness")
    for token in inserted:
        pool.insert(1, (token,), "test")
    useful = dict.fromkeys(inserted, 0)
    for token, accepted in credits:
        pool.credit(1, (token,), accepted)
        if token in useful:
            useful[token] += accepted
    newest = list(dict.fromkeys(reversed(inserted)))
    expected = sorted(newest, key=lambda token: -useful[token])
    assert pool.best(1, 99) == [(token,) for token in expected]
    pool.insert(1, (expected[-1],), "test")
    assert useful[expected[0]] == useful[expected[-1]] or pool.best(1, 99)[0] == (expected[0],), "refreshing keeps it"


def test_a_refined_phrase_keeps_what_it_has_earned() -> None:
    pool = PhrasePool(2, "usefulness")
    pool.insert(9, (1, 2), "test")
    pool.credit(9, (1, 2), 3)
    pool.insert(9, (5,), "test")
    pool.replace(9, (1, 2), (1, 4), "test")
    assert pool.credits() == {9: [0, 3]}
    pool.credit(9, (5,), 2)
    pool.replace(9, (5,), (1, 4), "test")
    assert pool.phrases() == {9: [(1, 4)]} and pool.credits() == {9: [5]}, "what both have earned"
    assert len(pool) == 1
