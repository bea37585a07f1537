"""Word problems about journeys, vehicles and distances."""

from training.corpus.corpus import Family
from training.corpus.maths.problem import Problem, story
from training.corpus.words import TOWNS, several

FAMILIES: dict[str, Family] = {}


@story(FAMILIES)
def train_journey(p: Problem) -> None:
    """Two legs at different speeds, and what is left of the way."""
    who, (start, end) = p.person(), several(p.rng, TOWNS, 2)
    fast, hours, slow, more = p.draw(40, 90, 10), p.draw(2, 4), p.draw(20, 60, 10), p.draw(2, 3)
    whole = p.draw(200, 400, 5)
    p.tell(f"{who} travels from {start} to {end}, which is {whole} kilometres away.",
           f"The way from {start} to {end} is {whole} kilometres long, and {who} wants to go there.")
    p.tell(f"First {who.he} takes a train that goes {fast} kilometres an hour for {hours} hours.",
           f"For {hours} hours {who.he} sits in a train that runs at {fast} kilometres an hour.")
    p.aside(f"The ticket costs ${p.draw(10, 90)}.", f"{who} has {p.draw(2, 4)} bags.")
    p.tell(f"Then {who} rides in a bus for {more} hours at {slow} kilometres an hour.",
           f"After that comes a bus ride of {more} hours at a speed of {slow} kilometres an hour.")
    p.tell(f"How many kilometres is {who} still away from {end}?", f"How many kilometres are left to {end}?")
    first = p.step(hours, "*", fast, "The train covers @ kilometres.", f"By train {who} travels @ kilometres.")
    second = p.step(more, "*", slow, "The bus covers @ kilometres.", f"By bus {who.he} travels @ kilometres.")
    done = p.step(first, "+", second, f"So far {who} has travelled @ kilometres.", "Together that is @ kilometres.")
    p.step(whole, "-", done, f"There are @ kilometres left to {end}.", f"{who} still has to travel @ kilometres.")


@story(FAMILIES)
def bus_stops(p: Problem) -> None:
    """People get on and off."""
    town, vehicle = p.pick(TOWNS), p.pick(("bus", "tram", "train"))
    start, off, on, later, joined = p.draw(20, 70), p.draw(3, 25), p.draw(3, 25), p.draw(3, 25), p.draw(3, 25)
    p.tell(f"A {vehicle} leaves {town} with {start} passengers.",
           f"When the {vehicle} starts in {town}, it has {start} "
           "passengers.")
    first, second = p.rng.sample(("market", "museum", "station", "school", "hospital", "bridge"), 2)
    p.tell(f"At the first stop, {off} people get off and {on} people get on.",
           f"At the {first}, {off} of them leave the {vehicle} and {on} people get on.")
    p.aside(f"The {vehicle} has {p.draw(80, 120)} seats.",
            f"The driver has worked for {p.draw(9, 20)} hours this week.")
    p.tell(f"At the {second}, {later} people get off and {joined} get on.",
           f"At the next stop {later} passengers leave and {joined} new passengers get on.")
    p.tell(f"How many passengers are in the {vehicle} now?", f"With how many passengers does the {vehicle} drive on?")
    left = p.step(start, "-", off, f"At the first stop the {vehicle} is down to @ passengers.",
                  f"After {off} people got off, @ are left.")
    now = p.step(left, "+", on, "With the new ones there are @ passengers.", f"Then @ people are in the {vehicle}.")
    rest = p.step(now, "-", later, "At the next stop @ people stay.", f"When {later} leave, there are @ left.")
    p.step(rest, "+", joined, f"So the {vehicle} drives on with @ passengers.", "Now there are @ passengers.")


@story(FAMILIES)
def fuel(p: Problem) -> None:
    """Litres used on several trips, and the cost to fill up."""
    who, vehicle = p.person(), p.pick(("car", "van", "truck", "motorbike", "jeep"))
    trips, each, extra, price = p.draw(2, 12), p.draw(2, 8), p.draw(2, 30), p.pick((2, 2, 3, 4))
    p.tell(f"{who} drives {who.his} {vehicle} to work and back {trips} times in a week.",
           f"This week {who} has to make {trips} trips with {who.his} {vehicle}.")
    p.tell(f"Every trip takes {each} litres of fuel.", f"The {vehicle} uses {each} litres of fuel on each trip.")
    p.tell(f"On Sunday {who.he} visits a friend and uses {extra} litres more.",
           f"A visit to {who.his} parents takes another {extra} litres.")
    p.aside(f"The {vehicle} is {p.draw(2, 15)} years old.", f"The tank holds {p.draw(100, 200, 10)} litres.")
    p.tell(f"If a litre costs ${price}, how many dollars does {who} spend on fuel?",
           f"A litre of fuel costs ${price}. How much does {who} spend on fuel, in dollars?")
    used = p.step(trips, "*", each, f"The {trips} trips of this week take @ litres of fuel.",
                  f"For the trips with the {vehicle}, {who} uses @ litres.")
    total = p.step(used, "+", extra, f"Together with the visit, {who.he} uses @ litres in the week.",
                   "With the visit on top, it is @ litres in total.")
    p.step(total, "*", price, f"At ${price} a litre, {who} spends @ on fuel.",
           "So all the fuel of this week costs @.", unit="$")


@story(FAMILIES)
def bike_tour(p: Problem) -> None:
    """A long tour: so much a day, then the rest in equal parts."""
    who, friend = p.pair()
    days, daily, rest_days, part = p.draw(2, 9), p.pick((10, 20, 30, 40, 50, 8, 9, 11, 12)), p.draw(2, 9), p.draw(3, 12)
    whole = days * daily + rest_days * part
    p.tell(f"{who} and {friend} plan a {p.pick(('bicycle tour', 'walk', 'hike', 'boat tour'))} of {whole} kilometres.",
           f"A tour of {whole} kilometres lies ahead of {who} and {friend}.")
    p.tell(f"On each of the first {days} days they cover {daily} kilometres.",
           f"During the first {days} days, they manage {daily} kilometres a day.")
    p.aside(f"Their bags weigh {p.draw(5, 15)} kilos each.", f"They sleep {p.draw(7, 9)} hours every night.")
    p.tell(f"They want to finish the rest of the way in {rest_days} equal days.",
           f"The remaining distance is to be covered in {rest_days} days, with the same distance every day.")
    p.tell("How many kilometres do they have to cover on each of these days?",
           "How many kilometres a day is that for the rest of the tour?")
    done = p.step(days, "*", daily, f"In the first {days} days they cover @ kilometres.",
                  "They have done @ kilometres.")
    left = p.step(whole, "-", done, "After that there are @ kilometres left.",
                  "So the rest of the tour is @ kilometres long.")
    p.step(left, "/", rest_days, "They have to cover @ kilometres on each day.", "That makes @ kilometres a day.")


@story(FAMILIES)
def hotel(p: Problem) -> None:
    """A shared holiday bill."""
    who, town, friends = p.person(), p.pick(TOWNS), p.draw(5, 12)
    nights, price, meals, cost = p.draw(2, 4), p.draw(20, 40, 10), p.draw(2, 6), p.draw(4, 12)
    p.tell(f"{who} spends a holiday in {town} with some friends; they are {friends} people in all.",
           f"A group of {friends} friends, one of whom is {who}, travels to {town}.")
    p.tell(f"They stay {nights} nights in a house that costs ${price} a night.",
           f"They rent a house for {nights} nights and pay ${price} for each night.")
    p.tell(f"They also order {meals} meals from a restaurant for ${cost} each.",
           f"For dinner they order {meals} meals that cost ${cost} each.")
    p.aside(f"The house has {p.draw(3, 8)} rooms.", f"The beach is {p.draw(2, 9)} minutes away.")
    p.tell("If they share the cost equally, how many dollars does each of them pay?",
           f"Everybody pays the same. How many dollars does {who} have to pay?")
    house = p.step(nights, "*", price, "The house costs @.", f"For {nights} nights they pay @.", unit="$")
    food = p.step(meals, "*", cost, "The meals cost @.", "They pay @ for the meals.", unit="$")
    total = p.step(house, "+", food, "The holiday costs @ in all.", "Together that is @.", unit="$")
    p.step(total, "/", friends, "Each of them pays @.", f"So {who} has to pay @.", unit="$")


@story(FAMILIES)
def ferry(p: Problem) -> None:
    """Cars and vans on a ferry, several crossings."""
    town, trips, cars, vans = p.pick(TOWNS), p.draw(2, 6), p.draw(4, 12), p.draw(2, 8)
    price, fare = p.draw(3, 9), p.draw(5, 12)
    p.tell(f"A ferry at {town} crosses the river {trips} times a day.",
           f"Every day the ferry at {town} makes {trips} trips.")
    p.tell(f"On each trip it carries {cars} cars and {vans} vans.",
           f"Each time there are {cars} cars and {vans} vans on it.")
    p.tell_shuffled(f"A car pays ${price} to cross.", f"The price for a van is ${fare}.")
    p.aside(f"One trip takes {p.draw(10, 40, 5)} minutes.",
            f"The captain has worked on the river for {p.draw(5, 30)} years.")
    p.tell("How many dollars does the ferry take in on one day?",
           "How much money does the ferry make in a day, in dollars?")
    first = p.step(cars, "*", price, "On each trip the cars pay @.", "The cars bring in @ on one trip.", unit="$")
    second = p.step(vans, "*", fare, "The vans pay @ on each trip.", "The vans bring in @ on one trip.", unit="$")
    once = p.step(first, "+", second, "So one trip brings in @.", "Together they pay @ on a trip.", unit="$")
    p.step(once, "*", trips, f"With {trips} trips the ferry takes in @.", "In one day the ferry makes @.", unit="$")
