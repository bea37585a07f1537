"""News that training never meets: the same form with other events."""

from training.corpus.corpus import Family
from training.corpus.news.report import Report, news
from training.corpus.words import MONTHS, a

FAMILIES: dict[str, Family] = {}


@news(FAMILIES)
def lost_animal(r: Report) -> None:
    """An animal is found again."""
    town, day, weeks, miles, owner, finder = r.town, r.day, r.few(), r.draw(5, 90), r.person(), r.person()
    animal = r.pick(("dog", "cat", "parrot", "tortoise", "rabbit", "pony", "owl"))
    name = r.pick(("Biscuit", "Pepper", "Smokey", "Ginger", "Rocky", "Coco", "Buddy"))
    r.lead(
        (f"{a(animal).capitalize()} called {name} was found in {town} on {day} after {weeks} weeks.",
         f"{name} the {animal} is found in {town} after {weeks} weeks"),
        (f"{owner} of {town} has got {owner.his} {animal} {name} back after {weeks} weeks.",
         f"{owner} gets {animal} {name} back after {weeks} weeks"),
        (f"After {weeks} weeks of searching, {owner} found {owner.his} {animal} {name} on {day}.",
         f"{owner} finds missing {animal} {name} after {weeks} weeks"))
    r.fact(
        (f"{finder} saw the {animal} in a barn, {miles} miles from home.",
         f"{finder} discovered the {animal} {miles} miles away in a barn"),
        (f"The {animal} had travelled {miles} miles, and {finder} fed it with bread.",
         f"{finder} fed the {animal}, which had travelled {miles} miles"))
    reward = r.draw(50, 500, 50)
    r.fact((f"A reward of ${reward} was paid.", f"Reward of ${reward} is paid"), chance=0.5)
    r.quote(owner, "the owner", "I cried when I got the call", "We had almost given up hope", "The house was so quiet",
            "I will never leave the gate open again")
    r.quote(finder, f"who lives in {r.neighbour}", "It was thin but in good health", "I knew the picture from a poster",
            "It did not want to leave", "Anybody would have done the same")
    r.detail(f"{owner.last} had put up {r.draw(50, 400, 10)} posters.",
             f"A vet will look at the {animal} on {r.pick(MONTHS)} 2.",
             f"The {animal} is {r.few()} years old.", "Neighbours had helped with the search.")


@news(FAMILIES)
def award(r: Report) -> None:
    """Somebody receives a prize."""
    town, day, winner, giver, money, years = r.town, r.day, r.person(), r.person(), r.draw(2, 60), r.few()
    job = r.pick(("nurse", "teacher", "bus driver", "gardener", "baker", "librarian", "doctor"))
    prize = r.pick(("the Golden Leaf", "the Town Medal", "the Lantern Prize", "the Silver Star", "the Bridge Award"))
    r.lead(
        (f"{winner}, a {job} from {town}, was given {prize} on {day}.",
         f"{job.capitalize()} {winner} from {town} receives {prize}"),
        (f"{prize[0].upper() + prize[1:]} goes to {winner}, a {job} who has worked in {town} "
         f"for {years} years.",
         f"{winner}, a {job} in {town} for {years} years, wins {prize}"),
        (f"{town} has honoured {winner}, a {job}, with {prize}.",
         f"{town} gives {prize} to {job} {winner}"))
    rivals = r.draw(20, 90)
    r.fact(
        (f"The prize comes with ${money},000, which {winner.last} wants to give to a school in {r.neighbour}.",
         f"{winner.last} will give the ${money},000 to a school in {r.neighbour}"),
        (f"{winner.last} was chosen from {rivals} people by a jury.",
         f"Jury chose {winner.last} from {rivals} people"))
    month = r.pick(MONTHS)
    r.fact((f"The next prize will be given in {month}.",
           f"Next prize is to be given in {month}"), chance=0.5)
    r.quote(winner, "the winner", "I only did my job", "This prize belongs to the whole team", "I could not believe it",
            "My mother would have been proud")
    r.quote(giver, "who heads the jury", "The choice was easy this time", "People like this hold a town together",
            "We were all deeply moved", "The list was long and strong")
    r.detail(f"The ceremony lasted {r.draw(40, 120, 10)} minutes.", f"About {r.draw(50, 400, 10)} guests came.",
             f"The prize was first given {r.draw(3, 40)} years ago.", "A school choir sang at the ceremony.")


@news(FAMILIES)
def bus_line(r: Report) -> None:
    """A new bus line starts."""
    town, other, day, stops, price = r.town, r.neighbour, r.day, r.draw(6, 40), r.draw(2, 9)
    driver, head, minutes = r.person(), r.person(), r.draw(15, 90, 5)
    kind = r.pick(("night bus", "electric bus", "express bus", "school bus", "bus without a driver"))
    r.lead(
        (f"{a(kind).capitalize()} between {town} and {other} will start on {day}.",
         f"New {kind} between {town} and {other} starts on {day}"),
        (f"From {day}, people can take {a(kind)} from {town} to {other} in {minutes} minutes.",
         f"{kind.capitalize()} to take people from {town} to {other} in {minutes} minutes"),
        (f"{town} and {other} will be linked by {a(kind)} with {stops} stops.",
         f"{kind.capitalize()} with {stops} stops to link {town} and {other}"))
    gap = r.draw(10, 60, 10)
    buses = r.few()
    cost = r.draw(2, 20)
    r.fact(
        (f"A ticket costs ${price}, and the bus runs every {gap} minutes.",
         f"Buses run every {gap} minutes and tickets cost ${price}"),
        (f"The company has bought {buses} vehicles for ${cost} million.",
         f"Company pays ${cost} million for {buses} vehicles"))
    age = r.draw(6, 16)
    r.fact((f"Children under {age} can ride for free.",
           f"Free rides for children under {age}"), chance=0.5)
    r.quote(head, "the head of the bus company", "People have asked for it for years", "We want fewer cars on the road",
            "The first week is a test", "It will change the way people travel")
    r.quote(driver, f"who lives in {other}", "It saves me an hour a day", "I can sell my car now",
            "The last bus should run later",
            "I hope it will be on time")
    r.detail(f"The old line was closed {r.few()} years ago.",
             f"Up to {r.draw(200, 900, 50)} passengers a day are expected.",
             f"The stops have new {r.pick(('benches', 'lamps', 'roofs', 'signs'))}.",
             "The town pays half of the costs.")


@news(FAMILIES)
def record(r: Report) -> None:
    """A record is broken."""
    town, day, holder, judge, hours, old = r.town, r.day, r.person(), r.person(), r.draw(13, 60), r.draw(5, 12)
    act = r.pick(("playing the piano", "juggling", "reading aloud", "dancing", "riding a bicycle", "skipping rope"))
    age = r.draw(17, 70)
    r.lead(
        (f"{holder}, {age}, has set a record in {town} by {act} for {hours} hours.",
         f"{holder} sets record by {act} for {hours} hours in {town}"),
        (f"A record was broken in {town} on {day} when {holder} spent {hours} hours {act}.",
         f"{holder} breaks record after {hours} hours of {act}"),
        (f"{act.capitalize()} for {hours} hours has earned {holder} of {town} a record.",
         f"{holder} of {town} earns record for {hours} hours of {act}"))
    rival = r.person()
    money = r.draw(2, 40)
    r.fact(
        (f"The old record of {old} hours was held by {rival} from {r.neighbour}.",
         f"{rival} from {r.neighbour} had held the old record of {old} hours"),
        (f"{holder.last} raised ${money},000 for a hospital with the event.",
         f"{holder.last} raises ${money},000 for a hospital"))
    crowd = r.draw(100, 900, 50)
    r.fact((f"{crowd} people watched the last hour.",
           f"{crowd} people see the last hour"), chance=0.5)
    r.quote(holder, "who trained for months", "My arms hurt but I am happy", "I drank a lot of tea",
            "Now I want to sleep",
            "The last hour was the longest")
    r.quote(judge, "who checked the rules", "All the rules were kept", "I have never seen such calm",
            "The film of the event will be checked again", "We are proud to have it here")
    r.detail(f"{r.few().capitalize()} short breaks were allowed.",
             f"The event began at {r.draw(5, 9)} o'clock in the morning.",
             f"{holder.last} has two children.", "A doctor was there the whole time.")
