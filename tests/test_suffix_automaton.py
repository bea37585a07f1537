"""The suffix automaton and the cursor against brute force: every substring, every place, the
longest repeat."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from decoding.suffix_automaton import NO_MATCH, REFRESHED, Cursor, Match, SuffixAutomaton

# Two or three different tokens, so that everything repeats.
texts = st.lists(st.integers(0, 2), max_size=50)


def ends(text: list[int], part: list[int]) -> list[int]:
    """The places where `part` ends in `text`."""
    return [end for end in range(len(part) - 1, len(text)) if text[end + 1 - len(part) : end + 1] == part]


def longest_repeat(text: list[int]) -> Match:
    """The longest suffix that ends in front of the text's last place too, and where it does so
    last."""
    for length in range(len(text) - 1, 0, -1):
        earlier = ends(text, text[-length:])[:-1]
        if earlier:
            return Match(length, earlier[-1])
    return NO_MATCH


def longest_match(text: list[int], read: list[int]) -> Match:
    """The longest suffix of `read` in `text`, and where it ends last."""
    for length in range(len(read), 0, -1):
        places = ends(text, read[-length:])
        if places:
            return Match(length, places[-1])
    return NO_MATCH


def follow(automaton: SuffixAutomaton, part: list[int]) -> Match:
    cursor = Cursor(automaton)
    cursor.follow(part)
    return cursor.match


@given(text=texts)
def test_the_longest_repeat_and_its_last_place_are_known_after_every_token(text: list[int]) -> None:
    automaton = SuffixAutomaton()
    assert automaton.repeat == NO_MATCH
    for place, token in enumerate(text):
        automaton.extend([token])
        assert automaton.repeat == longest_repeat(text[: place + 1])
        assert automaton.repeat.end < place, "text never matches itself"
    assert automaton.tokens == text
    assert len(automaton) <= max(2 * len(text), 1)


@given(text=st.lists(st.integers(0, 2), max_size=25), others=st.lists(st.lists(st.integers(0, 2), max_size=6)))
def test_it_holds_every_substring_and_nothing_else(text: list[int], others: list[list[int]]) -> None:
    automaton = SuffixAutomaton()
    automaton.extend(text)
    parts = [text[start:end] for start in range(len(text)) for end in range(start + 1, len(text) + 1)]
    for part in parts + [other for other in others if other]:
        match = follow(automaton, part)
        assert match == longest_match(text, part)
        assert (match.length == len(part)) == bool(ends(text, part))


@given(known=st.lists(texts, max_size=4), read=st.lists(st.integers(0, 3), max_size=30))
def test_a_cursor_finds_the_longest_suffix_in_several_texts(known: list[list[int]], read: list[int]) -> None:
    """Token by token, also where one is unknown; no match reaches from one text into the next."""
    automaton = SuffixAutomaton()
    for text in known:
        automaton.extend(text)
        automaton.separate()
    cursor = Cursor(automaton)
    for place, token in enumerate(read):
        cursor.follow([token])
        match = longest_match(automaton.tokens, read[: place + 1])
        assert cursor.match == match
        assert match.length == max([0, *(longest_match(text, read[: place + 1]).length for text in known)])


@given(text=texts, cuts=st.lists(st.integers(0, 50), max_size=4))
def test_it_does_not_depend_on_how_the_text_arrives(text: list[int], cuts: list[int]) -> None:
    pieces = SuffixAutomaton()
    for end in sorted(min(cut, len(text)) for cut in cuts):
        pieces.extend(text[len(pieces.tokens) : end])
    pieces.extend(text[len(pieces.tokens) :])
    whole = SuffixAutomaton()
    whole.extend(text)
    assert (pieces._next, pieces._link, pieces._length, pieces._end) == (
        whole._next, whole._link, whole._length, whole._end
    )  # fmt: skip


class CountingList(list):
    """Counts the reads of its elements."""

    reads = 0

    def __getitem__(self, index):
        self.reads += 1
        return super().__getitem__(index)


@pytest.mark.parametrize("period", [1, 2, 7])
def test_a_text_that_repeats_itself_for_long_stays_linear(period: int) -> None:
    """Suffix chains are as long as the text there: the walk along them is bounded, and every match
    is still one."""
    automaton = SuffixAutomaton()
    automaton._link = CountingList(automaton._link)
    text = [place % period for place in range(REFRESHED * 20)]
    for place, token in enumerate(text):
        automaton.extend([token])
        if place >= period:
            assert automaton.repeat == Match(place + 1 - period, place - period)
    assert automaton._link.reads <= (REFRESHED + 4) * len(text)
    # A different token breaks the period; after it the shortest suffixes are found, wherever they
    # ended.
    automaton.extend([9, text[0]])
    assert automaton.repeat.length == 1
    assert text[automaton.repeat.end] == text[0]
