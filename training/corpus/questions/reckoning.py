"""Questions to be worked out: order and time, areas, speed, word problems, small programs."""

import random

from training.corpus.questions.register import PEOPLE, capital, family, listed

COMPARISONS = (
    ("older", "younger", "oldest", "youngest"),
    ("taller", "shorter", "tallest", "shortest"),
    ("faster", "slower", "fastest", "slowest"),
    ("richer", "poorer", "richest", "poorest"),
)


@family("reasoning")
def ordering(generator: random.Random) -> tuple[list[str], list[str]]:
    """People in an order that is told by pairs, and then one more of them."""
    more, less, most, least = generator.choice(COMPARISONS)
    *people, newcomer = generator.sample(PEOPLE, generator.choice((4, 5)))
    facts = []
    for first, second in zip(people, people[1:], strict=False):
        facts.append(generator.choice((f"{first} is {more} than {second}.", f"{second} is {less} than {first}.")))
    generator.shuffle(facts)
    wanted, found = generator.choice(((most, people[0]), (least, people[-1])))
    chain = listed([f"{first} is {more} than {second}" for first, second in zip(people, people[1:], strict=False)])
    reply = f"From the facts, {chain}. From {most} to {least} they are {listed(people)}. So {found} is the {wanted}."
    ahead = generator.random() < 0.5
    told = f"{newcomer} is {more} than {people[0]}." if ahead else f"{newcomer} is {less} than {people[-1]}."
    everybody = [newcomer, *people] if ahead else [*people, newcomer]
    asked, answer = generator.choice(((most, everybody[0]), (least, everybody[-1])))
    again = f"Now the order from {most} to {least} is {listed(everybody)}. So {answer} is the {asked}."
    return [f"{' '.join(facts)} Who is the {wanted}?", f"{told} Who is the {asked} now?"], [reply, again]


def clock(minutes: int) -> str:
    """Minutes since midnight as a time of day."""
    return f"{minutes // 60}:{minutes % 60:02d}"


@family("reasoning")
def timetable(generator: random.Random) -> tuple[list[str], list[str]]:
    """When something ends, and then when the next thing does."""
    what, following = generator.sample(("meeting", "lesson", "film", "concert", "match", "train ride", "lecture"), 2)
    start = 60 * generator.randint(7, 16) + 5 * generator.randint(0, 11)
    length, pause, second = (5 * generator.randint(low, high) for low, high in ((3, 22), (1, 8), (3, 18)))
    end, again = start + length, start + length + pause
    ask = generator.choice(
        (
            "A {what} begins at {start} and lasts {length} minutes. When does it end?",
            "It is {start}, and a {what} of {length} minutes begins. At what time is it over?",
        )
    ).format(what=what, start=clock(start), length=length)
    follow_up = f"After a break of {pause} minutes there is a {following} of {second} minutes. When does that end?"
    return [ask, follow_up], [
        f"The {what} begins at {clock(start)}. {length} minutes later it is {clock(end)}, so it ends at {clock(end)}.",
        f"The break lasts from {clock(end)} to {clock(again)}. The {following} begins at {clock(again)} and takes "
        f"{second} minutes, so it ends at {clock(again + second)}.",
    ]


@family("math")
def rectangle(generator: random.Random) -> tuple[list[str], list[str]]:
    """Area and edge of a rectangle, and then of a changed one."""
    thing = generator.choice(("garden", "room", "field", "carpet", "yard", "sheet of glass"))
    length, width = generator.randint(3, 25), generator.randint(2, 12)
    ask = generator.choice(
        (
            "A {thing} is {length} metres long and {width} metres wide. What are its area and its perimeter?",
            "Find the area and the perimeter of a {thing} that measures {length} by {width} metres.",
        )
    ).format(thing=thing, length=length, width=width)
    more = generator.randint(2, 9)
    longer, wider = generator.choice(((length + more, width), (length, width + more)))
    change = f"made {more} metres {'longer' if longer > length else 'wider'}"
    return [ask, f"And if the {thing} is {change}?"], [sizes(thing, length, width), sizes(thing, longer, wider)]


def sizes(thing: str, length: int, width: int) -> str:
    """Area and perimeter of a rectangle, worked out."""
    return (
        f"The area of the {thing} is {length} * {width} = {length * width} square metres. Half the perimeter is "
        f"{length} + {width} = {length + width}, so the perimeter is 2 * {length + width} = "
        f"{2 * (length + width)} metres."
    )


@family("stem")
def motion(generator: random.Random) -> tuple[list[str], list[str]]:
    """Distance or time from a speed, and then the same with another speed."""
    thing = generator.choice(("car", "cyclist", "train", "boat", "runner", "bird", "rocket", "sound wave"))
    speed, hours, faster = generator.randint(4, 30), generator.randint(2, 9), generator.randint(1, 6)
    distance = speed * hours
    if generator.random() < 0.5:
        ask = f"How far does a {thing} move in {hours} seconds at {speed} metres per second? Explain."
        reply = (
            f"Distance is speed times time. With {speed} metres per second and {hours} seconds we get "
            f"{speed} * {hours} = {distance}, so the {thing} moves {distance} metres."
        )
    else:
        ask = f"How long does a {thing} need for {distance} metres at {speed} metres per second? Explain."
        reply = (
            f"Time is distance divided by speed. With {distance} metres and {speed} metres per second we get "
            f"{distance} / {speed} = {hours}, so the {thing} needs {hours} seconds."
        )
    quick = speed + faster
    follow_up = f"It gets {faster} metres per second faster. How far does it move in {hours} seconds now?"
    answer = (
        f"The new speed is {speed} + {faster} = {quick} metres per second. Then {quick} * {hours} = {quick * hours}, "
        f"so in {hours} seconds the {thing} moves {quick * hours} metres."
    )
    return [ask, follow_up], [reply, answer]


@family("math_reasoning")
def shopping(generator: random.Random) -> tuple[list[str], list[str]]:
    """Two purchases and what is left."""
    name = generator.choice(PEOPLE)
    first, second = generator.sample(("apples", "pencils", "stamps", "tickets", "buns", "candles", "ribbons"), 2)
    many, few, price, cost = (generator.randint(2, 9) for _ in range(4))
    one, two = many * price, few * cost
    purse = one + two + generator.randint(1, 40)
    text = generator.choice(
        (
            "{name} has {purse} dollars and buys {many} {first} for {price} dollars each and {few} {second} for {cost} "
            "dollars each. How much money is left?",
            "At the market {many} {first} cost {price} dollars apiece and {few} {second} cost {cost} dollars apiece. "
            "{name} takes them all and had {purse} dollars before. How many dollars remain?",
        )
    ).format(name=name, purse=purse, many=many, first=first, price=price, few=few, second=second, cost=cost)
    reply = (
        f"The {first} cost {many} * {price} = {one} dollars. The {second} cost {few} * {cost} = {two} dollars. "
        f"Together that is {one} + {two} = {one + two} dollars. {name} has {purse} - {one + two} = {purse - one - two} "
        f"dollars left. The answer is {purse - one - two}."
    )
    return [text], [reply]


@family("math_reasoning")
def sharing(generator: random.Random) -> tuple[list[str], list[str]]:
    """Things are collected, some are given away, and the rest is shared."""
    name, friend = generator.sample(PEOPLE, 2)
    thing = generator.choice(("shells", "cards", "marbles", "cookies", "stickers", "nuts", "coins"))
    people, share, away = generator.randint(2, 8), generator.randint(2, 12), generator.randint(1, 20)
    left = people * share
    first = generator.randint(1, left + away - 1)
    second = left + away - first
    text = generator.choice(
        (
            "{name} finds {first} {thing} in the morning and {second} in the evening. {away} of them go to {friend}, "
            "and the rest is shared equally among {people} children. How many {thing} does each child get?",
            "{friend} gets {away} of the {thing} that {name} has collected, {first} on one day and {second} on "
            "the next. {people} children share what is left. How many are there for each child?",
        )
    ).format(name=name, friend=friend, thing=thing, first=first, second=second, away=away, people=people)
    reply = (
        f"{name} has {first} + {second} = {left + away} {thing}. After giving {away} to {friend}, there are "
        f"{left + away} - {away} = {left} left. Each of the {people} children gets {left} / {people} = "
        f"{share} {thing}. The answer is {share}."
    )
    return [text], [reply]


OPERATIONS = {
    "add {n} to": "value + {n}",
    "subtract {n} from": "value - {n}",
    "multiply by {n}": "value * {n}",
    "divide by {n}": "value / {n}",
}
FILTERS = {
    "even": "value % 2 == 0",
    "odd": "value % 2 == 1",
    "positive": "value > 0",
    "greater than {m}": "value > {m}",
    "less than {m}": "value < {m}",
}


def function(name: str, argument: str, result: str, condition: str = "", docstring: str = "") -> str:
    """A Python function that maps a list, perhaps only some of it."""
    where = f" if {condition}" if condition else ""
    lines = [f"def {name}({argument}):", *([f'    """{docstring}"""'] if docstring else [])]
    return "\n".join([*lines, f"    return [{result} for value in {argument}{where}]"])


@family("coding")
def list_function(generator: random.Random) -> tuple[list[str], list[str]]:
    """A function over a list, and then a filter, a docstring or another name for it."""
    task, result = generator.choice(tuple(OPERATIONS.items()))
    which, condition = generator.choice(tuple(FILTERS.items()))
    n, m = generator.randint(2, 20), generator.randint(1, 50)
    name = (
        generator.choice(("change", "convert", "adjust", "update", "transform"))
        + "_"
        + generator.choice(("all", "values", "list"))
    )
    argument = generator.choice(("numbers", "items", "prices", "scores", "data"))
    task, result, which, condition = task.format(n=n), result.format(n=n), which.format(m=m), condition.format(m=m)
    task = task.replace(" by", " every value by") if " by" in task else f"{task} every value"
    ask = generator.choice(
        (
            f"Write a Python function {name} that takes the list {argument} and returns a new list: {task}.",
            f"I need a Python function called {name}. For the list {argument} it should {task} and return the results.",
        )
    )
    said = f"Here is the function {name}.\n\n{function(name, argument, result)}\n\n"
    said += f"It goes through {argument}, and for each value it computes {result}."
    docstring = f"{capital(task)}."
    follow_up, code, remark = generator.choice(
        (
            (
                f"Only use values that are {which}.",
                function(name, argument, result, condition),
                f"The condition {condition} keeps only values that are {which}.",
            ),
            (
                "Add a docstring.",
                function(name, argument, result, docstring=docstring),
                f"The docstring tells the reader what {name} does.",
            ),
            (
                f"Call the argument values and keep those {which}.",
                function(name, "values", result, condition),
                f"The argument is now called values, and {condition} picks those {which}.",
            ),
        )
    )
    return [ask, follow_up], [said, f"Here is the new version.\n\n{code}\n\n{remark}"]


@family("reasoning")
def ordering_of_ends(generator: random.Random) -> tuple[list[str], list[str]]:
    """Unseen: which of two things that last so long ends first, and who leads after a delay."""
    first, second = generator.sample(("meeting", "lesson", "film", "concert", "match", "lecture"), 2)
    starts = [60 * generator.randint(8, 14) + 5 * generator.randint(0, 11) for _ in range(2)]
    lengths = [5 * generator.randint(4, 20) for _ in range(2)]
    if starts[0] + lengths[0] == starts[1] + lengths[1]:
        lengths[0] += 5
    ends = [start + length for start, length in zip(starts, lengths, strict=True)]
    delay = 5 * generator.randint(1, 6)
    earlier = first if ends[0] < ends[1] else second
    ask = (
        f"A {first} begins at {clock(starts[0])} and lasts {lengths[0]} minutes. A {second} begins at "
        f"{clock(starts[1])} and lasts {lengths[1]} minutes. Which ends first?"
    )
    reply = f"The {first} ends at {clock(ends[0])}. The {second} ends at {clock(ends[1])}. So the {earlier} ends first."
    answer = (
        f"The {first} begins at {clock(starts[0] + delay)}. {lengths[0]} minutes later it is {clock(ends[0] + delay)}, "
        f"so it ends at {clock(ends[0] + delay)}."
    )
    return [ask, f"The {first} begins {delay} minutes late. When does it end?"], [reply, answer]
