"""What every sentence pattern uses: the register of patterns, and clauses in their setting."""

from collections.abc import Callable

from training.corpus.translation.clause import Clause, Pair
from training.corpus.translation.noun_phrase import NounPhrase
from training.corpus.translation.speaker import MANNERS, Speaker

# A pattern draws a meaning and returns it as (German, English), without the full stop.
Pattern = Callable[[Speaker], Pair]
PATTERNS: dict[str, Pattern] = {}


def pattern(write: Pattern) -> Pattern:
    """Register a pattern under its function's name."""
    PATTERNS[write.__name__] = write
    return write


def with_setting(speaker: Speaker, clause: Clause, place: float = 0.6, time: float = 1.0) -> Clause:
    """The clause with a time and perhaps a place and a manner."""
    changes: dict[str, object] = {}
    if speaker.chance(time):
        changes["time"] = speaker.time(clause.tense)
    if speaker.chance(place):
        changes["place"] = speaker.place()
    if not clause.negated and speaker.chance(0.12):
        changes["manner"] = speaker.choose(MANNERS)
    definite = isinstance(clause.object, NounPhrase) and clause.object.determiner == "the"
    return clause.but(**changes, object_early=definite and speaker.chance(0.3))


def main(speaker: Speaker, clause: Clause) -> Pair:
    """The clause as a main clause that begins with its subject or, as often, its time."""
    front = "time" if clause.time[0] and speaker.chance(0.5) else "subject"
    return clause.german_main(front), clause.english_main(front)


def join(*pairs: Pair) -> Pair:
    """Pairs joined by one space in each language."""
    return " ".join(german for german, _ in pairs), " ".join(english for _, english in pairs)


def capital(text: str) -> str:
    """`text` with its first letter, after a quotation mark or not, as a capital."""
    start = next(index for index, letter in enumerate(text) if letter.isalnum())
    return text[:start] + text[start].upper() + text[start + 1 :]
