"""Word problems about baking, cooking and eating."""

from training.corpus.corpus import Family
from training.corpus.maths.problem import Problem, story
from training.corpus.words import BAKED, FRUITS, RELATIVES, several

FAMILIES: dict[str, Family] = {}

PARTIES = ("a birthday party", "the school fair", "a family meeting", "the summer festival", "a picnic")


@story(FAMILIES)
def trays(p: Problem) -> None:
    """Baked by the tray, some lost, the rest in bags."""
    who, cake, relative = p.person(), p.pick(BAKED), p.pick(RELATIVES)
    trays, each, burnt, eaten, size = p.draw(2, 12), p.draw(4, 12), p.draw(2, 12), p.draw(2, 12), p.draw(2, 10)
    p.tell(f"For {p.pick(PARTIES)}, {who} bakes {trays} trays of {cake}s with {each} {cake}s on every tray.",
           f"{who} bakes {cake}s for {p.pick(PARTIES)}: {trays} trays with {each} {cake}s each.")
    p.aside(f"A tray has to bake for {p.draw(10, 30, 5)} minutes.", f"The recipe is {p.draw(10, 60, 10)} years old.")
    p.tell_shuffled(f"Because the oven is too hot, {burnt} {cake}s burn.",
                    f"{who.His} {relative} eats {eaten} of the {cake}s.")
    p.tell(f"{who} puts the rest into bags of {size}.", f"The remaining {cake}s go into bags that hold {size} each.")
    p.tell(f"How many bags does {who} fill?", "How many bags are filled?")
    total = p.step(trays, "*", each, f"{who} bakes @ {cake}s.", f"There are @ {cake}s on the trays.")
    good = p.step(total, "-", burnt, f"Without the burnt ones there are @ {cake}s.", "Of these, @ are not burnt.")
    rest = p.step(good, "-", eaten, f"After {who.his} {relative} has eaten, @ are left.",
                  f"That leaves @ {cake}s for the bags.")
    p.step(rest, "/", size, f"So {who} fills @ bags.", "They fill @ bags.")


@story(FAMILIES)
def flour(p: Problem) -> None:
    """Two recipes that need flour, and what is in the cupboard."""
    who, (cake, other) = p.person(), several(p.rng, ("cake", "pie", "pizza", "loaf of bread", "tart"), 2)
    first, cups, second, need, bags = p.draw(2, 9), p.draw(2, 7), p.draw(2, 9), p.draw(2, 7), p.draw(3, 9)
    size = p.pick((8, 10, 12, 20))
    plural = {"loaf of bread": "loaves of bread"}
    cakes, others = plural.get(cake, f"{cake}s"), plural.get(other, f"{other}s")
    p.tell(f"{who} has {bags} bags of flour at home, and each bag holds {size} cups.",
           f"In {who}'s kitchen there are {bags} bags with {size} cups of flour in each of them.")
    p.tell_shuffled(f"One {cake} needs {cups} cups of flour.", f"One {other} needs {need} cups of flour.")
    p.aside(f"It also needs {p.draw(2, 6)} eggs.", f"The oven was bought {p.draw(2, 15)} years ago.")
    p.tell(f"For {p.pick(PARTIES)} {who} makes {first} {cakes} and {second} {others}.",
           f"{who.He} wants to make {first} {cakes} and {second} {others} today.")
    p.tell("How many cups of flour are left after that?", f"How many cups of flour does {who} have left?")
    start = p.step(bags, "*", size, f"At first {who} has @ cups of flour.", "The bags hold @ cups of flour.")
    one = p.step(first, "*", cups, f"The {cakes} need @ cups.", f"For the {cakes} {who.he} takes @ cups.")
    two = p.step(second, "*", need, f"The {others} need @ cups.", f"For the {others} {who.he} takes @ cups.")
    used = p.step(one, "+", two, "Together they need @ cups.", f"In all {who} uses @ cups.")
    p.step(start, "-", used, "That leaves @ cups of flour.", f"So {who} has @ cups left.")


@story(FAMILIES)
def lemonade(p: Problem) -> None:
    """Glasses sold, costs taken off."""
    who, fruit = p.person(), p.pick(FRUITS)
    jugs, glasses, price, cost, sugar = p.draw(2, 9), p.draw(3, 10), p.draw(2, 5), p.draw(2, 20), p.draw(2, 12)
    p.tell(f"{who} makes {jugs} jugs of {fruit} juice and sells it at {p.pick(PARTIES)}.",
           f"On a hot day {who} makes {jugs} jugs of cold {fruit} juice to sell in the park.")
    p.tell(f"Each jug is enough for {glasses} glasses, and a glass costs ${price}.",
           f"A jug fills {glasses} glasses, and {who} sells a glass for ${price}.")
    p.tell(f"The {fruit}s for the juice cost ${cost} and the sugar costs ${sugar}.",
           f"{who.He} had to pay ${cost} for {fruit}s and ${sugar} for sugar.")
    p.aside(f"The temperature is {p.draw(25, 35)} degrees.", f"{who.His} friend brings {p.draw(2, 6)} chairs.")
    p.tell(f"If all the juice is sold, how many dollars does {who} gain?",
           f"{who} sells every glass. How many dollars are left after the costs?")
    total = p.step(jugs, "*", glasses, f"{who} sells @ glasses.", "The jugs fill @ glasses.")
    earned = p.step(total, "*", price, "The glasses bring in @.", f"For these {who.he} gets @.", unit="$")
    spent = p.step(cost, "+", sugar, f"{who} spent @.", "The costs are @.", unit="$")
    p.step(earned, "-", spent, f"So {who} gains @.", "After the costs, @ are left.", unit="$")


@story(FAMILIES)
def slices(p: Problem) -> None:
    """Pizzas cut into slices for two kinds of guests."""
    who, dish, cut = p.person(), p.pick(("pizza", "cake", "melon", "pie", "tart")), p.pick((6, 8, 10, 12))
    count, adults, big, children, small = p.draw(3, 12), p.draw(2, 12), p.draw(2, 5), p.draw(2, 12), p.draw(2, 4)
    p.tell(f"{who} orders {count} {dish}s for {p.pick(PARTIES)} and cuts each {dish} into {cut} slices.",
           f"There are {count} {dish}s at {p.pick(PARTIES)}, and {who} cuts every {dish} into {cut} slices.")
    p.tell_shuffled(f"Each of the {adults} adults eats {big} slices.",
                    f"Each of the {children} children eats {small} slices.")
    p.aside(f"The party lasts {p.draw(3, 6)} hours.", f"One {dish} costs ${p.draw(8, 20)}.")
    p.tell("How many slices are left at the end of the day?", f"How many slices can {who} take home?")
    total = p.step(count, "*", cut, "There are @ slices.", f"{who} cuts @ slices.")
    one = p.step(adults, "*", big, "The adults eat @ slices.", "By the adults @ slices are eaten.")
    two = p.step(children, "*", small, "The children eat @ slices.", "By the children @ slices are eaten.")
    rest = p.step(total, "-", one, "After the adults, there are @ slices.", "The adults leave @ slices.")
    p.step(rest, "-", two, "In the end @ slices are left.", f"So {who} can take @ slices home.")


@story(FAMILIES)
def sandwiches(p: Problem) -> None:
    """Slices of bread for many sandwiches, loaves to buy."""
    who, children, each, teachers = p.person(), p.draw(4, 30), 2, p.draw(2, 12)
    loaf, price = p.pick((4, 6, 8, 10, 12)), p.draw(2, 6)
    p.tell(f"{who} makes one sandwich for each of the {children} children and {teachers} adults on a trip.",
           f"A trip is planned for {children} children and {teachers} adults, and {who} makes a sandwich for each.")
    p.tell(f"For a sandwich {who.he} needs {each} slices of bread.",
           f"Every sandwich is made of {each} slices of bread.")
    p.aside(f"The trip starts at {p.draw(7, 9)} o'clock.", f"{who} also packs {p.draw(10, 50)} bottles of water.")
    p.tell(f"A small loaf has {loaf} slices and costs ${price}.",
           f"The shop sells loaves with {loaf} slices for ${price} each.")
    p.tell(f"How many dollars does {who} pay for the bread?", "How much does the bread cost, in dollars?")
    guests = p.step(children, "+", teachers, f"{who} has to make @ sandwiches.", "There are @ people on the trip.")
    slices = p.step(each, "*", guests, "That takes @ slices of bread.", f"{who.He} needs @ slices for them.")
    loaves = p.step(slices, "/", loaf, f"So {who} has to buy @ loaves.", "These come from @ loaves.")
    p.step(loaves, "*", price, "The bread costs @.", f"{who} pays @ for the bread.", unit="$")


@story(FAMILIES)
def jam(p: Problem) -> None:
    """Jars filled, half given away, the rest sold."""
    who, fruit, relative = p.person(), p.pick(FRUITS), p.pick(RELATIVES)
    pots, jars, kept, price = p.draw(2, 12), p.draw(3, 12), p.draw(2, 20), p.draw(2, 9)
    p.tell(f"{who} cooks {pots} pots of {fruit} jam, and every pot fills {jars} jars.",
           f"In autumn {who} cooks {fruit} jam, {pots} pots in all, and fills {jars} jars from each pot.")
    p.tell(f"Half of the jars go to {who.his} {relative}.", f"{who.He} gives half of the jars to {who.his} {relative}.")
    p.tell(f"Of the other jars, {who} keeps {kept} and sells the rest for ${price} each.",
           f"{who.He} keeps {kept} of the other jars for winter and sells the remaining ones for ${price} each.")
    p.aside(f"A pot needs {p.draw(2, 6)} kilos of sugar.", f"The cooking takes {p.draw(3, 9)} hours.")
    p.tell(f"How many dollars does {who} get for the jam?", "How much money does the jam bring, in dollars?")
    total = p.step(pots, "*", jars, f"{who} fills @ jars.", "From the pots come @ jars.")
    half = p.step(total, "/", 2, "Half of them is @ jars.", f"{who.His} {relative} gets @ jars, and as many are left.")
    sold = p.step(half, "-", kept, f"{who} sells @ jars.", f"After keeping {kept}, {who.he} has @ jars to sell.")
    p.step(sold, "*", price, "They bring in @.", f"So {who} gets @ for the jam.", unit="$")
