"""What every kind of question uses: the register of families, rows, names, small text helpers."""

import random
from collections.abc import Callable, Sequence

from training.corpus.corpus import Family, Row

# A writer draws its turns and its replies; both lists have one or two texts.
Writer = Callable[[random.Random], tuple[list[str], list[str]]]
FAMILIES: dict[str, Family] = {}

PEOPLE = (
    *("Adam", "Alice", "Bruno", "Clara", "David", "Diana", "Edgar", "Emma", "Frank", "Grace", "Henry", "Irene"),
    *("Jacob", "Julia", "Kevin", "Laura", "Mark", "Mona", "Nora", "Oscar", "Paula", "Robert", "Sarah", "Thomas"),
)
SURNAMES = (
    *("Abbot", "Barker", "Carver", "Dalton", "Ellis", "Foster", "Garner", "Hobbs", "Ingram", "Jarvis", "Keller"),
    *("Lowell", "Mercer", "Norton", "Osborne", "Parson", "Quinn", "Rowland", "Sutton", "Turner", "Vance", "Weller"),
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def family(category: str) -> Callable[[Writer], Writer]:
    """Register a writer, under its function's name, as a family of a Spec-Bench category."""

    def register(write: Writer) -> Writer:
        def draw(generator: random.Random) -> Row:
            turns, reference = write(generator)
            return {"category": category, "turns": turns, "reference": reference}

        FAMILIES[write.__name__] = draw
        return write

    return register


def full_name(generator: random.Random) -> str:
    """A first name and a surname."""
    return f"{generator.choice(PEOPLE)} {generator.choice(SURNAMES)}"


def listed(items: Sequence[str]) -> str:
    """Items in a row, the last two joined by "and"."""
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else items[0]


def capital(text: str) -> str:
    """`text` with a capital first letter."""
    return text[:1].upper() + text[1:]
