"""Invented things with facts, and passages that tell them.

rag, extraction and summaries draw on them.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from training.corpus.questions.register import MONTHS, capital, full_name

STARTS = ("Al", "Bren", "Cor", "Dal", "El", "Far", "Gren", "Hol", "Is", "Kel", "Lor", "Mar", "Nor", "Os", "Pel", "Ros")
ENDS = ("ba", "den", "field", "gard", "ham", "ine", "ka", "lin", "mont", "na", "rick", "sted", "ton", "vale", "wick")

Value = Callable[[random.Random], str]


@dataclass(frozen=True)
class Fact:
    """One attribute of a kind of thing.

    Attributes:
        label: its name in a list.
        value: draws its value.
        told: sentences with {it} and {value} that a passage may use.
        asked: the question after it, with {name}.
        answered: the sentence that answers it, with {it} and {value}.
    """

    label: str
    value: Value
    told: tuple[str, ...]
    asked: str
    answered: str


@dataclass(frozen=True)
class Kind:
    """A kind of thing: noun, pattern of names, how a passage begins, what pads it, facts."""

    noun: str
    named: str
    openings: tuple[str, ...]
    asides: tuple[str, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Record:
    """One thing of a kind with the values of its facts by label."""

    kind: Kind
    name: str
    values: dict[str, str]

    def fact(self, label: str) -> Fact:
        return next(fact for fact in self.kind.facts if fact.label == label)

    def answer(self, label: str, it: str | None = None) -> str:
        """The sentence that gives one fact, about the thing by name unless `it` is given."""
        return capital(self.fact(label).answered.format(it=it or self.name, value=self.values[label]))

    def question(self, label: str) -> str:
        """The question after one fact."""
        return self.fact(label).asked.format(name=self.name)

    def passage(self, generator: random.Random, asides: int = 1) -> str:
        """The facts in an order of their own, each in one of its wordings, asides between them."""
        facts = generator.sample(self.kind.facts, len(self.kind.facts))
        sentences = [
            capital(
                generator.choice(fact.told).format(
                    it=generator.choice(("it", f"the {self.kind.noun}")), value=self.values[fact.label]
                )
            )
            for fact in facts
        ]
        for aside in generator.sample(self.kind.asides, asides):
            sentences.insert(generator.randint(1, len(sentences)), aside)
        return " ".join([capital(generator.choice(self.kind.openings).format(name=self.name)), *sentences])


def draw_records(generator: random.Random, count: int, same_kind: bool = False) -> list[Record]:
    """Records with different names, of one kind or of any."""
    kind = generator.choice(KINDS) if same_kind else None
    records: dict[str, Record] = {}
    while len(records) < count:
        record = draw_record(generator, kind)
        records[record.name] = record
    return list(records.values())


def place_name(generator: random.Random) -> str:
    """An invented name such as Lorvale."""
    return generator.choice(STARTS) + generator.choice(ENDS)


def draw_record(generator: random.Random, kind: Kind | None = None) -> Record:
    """A record of the kind, or of any."""
    kind = kind or generator.choice(KINDS)
    values = {fact.label: fact.value(generator) for fact in kind.facts}
    return Record(kind, kind.named.format(place_name(generator)), values)


def number(low: int, high: int, step: int = 1, unit: str = "") -> Value:
    """Draws a number with thousands separated, and its unit."""
    return lambda generator: f"{generator.randrange(low, high, step):,}{unit and ' ' + unit}"


def year(low: int, high: int) -> Value:
    """Draws a year."""
    return lambda generator: str(generator.randrange(low, high))


def one_of(*options: str) -> Value:
    """Draws one of the options."""
    return lambda generator: generator.choice(options)


CITY = Fact(
    "city",
    place_name,
    ("{it} belongs to the city of {value}.", "You find {it} in {value}.", "{value} is the city that is home to {it}."),
    "In which city is {name}?",
    "{it} is in {value}.",
)
ARCHITECT = Fact(
    "architect",
    full_name,
    ("{it} was designed by {value}.", "The plans came from the architect {value}.", "{value} drew the plans for {it}."),
    "Who designed {name}?",
    "{it} was designed by {value}.",
)
COST = Fact(
    "cost",
    number(2, 90, unit="million crowns"),
    ("Building {it} cost {value}.", "The builders spent {value} on {it}.", "In the end the bill came to {value}."),
    "How much did {name} cost?",
    "{it} cost {value}.",
)
OPENED = Fact(
    "opening year",
    year(1820, 2015),
    ("{it} was opened in {value}.", "{it} dates from {value}.", "Since {value} {it} has been open to all."),
    "When was {name} opened?",
    "{it} was opened in {value}.",
)
VISITORS = Fact(
    "visitors",
    number(2000, 90000, 1000),
    (
        "{value} people come every year.",
        "Every year {value} visitors see {it}.",
        "{it} counts {value} visitors a year.",
    ),
    "How many visitors does {name} have in a year?",
    "{it} has {value} visitors a year.",
)

MUSEUM = Kind(
    "museum",
    "the {} Museum",
    ("{name} is well known in the region.", "Few houses are as popular as {name}.", "Families like {name}."),
    ("The café is small but pleasant.", "Pupils pay nothing on Sundays.", "A new roof is planned for next year."),
    (
        CITY,
        OPENED,
        ARCHITECT,
        VISITORS,
        Fact(
            "collection",
            one_of("old maps", "clocks", "glass", "sea animals", "toys", "coins", "paintings", "tools", "minerals"),
            ("{it} shows {value}.", "Its rooms are full of {value}.", "{it} is famous for its {value}."),
            "What does {name} show?",
            "{it} shows {value}.",
        ),
    ),
)
BRIDGE = Kind(
    "bridge",
    "the {} Bridge",
    ("{name} carries much of the traffic.", "Travellers often stop at {name}.", "Many painters have drawn {name}."),
    ("At night lamps light both sides.", "Heavy lorries have to take another way.", "Fishermen like the place."),
    (
        Fact(
            "river",
            place_name,
            ("{it} crosses the river {value}.", "Below {it} flows the {value}.", "It leads over the river {value}."),
            "Which river does {name} cross?",
            "{it} crosses the river {value}.",
        ),
        OPENED,
        ARCHITECT,
        COST,
        Fact(
            "length",
            number(60, 990, 10, "metres"),
            (
                "{it} is {value} long.",
                "It measures {value} from end to end.",
                "With a length of {value} {it} is no toy.",
            ),
            "How long is {name}?",
            "{it} is {value} long.",
        ),
    ),
)
COMPANY = Kind(
    "company",
    "{} Works",
    ("{name} is a family firm.", "{name} has changed a lot in recent years.", "Everybody in the valley knows {name}."),
    ("Its lorries are painted yellow.", "Young people can learn a trade there.", "The canteen is open to guests."),
    (
        CITY,
        Fact(
            "founding year",
            year(1850, 2010),
            ("{it} was founded in {value}.", "Its history began in {value}.", "The first workers started in {value}."),
            "When was {name} founded?",
            "{it} was founded in {value}.",
        ),
        Fact(
            "product",
            one_of("bicycles", "pumps", "shoes", "paper", "lamps", "tents", "cheese", "engines", "windows", "soap"),
            ("{it} makes {value}.", "Its main product is {value}.", "{it} earns its money with {value}."),
            "What does {name} make?",
            "{it} makes {value}.",
        ),
        Fact(
            "workers",
            number(40, 900, 10),
            ("{value} people work there.", "{it} employs {value} people.", "It gives work to {value} people."),
            "How many people work for {name}?",
            "{it} employs {value} people.",
        ),
        Fact(
            "director",
            full_name,
            ("{it} is led by {value}.", "{value} is the director.", "Its director is {value}."),
            "Who leads {name}?",
            "{it} is led by {value}.",
        ),
    ),
)
FESTIVAL = Kind(
    "festival",
    "the {} Festival",
    ("{name} is loved by young and old.", "Once a year {name} fills the streets.", "{name} has many friends."),
    ("Most guests come by train.", "The weather is not always kind.", "Helpers wear green shirts."),
    (
        CITY,
        VISITORS,
        Fact(
            "month",
            one_of(*MONTHS),
            ("{it} takes place in {value}.", "The date is always in {value}.", "Every {value} {it} comes back."),
            "In which month does {name} take place?",
            "{it} takes place in {value}.",
        ),
        Fact(
            "theme",
            one_of("jazz", "short films", "street theatre", "bread", "kites", "folk songs", "lights", "poetry"),
            ("{it} is all about {value}.", "Its theme is {value}.", "Guests come for {value}."),
            "What is {name} about?",
            "{it} is about {value}.",
        ),
        Fact(
            "founder",
            full_name,
            ("{it} goes back to {value}.", "{value} had the idea.", "{it} was founded by {value}."),
            "Who founded {name}?",
            "{it} was founded by {value}.",
        ),
    ),
)
KINDS = (MUSEUM, BRIDGE, COMPANY, FESTIVAL)
