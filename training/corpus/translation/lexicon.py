"""German words with their forms and their English, read from the tables once at import."""

from dataclasses import dataclass

from training.corpus.translation.english import past_tense, plural_of
from training.corpus.translation.word_tables import ADJECTIVE_TABLES, AGENTS_FOR, NOUN_TABLES, VERB_TABLE, VERBS_FOR


@dataclass(frozen=True)
class Noun:
    """A German noun with its forms and its English word."""

    kind: str
    gender: str
    singular: str
    genitive: str
    plural: str
    english: str
    english_plural: str

    @property
    def weak(self) -> bool:
        """Whether the noun takes -n in every case but the nominative (der Zeuge, den Zeugen)."""
        return self.gender == "m" and self.genitive != self.singular and self.genitive.endswith("n")


@dataclass(frozen=True)
class Verb:
    """A German verb with its principal parts (no separable prefix) and its English verb."""

    prefix: str
    infinitive: str
    present: str
    past: str
    participle: str
    auxiliary: str
    english: str
    english_past: str
    english_participle: str


@dataclass(frozen=True)
class Adjective:
    """A German adjective and its English.

    It has a predicative form, an attributive stem and a comparative (may be empty).
    """

    german: str
    stem: str
    comparative: str
    english: str
    english_comparative: str


def _noun(kind: str, line: str) -> Noun:
    german, english = line.split(" : ")
    gender, singular, genitive, plural = german.split()
    genitive, plural = (
        singular + form.removeprefix("-") if form.startswith("-") else form for form in (genitive, plural)
    )
    word, _, several = english.partition("/")
    return Noun(kind, gender, singular, genitive, plural, word, several or plural_of(word))


def _verb(line: str) -> Verb:
    german, english = line.split(" : ")
    infinitive, present, past, participle, *auxiliary = german.split()
    prefix, _, stem = infinitive.rpartition("|")
    base, *forms = english.split(" / ")
    past_form, participle_form = forms[0].split() if forms else (past_tense(base), past_tense(base))
    return Verb(prefix, stem, present, past, participle, *(auxiliary or ["haben"]), base, past_form, participle_form)


def _adjective(line: str) -> Adjective:
    german, english = line.split(" : ")
    word, _, comparative = german.partition(" ")
    plain, _, stem = word.partition("/")
    meaning, _, more = english.partition(" / ")
    return Adjective(plain, stem or plain, comparative, meaning, more)


def _lines(table: str) -> list[str]:
    return [line.strip() for line in table.strip().splitlines()]


def words(text: str) -> tuple[str, ...]:
    """The words of a table's line."""
    return tuple(text.split())


NOUNS = {kind: tuple(_noun(kind, line) for line in _lines(table)) for kind, table in NOUN_TABLES.items()}
NOUN = {noun.singular: noun for nouns in NOUNS.values() for noun in nouns}
POLICE = Noun("organisation", "f", "Polizei", "Polizei", "", "police", "police")
AGENTS = {
    kind: tuple(POLICE if name == "Polizei" else NOUN[name] for name in words(names))
    for kind, names in AGENTS_FOR.items()
}
VERB = {verb.prefix + verb.infinitive: verb for verb in map(_verb, _lines(VERB_TABLE))}
VERBS = {kind: tuple(VERB[name] for name in names.split()) for kind, names in VERBS_FOR.items()}
ADJECTIVES = {kind: tuple(map(_adjective, _lines(table))) for kind, table in ADJECTIVE_TABLES.items()}
