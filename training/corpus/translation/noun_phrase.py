"""German noun phrases and their English: articles, adjective endings, cases, names."""

from dataclasses import dataclass
from typing import Protocol

from training.corpus.translation.english import with_article
from training.corpus.translation.lexicon import Adjective, Noun

CASES = ("nominative", "accusative", "dative", "genitive")

# Article endings by gender ("p" is the plural of every gender), in the order of CASES.
DEFINITE = {
    "m": ("der", "den", "dem", "des"),
    "f": ("die", "die", "der", "der"),
    "n": ("das", "das", "dem", "des"),
    "p": ("die", "die", "den", "der"),
}
DEMONSTRATIVE = {
    "m": ("dieser", "diesen", "diesem", "dieses"),
    "f": ("diese", "diese", "dieser", "dieser"),
    "n": ("dieses", "dieses", "diesem", "dieses"),
    "p": ("diese", "diese", "diesen", "dieser"),
}
RELATIVE = {**DEFINITE, "p": ("die", "die", "denen", "deren")}
EIN_ENDINGS = {
    "m": ("", "en", "em", "es"),
    "f": ("e", "e", "er", "er"),
    "n": ("", "", "em", "es"),
    "p": ("e", "e", "en", "er"),
}
WEAK = {"m": ("e", "en", "en", "en"), "f": ("e", "e", "en", "en"), "n": ("e", "e", "en", "en"), "p": ("en",) * 4}
MIXED = {"m": ("er", "en", "en", "en"), "f": ("e", "e", "en", "en"), "n": ("es", "es", "en", "en"), "p": ("en",) * 4}
STRONG_PLURAL = ("e", "e", "en", "er")

POSSESSIVES = {"his": "sein", "her": "ihr", "their": "ihr", "our": "unser"}
NUMBERS = {
    2: ("zwei", "two"),
    3: ("drei", "three"),
    4: ("vier", "four"),
    5: ("fünf", "five"),
    6: ("sechs", "six"),
    7: ("sieben", "seven"),
    8: ("acht", "eight"),
    9: ("neun", "nine"),
    10: ("zehn", "ten"),
    11: ("elf", "eleven"),
    12: ("zwölf", "twelve"),
}


class Phrase(Protocol):
    """What a clause needs of its participants: German by case, English, number."""

    @property
    def plural(self) -> bool: ...
    @property
    def english_plural(self) -> bool: ...
    def german(self, case: str = "nominative") -> str: ...
    def english(self) -> str: ...


@dataclass(frozen=True)
class Fixed:
    """A phrase that does not inflect: a personal name, a company, or a nominative pronoun."""

    words: str
    translation: str
    plural: bool = False

    @property
    def english_plural(self) -> bool:
        return self.plural

    def german(self, case: str = "nominative") -> str:  # noqa: ARG002 - it does not inflect
        return self.words

    def english(self) -> str:
        return self.translation


@dataclass(frozen=True)
class NounPhrase:
    """A noun with its determiner, adjective, owner, and what trails it.

    Attributes:
        noun: the head.
        determiner: "the", "this", "a", "no", "his", "her", "their", "our", "" (bare), or a number
            from 2 to 12.
        plural: whether the head is plural; numbers make it so.
        adjective: an attributive adjective, or None.
        owner: a genitive noun phrase ("der Sprecher der Regierung"), or None.
        tail: German and English of what follows the head, commas included.
    """

    noun: Noun
    determiner: str | int = "the"
    plural: bool = False
    adjective: Adjective | None = None
    owner: "NounPhrase | None" = None
    tail: tuple[str, str] = ("", "")

    @property
    def english_plural(self) -> bool:
        return self.plural or self.noun.english == "police"

    @property
    def gender(self) -> str:
        return "p" if self.plural else self.noun.gender

    def german(self, case: str = "nominative") -> str:
        """The phrase in one of CASES."""
        column = CASES.index(case)
        article, ending = self._article(column)
        adjective = self.adjective.stem + ending if self.adjective else ""
        owner = self.owner.german("genitive") if self.owner else ""
        return " ".join(filter(None, (article, adjective, self._head(case), owner))) + self.tail[0]

    def english(self) -> str:
        """The phrase in English."""
        head = self.noun.english_plural if self.plural else self.noun.english
        words = f"{self.adjective.english} {head}" if self.adjective else head
        if self.determiner == "a":
            words = words if self.plural else with_article(words)
        elif self.determiner == "this":
            words = f"{'these' if self.plural else 'this'} {words}"
        elif isinstance(self.determiner, int):
            words = f"{NUMBERS[self.determiner][1]} {words}"
        elif self.determiner:
            words = f"{self.determiner} {words}"
        return words + (f" of {self.owner.english()}" if self.owner else "") + self.tail[1]

    def relative(self, case: str) -> str:
        """The relative pronoun that refers to this phrase, in one of CASES."""
        return RELATIVE[self.gender][CASES.index(case)]

    def _article(self, column: int) -> tuple[str, str]:
        """The determiner in a case, and the adjective ending it asks for."""
        if self.determiner in ("the", "this"):
            table = DEFINITE if self.determiner == "the" else DEMONSTRATIVE
            return table[self.gender][column], WEAK[self.gender][column]
        if isinstance(self.determiner, int):
            return NUMBERS[self.determiner][0], STRONG_PLURAL[column]
        if not self.determiner or (self.determiner == "a" and self.plural):
            return "", STRONG_PLURAL[column]
        stem = {"a": "ein", "no": "kein", **POSSESSIVES}[self.determiner]
        return stem + EIN_ENDINGS[self.gender][column], MIXED[self.gender][column]

    def _head(self, case: str) -> str:
        if self.plural:
            bare = self.noun.plural
            return bare + "n" if case == "dative" and not bare.endswith(("n", "s")) else bare
        if case == "genitive" or (self.noun.weak and case != "nominative"):
            return self.noun.genitive
        return self.noun.singular
