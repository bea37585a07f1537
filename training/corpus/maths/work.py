"""Word problems about work, wages and output."""

from training.corpus.corpus import Family
from training.corpus.maths.problem import PERCENTAGES, Problem, story
from training.corpus.words import STATIONERY, TOWNS, TOYS

FAMILIES: dict[str, Family] = {}

JOBS = ("in a bakery", "in a library", "at a petrol station", "in a garden centre", "in a museum", "at a hotel")


@story(FAMILIES)
def wages(p: Problem) -> None:
    """Two hourly rates, and money put aside."""
    who, hours, rate, extra, better = p.person(), p.draw(3, 12), p.draw(5, 12), p.draw(2, 8), p.draw(8, 12)
    spent = p.draw(5, 90, 5)
    p.tell(f"{who} works {p.pick(JOBS)} and earns ${rate} an hour from Monday to Friday.",
           f"{who} has a job {p.pick(JOBS)} that pays ${rate} an hour on weekdays.")
    p.tell(f"At the weekend the pay is ${better} an hour.", f"On Saturdays {who.he} gets ${better} an hour.")
    p.tell(f"This week {who} works {hours} hours on weekdays and {extra} hours at the weekend.",
           f"{who.He} works for {hours} hours on weekdays this week, and {extra} hours on Saturday.")
    p.aside(f"{who} is {p.draw(17, 60)} years old.", f"The way to work takes {p.draw(5, 40, 5)} minutes.")
    p.tell(f"{who.He} spends ${spent} of the money on {p.pick(('food', 'shoes', 'a present', 'tickets'))}.",
           f"Of this money, ${spent} go to {who.his} {p.pick(('mother', 'landlord', 'savings account'))}.")
    p.tell(f"How many dollars does {who} have left?", "How much of the money is left, in dollars?")
    first = p.step(hours, "*", rate, f"On weekdays {who} earns @.", f"The weekdays bring {who.him} @.", unit="$")
    second = p.step(extra, "*", better, f"At the weekend {who.he} earns @.", "The weekend work brings @.", unit="$")
    total = p.step(first, "+", second, f"In the whole week {who} earns @.", "Together that is @.", unit="$")
    p.step(total, "-", spent, f"So {who} has @ left.", f"After that, {who.he} has @ left.", unit="$")


@story(FAMILIES)
def painter(p: Problem) -> None:
    """Rooms of two sizes, hours a day."""
    who, thing = p.person(), p.pick(("room", "wall", "door", "fence"))
    large, long, small, short, day = p.draw(2, 9), p.draw(4, 8), p.draw(2, 9), p.draw(2, 4), p.draw(4, 9)
    p.tell(f"{who} is a painter who has to paint {large} large {thing}s and {small} small {thing}s.",
           f"In an old house, {who} paints {large} large {thing}s and {small} small ones.")
    p.tell_shuffled(f"A large {thing} takes {long} hours.", f"A small {thing} takes {short} hours.")
    p.aside(f"{who} uses {p.draw(5, 30)} litres of paint.", f"The house has {p.draw(10, 30)} windows.")
    p.tell(f"{who} works {day} hours every day.", f"Each day {who} can work for {day} hours.")
    p.tell(f"How many days does {who} need for the work?", "After how many days is the work done?")
    first = p.step(large, "*", long, f"The large {thing}s take @ hours.",
                   f"For the large {thing}s {who} needs @ hours.")
    second = p.step(small, "*", short, f"The small {thing}s take @ hours.", "The small ones need @ hours.")
    total = p.step(first, "+", second, "The whole work takes @ hours.", "That is @ hours of work in all.")
    p.step(total, "/", day, f"So {who} needs @ days.", f"With {day} hours a day, it takes @ days.")


@story(FAMILIES)
def lawns(p: Problem) -> None:
    """Money for small jobs, shared by two."""
    who, friend = p.pair()
    lawns, price, cars, fee, petrol = p.draw(2, 12), p.draw(4, 12), p.draw(2, 12), p.draw(3, 9), p.draw(2, 24)
    p.tell(f"{who} and {friend} earn some money in the holidays.",
           f"In {p.pick(('June', 'July', 'August'))}, {who} and {friend} work for their neighbours.")
    p.tell_shuffled(f"They mow {lawns} lawns and get ${price} for each lawn.",
                    f"They wash {cars} cars for ${fee} each.")
    p.aside(f"{friend} is {p.draw(2, 4)} years older than {who}.", f"The largest lawn takes them {p.draw(2, 5)} hours.")
    p.tell(f"Out of this money they pay ${petrol} for {p.pick(('petrol', 'soap', 'drinks', 'tools'))}.",
           f"Their costs are ${petrol}, which they pay from what they earned.")
    p.tell("They share the rest equally. How many dollars does each of them get?",
           f"The rest is split in half. How many dollars does {who} get?")
    first = p.step(lawns, "*", price, "For the lawns they get @.", "Mowing brings them @.", unit="$")
    second = p.step(cars, "*", fee, "For the cars they get @.", "Washing cars brings @.", unit="$")
    total = p.step(first, "+", second, "They earn @ in all.", "Together that makes @.", unit="$")
    rest = p.step(total, "-", petrol, f"After paying ${petrol} they have @.", "There is @ left to share.", unit="$")
    p.step(rest, "/", 2, "Each of them gets @.", f"So {who} gets @.", unit="$")


@story(FAMILIES)
def factory(p: Problem) -> None:
    """Machines, hours, faulty pieces and boxes."""
    thing, town = p.pick(TOYS + STATIONERY), p.pick(TOWNS)
    machines, rate, hours = p.draw(2, 9), p.draw(2, 10), p.draw(2, 10)
    faulty, size = p.draw(2, 30), p.pick((4, 5, 6, 8, 10))
    p.tell(f"A small factory in {town} has {machines} machines, and each of them makes {rate} {thing}s an hour.",
           f"In a factory in {town}, {machines} machines make {rate} {thing}s an hour each.")
    p.tell(f"The machines run for {hours} hours.", f"Today all of them run for {hours} hours.")
    p.aside(f"The factory has {p.draw(15, 60)} workers.", f"The factory was built {p.draw(5, 50)} years ago.")
    p.tell(f"At the end, {faulty} {thing}s are faulty, and the good ones are packed into boxes of {size}.",
           f"A worker finds {faulty} faulty {thing}s and packs all the others into boxes of {size}.")
    p.tell("How many boxes are packed?", "How many boxes do they fill?")
    hourly = p.step(machines, "*", rate, f"The machines make @ {thing}s an hour.", f"Every hour, @ {thing}s are made.")
    total = p.step(hourly, "*", hours, f"In {hours} hours they make @ {thing}s.", f"That gives @ {thing}s in all.")
    good = p.step(total, "-", faulty, f"Of these, @ {thing}s are good.",
                  f"Without the faulty ones there are @ {thing}s.")
    p.step(good, "/", size, "They fill @ boxes.", "So @ boxes are packed.")


@story(FAMILIES)
def tips(p: Problem) -> None:
    """Tables served, a tip in per cent."""
    who, tables, bill, rate = p.person(), p.draw(2, 9), p.draw(10, 60, 10), p.pick(PERCENTAGES)
    pay = p.draw(20, 90)
    p.tell(f"{who} is a waiter in a {p.pick(('small', 'busy', 'new', 'fine'))} restaurant in {p.pick(TOWNS)}.",
           f"In the evening {who} works as a waiter in a {p.pick(('small', 'busy', 'new', 'fine'))} restaurant.")
    p.tell(f"Today {who.he} serves {tables} tables, and at each table the bill is ${bill}.",
           f"{who.He} serves {tables} tables tonight, and every table has a bill of ${bill}.")
    p.tell(f"The guests give a tip of {rate}% of the bill.", f"All guests leave a tip of {rate}%.")
    p.aside(f"The restaurant has {p.draw(12, 40)} tables.", f"The work ends at {p.draw(9, 11)} o'clock.")
    p.tell(f"{who} also gets ${pay} from the owner for the evening.", f"The owner pays {who} ${pay} for the day.")
    p.tell(f"How many dollars does {who} earn, with the tips?", f"What does {who} earn in all, in dollars?")
    total = p.step(tables, "*", bill, "The bills come to @.", f"The guests of {who} have to pay @.", unit="$")
    tip = p.step(total, "%", rate, "The tips of all the tables are @.", f"A tip of {rate}% of this sum makes @.",
                 unit="$")
    p.step(pay, "+", tip, f"Together with the pay of ${pay}, {who} earns @ in all.",
           f"With the tips on top of the pay, {who.he} earns @.", unit="$")


@story(FAMILIES)
def parcels(p: Problem) -> None:
    """Parcels in vans; some are delivered before noon."""
    who, town = p.person(), p.pick(TOWNS)
    vans, each, morning, streets = p.draw(2, 9), p.draw(10, 60, 10), p.draw(10, 90, 5), p.draw(2, 12)
    p.tell(f"{who} sends out {vans} vans with {each} parcels each to the streets of {town}.",
           f"At the post office in {town}, {who} loads {vans} vans, and every van takes {each} parcels.")
    p.tell(f"Before noon the drivers bring {morning} parcels to the right doors.",
           f"By lunchtime, {morning} parcels have reached their owners.")
    p.aside(f"The heaviest parcel weighs {p.draw(10, 30)} kilos.", f"One of the vans is {p.draw(3, 9)} years old.")
    p.tell(f"The rest has to go to {streets} streets, with the same number of parcels for each street.",
           f"The others are for {streets} streets, and each street gets the same number.")
    p.tell("How many parcels are there for each of these streets?", "How many parcels does each of these streets get?")
    total = p.step(vans, "*", each, "All the vans together carry @ parcels.",
                   f"There are @ parcels in the {vans} vans.")
    rest = p.step(total, "-", morning, f"After the first {morning} parcels there are @ parcels left.",
                  "That leaves @ parcels for the afternoon.")
    p.step(rest, "/", streets, f"Each of the {streets} streets gets @ parcels.",
           "So there are @ parcels for each of the streets.")
