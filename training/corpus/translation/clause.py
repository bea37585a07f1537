"""One meaning, two languages: a clause that writes itself in German and in English.

German puts the finite verb second in a main clause and last in a subordinate one, and orders the
middle time, manner, place; English keeps subject, verb, object, place, time. Preterite and perfect
both become the English past, so the English is a function of the German.
"""

from dataclasses import dataclass, replace

from training.corpus.translation.english import plural_of
from training.corpus.translation.lexicon import Verb
from training.corpus.translation.noun_phrase import Phrase

Pair = tuple[str, str]
NOTHING: Pair = ("", "")

# (singular, plural) of the German finite form, of the English auxiliary, and of its negation.
MODALS = {
    "can": (("kann", "können"), ("can", "can"), ("cannot", "cannot")),
    "must": (("muss", "müssen"), ("must", "must"), ("does not have to", "do not have to")),
    "want": (("will", "wollen"), ("wants to", "want to"), ("does not want to", "do not want to")),
    "should": (("soll", "sollen"), ("should", "should"), ("should not", "should not")),
    "may": (("darf", "dürfen"), ("may", "may"), ("may not", "may not")),
    "could": (("konnte", "konnten"), ("could", "could"), ("could not", "could not")),
    "had to": (("musste", "mussten"), ("had to", "had to"), ("did not have to", "did not have to")),
    "wanted": (("wollte", "wollten"), ("wanted to", "wanted to"), ("did not want to", "did not want to")),
}
AUXILIARIES = {
    ("haben", "perfect"): ("hat", "haben"),
    ("sein", "perfect"): ("ist", "sind"),
    ("haben", "pluperfect"): ("hatte", "hatten"),
    ("sein", "pluperfect"): ("war", "waren"),
}


@dataclass(frozen=True)
class Clause:
    """Who did what to whom, when, where and how.

    Attributes:
        subject: the nominative participant; for a passive, what is acted on.
        verb: the verb.
        object: the accusative participant, or None (`object_case` may make it a dative).
        tense: "present", "past", "perfect", "pluperfect" or "future"; of no account with a modal.
        modal: a key of MODALS, or None.
        passive: whether the verb is passive; a past or future one.
        negated: adds "nicht"; a negated indefinite object uses the determiner "no" instead.
        recipient: the dative participant, or None.
        time, manner, place, extra: (German, English) adverbials; extra stands last before the verb.
        object_early: puts a definite object before the time, which German allows.
    """

    subject: Phrase
    verb: Verb
    object: Phrase | None = None
    tense: str = "past"
    modal: str | None = None
    passive: bool = False
    negated: bool = False
    recipient: Phrase | None = None
    time: Pair = NOTHING
    manner: Pair = NOTHING
    place: Pair = NOTHING
    extra: Pair = NOTHING
    object_case: str = "accusative"
    object_early: bool = False

    def but(self, **changes: object) -> "Clause":
        """The same clause with some of its attributes changed."""
        return replace(self, **changes)

    def german_main(self, front: str = "subject") -> str:
        """Verb-second order; `front` names what stands first: subject, time, place or object."""
        finite, rest = self._german_verb()
        first = self._german_part(front)
        return _join(first, finite, self._middle(front), rest)

    def german_question(self) -> str:
        """Verb-first order, without the question mark."""
        finite, rest = self._german_verb()
        return _join(finite, self._middle(""), rest)

    def german_sub(self, conjunction: str, without: str = "") -> str:
        """Verb-last order, after a conjunction or a relative pronoun that stands for `without`."""
        finite, rest = self._german_verb()
        joined = rest == self.verb.prefix
        middle = self._middle(without)
        return _join(conjunction, middle, rest + finite) if joined else _join(conjunction, middle, rest, finite)

    def german_infinitive(self) -> str:
        """The clause as an infinitive with "zu", without its subject."""
        verb = self.verb
        last = f"{verb.prefix}zu{verb.infinitive}" if verb.prefix else f"zu {verb.infinitive}"
        return _join(self._middle("subject"), last)

    def english_main(self, front: str = "subject", without: str = "") -> str:
        """English statement; a German time in front stays in front, anything else does not."""
        auxiliary, verb = self._english_verb(question=False)
        opening = f"{self.time[1]}," if front == "time" else ""
        subject = "" if without == "subject" else self.subject.english()
        return _join(opening, subject, auxiliary, self.manner[1], verb, self._english_rest({front, without}))

    def english_question(self) -> str:
        """English question, without the question mark."""
        auxiliary, verb = self._english_verb(question=True)
        return _join(auxiliary, self.subject.english(), self.manner[1], verb, self._english_rest(set()))

    def english_infinitive(self) -> str:
        """The clause as an infinitive with "to", without its subject."""
        return _join("to", self.manner[1], self.verb.english, self._english_rest(set()))

    def _german_part(self, part: str) -> str:
        if part == "subject":
            return self.subject.german()
        if part == "object" and self.object:
            return self.object.german(self.object_case)
        if part in ("time", "place"):
            return getattr(self, part)[0]
        raise ValueError(f"a clause cannot begin with {part!r}")

    def _middle(self, without: str) -> str:
        """Everything between the finite verb and the end, less the part that stands elsewhere."""
        parts = {
            "subject": self.subject.german(),
            "recipient": self.recipient.german("dative") if self.recipient else "",
            "time": self.time[0],
            "manner": self.manner[0],
            "place": self.place[0],
            "object": self.object.german(self.object_case) if self.object else "",
            "negation": "nicht" if self.negated else "",
            "extra": self.extra[0],
        }
        order = list(parts)
        if self.object_early:
            order.remove("object")
            order.insert(order.index("time"), "object")
        return _join(*(parts[name] for name in order if name != without))

    def _german_verb(self) -> Pair:
        """The finite form, and what stands at the end of the clause."""
        verb, plural = self.verb, self.subject.plural
        participle = verb.prefix + verb.participle
        if self.passive:
            if self.modal:
                return MODALS[self.modal][0][plural], f"{participle} werden"
            return {"past": ("wurde", "wurden"), "future": ("wird", "werden")}[self.tense][plural], participle
        if self.modal:
            return MODALS[self.modal][0][plural], verb.prefix + verb.infinitive
        if self.tense == "present":
            return (verb.infinitive if plural else verb.present), verb.prefix
        if self.tense == "past":
            return (_past_plural(verb.past) if plural else verb.past), verb.prefix
        if self.tense == "future":
            return ("wird", "werden")[plural], verb.prefix + verb.infinitive
        return AUXILIARIES[verb.auxiliary, self.tense][plural], participle

    def _english_verb(self, question: bool) -> Pair:
        """The auxiliary (with "not"), and the main verb.

        Without an auxiliary the first is empty.
        """
        verb, plural = self.verb, self.subject.english_plural
        if self.modal:
            auxiliary = MODALS[self.modal][2 if self.negated else 1][plural]
            return auxiliary, f"be {verb.english_participle}" if self.passive else verb.english
        denial = " not" if self.negated else ""
        if self.tense == "future":
            return f"will{denial}", f"be {verb.english_participle}" if self.passive else verb.english
        if self.passive:
            return ("was", "were")[plural] + denial, verb.english_participle
        if self.tense == "pluperfect":
            return f"had{denial}", verb.english_participle
        present = self.tense == "present"
        if question or self.negated:
            return (("does", "do")[plural] if present else "did") + denial, verb.english
        if present:
            return "", verb.english if plural else plural_of(verb.english)
        return "", verb.english_past

    def _english_rest(self, without: set[str]) -> str:
        parts = {
            "recipient": self.recipient.english() if self.recipient else "",
            "object": self.object.english() if self.object and "object" not in without else "",
            "extra": self.extra[1],
            "place": self.place[1],
            "time": "" if "time" in without else self.time[1],
        }
        return _join(*parts.values())


def _past_plural(past: str) -> str:
    return past + ("n" if past.endswith("e") else "en")


def _join(*words: str) -> str:
    return " ".join(filter(None, words))
