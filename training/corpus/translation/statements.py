"""Sentence patterns of main clauses alone: statements, questions, figures, matches, quotations."""

from training.corpus.translation.clause import Clause, Pair
from training.corpus.translation.lexicon import ADJECTIVES, NOUN, NOUNS, VERB, VERBS
from training.corpus.translation.noun_phrase import NUMBERS, Fixed, NounPhrase
from training.corpus.translation.pattern import capital, join, main, pattern, with_setting
from training.corpus.translation.speaker import CITIES, THINGS, Speaker, possessive_for, pronoun_for

JOBS = {
    "he": ("Sprecher", "Forscher", "Lehrer", "Arzt", "Fahrer", "Journalist", "Direktor", "Experte"),
    "she": ("Sprecherin", "Forscherin", "Lehrerin", "Ärztin", "Journalistin", "Expertin", "Künstlerin"),
}


@pattern
def event(speaker: Speaker) -> Pair:
    """Somebody did, or will do, something somewhere."""
    return main(speaker, with_setting(speaker, speaker.action(("past", "past", "perfect", "future")), place=0.8))


@pattern
def object_first(speaker: Speaker) -> Pair:
    """The object stands first; only masculine ones, which show their case."""
    kind = speaker.choose(THINGS[:5])
    noun = speaker.choose([noun for noun in NOUNS[kind] if noun.gender == "m"])
    patient = NounPhrase(noun, adjective=speaker.choose(ADJECTIVES[kind]))
    clause = with_setting(speaker, Clause(speaker.agent(kind), speaker.choose(VERBS[kind]), patient), time=0.9)
    return clause.german_main("object"), clause.english_main()


@pattern
def passive(speaker: Speaker) -> Pair:
    """Something was, will be or must be done."""
    kind = speaker.choose(THINGS)
    doer = speaker.noun_phrase("organisation", ("the", "a"), False)
    agent = (f"von {doer.german('dative')}", f"by {doer.english()}") if speaker.chance(0.7) else ("", "")
    agent = (agent[0].replace("von dem ", "vom "), agent[1])
    clause = Clause(
        speaker.thing(kind), speaker.choose(VERBS[kind]), tense=speaker.choose(("past", "past", "future")), passive=True
    )
    clause = clause.but(modal=speaker.choose((None, None, "must", "can")), extra=agent)
    return main(speaker, with_setting(speaker, clause.but(tense="future" if clause.modal else clause.tense), place=0.6))


@pattern
def modal(speaker: Speaker) -> Pair:
    """Somebody can, must, wants to or should do something."""
    clause = speaker.action(("present",)).but(modal=speaker.choose(("can", "must", "want", "should", "may")))
    return main(speaker, with_setting(speaker, clause, place=0.6))


@pattern
def negation(speaker: Speaker) -> Pair:
    """Somebody does not, or did no such thing."""
    clause = speaker.action(("past", "perfect", "future", "present"), adjective=0.6)
    if speaker.chance(0.3):
        clause = clause.but(modal=speaker.choose(("can", "want", "should", "could")), tense="present")
    if clause.object.determiner == "a":
        kind = clause.object.noun.kind
        clause = clause.but(object=speaker.noun_phrase(kind, ("no",), adjective=0.6))
    else:
        clause = clause.but(negated=True)
    future = clause.modal not in (None, "could")
    return main(speaker, clause.but(time=speaker.time("future" if future else clause.tense)))


@pattern
def figures(speaker: Speaker) -> Pair:
    """Prices and numbers that rose or fell, by so much, to so much."""
    generator = speaker.generator
    amount = f"{generator.randint(1, 19)}.{generator.randint(1, 9)}"
    total = generator.randint(2, 90)
    owner = speaker.noun_phrase("organisation", ("the",), False, 0.3)
    german, english, plural = speaker.choose(
        (
            ("die Preise", "prices", True),
            ("die Mieten", "rents", True),
            (f"der Umsatz {owner.german('genitive')}", f"the revenue of {owner.english()}", False),
            (f"der Gewinn {owner.german('genitive')}", f"the profit of {owner.english()}", False),
            (f"die Schulden {owner.german('genitive')}", f"the debts of {owner.english()}", True),
            (f"die Kosten {owner.german('genitive')}", f"the costs of {owner.english()}", True),
        )
    )
    verb = speaker.choose(
        ((("stieg", "stiegen"), "rose"), (("sank", "sanken"), "fell"), (("fiel", "fielen"), "dropped"))
    )
    time, city = speaker.time("past"), speaker.city()
    place = f"in {city[0]}", f"in {city[1]}"
    by = f"um {amount.replace('.', ',')} Prozent", f"by {amount} percent"
    if english not in ("prices", "rents") and speaker.chance(0.6):
        by = by[0] + f" auf {total} Millionen Euro", by[1] + f" to {total} million euros"
    if speaker.chance(0.5):
        return (
            f"{time[0]} {verb[0][plural]} {german} {place[0]} {by[0]}",
            f"{time[1]}, {english} {verb[1]} {by[1]} {place[1]}",
        )
    return (
        f"{german} {verb[0][plural]} {time[0]} {place[0]} {by[0]}",
        f"{english} {verb[1]} {by[1]} {place[1]} {time[1]}",
    )


@pattern
def match(speaker: Speaker) -> Pair:
    """Who beat whom, and by how many goals."""
    winner, loser = speaker.generator.sample(sorted(CITIES.items()), 2)
    goals = speaker.generator.randint(1, 6)
    against = speaker.generator.randint(0, goals - 1)
    what = speaker.choose(
        (("das Finale", "the final"), ("das Halbfinale", "the semi-final"), ("das erste Spiel", "the first match"))
    )
    time, place = speaker.time("past"), speaker.place()
    won = (
        f"{what[0]} gegen {loser[0]} {place[0]} mit {goals}:{against}",
        f"{what[1]} against {loser[1]} {goals}-{against} {place[1]}",
    )
    if speaker.chance(0.5):
        return f"{winner[0]} gewann {time[0]} {won[0]}", f"{winner[1]} won {won[1]} {time[1]}"
    return (
        f"{time[0]} hat die Mannschaft aus {winner[0]} {won[0]} gewonnen",
        f"{time[1]}, the team from {winner[1]} won {won[1]}",
    )


@pattern
def comparison(speaker: Speaker) -> Pair:
    """One thing is more so than another."""
    kind = speaker.choose(("policy", "text", "building", "goods", "show", "person", "organisation"))
    quality = speaker.choose([adjective for adjective in ADJECTIVES[kind] if adjective.comparative])
    first = speaker.noun_phrase(kind, ("the", "this"), adjective=0.3)
    city = speaker.city()
    second = speaker.noun_phrase(kind, ("the",), adjective=0.6)
    degree = speaker.choose((("viel", "much"), ("etwas", "a little"), ("noch", "even")))
    where = f"in {city[0]}", f"in {city[1]}"
    source = speaker.choose(
        (
            ("laut der Zeitung", "according to the newspaper"),
            ("heute", "today"),
            ("nach Ansicht der Experten", "in the view of the experts"),
        )
    )
    be = ("ist", "sind")[first.plural], ("is", "are")[first.plural]
    return (
        f"{source[0]} {be[0]} {first.german()} {where[0]} {degree[0]} {quality.comparative} als {second.german()}",
        f"{source[1]}, {first.english()} {where[1]} {be[1]} {degree[1]} {quality.english_comparative} "
        f"than {second.english()}",
    )


@pattern
def quotation(speaker: Speaker) -> Pair:
    """What somebody said, in their own words."""
    kind = speaker.choose(THINGS)
    thing = speaker.thing(kind, ("the", "our", "this"))
    clause = Clause(
        Fixed("wir", "we", plural=True),
        speaker.choose(VERBS[kind]),
        thing,
        modal=speaker.choose(("can", "must", "want", "should")),
    )
    if speaker.chance(0.3):
        clause = clause.but(modal=None, tense="future")
    clause = clause.but(negated=clause.modal != "must" and speaker.chance(0.3))
    source, time = speaker.person(), speaker.time("past")
    return (
        f"„{clause.german_main()}“, sagte {source.german()} {time[0]}",
        f"“{clause.english_main()},” {source.english()} said {time[1]}",
    )


@pattern
def two_deeds(speaker: Speaker) -> Pair:
    """One subject, two deeds."""
    first = with_setting(speaker, speaker.action(("past",)), place=0.4)
    second = speaker.action(("past",), kinds=THINGS[:5]).but(subject=first.subject)
    german, english = second.german_main().removeprefix(first.subject.german()), second.english_main(without="subject")
    return f"{first.german_main()} und{german}", f"{first.english_main()} and {english}"


@pattern
def giving(speaker: Speaker) -> Pair:
    """Somebody gives, sends or brings somebody something, or helps and thanks them."""
    receiver = speaker.noun_phrase("person", ("the", "a"), adjective=0.4)
    if speaker.chance(0.35):
        verb = speaker.choose((VERB["helfen"], VERB["danken"]))
        clause = Clause(
            speaker.agent("person"), verb, receiver, speaker.choose(("past", "perfect", "future")), object_case="dative"
        )
    else:
        verb = speaker.choose((VERB["geben"], VERB["schicken"], VERB["bringen"], VERB["zeigen"], VERB["empfehlen"]))
        kind = "text" if verb.english != "recommend" else "show"
        thing = speaker.thing(kind)
        recipient = None if verb.english == "recommend" else receiver
        clause = Clause(
            speaker.agent(kind), verb, thing, speaker.choose(("past", "perfect", "future")), recipient=recipient
        )
    clause = clause.but(time=speaker.time(clause.tense), place=speaker.place() if speaker.chance(0.4) else ("", ""))
    return main(speaker, clause)


@pattern
def existence(speaker: Speaker) -> Pair:
    """How many of something there are somewhere."""
    kind = speaker.choose(("building", "organisation", "goods", "show"))
    many = speaker.noun_phrase(kind, tuple(NUMBERS), True, 0.9)
    other = speaker.noun_phrase(kind, ("a", "no"), False, 0.8)
    place = speaker.place()
    link = (", aber", ", but") if other.determiner == "no" else (" und", " and")
    what = (
        f"{many.german('accusative')}{link[0]} {other.german('accusative')}",
        f"{many.english()}{link[1]} {other.english()}",
    )
    if speaker.chance(0.5):
        return f"{place[0]} gibt es {what[0]}", f"there are {what[1]} {place[1]}"
    return f"es gibt {place[0]} {what[0]}", f"there are {what[1]} {place[1]}"


@pattern
def journey(speaker: Speaker) -> Pair:
    """Somebody travelled somewhere by some means."""
    means = speaker.choose(
        (
            ("mit dem Zug", "by train"),
            ("mit dem Auto", "by car"),
            ("mit dem Schiff", "by ship"),
            ("mit dem Bus", "by bus"),
        )
    )
    verb = VERB[speaker.choose(("fahren", "fahren", "zurückkehren", "fliegen"))]
    means = ("mit dem Flugzeug", "by plane") if verb.english == "fly" else means
    city = speaker.city()
    tense = speaker.choose(("past", "perfect", "future"))
    clause = Clause(speaker.person(), verb, tense=tense, time=speaker.time(tense))
    clause = clause.but(extra=(f"{means[0]} nach {city[0]}", f"to {city[1]} {means[1]}"))
    return main(speaker, clause)


@pattern
def question(speaker: Speaker) -> Pair:
    """A question with yes or no for an answer."""
    clause = speaker.action(("past", "perfect", "future"), adjective=0.6)
    if speaker.chance(0.3):
        clause = clause.but(modal=speaker.choose(("can", "should", "must")), tense="future")
    clause = with_setting(speaker, clause, place=0.5)
    return clause.german_question() + "?", clause.english_question() + "?"


@pattern
def portrait(speaker: Speaker) -> Pair:
    """A named person, their age, their work and since when."""
    pronoun, name = speaker.name()
    age, year, city = speaker.generator.randint(19, 79), speaker.generator.randint(1985, 2022), speaker.city()
    job = NOUN[speaker.choose(JOBS[pronoun])]
    employer = speaker.noun_phrase("organisation", ("a", "the"), False, 0.5)
    article = "der" if pronoun == "he" else "die"
    return (
        f"{article} {age} Jahre alte {name.german()} arbeitet seit {year} als {job.singular} für "
        f"{employer.german('accusative')} in {city[0]}",
        f"{age}-year-old {name.english()} has worked as {NounPhrase(job, 'a').english()} for {employer.english()} "
        f"in {city[1]} since {year}",
    )


@pattern
def two_sentences(speaker: Speaker) -> Pair:
    """A deed, and then what the same person did next, by pronoun."""
    clause = with_setting(speaker, speaker.action(kinds=THINGS[:5], adjective=0.2), place=0.2)
    person = speaker.noun_phrase("person", ("the",), False, 0.4)
    first = clause.but(subject=person)
    german, english = main(speaker, first)
    pronoun = Fixed(*pronoun_for(person))
    kind = speaker.choose(THINGS[:5])
    thing = speaker.thing(kind, ("the", possessive_for(person.noun)))
    second = Clause(pronoun, speaker.choose(VERBS[kind]), thing, time=("danach", "after that"))
    return join(
        (f"{german}.", f"{english}."), (capital(second.german_main("time")), capital(second.english_main("time")))
    )
