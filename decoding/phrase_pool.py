"""The phrase pool: short continuations, keyed by the token they follow (arXiv 2402.13720, section 3.2).

Per key the least recently inserted phrase gives way when the capacity is reached; inserting a phrase again makes
it the newest. There are no duplicates, and phrases may be shorter than the usual length.
"""

import itertools
from collections import Counter

Phrase = tuple[int, ...]


class PhrasePool:
    """Phrases by their first token.

    capacity: phrases kept per key; the number of keys is bounded only by the vocabulary.
    learned: phrases newly inserted, by where they came from. lookups, hits: how often a key was asked for, and found.

    Raises ValueError for a capacity below 1.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"the pool's capacity must be at least 1, not {capacity}")
        self.capacity = capacity
        self._phrases: dict[int, dict[Phrase, str]] = {}
        self.clear()

    def clear(self) -> None:
        """Drop every phrase and the counts."""
        self._phrases.clear()
        self.reset_counts()

    def reset_counts(self) -> None:
        """Count anew, phrases stay."""
        self.learned: Counter[str] = Counter()
        self.evicted = 0
        self.lookups = 0
        self.hits = 0

    def __len__(self) -> int:
        return sum(map(len, self._phrases.values()))

    def insert(self, key: int, phrase: Phrase, origin: str) -> None:
        """Make `phrase` the newest one of `key`; an empty phrase says nothing and is left out."""
        if not phrase:
            return
        phrases = self._phrases.setdefault(key, {})
        if phrases.pop(phrase, None) is None:
            self.learned[origin] += 1
            if len(phrases) >= self.capacity:
                del phrases[next(iter(phrases))]
                self.evicted += 1
        phrases[phrase] = origin

    def replace(self, key: int, old: Phrase, new: Phrase, origin: str) -> None:
        """Remove `old` if it is still there, and insert `new` as the newest."""
        if old != new:
            self._phrases.get(key, {}).pop(old, None)
        self.insert(key, new, origin)

    def newest(self, key: int, count: int) -> list[Phrase]:
        """At most `count` phrases of `key`, the newest first."""
        if count < 1:
            return []
        self.lookups += 1
        phrases = self._phrases.get(key)
        if not phrases:
            return []
        self.hits += 1
        return list(itertools.islice(reversed(phrases), count))

    def report(self) -> dict[str, object]:
        """Counts since the last reset_counts, and the size, for a generation's `extra`."""
        return {
            "pool_size": len(self),
            "pool_lookups": self.lookups,
            "pool_hits": self.hits,
            "pool_evicted": self.evicted,
            "phrases_learned": dict(self.learned),
        }


class TextPhrases:
    """Feeds a pool with every phrase of the confirmed text, the prompt included (off in the paper's setting)."""

    def __init__(self, pool: PhrasePool, length: int) -> None:
        self.pool = pool
        self.length = length
        self._done = 0

    def reset(self) -> None:
        """A new text begins."""
        self._done = 0

    def read(self, tokens: list[int]) -> None:
        """Insert the phrases that the text has gained since the last call."""
        for start in range(self._done, len(tokens) - self.length):
            self.pool.insert(tokens[start], tuple(tokens[start + 1 : start + 1 + self.length]), "text")
        self._done = max(self._done, len(tokens) - self.length)
