"""Sentence patterns with subordinate clauses: reports, reasons, conditions, relatives, infinitives.

The last four put known pieces together in ways of their own, for `test_unseen`.
"""

from training.corpus.translation.clause import Clause, Pair
from training.corpus.translation.lexicon import ADJECTIVES, VERBS
from training.corpus.translation.noun_phrase import Fixed, NounPhrase
from training.corpus.translation.pattern import join, main, pattern, with_setting
from training.corpus.translation.speaker import THINGS, Speaker, pronoun_for

PERSON_FORMS = (
    ("sagte", "said"),
    ("erklärte", "explained"),
    ("betonte", "stressed"),
    ("berichtete", "reported"),
    ("glaubt", "believes"),
)


@pattern
def reported(speaker: Speaker) -> Pair:
    """Somebody said that something happened."""
    clause = with_setting(speaker, speaker.action(("past", "perfect", "future")), place=0.4, time=0.5)
    (german, english), source = speaker.choose(PERSON_FORMS), speaker.noun_phrase("person", ("the",), False)
    opening = source.german(), source.english()
    return join(opening, (f"{german}, {clause.german_sub('dass')}", f"{english} that {clause.english_main()}"))


@pattern
def because(speaker: Speaker) -> Pair:
    """Somebody did something because they had to or wanted to do something else."""
    clause = with_setting(speaker, speaker.action(kinds=THINGS[:5], adjective=0.2), place=0.2)
    if isinstance(clause.subject, Fixed):
        clause = clause.but(subject=speaker.person())
    german, english = main(speaker, clause)
    reason = speaker.reason(clause.subject.plural, pronoun_for(clause.subject))
    return f"{german}, {reason[0]}", f"{english} {reason[1]}"


@pattern
def condition(speaker: Speaker) -> Pair:
    """If somebody does something, somebody else will do something."""
    first, second = speaker.action(("present",), adjective=0.2), speaker.action(("future",), adjective=0.3)
    german, english = first.german_sub("Wenn"), first.english_main()
    finite_first = second.german_question()
    return f"{german}, {finite_first}", f"If {english}, {second.english_main()}"


@pattern
def although(speaker: Speaker) -> Pair:
    """Although one did something, another did something."""
    first, second = speaker.action(("past",), adjective=0.2), speaker.action(("past", "perfect"), adjective=0.3)
    return (
        f"{first.german_sub('Obwohl')}, {second.german_question()}",
        f"Although {first.english_main()}, {second.english_main()}",
    )


def with_relative_subject(speaker: Speaker, person: NounPhrase) -> NounPhrase:
    """A person with a relative clause about what they did."""
    deed = speaker.action(("perfect", "past"), kinds=THINGS[:5], adjective=0.2).but(subject=person)
    deed = deed.but(time=speaker.time("past")) if speaker.chance(0.4) else deed
    german = deed.german_sub(person.relative("nominative"), without="subject")
    english = deed.english_main(without="subject")
    return NounPhrase(
        person.noun,
        person.determiner,
        person.plural,
        person.adjective,
        person.owner,
        (f", {german},", f" who {english}"),
    )


@pattern
def relative_subject(speaker: Speaker) -> Pair:
    """The person who did one thing did another."""
    person = with_relative_subject(speaker, speaker.noun_phrase("person", ("the",), False, 0.2))
    kind = speaker.choose(THINGS[:5])
    clause = Clause(person, speaker.choose(VERBS[kind]), speaker.thing(kind), place=speaker.place())
    return clause.german_main(), clause.english_main()


def with_relative_object(speaker: Speaker, kind: str) -> NounPhrase:
    """A thing with a relative clause about what was done to it."""
    thing = speaker.noun_phrase(kind, ("the",), adjective=0.3)
    deed = Clause(
        speaker.agent(kind),
        speaker.choose(VERBS[kind]),
        thing,
        speaker.choose(("perfect", "past")),
        time=speaker.time("past"),
    )
    tail = (
        f", {deed.german_sub(thing.relative('accusative'), without='object')},",
        f" that {deed.english_main(without='object')}",
    )
    return NounPhrase(thing.noun, "the", thing.plural, thing.adjective, tail=tail)


@pattern
def relative_object(speaker: Speaker) -> Pair:
    """The thing that somebody made, bought or lost is said to be so."""
    kind = speaker.choose(("policy", "building", "goods", "show"))
    thing = with_relative_object(speaker, kind)
    quality = speaker.choose([word for word in ADJECTIVES[kind] if word.comparative and word != thing.adjective])
    degree = speaker.choose((("sehr", "very"), ("zu", "too"), ("nicht", "not"), ("immer noch", "still")))
    be = (("ist", "sind"), ("is", "are")) if speaker.chance(0.6) else (("war", "waren"), ("was", "were"))
    german = f"{thing.german()} {be[0][thing.plural]} {degree[0]} {quality.german}"
    return german, f"{thing.english()} {be[1][thing.plural]} {degree[1]} {quality.english}"


@pattern
def intention(speaker: Speaker) -> Pair:
    """Somebody plans, tries or hopes to do something."""
    german, english = speaker.choose(
        (
            (("plant", "planen"), ("plans", "plan")),
            (("versuchte", "versuchten"), ("tried", "tried")),
            (("beschloss", "beschlossen"), ("decided", "decided")),
            (("hofft", "hoffen"), ("hopes", "hope")),
            (("versprach", "versprachen"), ("promised", "promised")),
        )
    )
    clause = with_setting(speaker, speaker.action(adjective=0.5), time=0).but(manner=("", ""))
    subject, plural = clause.subject, clause.subject.plural
    when = speaker.time("past") if german[0].endswith(("te", "ss", "ach")) else ("", "")
    start = f"{when[0]} {german[plural]} {subject.german()}" if when[0] else f"{subject.german()} {german[plural]}"
    opening = f"{when[1]}, {subject.english()}" if when[0] else subject.english()
    verb = english[clause.subject.english_plural]
    return f"{start}, {clause.german_infinitive()}", f"{opening} {verb} {clause.english_infinitive()}"


@pattern
def purpose(speaker: Speaker) -> Pair:
    """Somebody did one thing in order to do another."""
    first = with_setting(speaker, speaker.action(kinds=THINGS[:5]), place=0.2)
    second = speaker.action(adjective=0.2)
    german, english = main(speaker, first)
    return f"{german}, um {second.german_infinitive()}", f"{english} in order {second.english_infinitive()}"


@pattern
def reported_reason(speaker: Speaker) -> Pair:
    """Unseen: a reported deed with its reason."""
    person = speaker.noun_phrase("person", ("the",), False, 0.2)
    deed = speaker.action(("past",), kinds=THINGS[:5], adjective=0.2).but(subject=person)
    source, (german, english) = (
        speaker.noun_phrase("person", ("the",), False, 0),
        PERSON_FORMS[speaker.generator.randrange(4)],
    )
    reason = speaker.reason(False, pronoun_for(person))
    return (
        f"{source.german()} {german}, {deed.german_sub('dass')}, {reason[0]}",
        f"{source.english()} {english} that {deed.english_main()} {reason[1]}",
    )


@pattern
def relative_condition(speaker: Speaker) -> Pair:
    """Unseen: a condition about a thing with a relative clause."""
    kind = speaker.choose(("policy", "building", "goods", "show"))
    first = Clause(speaker.person(), speaker.choose(VERBS[kind]), with_relative_object(speaker, kind), "present")
    second = speaker.action(("future",), adjective=0.2)
    return (
        f"{first.german_sub('Wenn')}, {second.german_question()}",
        f"If {first.english_main()}, {second.english_main()}",
    )


@pattern
def reported_passive(speaker: Speaker) -> Pair:
    """Unseen: a reported passive."""
    kind = speaker.choose(THINGS)
    doer = speaker.noun_phrase("organisation", ("a",), False, 0.3)
    clause = Clause(
        speaker.thing(kind), speaker.choose(VERBS[kind]), tense=speaker.choose(("past", "future")), passive=True
    )
    clause = clause.but(time=speaker.time(clause.tense), extra=(f"von {doer.german('dative')}", f"by {doer.english()}"))
    source, (german, english) = speaker.person(), speaker.choose(PERSON_FORMS)
    plural = source.plural
    german = german + "n" if plural and german.endswith("e") else "glauben" if plural and german == "glaubt" else german
    english = "believe" if plural and english == "believes" else english
    return (
        f"{source.german()} {german}, {clause.german_sub('dass')}",
        f"{source.english()} {english} that {clause.english_main()}",
    )


@pattern
def although_intention(speaker: Speaker) -> Pair:
    """Unseen: a concession before an intention."""
    first, second = speaker.action(("past",), adjective=0.2), speaker.action(adjective=0.2)
    subject = second.subject
    german, english = speaker.choose(
        ((("versuchte", "versuchten"), "tried"), (("beschloss", "beschlossen"), "decided"))
    )
    return (
        f"{first.german_sub('Obwohl')}, {german[subject.plural]} {subject.german()}, {second.german_infinitive()}",
        f"Although {first.english_main()}, {subject.english()} {english} {second.english_infinitive()}",
    )
