"""Word problems about shops, prices and change."""

from training.corpus.corpus import Family
from training.corpus.maths.problem import PERCENTAGES, Problem, story
from training.corpus.words import CLOTHES, FLOWERS, FRUITS, RELATIVES, STATIONERY, TOYS, several

FAMILIES: dict[str, Family] = {}


@story(FAMILIES)
def school_supplies(p: Problem) -> None:
    """Packs of two things; some are given away."""
    who, relative = p.person(), p.pick(RELATIVES)
    thing, other = several(p.rng, STATIONERY, 2)
    packs, each, boxes, inside, given = p.draw(2, 12), p.draw(2, 12), p.draw(2, 9), p.pick((5, 6, 8, 10)), p.draw(3, 40)
    p.tell(f"{who} goes to the shop before school starts.",
           f"{who} needs new things for {p.pick(('school', 'class'))}.",
           f"The new school year begins and {who} goes shopping.")
    p.tell_shuffled(f"{who} buys {packs} packs of {thing}s with {each} {thing}s in each pack.",
                    f"{who.He} takes {boxes} boxes of {other}s, and every box holds {inside} {other}s.")
    p.aside(f"The shop closes at {p.draw(5, 9)} o'clock.", f"The {thing}s are {p.pick(('blue', 'red', 'green'))}.")
    p.tell(f"At home, {who} gives {given} of the things to {who.his} {relative}.",
           f"Later {who.he} hands {given} of these things to {who.his} {relative}.")
    p.tell(f"How many {thing}s and {other}s does {who} have left?", f"How many things does {who.he} keep?")
    first = p.step(packs, "*", each, f"{who} buys @ {thing}s.", f"The packs hold @ {thing}s.",
                   f"There are @ {thing}s in the packs.")
    second = p.step(boxes, "*", inside, f"{who.He} buys @ {other}s.", f"The boxes hold @ {other}s.")
    total = p.step(first, "+", second, "Together that is @ things.", f"In total {who} buys @ things.")
    p.step(total, "-", given, f"After giving {given} to {who.his} {relative}, {who} has @ things left.",
           f"{who} keeps @ things.", f"So {who.he} has @ things left.")


@story(FAMILIES)
def change(p: Problem) -> None:
    """Two purchases paid with one note."""
    who = p.person()
    fruit, other = several(p.rng, FRUITS, 2)
    bags, price, crates, cost = p.draw(2, 12), p.draw(2, 9), p.draw(2, 9), p.draw(2, 12)
    note = p.pick((50, 100, 100, 150, 200))
    p.tell(f"{who} is at the market to buy fruit for {p.pick(('a party', 'the family', 'a school trip', 'the week'))}.",
           f"{who} wants to make a large fruit salad and walks to the market.")
    p.tell_shuffled(f"A bag of {fruit}s costs ${price} and a crate of {other}s costs ${cost}.",
                    f"{who} takes {bags} bags of {fruit}s and {crates} crates of {other}s.")
    p.aside(f"There are {p.draw(8, 30)} other people at the market.",
            f"{who} walked {p.draw(2, 9)} blocks to get there.")
    p.tell(f"{who.He} pays with ${note}.", f"{who} hands the seller ${note}.")
    p.tell(f"How much change does {who} get, in dollars?", f"How many dollars does {who.he} get back?")
    first = p.step(bags, "*", price, f"The bags of {fruit}s cost @.", f"{who} pays @ for the {fruit}s.", unit="$")
    second = p.step(crates, "*", cost, f"The crates of {other}s cost @.", f"{who.He} pays @ for the {other}s.",
                    unit="$")
    total = p.step(first, "+", second, "All the fruit costs @.", f"So {who} has to pay @ altogether.", unit="$")
    p.step(note, "-", total, f"{who} gets @ back.", "The change is @.", f"So {who.his} change is @.", unit="$")


@story(FAMILIES)
def discount(p: Problem) -> None:
    """A price cut by a percentage, and a second thing at full price."""
    who, rate = p.person(), p.pick(PERCENTAGES)
    thing, other = several(p.rng, CLOTHES, 2)
    price, full = p.draw(20, 160, 10), p.draw(5, 60)
    p.tell(f"{who} sees {p.pick(('a leather', 'a wool', 'a cotton', 'a silk'))} {thing} that usually costs ${price}.",
           f"A {thing} that {who} likes has a price of ${price}.")
    p.tell(f"Today the shop takes {rate}% off the price of every {thing}.",
           f"This week there is a discount of {rate}% on each {thing}.")
    p.tell(f"{who} buys the {thing} and also a {other} for ${full}, which is not on sale.",
           f"{who.He} takes it, together with a {other} that costs ${full} and has no discount.")
    p.aside(f"The shop has been open for {p.draw(3, 30)} years.", f"{who} has {p.draw(3, 9)} other {other}s at home.")
    p.tell(f"How many dollars does {who} pay in total?", f"What does {who.he} pay altogether, in dollars?")
    off = p.step(price, "%", rate, f"The discount on the {thing} is @.", f"{rate}% of the price is @.", unit="$")
    cheap = p.step(price, "-", off, f"So the {thing} costs only @.", f"With the discount the {thing} costs @.",
                   unit="$")
    p.step(cheap, "+", full, f"With the {other}, {who} pays @ in total.",
           f"{who} pays @ for the {thing} and the {other}.",
           unit="$")


@story(FAMILIES)
def marble_shop(p: Problem) -> None:
    """Shelves of goods, sales and a delivery."""
    who, toy = p.person(), p.pick(TOYS)
    shelves, each, sold = p.draw(3, 12), p.draw(4, 12), p.draw(5, 60)
    boxes, inside = p.draw(2, 9), p.pick((5, 10, 10, 20))
    day = p.pick(("Monday", "Friday", "Saturday", "Thursday"))
    p.tell(f"{who} runs a small toy shop.", f"{who} owns a shop that sells toys.",
           f"{who} works in a toy shop in town.")
    p.tell(f"On {day} morning there are {shelves} shelves with {each} {toy}s on each of them.",
           f"When the shop opens on {day}, each of its {shelves} shelves holds {each} {toy}s.")
    p.aside(f"A {toy} costs ${p.draw(2, 12)}.", f"The shop also sells {p.draw(4, 20)} kinds of games.")
    p.tell_shuffled(f"During the day customers buy {sold} {toy}s.",
                    f"In the {p.pick(('afternoon', 'evening'))}, a van brings {boxes} boxes with {inside} {toy}s each.")
    p.tell(f"How many {toy}s are in the shop at the end of the day?",
           f"How many {toy}s does {who} have in the evening?")
    start = p.step(shelves, "*", each, f"In the morning the shop has @ {toy}s.", f"The shelves hold @ {toy}s.")
    left = p.step(start, "-", sold, f"After the sales, @ {toy}s are left.",
                  f"Without the ones sold there are @ {toy}s.")
    new = p.step(boxes, "*", inside, f"The van brings @ new {toy}s.", f"There are @ {toy}s in the boxes.")
    p.step(left, "+", new, f"At the end of the day the shop has @ {toy}s.", f"So there are @ {toy}s in the evening.")


@story(FAMILIES)
def flower_bunches(p: Problem) -> None:
    """Flowers bound into equal bunches, sold at a price."""
    who = p.person()
    flower, other = several(p.rng, FLOWERS, 2)
    size, bunches, price = p.draw(3, 12), p.draw(3, 12), p.draw(2, 12)
    first = p.draw(4, max(4, size * bunches - 4))
    second = size * bunches - first
    p.tell(f"{who} has a flower stand near the station.", f"{who} sells flowers in front of the town hall.",
           f"Every {p.pick(('Saturday', 'Sunday', 'Friday'))}, {who} sells flowers at the market.")
    p.tell(f"Today {who.he} brings {first} {flower}s and {second} {other}s.",
           f"This morning {who.he} cut {first} {flower}s and {second} {other}s in the garden.")
    p.aside(f"The stand is {p.draw(2, 6)} metres wide.", f"It takes {p.draw(4, 9)} minutes to water the flowers.")
    p.tell(f"{who.He} binds all of them into bunches of {size} flowers.",
           f"All the flowers are tied into bunches, with {size} flowers in every bunch.")
    p.tell(f"Each bunch is sold for ${price}, and {who} sells them all.", f"{who} sells every bunch for ${price}.")
    p.tell(f"How many dollars does {who} take in?", f"How much money does {who} make, in dollars?")
    total = p.step(first, "+", second, f"With the {flower}s and the {other}s, {who} has @ flowers.",
                   "There are @ flowers of both kinds in all.")
    count = p.step(total, "/", size, f"Tied together in bunches of {size}, they make @ bunches.",
                   f"With {size} flowers in each, {who.he} can bind @ bunches.")
    p.step(count, "*", price, f"At ${price} a bunch, {who} takes in @.", "All the bunches together bring in @.",
           f"So by selling them {who.he} makes @.", unit="$")


@story(FAMILIES)
def resale(p: Problem) -> None:
    """Bought cheap, sold dear, with a fee for the stand."""
    who, thing = p.person(), p.pick(TOYS + CLOTHES)
    count, buy, fee = p.draw(3, 12), p.draw(2, 9), p.draw(2, 30)
    sell = buy + p.draw(2, 8)
    p.tell(f"{who} buys {count} old {thing}s at a price of ${buy} each.",
           f"At a flea market, {who} finds {count} {thing}s and pays ${buy} for each of them.")
    p.tell(f"{who.He} cleans them and sells all of them for ${sell} each.",
           f"After repairing them, {who.he} sells every {thing} for ${sell}.")
    p.aside(f"{who} is {p.draw(12, 60)} years old.", f"The cleaning takes {p.draw(2, 12)} hours.")
    p.tell(f"The place where {who.he} sells them costs {who.him} ${fee} for the day.",
           f"{who} also has to pay ${fee} for a place at the market.")
    p.tell(f"How many dollars of profit does {who} make?", f"What is {who.his} profit, in dollars?")
    spent = p.step(count, "*", buy, f"{who} spends @ on the {thing}s.", f"The {thing}s cost {who.him} @.", unit="$")
    earned = p.step(count, "*", sell, f"{who.He} sells them for @.", "The sale brings in @.", unit="$")
    gain = p.step(earned, "-", spent, f"That is @ more than {who.he} paid for them.", "The difference is @.", unit="$")
    p.step(gain, "-", fee, "After paying for the place, the profit is @.", f"So {who}'s profit is @.", unit="$")
