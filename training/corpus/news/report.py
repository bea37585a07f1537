"""One news article in the making: facts with their highlights, among quotes and background.

Every wording of a fact brings its own highlight, so the summary follows from the article: a model
has to find the facts among the other sentences, copy their names and numbers, and reword them as it
has learnt to.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from training.corpus.corpus import Family, Row
from training.corpus.words import MEN, SURNAMES, TOWNS, WEEKDAYS, WOMEN

Value = TypeVar("Value")

ARTICLE_CHARACTERS = range(500, 1101)
HIGHLIGHT_CHARACTERS = range(100, 231)

NUMERALS = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
RIVERS = ("Arrow", "Brook", "Elm", "Lyn", "Marne", "Ouse", "Severn", "Tame", "Wye", "Yar")
REGIONS = ("coast", "hills", "valley", "border", "forest", "lakes", "moors", "plains")
REMARKS = (
    "There is nothing more to say", "I still cannot quite believe it", "People should know that",
    "That is how I see it", "We will see what the next weeks bring", "It means a lot to me",
    "I have told my family the same", "Others may see it differently", "I would say it again at any time",
    "We have learnt a lot from it", "It is as simple as that", "I have slept very little since then",
    "We owe that to the people here", "Time will tell who is right", "That was clear from the start",
)


@dataclass(frozen=True)
class Speaker:
    """Somebody who is quoted or acts: full name at first, then the surname."""

    first: str
    last: str
    he: str
    his: str

    def __str__(self) -> str:
        return f"{self.first} {self.last}"


class Report:
    """The draws and sentences of one article; `town`, `neighbour` and `day` set the scene."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.town, self.neighbour = rng.sample(TOWNS, 2)
        self.day = rng.choice(WEEKDAYS)
        self._paper = rng.choice(("Post", "Herald", "Echo", "Gazette"))
        self._surnames = rng.sample(SURNAMES, 6)
        self._lead: tuple[str, str] = ("", "")
        self._facts: list[tuple[str, str]] = []
        self._rest: list[str] = []

    def draw(self, low: int, high: int, step: int = 1) -> int:
        """A number from `low` to `high`, both included, in steps of `step`."""
        return self.rng.randrange(low, high + 1, step)

    def pick(self, options: Sequence[Value]) -> Value:
        """One of the options."""
        return self.rng.choice(options)

    def few(self) -> str:
        """A number from two to twelve, as a word."""
        return self.pick(NUMERALS)

    def person(self) -> Speaker:
        """Somebody whose surname nobody else in this article has."""
        woman = self.rng.random() < 0.5
        first = self.pick(WOMEN if woman else MEN)
        return Speaker(first, self._surnames.pop(), "she" if woman else "he", "her" if woman else "his")

    def lead(self, *wordings: tuple[str, str]) -> None:
        """Open with one of the (sentence, highlight) pairs."""
        self._lead = self.pick(wordings)

    def fact(self, *wordings: tuple[str, str], chance: float = 1.0) -> None:
        """Add one of the (sentence, highlight) pairs to the body, with the given chance."""
        if self.rng.random() < chance:
            self._facts.append(self.pick(wordings))

    def detail(self, *sentences: str) -> None:
        """Add one to three of the sentences, which no highlight mentions."""
        self._rest += self.rng.sample(sentences, self.draw(1, min(3, len(sentences))))

    def quote(self, speaker: Speaker, role: str, *words: str) -> None:
        """Add a quote, at times with a remark after it, attributed in one of several ways."""
        said = self.pick(words)
        name = speaker.last if str(speaker) in self._lead[0] else str(speaker)
        remark = f" {self.pick(REMARKS)}." if self.rng.random() < 0.4 else ""
        after = f" '{remark.strip()}'" if remark else ""
        self._rest.append(
            self.pick((
                f"'{said},' said {name}, {role}.{after}",
                f"{name}, {role}, said: '{said}.{remark}'",
                f"'{said},' {name}, {role}, told reporters.{after}",
                f"{name}, {role}, told the {self.town} {self._paper}: '{said}.{remark}'",
                f"Asked about it, {name}, {role}, said: '{said}.{remark}'",
            ))
        )

    def background(self) -> None:
        """Add one or two sentences on the town or the press that could stand in any article."""
        town, place = self.town, self.pick(("market", "castle", "old harbour", "park", "cathedral", "town hall"))
        event = self.pick(("a bridge was closed", "a film was shot there", "a queen paid a visit", "the river froze",
                           "a ship ran aground", "a famous singer was born there", "the old mill burnt down"))
        self._rest += self.rng.sample((
            f"{town} is a town of {self.draw(8, 95)},000 people near the {self.pick(REGIONS)}.",
            f"{town} lies on the river {self.pick(RIVERS)}, about {self.draw(10, 90, 5)} miles from {self.neighbour}.",
            f"The news was first reported by the {town} {self._paper}.",
            f"The story has been shared more than {self.draw(2, 90)},000 times online.",
            f"The last time {town} made headlines was {self.few()} years ago, when {event}.",
            f"Visitors know {town} for its {place}, which is {self.draw(2, 9)}00 years old.",
            f"Local radio in {self.neighbour} reported on it all {self.pick(('morning', 'afternoon', 'evening'))}.",
            f"Many people in {town} heard of it only on {self.pick([day for day in WEEKDAYS if day != self.day])}.",
        ), self.draw(1, 2))

    def row(self) -> Row:
        """The row in CNN/DailyMail's schema; highlights stand in the order of their sentences."""
        body = self._facts + [(sentence, "") for sentence in self._rest]
        self.rng.shuffle(body)
        article = " ".join(sentence for sentence, _ in [self._lead, *body])
        highlights = " .\n".join(highlight for _, highlight in [self._lead, *body] if highlight)
        return {"article": article, "highlights": f"{highlights} ."}


def news(shelf: dict[str, Family]) -> Callable[[Callable[[Report], None]], Callable[[Report], None]]:
    """Put a function that writes a report on the shelf as a family.

    It draws until the lengths suit.
    """

    def register(write: Callable[[Report], None]) -> Callable[[Report], None]:
        def family(rng: random.Random) -> Row:
            while True:
                report = Report(rng)
                write(report)
                report.background()
                row = report.row()
                if len(row["article"]) in ARTICLE_CHARACTERS and len(row["highlights"]) in HIGHLIGHT_CHARACTERS:
                    return row

        shelf[write.__name__] = family
        return write

    return register
