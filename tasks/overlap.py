"""How much of one set of texts is known from another: shared word n-grams.

Templates flatter a method that reuses phrases. The share of a test split's n-grams that also occur
in the training split says how far a figure measured on it may carry.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path

# Eight words are longer than most fixed phrases of a template and shorter than most sentences.
WORDS = 8

# Written beside the bundled data, because the share is taken with more training rows than lie
# there.
BUNDLED_SHARES = "overlap.json"

TOKEN = re.compile(r"\w+|[^\w\s]")


def ngrams(texts: Iterable[str], words: int = WORDS) -> set[tuple[str, ...]]:
    """The distinct runs of `words` tokens inside the texts.

    A token is a word or a punctuation mark, lower case.
    """
    found: set[tuple[str, ...]] = set()
    for text in texts:
        tokens = TOKEN.findall(text.lower())
        found.update(zip(*(tokens[start:] for start in range(words)), strict=False))
    return found


def overlap(texts: Iterable[str], known: Iterable[str], words: int = WORDS) -> float | None:
    """Share (0..1) of the distinct n-grams of `texts` that occur in `known`.

    None if the texts have none.
    """
    wanted = ngrams(texts, words)
    return len(wanted & ngrams(known, words)) / len(wanted) if wanted else None


def bundled_share(folder: Path, task: str, split: str) -> float | None:
    """The share that the generator noted for a split of the data in `folder`.

    None for the training split.
    """
    shares = json.loads((folder / BUNDLED_SHARES).read_text(encoding="utf-8"))
    return shares.get(task, {}).get(split)
