"""The phrase pool: short continuations, by the token they follow (arXiv 2402.13720, section 3.2).

Per key the least recently inserted phrase gives way when the capacity is reached (in order of
usefulness the least useful one, the oldest of several); inserting a phrase again makes it the
newest. There are no duplicates, and phrases may be shorter than the usual length.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

from decoding.stopwatch import Stopwatch

Phrase = tuple[int, ...]

ORDERS = ("recency", "usefulness")
TEXTS = ("prompt", "output")


class PhrasePool:
    """Phrases by their first token.

    Args:
        capacity: phrases kept per key; the number of keys is bounded only by the vocabulary.
        order: which phrases come first, and which give way last: "recency", the newest;
            "usefulness", those of which most tokens were accepted.
        ngram: N, the longest phrase's length + 1, where the pool is meant for one.

    Attributes:
        learned: phrases newly inserted, by where they came from.
        lookups, hits: how often a key was asked for, and found, by who asked.
        clock: runs while anything is asked, inserted or credited.

    Raises:
        ValueError: capacity is below 1, or order is unknown.
    """

    def __init__(self, capacity: int, order: str = "recency", ngram: int | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"the pool's capacity must be at least 1, not {capacity}")
        if order not in ORDERS:
            raise ValueError(f"the pool's order is one of {', '.join(ORDERS)}, not {order}")
        self.capacity = capacity
        self.order = order
        self.ngram = ngram
        self.clock = Stopwatch()
        # Oldest first, with the tokens accepted from each.
        self._phrases: dict[int, dict[Phrase, int]] = {}
        self.clear()

    def clear(self) -> None:
        """Drop every phrase and the counts."""
        self._phrases.clear()
        self._size = 0
        self.reset_counts()

    def reset_counts(self) -> None:
        """Count anew, phrases stay."""
        self.learned: Counter[str] = Counter()
        self.evicted = 0
        self.lookups: Counter[str] = Counter()
        self.hits: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._size

    def insert(self, key: int, phrase: Phrase, origin: str) -> None:
        """Make `phrase` the newest one of `key`; an empty phrase says nothing and is left out."""
        if not phrase:
            return
        with self.clock:
            phrases = self._phrases.setdefault(key, {})
            useful = phrases.pop(phrase, None)
            if useful is None:
                self.learned[origin] += 1
                if len(phrases) >= self.capacity:
                    self._evict(phrases)
                    self.evicted += 1
                else:
                    self._size += 1
            phrases[phrase] = useful or 0

    def _evict(self, phrases: dict[Phrase, int]) -> None:
        """Drop one.

        What is to come in its place is not there yet, so that it never drops itself.
        """
        useful = self.order == "usefulness"
        # On a tie the oldest goes.
        del phrases[min(phrases, key=phrases.__getitem__) if useful else next(iter(phrases))]

    def replace(self, key: int, old: Phrase, new: Phrase, origin: str) -> None:
        """Remove `old` if it is still there; insert `new` as the newest, with both's credits."""
        with self.clock:
            earned = self._phrases.get(key, {}).pop(old, None) if old != new else None
            if earned is not None:
                self._size -= 1
            self.insert(key, new, origin)
            self.credit(key, new, earned or 0)

    def credit(self, key: int, phrase: Phrase, accepted: int) -> None:
        """Note that `accepted` tokens of the phrase were confirmed.

        Nothing happens where it has gone meanwhile.
        """
        with self.clock:
            phrases = self._phrases.get(key, {})
            if phrase in phrases:
                phrases[phrase] += accepted

    def best(self, key: int, count: int, asker: str = "guess") -> list[Phrase]:
        """At most `count` phrases of `key`, in the pool's order.

        Args:
            key: the phrases' first token.
            count: how many are wanted.
            asker: whose hit rate this counts for.
        """
        if count < 1:
            return []
        with self.clock:
            self.lookups[asker] += 1
            phrases = self._phrases.get(key)
            if not phrases:
                return []
            self.hits[asker] += 1
            newest = reversed(phrases)
            if self.order == "usefulness":
                # Sorting is stable: the newer comes first on a tie.
                newest = iter(sorted(newest, key=phrases.__getitem__, reverse=True))
            return list(itertools.islice(newest, count))

    def phrases(self) -> dict[int, list[Phrase]]:
        """Everything in the pool, oldest first."""
        return {key: list(phrases) for key, phrases in self._phrases.items() if phrases}

    def credits(self) -> dict[int, list[int]]:
        """For every phrase of `phrases`, in order, how many of its tokens were accepted."""
        return {key: list(phrases.values()) for key, phrases in self._phrases.items() if phrases}

    def load(
        self, phrases: Mapping[int, Iterable[Phrase]], credits: Mapping[int, Iterable[int]] | None = None
    ) -> None:
        """Replace everything by `phrases`; counts stay.

        Of more than `capacity` phrases of a key those are kept that would give way last.

        Args:
            phrases: by first token, oldest first.
            credits: accepted tokens of the phrases, in the same order; None: no token was accepted
                yet.
        """
        self._phrases = {}
        for key, each in phrases.items():
            listed = list(each)
            kept = dict(zip(listed, credits[key] if credits else [0] * len(listed), strict=True))
            while len(kept) > self.capacity:
                self._evict(kept)
            self._phrases[key] = kept
        self._size = sum(map(len, self._phrases.values()))

    def counts(self) -> dict[str, dict[str, int]]:
        """The counts by kind as they stand now, by the names they have in records."""
        return {
            "pool_lookups": dict(self.lookups),
            "pool_hits": dict(self.hits),
            "phrases_learned": dict(self.learned),
        }

    def metrics(self) -> dict[str, object]:
        """Counts since the last reset_counts, and the size, for a generation's `extra`."""
        return {
            "pool_size": len(self),
            "pool_evicted": self.evicted,
            **self.counts(),
        }


class TextPhrases:
    """Feeds a pool with the phrases of the confirmed text (off in the paper's setting).

    Args:
        parts: of the text; a phrase that ends in the prompt is the "prompt"'s, any other the
            "output"'s.
    """

    def __init__(self, pool: PhrasePool, length: int, parts: Collection[str] = TEXTS) -> None:
        self.pool = pool
        self.length = length
        self.parts = parts
        self._prompt = self._done = 0

    def reset(self, prompt: list[int]) -> None:
        """A new text begins with `prompt`, whose phrases are inserted."""
        self._prompt = len(prompt)
        self._done = 0
        self.read(prompt)

    def read(self, tokens: list[int], more: Sequence[int] = ()) -> None:
        """Insert the phrases that the text, `tokens` and then `more`, gained since last time."""
        fresh = (*tokens[self._done :], *more)
        with self.pool.clock:
            for start in range(len(fresh) - self.length):
                end = start + 1 + self.length
                part = "prompt" if self._done + end <= self._prompt else "output"
                if part in self.parts:
                    self.pool.insert(fresh[start], fresh[start + 1 : end], part)
        self._done += max(0, len(fresh) - self.length)
