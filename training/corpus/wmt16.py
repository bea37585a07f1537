"""German-English sentence pairs in the schema of wmt/wmt16, by a small grammar of both languages.

A pattern draws one meaning and writes it twice, so the translation is right by construction. Four
patterns that put known pieces together in new ways are kept for `test_unseen`.
"""

import random
import re

from training.corpus.corpus import Corpus, Family, Row
from training.corpus.translation import statements, subordinate  # noqa: F401 - they register their patterns
from training.corpus.translation.pattern import PATTERNS, Pattern, capital
from training.corpus.translation.speaker import Speaker

SHORTEST, LONGEST = 8, 25
UNSEEN = frozenset({"reported_reason", "relative_condition", "reported_passive", "although_intention"})


def finish(text: str) -> str:
    """A sentence with its capital, its full stop, and no comma before another mark."""
    ended = text if text.endswith(("?", ".")) else text + "."
    return capital(re.sub(r",(?=\s*[,.?“])", "", ended))


def translate(pattern: Pattern, generator: random.Random) -> tuple[str, str]:
    """A German text and its English, of SHORTEST to LONGEST German words."""
    while True:
        german, english = map(finish, pattern(Speaker(generator)))
        if SHORTEST <= len(german.split()) <= LONGEST:
            return german, english


def family(pattern: Pattern) -> Family:
    """The rows that a sentence pattern gives."""

    def write(generator: random.Random) -> Row:
        german, english = translate(pattern, generator)
        return {"translation": {"de": german, "en": english}}

    return write


def identify(row: Row, split: str, number: int) -> Row:
    """The hub's rows have no id; a name by split and number stands in."""
    return {"id": f"wmt16/{split}/{number}", **row}


CORPUS = Corpus("wmt16", {name: family(pattern) for name, pattern in PATTERNS.items()}, UNSEEN, identify)
