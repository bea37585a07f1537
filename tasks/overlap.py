"""How much of one set of texts is known from another: shared word n-grams.

Templates flatter a method that reuses phrases. The share of a test split's n-grams that also occur
in the training split says how far a figure measured on it may carry.
"""

import re
from collections.abc import Iterable

# Eight words are longer than most fixed phrases of a template and shorter than most sentences.
WORDS = 8

TOKEN = re.compile(r"\w+|[^\w\s]")


def ngrams(texts: Iterable[str], words: int = WORDS) -> set[tuple[str, ...]]:
    """The distinct runs of `words` tokens inside the texts; a token is a word or a punctuation mark, lower case."""
    found: set[tuple[str, ...]] = set()
    for text in texts:
        tokens = TOKEN.findall(text.lower())
        found.update(zip(*(tokens[start:] for start in range(words)), strict=False))
    return found


def overlap(texts: Iterable[str], known: Iterable[str], words: int = WORDS) -> float | None:
    """Share (0..1) of the distinct n-grams of `texts` that occur in `known`; None if the texts have none."""
    wanted = ngrams(texts, words)
    return len(wanted & ngrams(known, words)) / len(wanted) if wanted else None
