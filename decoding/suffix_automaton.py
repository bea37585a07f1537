"""A suffix automaton over a growing text (Blumer et al., 1985).

Every substring of the text is a path from its root. A state stands for the substrings that end at
the same indices; it knows the length of the longest and one place where they end. Appending a token
costs amortised O(1) dictionary operations, and the longest suffix that has occurred before comes
with it: a cursor that follows the text through the automaton, always advanced before the text is
extended (SAM-Decoding, arXiv 2411.10666), would stand at the suffix link of the newest state. Text
thus never matches itself.
"""

from collections.abc import Iterable
from typing import NamedTuple

# Suffix links along which an appended token refreshes the places, so that the most recent
# occurrence is found. The chains of usual text are much shorter; those of a text that repeats
# itself for long are as long as the text, and a bounded walk keeps appending O(1) there: for the
# shortest suffixes an older occurrence is then found.
REFRESHED = 64

SEPARATOR = -1


class Match(NamedTuple):
    """A suffix of what was read, `length` tokens long, that also ends at `end` (inclusive)."""

    length: int
    end: int


NO_MATCH = Match(0, -1)


class SuffixAutomaton:
    """Tokens of one text or, with `separate` between them, of several.

    Attributes:
        tokens: everything appended.
        repeat: the longest suffix of the text that has ended before, and where it did so last.
    """

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.repeat = NO_MATCH
        self._next: list[dict[int, int]] = [{}]
        self._link = [-1]
        self._length = [0]
        self._end = [-1]
        self._newest = 0

    def __len__(self) -> int:
        """States: fewer than two a token."""
        return len(self._length)

    def extend(self, tokens: Iterable[int]) -> None:
        """Append tokens (ids of at least 0)."""
        for token in tokens:
            self._append(token)

    def separate(self) -> None:
        """End one text and begin another: no run of token ids reaches across."""
        self._append(SEPARATOR)

    def _append(self, token: int) -> None:
        index = len(self.tokens)
        self.tokens.append(token)
        newest = self._add({}, self._length[self._newest] + 1, index)
        state = self._newest
        while state >= 0 and token not in self._next[state]:
            self._next[state][token] = newest
            state = self._link[state]
        link = self._suffix(state, token) if state >= 0 else 0
        self._link[newest] = link
        self._newest = newest
        self.repeat = Match(self._length[link], self._end[link]) if link else NO_MATCH
        for _ in range(REFRESHED):
            if link <= 0:
                break
            self._end[link] = index
            link = self._link[link]

    def _suffix(self, state: int, token: int) -> int:
        """The state whose longest substring is that of `state` with `token` after it.

        It is split off where it must be.
        """
        target = self._next[state][token]
        if self._length[target] == self._length[state] + 1:
            return target
        clone = self._add(dict(self._next[target]), self._length[state] + 1, self._end[target])
        self._link[clone] = self._link[target]
        self._link[target] = clone
        while state >= 0 and self._next[state].get(token) == target:
            self._next[state][token] = clone
            state = self._link[state]
        return clone

    def _add(self, following: dict[int, int], length: int, end: int) -> int:
        self._next.append(following)
        self._link.append(0)
        self._length.append(length)
        self._end.append(end)
        return len(self._length) - 1


class Cursor:
    """Follows tokens through the automaton of other texts, which must not grow meanwhile.

    Amortised O(1) a token.
    """

    def __init__(self, automaton: SuffixAutomaton) -> None:
        self.automaton = automaton
        self._state = 0
        self._length = 0

    @property
    def match(self) -> Match:
        """The longest suffix of the tokens followed that occurs in the automaton's text."""
        return Match(self._length, self.automaton._end[self._state]) if self._length else NO_MATCH

    def follow(self, tokens: Iterable[int]) -> None:
        """Go on with tokens."""
        automaton = self.automaton
        for token in tokens:
            while self._state and token not in automaton._next[self._state]:
                self._state = automaton._link[self._state]
                self._length = automaton._length[self._state]
            if token in automaton._next[self._state]:
                self._state = automaton._next[self._state][token]
                self._length += 1
