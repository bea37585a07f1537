"""Word problems about animals, fields and harvests."""

from training.corpus.corpus import Family
from training.corpus.maths.problem import Problem, story
from training.corpus.words import FRUITS, VEGETABLES, several

FAMILIES: dict[str, Family] = {}


@story(FAMILIES)
def eggs(p: Problem) -> None:
    """Eggs laid, eaten, boxed and sold."""
    who, bird = p.person(), p.pick(("hen", "duck", "goose"))
    birds = "geese" if bird == "goose" else f"{bird}s"
    count, each, size, price = p.draw(3, 12), p.draw(3, 9), p.pick((4, 6, 8, 10, 12)), p.draw(2, 9)
    eaten = p.draw(2, 14)
    p.tell(f"{who} keeps {count} {birds}, and each {bird} lays {each} eggs a week.",
           f"On {who}'s farm there are {count} {birds} that lay {each} eggs each in a week.")
    p.aside(f"The {birds} eat {p.draw(3, 20)} kilos of grain a week.",
            f"{who} has had the farm for {p.draw(3, 20)} years.")
    p.tell(f"The family eats {eaten} of the eggs and {who} packs the others into boxes of {size}.",
           f"{who.He} needs {eaten} eggs for the kitchen, and the rest go into boxes that hold {size} eggs.")
    p.tell(f"Every box is sold for ${price}.", f"{who} sells each box for ${price} to {who.his} neighbours.")
    p.tell(f"How many dollars does {who} earn with eggs in a week?", f"How much does {who.he} make a week, in dollars?")
    laid = p.step(count, "*", each, f"The {birds} lay @ eggs a week.", "In a week there are @ eggs.")
    rest = p.step(laid, "-", eaten, f"Without the {eaten} that are eaten, {who} can sell @ of them.",
                  "After the family has eaten, that leaves @ eggs to sell.")
    boxes = p.step(rest, "/", size, "They fill @ boxes.", f"{who.He} packs @ boxes.")
    p.step(boxes, "*", price, f"{who} earns @ in a week.", "The boxes bring in @.", unit="$")


@story(FAMILIES)
def orchard(p: Problem) -> None:
    """Trees in rows of two kinds, and some that are felled."""
    who, place = p.person(), p.pick(("orchard", "garden", "farm"))
    fruit, other = several(p.rng, FRUITS, 2)
    rows, trees, more, wide, felled = p.draw(2, 12), p.draw(3, 12), p.draw(2, 9), p.draw(3, 12), p.draw(3, 30)
    p.tell(f"In {who}'s {place} there are {rows} rows of {fruit} trees with {trees} trees in a row.",
           f"{who} has planted {rows} rows of {fruit} trees in {who.his} {place}, with {trees} trees in every row.")
    p.tell(f"There are also {more} rows of {other} trees, and each of these rows has {wide} trees.",
           f"Behind them stand {more} rows of {wide} {other} trees each.")
    p.aside(f"The trees are {p.draw(3, 15)} years old.",
            f"The {place} lies {p.draw(2, 12)} kilometres from the village.")
    p.tell(f"After a storm, {who} has to cut down {felled} broken trees.",
           f"A storm breaks {felled} of the trees and {who.he} removes them.")
    p.tell(f"How many trees are left in the {place}?", f"How many trees does {who} still have?")
    first = p.step(rows, "*", trees, f"There are @ {fruit} trees.", f"{who} planted @ {fruit} trees.")
    second = p.step(more, "*", wide, f"There are @ {other} trees.", f"The {other} trees number @.")
    total = p.step(first, "+", second, "Before the storm there are @ trees.", "That makes @ trees in all.")
    p.step(total, "-", felled, "After the storm @ trees are left.", f"So {who} still has @ trees.")


@story(FAMILIES)
def milk(p: Problem) -> None:
    """Milk from two kinds of animals; part becomes cheese."""
    who = p.person()
    cows, litres, goats, less, cheese = p.draw(3, 12), p.draw(5, 12), p.draw(3, 12), p.draw(2, 4), p.draw(10, 90, 5)
    p.tell(f"{who} has {cows} cows and {goats} goats on {who.his} farm.",
           f"{who} milks {cows} cows and {goats} goats a day.")
    p.tell_shuffled(f"A cow gives {litres} litres of milk every day.", f"A goat gives {less} litres of milk a day.")
    p.tell(f"{who.He} makes cheese from {cheese} litres of the milk and sells the rest to the dairy.",
           f"Each day {cheese} litres are used for cheese, and the dairy buys the remaining milk.")
    p.aside(f"The work in the barn takes {p.draw(2, 6)} hours.", f"The dairy is {p.draw(3, 30)} kilometres away.")
    p.tell("How many litres of milk go to the dairy every day?",
           f"How many litres does {who} sell to the dairy each day?")
    first = p.step(cows, "*", litres, "The cows give @ litres of milk.", "From the cows come @ litres.")
    second = p.step(goats, "*", less, "The goats give @ litres of milk.", "From the goats come @ litres.")
    total = p.step(first, "+", second, f"Altogether {who} has @ litres.", "All the animals give @ litres a day.")
    p.step(total, "-", cheese, "The dairy gets @ litres.", f"{who} sells @ litres to the dairy.")


@story(FAMILIES)
def herd(p: Problem) -> None:
    """Animals on fields; half are sold, some are born."""
    who, animal = p.person(), p.pick(("goat", "llama", "horse", "cow", "donkey", "pony"))
    animals = "ponies" if animal == "pony" else f"{animal}s"
    fields, each, born = p.draw(2, 12), p.draw(3, 12), p.draw(3, 40)
    p.tell(f"A farmer named {who} has {fields} fields with {each} {animals} on each field.",
           f"{who} is a farmer who keeps {each} {animals} on each of {who.his} {fields} fields.")
    p.tell(f"In {p.pick(('April', 'May', 'June', 'October'))}, {who} sells half of the {animals} to another farmer.",
           f"One day {who.he} decides to sell half of all {who.his} {animals}.")
    p.aside(f"Each field has {p.draw(2, 5)} gates.", f"The farm is {p.draw(20, 90)} years old.")
    p.tell(f"In the following year {born} young {animals} are born on the farm.",
           f"A year later, {who} is glad about {born} new {animals} that are born.")
    p.tell(f"How many {animals} does {who} have now?", f"How many {animals} are on the farm in the end?")
    total = p.step(fields, "*", each, f"At first {who} has @ {animals} on the farm.",
                   f"On the {fields} fields together there are @ {animals}.")
    half = p.step(total, "/", 2, f"{who} sells @ of them, and just as many stay.",
                  f"Half of them are sold, so there are @ {animals} left.")
    p.step(half, "+", born, f"With the young ones there are @ {animals}.", f"In the end {who} has @ {animals}.")


@story(FAMILIES)
def feed(p: Problem) -> None:
    """How many days the hay lasts."""
    who, animal = p.person(), p.pick(("horse", "donkey", "cow", "goat"))
    count, each, days, barn = p.draw(2, 9), p.draw(2, 5), p.draw(3, 12), p.draw(10, 60)
    daily = count * each
    bought = daily * days - barn
    p.tell(f"{who} feeds {count} {animal}s, and every {animal} eats {each} kilos of hay a day.",
           f"Each of {who}'s {count} {animal}s eats {each} kilos of hay every day.")
    p.tell(f"There are {barn} kilos of hay in the barn, and {who.he} buys another {bought} kilos.",
           f"{who.He} finds {barn} kilos of hay in the barn and orders {bought} kilos more.")
    p.aside(f"The oldest {animal} is {p.draw(9, 20)} years old.", f"A kilo of hay costs {p.draw(20, 90, 10)} cents.")
    p.tell(f"How many days will the hay last for the {animal}s?", f"For how many days can {who} feed the {animal}s?")
    need = p.step(count, "*", each, f"The {count} {animal}s together eat @ kilos of hay a day.",
                  f"Every day, @ kilos of hay are eaten by the {animal}s.")
    have = p.step(barn, "+", bought, f"With the hay in the barn, {who} has @ kilos.",
                  "Old and new hay together make @ kilos.")
    p.step(have, "/", need, f"For all the {animal}s, the hay will last for @ days.",
           f"So {who} can feed the {animal}s for @ days.")


@story(FAMILIES)
def harvest(p: Problem) -> None:
    """Picked on several days, packed into sacks."""
    who, helper = p.pair()
    plant, days, fast, slow = p.pick(VEGETABLES), p.draw(2, 6), p.draw(3, 12), p.draw(3, 12)
    size = p.draw(2, 12)
    p.tell(f"{who} and {helper} pull {plant}s out of the ground on a large field.",
           f"It is harvest time and {who} and {helper} work in a field of {plant}s.")
    p.tell_shuffled(f"{who} fills {fast} baskets every day.", f"{helper} fills {slow} baskets each day.")
    p.aside(f"A basket weighs {p.draw(3, 9)} kilos.", f"They start at {p.draw(5, 8)} o'clock in the morning.")
    p.tell(f"They work for {days} days, and then a cart takes the baskets away, {size} at a time.",
           f"After {days} days of work, all the baskets are moved by a cart that can carry {size} of them.")
    p.tell("How many times does the cart have to drive?", "How many trips does the cart need?")
    daily = p.step(fast, "+", slow, f"Together {who} and {helper} fill @ baskets a day.",
                   "In a day, the two of them fill @ baskets.")
    total = p.step(daily, "*", days, f"In {days} days that is @ baskets.", f"They fill @ baskets in {days} days.")
    p.step(total, "/", size, f"With {size} baskets at a time, the cart needs @ trips.",
           "So the cart has to drive @ times to move them all.")
