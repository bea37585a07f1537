"""Word problems about saving, spending and giving."""

from training.corpus.corpus import Family
from training.corpus.maths.problem import PERCENTAGES, Problem, story
from training.corpus.words import MONTHS, RELATIVES, TOWNS

FAMILIES: dict[str, Family] = {}

WISHES = ("bicycle", "guitar", "tent", "camera", "phone", "drum", "telescope", "skateboard")


@story(FAMILIES)
def goal(p: Problem) -> None:
    """Weeks until a wish can be paid."""
    who, wish, relative = p.person(), p.pick(WISHES), p.pick(RELATIVES)
    pay, out, weeks, saved = p.draw(8, 20), p.draw(2, 8), p.draw(3, 12), p.draw(10, 90)
    gift = p.draw(10, 50, 5)
    price = (pay - out) * weeks + saved + gift
    p.tell(f"{who} wants to buy a {wish} that costs ${price}.",
           f"A {wish} that {who} would like to have costs ${price}.")
    p.tell_shuffled(f"{who} has already saved ${saved}.", f"{who.His} {relative} adds ${gift} as a gift.")
    job = p.pick(("small jobs", "walking dogs", "helping at home"))
    p.tell(f"Every week {who.he} gets ${pay} for {job} and spends ${out}.",
           f"Each week {who.he} earns ${pay} and spends ${out} of it, and the rest is saved.")
    p.aside(f"The {wish} weighs {p.draw(2, 12)} kilos.", f"{who} is {p.draw(9, 15)} years old.")
    p.tell(f"How many weeks will it take until {who} can buy the {wish}?",
           f"In how many weeks can {who} buy the {wish}?")
    have = p.step(saved, "+", gift, f"{who} has @ at the start.", f"With the gift, {who.he} has @.", unit="$")
    left = p.step(price, "-", have, f"{who.He} still needs @.", f"For the {wish} @ are missing.", unit="$")
    weekly = p.step(pay, "-", out, f"Each week {who.he} saves @.", f"{who} can put aside @ a week.", unit="$")
    p.step(left, "/", weekly, "So it takes @ weeks.", f"{who} can buy the {wish} in @ weeks.")


@story(FAMILIES)
def coins(p: Problem) -> None:
    """Coins and notes in a jar."""
    who, place = p.person(), p.pick(("a glass jar", "a tin box", "a piggy bank", "an old shoe", "a drawer"))
    fives, twos, tens = p.draw(2, 12), p.draw(2, 12), p.draw(2, 12)
    p.tell(f"{who} keeps {who.his} money in {place}.",
           f"{who} opens {place} in which {who.he} has saved money all year.")
    p.tell(f"There are {tens} notes of $10, {fives} notes of $5 and {twos} coins of $2 in it.",
           f"In it {who.he} finds {twos} coins of $2, {fives} notes of $5 and {tens} notes of $10.")
    p.aside(f"{who} counts the money {p.draw(2, 5)} times.", f"{who} started to save in {p.pick(MONTHS)}.")
    p.tell("How many dollars are there in all?", f"How many dollars does {who} have in {place}?")
    one = p.step(tens, "*", 10, "The notes of $10 make @.", "In notes of $10 there are @.", unit="$")
    two = p.step(fives, "*", 5, "The notes of $5 make @.", "In notes of $5 there are @.", unit="$")
    three = p.step(twos, "*", 2, "The coins make @.", "In coins there are @.", unit="$")
    notes = p.step(one, "+", two, "All the notes together are @.", "So the notes are worth @.", unit="$")
    p.step(notes, "+", three, f"With the coins, {who} has @.", "With the coins that makes @.", unit="$")


@story(FAMILIES)
def two_savers(p: Problem) -> None:
    """Who has saved more, and by how much."""
    who, friend = p.pair()
    months, rate, start, other = p.draw(3, 12), p.draw(6, 12), p.draw(20, 90), p.draw(2, 5)
    gift = p.draw(5, 60, 5)
    p.tell(f"{who} and {friend} both save for {p.pick(('a trip', 'a summer camp', 'a new computer', 'a party'))}.",
           f"{who} and {friend} want to find out who can save more money.")
    relative = p.pick(RELATIVES)
    p.tell(f"{who} puts away ${rate} a month for {months} months and gets ${gift} from {who.his} {relative}.",
           f"For {months} months {who} saves ${rate} a month, and {who.his} {relative} gives {who.him} ${gift} more.")
    p.tell(f"{friend} has ${start} from last year and saves ${other} a month in the same time.",
           f"{friend} begins with ${start} and adds ${other} in each of the {months} months.")
    p.aside(f"They have known each other for {p.draw(2, 12)} years.", f"{friend} has {p.draw(2, 4)} brothers.")
    p.tell(f"How many dollars more than {friend} does {who} have in the end?",
           f"In the end {who} has more money. How many dollars more is it?")
    mine = p.step(months, "*", rate, f"{who} saves @ in {months} months.", f"In these months {who} puts away @.",
                  unit="$")
    total = p.step(mine, "+", gift, f"With the gift {who} has @.", f"That makes @ for {who}.", unit="$")
    theirs = p.step(months, "*", other, f"{friend} adds @ in this time.", f"In the same time {friend} saves @.",
                    unit="$")
    rival = p.step(start, "+", theirs, f"So {friend} has @.", f"That makes @ for {friend}.", unit="$")
    p.step(total, "-", rival, f"{who} has @ more than {friend}.", "The difference is @.", unit="$")


@story(FAMILIES)
def birthday_money(p: Problem) -> None:
    """A share is spent, another is given away."""
    who, giver = p.person(), p.pick(("grandmother", "grandfather", "uncle", "aunt"))
    money, more, rate, cost = p.draw(20, 120, 10), p.draw(10, 80, 10), p.pick(PERCENTAGES), p.draw(3, 60)
    wish = p.pick(("a puzzle", "a ball", "a ticket to the zoo", "new gloves", "a film", "a pair of socks"))
    p.tell(f"For {who.his} birthday, {who} gets ${money} from {who.his} {giver} and ${more} from {who.his} parents.",
           f"{who}'s {giver} sends {who.him} ${money} for {who.his} birthday, and {who.his} parents add ${more}.")
    cause = p.pick(("an animal home", "a hospital", "the school", "a good cause"))
    p.tell(f"{who.He} gives {rate}% of the money to {cause}.",
           f"Of all this money {who} gives {rate}% away.")
    p.tell(f"From the rest {who.he} buys {wish} for ${cost}.", f"Then {who.he} pays ${cost} for {wish}.")
    p.aside(f"{who} turns {p.draw(8, 18)} years old.", f"{p.draw(5, 12)} friends come to the party.")
    p.tell(f"How many dollars does {who} have left?", f"How many dollars are left for {who}?")
    total = p.step(money, "+", more, f"{who} gets @ in all.", "Together the gifts are @.", unit="$")
    share = p.step(total, "%", rate, f"{who.He} gives away @.", f"{rate}% of it is @.", unit="$")
    rest = p.step(total, "-", share, f"Then {who} has @.", "That leaves @.", unit="$")
    p.step(rest, "-", cost, f"After paying for {wish}, {who.he} has @ left.", f"So {who} has @ left.", unit="$")


@story(FAMILIES)
def collection(p: Problem) -> None:
    """Money collected for a cause by two streets or classes."""
    town, cause = p.pick(TOWNS), p.pick(("a playground", "the animal home", "a new library", "the hospital",
                    "a bridge"))
    givers, gift, faster, target = p.draw(3, 12), p.draw(3, 10), p.draw(2, 4), p.draw(150, 400, 10)
    first, second = p.pick((("Mill Street", "Park Road"), ("the east side", "the west side"), ("class A", "class B")))
    p.tell(f"People in {town} collect ${target} for {cause}.",
           f"For {cause}, the people of {town} want to collect ${target}.")
    p.tell(f"In {first}, {givers} people give ${gift} each.", f"{givers} people in {first} each give ${gift}.")
    p.tell(f"In {second} they collect {faster} times as much.",
           f"The money from {second} is {faster} times as much as that.")
    p.aside(f"{town} has {p.draw(20, 90)} streets.", f"The collection takes {p.draw(2, 9)} days.")
    p.tell("How many dollars are still missing?", "How many more dollars do they need to reach their goal?")
    one = p.step(givers, "*", gift, f"People in {first} give @.", f"From {first} come @.", unit="$")
    two = p.step(faster, "*", one, f"People in {second} give @.", f"From {second} come @.", unit="$")
    total = p.step(one, "+", two, "Together they have @.", "In all @ are collected.", unit="$")
    p.step(target, "-", total, "So @ are still missing.", "They still need @.", unit="$")


@story(FAMILIES)
def subscription(p: Problem) -> None:
    """Monthly payments against one price for the whole time."""
    who, what = p.person(), p.pick(("a gym", "a swimming club", "a magazine", "a music club", "a tennis club",
           "a film club"))
    months, price, fee, rate = p.draw(3, 12), p.draw(5, 12), p.draw(5, 40), p.draw(3, 9)
    once = p.draw(20, 100, 5)
    p.tell(f"{who} can pay for {what} in two ways.", f"There are two ways in which {who} can pay for {what}.")
    p.tell(f"The first way is to pay ${price} a month and a fee of ${fee} at the start.",
           f"Either {who.he} pays a fee of ${fee} at the start and then ${price} a month.")
    p.tell(f"The second way is to pay ${once} at the start and nothing after that.",
           f"Or {who.he} pays ${once} once for all.")
    p.aside(f"{who.His} friend has been a member for {p.draw(2, 9)} years.", f"{who} goes there {rate} times a week.")
    p.tell(f"If {who} stays for {months} months, how many dollars does the second way save?",
           f"{who} stays for {months} months. How many dollars cheaper is the second way?")
    paid = p.step(months, "*", price, f"In {months} months {who} would pay @ for {what}.",
                  f"The monthly payments for {months} months are @.", unit="$")
    total = p.step(paid, "+", fee, f"With the fee of ${fee}, the first way costs @.",
                   "With the fee that makes @ for the first way.", unit="$")
    p.step(total, "-", once, f"So paying ${once} at once saves @.", f"The second way is @ cheaper for {who}.", unit="$")
