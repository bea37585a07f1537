"""How often which token followed an n-gram of a text that grows."""

from collections import Counter
from collections.abc import Sequence


class NgramCounts:
    """Chances of the next token from the n-grams that end a text, of several lengths, weighted.

    Args:
        weights: of the chance after the last token, after the last two, and so on. They need not
            sum to one.
    """

    def __init__(self, weights: Sequence[float]) -> None:
        self._weights = weights
        self.clear()

    @property
    def longest(self) -> int:
        """How many of the text's last tokens are looked at."""
        return len(self._weights)

    def clear(self) -> None:
        """A new text begins."""
        self._read = 0
        self._following: dict[tuple[int, ...], Counter[int]] = {}

    def read(self, tokens: Sequence[int]) -> None:
        """Take in what the text has gained since the last call: O(longest) for each token."""
        for place in range(self._read, len(tokens)):
            for length in range(1, min(self.longest, place) + 1):
                following = self._following.setdefault(tuple(tokens[place - length : place]), Counter())
                following[tokens[place]] += 1
        self._read = len(tokens)

    def chances(self, end: Sequence[int], candidates: Sequence[int]) -> list[float]:
        """Of each candidate the weighted share of times that it came next; 0 where it never did.

        Args:
            end: the last tokens of a text, as many as there are weights or more; fewer of a shorter
                text.
            candidates: token ids.
        """
        chances = [0.0] * len(candidates)
        for length, weight in enumerate(self._weights[: len(end)], start=1):
            following = self._following.get(tuple(end[len(end) - length :]))
            if following is None:
                break  # what no shorter n-gram was followed by, no longer one was
            total = following.total()
            for place, token in enumerate(candidates):
                chances[place] += weight * following[token] / total
        return chances
