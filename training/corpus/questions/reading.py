"""Questions on a given text: to answer, to extract fields, to sum up, to translate sentences."""

import json
import random

from training.corpus.questions.records import Record, draw_record, draw_records
from training.corpus.questions.register import DAYS, PEOPLE, SURNAMES, capital, family, listed
from training.corpus.wmt16 import CORPUS as TRANSLATION

RAG_PROMPTS = (
    (
        "Use the passages to answer the question.\n\n{passages}\n\nQuestion: {question}",
        "According to passage {number}, ",
    ),
    ("{passages}\n\nQuestion: {question}\nName the passage you used.", "Passage {number} says that "),
    ("Answer from the passages below: {question}\n\n{passages}", "The answer is in passage {number}. "),
)
LIST_PROMPTS = ("List these fields of the text: name, {fields}.", "Extract name, {fields} as a list.")
# A prompt and the plan of its reply: {first} names the thing, the others say "it"; a capital begins
# a sentence.
SUMMARY_PROMPTS = (
    ("Summarize the text in two sentences.\n\n{text}", "{first}, and {second}. {Third}, and {fourth}."),
    ("Sum up the following text briefly.\n\n{text}", "The text is about {name}. {Second}. {Third}, and {fourth}."),
    ("{text}\n\nWhat are the main points of this text?", "The main points: {first}. {Second}. {Third}. {Fourth}."),
    ("Write a short summary.\n\n{text}", "{first}, {second}, and {third}. Besides, {fourth}."),
)
MEASURES = {
    "opening year": "older",
    "founding year": "older",
    "visitors": "bigger",
    "workers": "bigger",
    "length": "longer",
}


def numbered(passages: list[str]) -> str:
    """Passages under their numbers."""
    return "\n\n".join(f"Passage {number}: {text}" for number, text in enumerate(passages, 1))


def uncapital(text: str) -> str:
    """A sentence to follow an introduction: only an article loses its capital."""
    return "t" + text[1:] if text.startswith("The ") else text


@family("rag")
def rag_facts(generator: random.Random) -> tuple[list[str], list[str]]:
    """One to three passages, and a question after two facts of one of them."""
    records = draw_records(generator, generator.randint(1, 3))
    chosen = generator.randrange(len(records))
    record = records[chosen]
    first, second = generator.sample(list(record.values), 2)
    template, opening = generator.choice(RAG_PROMPTS)
    question = f"{record.question(first)} {record.question(second)}"
    passages = numbered([each.passage(generator) for each in records])
    answer = record.answer(first)
    opening = opening.format(number=chosen + 1)
    reply = f"{opening}{answer if opening.endswith('. ') else uncapital(answer)} {record.answer(second, 'it')}"
    return [template.format(passages=passages, question=question)], [reply]


@family("rag")
def rag_who(generator: random.Random) -> tuple[list[str], list[str]]:
    """Two or three passages about things of one kind: which of them has a given property?"""
    records = draw_records(generator, generator.randint(2, 3), same_kind=True)
    chosen = generator.randrange(len(records))
    record = records[chosen]
    label = generator.choice(
        [label for label in record.values if [each.values[label] for each in records].count(record.values[label]) == 1]
    )
    other = generator.choice([name for name in record.values if name != label])
    passages = numbered([each.passage(generator) for each in records])
    question = f"Which {record.kind.noun} has this entry: {label}, {record.values[label]}? And what about its {other}?"
    reply = f"Passage {chosen + 1} is the one to look at, and the {record.kind.noun} is {record.name}. "
    reply += record.answer(label, "it") + " " + record.answer(other, "it")
    return [f"{passages}\n\nQuestion: {question}"], [reply]


def measured(record: Record, label: str) -> int:
    """A fact's value as a number."""
    return int(record.values[label].split()[0].replace(",", ""))


@family("rag")
def rag_compare(generator: random.Random) -> tuple[list[str], list[str]]:
    """Unseen: which of two things of one kind is older, bigger or longer?"""
    first, second = draw_records(generator, 2, same_kind=True)
    label = generator.choice([label for label in first.values if label in MEASURES])
    while measured(first, label) == measured(second, label):
        first, second = draw_records(generator, 2, same_kind=True)
        label = generator.choice([label for label in first.values if label in MEASURES])
    more = MEASURES[label]
    larger, smaller = sorted((first, second), key=lambda record: measured(record, label), reverse=more != "older")
    question = f"Which {first.kind.noun} is {more}, {first.name} or {second.name}?"
    reply = f"{first.answer(label)} {second.answer(label)} So {larger.name} is {more} than {smaller.name}."
    return [f"{numbered([first.passage(generator), second.passage(generator)])}\n\nQuestion: {question}"], [reply]


def named_entries(record: Record, fields: list[str]) -> list[tuple[str, str]]:
    """The record's bare name and some of its fields, as (label, value)."""
    return [("name", record.name.removeprefix("the ")), *((field, record.values[field]) for field in fields)]


def as_value(text: str) -> int | str:
    """A bare number as an integer, anything else as it stands."""
    return int(text.replace(",", "")) if text.replace(",", "").isdigit() else text


@family("extraction")
def extraction_record(generator: random.Random) -> tuple[list[str], list[str]]:
    """Fields of a passage as a list, and then the same in another form."""
    record = draw_record(generator)
    fields = generator.sample(list(record.values), generator.randint(2, 4))
    ask = generator.choice(LIST_PROMPTS).format(fields=listed(fields))
    entries = named_entries(record, fields)
    bullets = "\n".join(f"- {capital(field)}: {value}" for field, value in entries)
    follow_up, reply = generator.choice(
        (
            ("Now give the same as JSON.", json.dumps({field: as_value(value) for field, value in entries})),
            ("Write that as one line, with semicolons.", "; ".join(f"{field} = {value}" for field, value in entries)),
            ("Now put it in whole sentences.", " ".join(record.answer(field) for field in fields)),
            (f"Leave out the {fields[0]} and give the rest as JSON.", without(entries, fields[0])),
        )
    )
    return [f"{ask}\n\n{record.passage(generator)}", follow_up], [bullets, reply]


def without(entries: list[tuple[str, str]], left_out: str) -> str:
    """Entries as JSON, less one."""
    return json.dumps({field: as_value(value) for field, value in entries if field != left_out})


@family("extraction")
def extraction_orders(generator: random.Random) -> tuple[list[str], list[str]]:
    """Who ordered what: a list, then the total, or one person's order as JSON."""
    goods = ("chairs", "lamps", "tables", "mugs", "books", "pens", "plates", "boxes", "cushions", "towels")
    customers = [f"{name} {generator.choice(SURNAMES)}" for name in generator.sample(PEOPLE, 3)]
    counts = generator.sample(range(2, 21), 3)
    orders = [(name, count, generator.choice(goods)) for name, count in zip(customers, counts, strict=True)]
    wordings = ("{} ordered {} {}", "{} asked for {} {}", "there was an order by {} for {} {}", "{} wants {} {}")
    told = " ".join(f"{capital(generator.choice(wordings).format(*order))}." for order in orders)
    day = generator.choice(DAYS)
    bullets = "\n".join(f"- {name}: {count} {item}" for name, count, item in orders)
    name, count, item = generator.choice(orders)
    follow_up, reply = generator.choice(
        (
            (f"Give the order of {name} as JSON.", json.dumps(dict(customer=name, count=count, item=item, day=day))),
            ("How many pieces is that in all?", total_of(counts)),
            ("Who ordered the most?", most_of(orders)),
        )
    )
    return [f"Make a list of the orders in this message.\n\nOn {day} the shop was busy. {told}", follow_up], [
        bullets,
        reply,
    ]


def total_of(counts: list[int]) -> str:
    """The sum of some counts, worked out step by step."""
    first, second, third = counts
    return (
        f"{first} and {second} make {first + second}, and with {third} that is {sum(counts)}. "
        f"So {sum(counts)} pieces were ordered in all."
    )


def most_of(orders: list[tuple[str, int, str]]) -> str:
    """Who ordered the most."""
    name, count, item = max(orders, key=lambda order: order[1])
    counts = listed([str(each) for _, each, _ in orders])
    return f"The numbers are {counts}, and the largest is {count}. So {name} ordered the most, namely {count} {item}."


@family("extraction")
def extraction_pair(generator: random.Random) -> tuple[list[str], list[str]]:
    """Unseen: the same fields of two passages, then one of them as JSON."""
    first, second = draw_records(generator, 2, same_kind=True)
    fields = generator.sample(list(first.values), 2)
    passages = numbered([first.passage(generator, 0), second.passage(generator, 0)])
    blocks = [
        "\n".join(f"- {capital(field)}: {value}" for field, value in named_entries(record, fields))
        for record in (first, second)
    ]
    chosen, record = generator.choice(((1, first), (2, second)))
    entries = named_entries(record, fields)
    return (
        [f"For each passage list name, {listed(fields)}.\n\n{passages}", f"Now give passage {chosen} as JSON."],
        ["\n\n".join(blocks), json.dumps({field: as_value(value) for field, value in entries})],
    )


@family("summarization")
def summary_record(generator: random.Random) -> tuple[list[str], list[str]]:
    """A long passage with asides; the summary keeps the four facts that its kind always keeps."""
    record = draw_record(generator)
    template, plan = generator.choice(SUMMARY_PROMPTS)
    first, *rest = [fact.label for fact in record.kind.facts][:4]
    about = {"name": record.name, "first": record.answer(first)[:-1]}
    for place, label in zip(("second", "third", "fourth"), rest, strict=True):
        sentence = record.answer(label, "it")[:-1]
        about |= {place: sentence[0].lower() + sentence[1:], capital(place): sentence}
    if not plan.startswith("{first}"):
        about["first"] = uncapital(about["first"])
    return [template.format(text=record.passage(generator, 3))], [plan.format(**about)]


@family("summarization")
def summary_meeting(generator: random.Random) -> tuple[list[str], list[str]]:
    """The minutes of a meeting: what was decided, by how many votes, and when it begins."""
    chair, speaker, critic = (f"{name} {generator.choice(SURNAMES)}" for name in generator.sample(PEOPLE, 3))
    plan = generator.choice(
        ("a new school", "a bus line", "a playground", "a library", "a cycle path", "a market hall", "a swimming pool")
    )
    place, day = generator.choice(("north", "south", "east", "west", "centre")), generator.choice(DAYS)
    votes, against, cost = generator.randint(10, 40), generator.randint(2, 39), generator.randint(2, 60)
    passed = votes > against
    text = (
        f"The town council met on {day}. {chair} opened the meeting and welcomed {generator.randint(5, 60)} guests. "
        f"{speaker} presented {plan} in the {place} of the town, which would cost {cost} million crowns. "
        f"{critic} {generator.choice(('doubted the figures', 'asked for more time', 'found the plan too dear'))}. "
        f"After {generator.choice(('a short break', 'a long debate', 'two hours'))} {votes} members voted for it and "
        f"{against} against it. The next meeting will be in {generator.randint(2, 6)} weeks."
    )
    verdict = "accepted" if passed else "did not accept"
    reply = (
        f"On {day} the town council {verdict} {plan} in the {place} of the town by {votes} votes to {against}. "
        f"It was presented by {speaker} and {'will' if passed else 'would'} cost {cost} million crowns."
    )
    return [generator.choice(("Summarize these minutes.\n\n", "Sum up the meeting in two sentences.\n\n")) + text], [
        reply
    ]


@family("translation")
def translate(generator: random.Random) -> tuple[list[str], list[str]]:
    """A German sentence of the translation task's seen patterns."""
    names = [name for name in TRANSLATION.families if name not in TRANSLATION.unseen]
    pair = TRANSLATION.families[generator.choice(names)](generator)["translation"]
    return [f"Translate German to English: {pair['de']}"], [pair["en"]]
