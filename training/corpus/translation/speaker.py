"""What the news is about: random participants, actions, times and places that fit one another."""

import random

from training.corpus.translation.clause import Clause, Pair
from training.corpus.translation.lexicon import ADJECTIVES, AGENTS, NOUN, NOUNS, POLICE, VERB, VERBS, Noun, words
from training.corpus.translation.noun_phrase import Fixed, NounPhrase, Phrase

CITIES = dict(
    pair.split("/")
    for pair in words(
        "Berlin/Berlin Hamburg/Hamburg München/Munich Köln/Cologne Wien/Vienna Genf/Geneva Zürich/Zurich "
        "Brüssel/Brussels Nürnberg/Nuremberg Prag/Prague Warschau/Warsaw Bremen/Bremen Leipzig/Leipzig "
        "Dresden/Dresden Hannover/Hanover Braunschweig/Brunswick Paris/Paris Rom/Rome Mailand/Milan "
        "Lissabon/Lisbon Kopenhagen/Copenhagen Stuttgart/Stuttgart Bonn/Bonn Athen/Athens"
    )
)
REGIONS: tuple[Pair, ...] = (
    ("in Deutschland", "in Germany"),
    ("in Österreich", "in Austria"),
    ("in Frankreich", "in France"),
    ("in der Schweiz", "in Switzerland"),
    ("in der Hauptstadt", "in the capital"),
    ("im Norden", "in the north"),
    ("im Süden", "in the south"),
    ("im Ausland", "abroad"),
    ("am Hafen", "at the port"),
    ("vor dem Rathaus", "in front of the town hall"),
)
MONTHS = dict(
    zip(
        words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
        words("January February March April May June July August September October November December"),
        strict=True,
    )
)
DAYS = dict(
    zip(
        words("Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag"),
        words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday"),
        strict=True,
    )
)
PAST_TIMES: tuple[Pair, ...] = (
    ("gestern", "yesterday"),
    ("letzte Woche", "last week"),
    ("letztes Jahr", "last year"),
    ("vor drei Tagen", "three days ago"),
    ("vor zwei Monaten", "two months ago"),
)
FUTURE_TIMES: tuple[Pair, ...] = (
    ("morgen", "tomorrow"),
    ("nächste Woche", "next week"),
    ("nächstes Jahr", "next year"),
    ("bald", "soon"),
    ("in drei Tagen", "in three days"),
)
MANNERS: tuple[Pair, ...] = (
    ("heimlich", "secretly"),
    ("endlich", "finally"),
    ("gemeinsam", "jointly"),
    ("plötzlich", "suddenly"),
    ("offiziell", "officially"),
    ("vorsichtig", "carefully"),
    ("freiwillig", "voluntarily"),
)
FIRST_NAMES = {
    "he": words("Jonas Peter Martin Stefan Lukas Felix Thomas Karl Emil Anton"),
    "she": words("Anna Maria Julia Laura Eva Petra Clara Nina Sofia Helga"),
}
LAST_NAMES = words("Becker Schulz Wagner Keller Vogel Brandt Lorenz Winter Krämer Hartmann Seidel Busch Arnold Franke")
COMPANIES = words("Nordwerk Helmag Rheinstahl Solvia Kranich Tecta Albion Veritas Luftag Orbis Medivo Stromer")
HEADS_OF = {
    "organisation": ("Sprecher", "Sprecherin", "Direktor", "Präsidentin"),
    "team": ("Trainer", "Spieler", "Torwart"),
}
THINGS = ("policy", "text", "building", "goods", "show", "rate")


class Speaker:
    """Draws the parts of a sentence from one generator."""

    def __init__(self, generator: random.Random) -> None:
        self.generator = generator

    def chance(self, probability: float) -> bool:
        """True with a probability."""
        return self.generator.random() < probability

    def choose(self, options):
        """One of `options`, a sequence."""
        return options[self.generator.randrange(len(options))]

    def city(self) -> Pair:
        return self.choose(tuple(CITIES.items()))

    def place(self) -> Pair:
        if self.chance(0.35):
            return self.choose(REGIONS)
        german, english = self.city()
        if self.chance(0.15):
            return f"in der Nähe von {german}", f"near {english}"
        return f"in {german}", f"in {english}"

    def time(self, tense: str) -> Pair:
        """A time that goes with the tense: weekdays, months and dates go with every one."""
        pick = self.generator.random()
        if pick < 0.35:
            options = FUTURE_TIMES if tense in ("future", "present") else PAST_TIMES
            return self.choose(options)
        if pick < 0.65:
            day, english = self.choose(tuple(DAYS.items()))
            german, part = self.choose((("", ""), ("abend", " evening"), ("morgen", " morning")))
            return f"am {day}{german}", f"on {english}{part}"
        month, english = self.choose(tuple(MONTHS.items()))
        if pick < 0.85:
            date = self.generator.randint(1, 28)
            return f"am {date}. {month}", f"on {date} {english}"
        return f"im {month}", f"in {english}"

    def noun_phrase(self, kind: str, determiners=("the", "a"), plural=None, adjective: float = 0.4) -> NounPhrase:
        """A noun phrase of a kind.

        `plural` None leaves the number to chance, `adjective` is a probability.
        """
        determiner = self.choose(determiners)
        several = isinstance(determiner, int) or (self.chance(0.25) if plural is None else plural)
        describing = self.choose(ADJECTIVES[kind]) if self.chance(adjective) else None
        return NounPhrase(self.choose(NOUNS[kind]), determiner, several, describing)

    def person(self) -> NounPhrase:
        """A definite person, sometimes of some organisation."""
        pick = self.generator.random()
        if pick < 0.2:
            head = NOUN[self.choose(HEADS_OF["organisation"])]
            return NounPhrase(head, owner=self.noun_phrase("organisation", ("the",), False, 0.3))
        if pick < 0.3:
            head = NOUN[self.choose(HEADS_OF["team"])]
            return NounPhrase(head, owner=NounPhrase(NOUN["Mannschaft"]))
        return self.noun_phrase("person", plural=self.chance(0.1), adjective=0.3)

    def name(self) -> tuple[str, Fixed]:
        """An English pronoun, and a personal name."""
        pronoun = self.choose(("he", "she"))
        words = f"{self.choose(FIRST_NAMES[pronoun])} {self.choose(LAST_NAMES)}"
        return pronoun, Fixed(words, words)

    def agent(self, kind: str) -> Phrase:
        """Somebody who acts on things of a kind.

        They are named mostly by their office, sometimes by a name or a company.
        """
        pick = self.generator.random()
        if pick < 0.1:
            return self.name()[1]
        if pick < 0.25 and kind in ("building", "goods", "text"):
            company = self.choose(COMPANIES)
            return Fixed(company, company)
        if pick < 0.35:
            return self.person()
        noun = self.choose(AGENTS[kind])
        plural = noun is not POLICE and self.chance(0.12)
        describing = self.choose(ADJECTIVES[noun.kind]) if noun is not POLICE and self.chance(0.3) else None
        indefinite = noun.kind == "person" and self.chance(0.3)
        return NounPhrase(noun, "a" if indefinite else "the", plural, describing)

    def thing(self, kind: str, determiners=("the", "the", "a", "this"), adjective: float = 0.4) -> NounPhrase:
        """Something acted on; papers and policies may belong to an organisation."""
        phrase = self.noun_phrase(kind, determiners, adjective=adjective)
        if kind in ("policy", "text") and phrase.determiner == "the" and self.chance(0.2):
            owner = self.noun_phrase("organisation", ("the",), False, 0)
            return NounPhrase(phrase.noun, "the", phrase.plural, phrase.adjective, owner)
        return phrase

    def action(self, tenses=("past", "perfect"), kinds=(*THINGS, "person"), adjective: float = 0.4) -> Clause:
        """A transitive clause without adverbials; arrests are for the police."""
        tense, kind = self.choose(tenses), self.choose(kinds)
        subject = self.agent(kind)
        verb = self.choose(VERBS[kind])
        if kind == "person" and self.chance(0.25):
            subject, verb = NounPhrase(POLICE), VERB["festnehmen"]
        patient = self.person() if kind == "person" else self.thing(kind, adjective=adjective)
        return Clause(subject, verb, patient, tense)

    def reason(self, plural: bool, pronoun: Pair) -> Pair:
        """A verb-last clause that says why, about somebody already named by `pronoun`."""
        subject = Fixed(*pronoun, plural=plural)
        kind = self.choose(THINGS)
        clause = Clause(subject, self.choose(VERBS[kind]), self.thing(kind, adjective=0.2))
        clause = clause.but(modal=self.choose(("had to", "wanted")))
        return clause.german_sub("weil"), f"because {clause.english_main()}"


def pronoun_for(phrase: Phrase, pronoun: str = "") -> Pair:
    """The nominative pronoun that takes up `phrase`; a name brings its own English `pronoun`."""
    if phrase.plural:
        return "sie", "they"
    if not isinstance(phrase, NounPhrase):
        return {"he": ("er", "he"), "she": ("sie", "she"), "": ("es", "it")}[pronoun]
    german = {"m": "er", "f": "sie", "n": "es"}[phrase.gender]
    if phrase.noun.kind != "person":
        return german, "they" if phrase.english_plural else "it"
    return german, {"m": "he", "f": "she"}[phrase.noun.gender]


def possessive_for(noun: Noun) -> str:
    """The English possessive that a person noun takes up."""
    return "his" if noun.gender == "m" else "her"
