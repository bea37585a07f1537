"""A small invented world, the same in every run, and questions about it that need no text.

Forty towns, forty rivers and forty writers have attributes by index arithmetic; primes that share
no factor with a list's length spread them, so the facts look random and never change.
"""

import random
from dataclasses import dataclass

from training.corpus.questions.register import PEOPLE, SURNAMES, family

TOWNS = [
    start + end
    for end in ("bury", "holt", "mere", "stow")
    for start in ("Ash", "Bell", "Crow", "Dun", "Elm", "Fern", "Hart", "King", "Lang", "Oak")
]
RIVERS = [
    start + end
    for end in ("a", "en", "o", "ira")
    for start in ("Sev", "Tal", "Wend", "Yar", "Nev", "Ols", "Mir", "Kand", "Ard", "Bist")
]
WRITERS = [f"{PEOPLE[(5 * index) % 24]} {SURNAMES[(7 * index + 3) % 22]}" for index in range(40)]
LANDS = ("Arvenia", "Belmark", "Cordia", "Doranth", "Esteria", "Falland", "Gormia")
FAME = ("its salt mines", "its silk", "its old harbour", "its apple trees", "its bells", "its glass", "its horses")
BOOKS = ("The Silver Gate", "A Winter Road", "Seven Lanterns", "The Last Ferry", "Letters from the Hill", "Stone Birds")
LAKES = ("Onda", "Vesper", "Tarn", "Iris", "Mole")
SUBJECTS = ("the sea", "a long war", "village life", "a lost brother", "the stars", "an honest thief", "two sisters")


@dataclass(frozen=True)
class Attribute:
    """A fact about each of a list's members: the question, the answering clause, its values."""

    asked: str
    answered: str
    values: tuple[str, ...]

    def of(self, index: int) -> str:
        return self.answered.format(value=self.values[index])


def spread(options: tuple[str, ...] | list[str], factor: int, offset: int = 0) -> tuple[str, ...]:
    """Forty values drawn from `options` by a stride."""
    return tuple(options[(factor * index + offset + index // len(options)) % len(options)] for index in range(40))


def numbers(low: int, factor: int, modulus: int, step: int = 1) -> tuple[str, ...]:
    """Forty numbers from `low` on, by a stride."""
    return tuple(str(low + step * ((factor * index) % modulus)) for index in range(40))


TOWN = (
    Attribute("in which land it lies", "lies in {value}", spread(LANDS, 3)),
    Attribute("on which river it stands", "stands on the river {value}", spread(RIVERS, 7, 2)),
    Attribute("when it was founded", "was founded in {value}", numbers(1100, 37, 600)),
    Attribute("what it is known for", "is known for {value}", spread(FAME, 5, 1)),
    Attribute("how many thousand people live there", "has {value} thousand people", numbers(12, 29, 180)),
)
RIVER = (
    Attribute("in which land it rises", "rises in {value}", spread(LANDS, 5, 2)),
    Attribute("how long it is", "is {value} kilometres long", numbers(80, 17, 97, 10)),
    Attribute("into which lake it flows", "flows into Lake {value}", spread(LAKES, 2)),
    Attribute("how many bridges cross it", "has {value} bridges", numbers(3, 11, 37)),
)
WRITER = (
    Attribute("when the writer was born", "was born in {value}", numbers(1620, 41, 330)),
    Attribute("which book made the writer famous", "became famous with {value}", spread(BOOKS, 5, 1)),
    Attribute("where the writer lived", "lived in {value}", spread(TOWNS, 11, 4)),
    Attribute("what the books are about", "wrote about {value}", spread(SUBJECTS, 3, 2)),
)
GROUPS = {"town": (TOWNS, TOWN, "The town of {}"), "river": (RIVERS, RIVER, "The river {}")}

PROMPTS = (
    ("Tell me two things about {named}: {1} and {2}.", "{Named} {one}, and it {two}."),
    (
        "What do you know about {named}? Say {1}, {2} and {3}.",
        "As for {named}, it {one} and {two}. Besides, it {three}.",
    ),
    (
        "About {named}: I want to know {1}, also {2}, and finally {3}.",
        "{Named} {one}. Besides, it {two}, and it {three}.",
    ),
    ("{Named} came up in a quiz. Do you know {1} and {2}?", "Yes, I do: {named} {one}, and it {two}."),
)


def ask(generator: random.Random, group: str) -> tuple[list[str], list[str]]:
    """A question after two or three attributes of a member of the group.

    Its answer is in whole sentences.
    """
    members, attributes, title = GROUPS[group]
    index = generator.randrange(len(members))
    chosen = generator.sample(attributes, 3)
    prompt, reply = generator.choice(PROMPTS)
    named = title.format(members[index])
    names = {"Named": named, "named": "t" + named[1:]}
    told = dict(zip(("one", "two", "three"), (each.of(index) for each in chosen), strict=True))
    return [prompt.format("", *(each.asked for each in chosen), **names)], [reply.format(**names, **told)]


@family("qa")
def qa_towns(generator: random.Random) -> tuple[list[str], list[str]]:
    """Facts of a town."""
    return ask(generator, "town")


@family("qa")
def qa_rivers(generator: random.Random) -> tuple[list[str], list[str]]:
    """Facts of a river."""
    return ask(generator, "river")


@family("humanities")
def writers(generator: random.Random) -> tuple[list[str], list[str]]:
    """Two facts of a writer, and then how another writer compares by date."""
    index, other = generator.sample(range(len(WRITERS)), 2)
    facts = generator.sample(WRITER[1:], 2)
    born, later = int(WRITER[0].values[index]), int(WRITER[0].values[other])
    gap = abs(born - later)
    opening, start = generator.choice(
        (
            ("Write a few lines about the writer {}: {} and {}.", "{} was a writer who {}. The writer {}."),
            ("Introduce {} to a class. Say {} and {}.", "Let me introduce {}, who {}. The writer {}."),
        )
    )
    order = "earlier" if later < born else "later"
    compared = f"{WRITERS[other]} was born in {later}, that is {gap} years {order} than {WRITERS[index]}."
    same = f"{WRITERS[other]} was born in {later}, in the same year as {WRITERS[index]}."
    first = start.format(WRITERS[index], facts[0].of(index), facts[1].of(index)) + f" The year of birth is {born}."
    return (
        [
            opening.format(WRITERS[index], facts[0].asked, facts[1].asked),
            f"Was {WRITERS[other]} born earlier or later?",
        ],
        [first, compared if gap else same],
    )
