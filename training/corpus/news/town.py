"""News from the town: councils, courts, fires, weather, trains and shops."""

from training.corpus.corpus import Family
from training.corpus.news.report import Report, news
from training.corpus.words import MONTHS

FAMILIES: dict[str, Family] = {}


@news(FAMILIES)
def council_vote(r: Report) -> None:
    """A council decides to build something."""
    town, day, cost, hours = r.town, r.day, r.draw(2, 40), r.few()
    plan = r.pick(("swimming pool", "library", "car park", "sports hall", "bus station", "footbridge", "skate park"))
    month, mayor, critic, ayes, noes = r.pick(MONTHS), r.person(), r.person(), r.draw(14, 30), r.draw(3, 13)
    r.lead(
        (f"The town council of {town} voted on {day} to build a new {plan}.",
         f"{town} council votes for new {plan} on {day}"),
        (f"{town} will get a new {plan}, the town council decided on {day}.",
         f"New {plan} to be built in {town} after council decision"),
        (f"After a debate of {hours} hours, councillors in {town} agreed on {day} to build a new {plan}.",
         f"Councillors in {town} agree to build {plan} after {hours} hours of debate"))
    r.fact(
        (f"The project will cost ${cost} million and should be finished in {month} next year.",
         f"The ${cost} million project is due to be ready next {month}"),
        (f"Work will begin in {month}, and the town has set aside ${cost} million for it.",
         f"Work on the ${cost} million plan starts in {month}"))
    r.fact((f"{ayes} members were in favour of the plan and {noes} were against it.",
            f"Plan was passed by {ayes} votes to {noes}"), chance=0.4)
    r.quote(mayor, f"the mayor of {town}", "This is a great day for our town", "We have waited a long time for this",
            "Our children will thank us", "The money is well spent", "It was a hard but fair debate")
    r.quote(critic, "who leads the opposition", "We cannot afford it", "Nobody has asked the people who live there",
            "The roads should have come first", "The figures do not add up", "There are better places for it")
    r.detail(f"A first plan was turned down {r.few()} years ago.",
             f"About {r.draw(20, 200, 10)} people watched the debate.",
             f"The old {plan} was closed because of a leaking roof.",
             "A local firm has been asked to draw up the plans.")


@news(FAMILIES)
def court_case(r: Report) -> None:
    """Somebody is sentenced or cleared."""
    accused, judge, lawyer, months, value = r.person(), r.person(), r.person(), r.draw(6, 36), r.draw(2, 90)
    age, town, day = r.draw(19, 68), r.town, r.day
    goods = r.pick(("bicycles", "paintings", "phones", "car tyres", "rare stamps", "laptops", "watches", "old coins"))
    place = r.pick(("warehouse", "shop", "museum", "school", "hotel", "garage"))
    r.lead(
        (f"{accused}, {age}, was sent to prison for {months} months on {day} for stealing {goods} from a {place}.",
         f"{accused} jailed for {months} months over theft of {goods}"),
        (f"A court in {town} has found {accused}, {age}, guilty of taking {goods} from a {place}.",
         f"Court finds {accused}, {age}, guilty of stealing {goods}"),
        (f"{accused}, {age}, walked free from a court in {town} on {day} after being accused of stealing {goods}.",
         f"{accused} cleared of stealing {goods} by court in {town}"))
    r.fact(
        (f"The {goods} were worth ${value},000 and were taken at night from a locked room.",
         f"Goods worth ${value},000 had been taken from a locked room at night"),
        (f"Police found the {goods}, worth ${value},000, in a barn near {r.neighbour}.",
         f"Police discovered the ${value},000 haul in a barn close to {r.neighbour}"))
    car = r.pick(("white van", "red car", "blue truck", "grey van"))
    r.fact((f"A security guard saw a {car} drive away.",
            f"Guard had noticed a {car} leaving the scene"), chance=0.4)
    r.quote(judge, "the judge", "The case was not an easy one", "The evidence speaks for itself",
            "Everybody has a right to a fair trial", "I have read every page of the file")
    r.quote(lawyer, f"a lawyer for {accused.last}", "We will study the ruling with care",
            "My client has nothing to add",
            "It has been a hard time for the family", "We had hoped for a shorter trial")
    r.detail(f"The trial lasted {r.few()} days.", f"{accused.last} has lived in {town} for {r.draw(3, 20)} years.",
             f"{r.few().capitalize()} witnesses were heard.", f"The {place} has since put in new locks.")


@news(FAMILIES)
def fire(r: Report) -> None:
    """Firefighters bring people to safety."""
    town, day, saved, crews, hours = r.town, r.day, r.few(), r.draw(20, 90, 5), r.few()
    place = r.pick(("hotel", "school", "block of flats", "farmhouse", "furniture shop", "theatre", "bakery"))
    cause = r.pick(("a faulty heater", "a forgotten candle", "an old cable", "a burning pan", "a broken lamp"))
    chief, witness = r.person(), r.person()
    r.lead(
        (f"Firefighters saved {saved} people from a burning {place} in {town} on {day}.",
         f"{saved.capitalize()} people rescued from fire at {place} in {town}"),
        (f"A fire broke out in a {place} in {town} on {day}, and {saved} people had to be carried to safety.",
         f"Crews carry {saved} people out of burning {place} on {day}"),
        (f"A {place} in {town} was destroyed by a fire on {day}, but all {saved} people inside escaped.",
         f"Fire destroys {town} {place}; all {saved} people inside are safe"))
    r.fact(
        (f"More than {crews} firefighters needed {hours} hours to put out the flames.",
         f"It took {crews} firefighters {hours} hours to stop the blaze"),
        (f"The fire was started by {cause}, investigators believe.",
         f"Investigators think {cause} was to blame for the fire"))
    loss = r.draw(10, 900, 10)
    r.fact((f"The damage is put at ${loss},000.",
            f"Damage is estimated at ${loss},000"), chance=0.4)
    r.quote(chief, "the fire chief", "My team did an outstanding job", "We were there within minutes",
            "It could have been much worse", "The smoke was very thick", "Every second counted")
    r.quote(witness, "who lives across the street", "I heard a loud bang and ran outside", "The sky was full of smoke",
            "I have never seen flames like that", "We all stood there and watched in shock", "My dog woke me up")
    r.detail(f"The street was closed until {r.pick(('noon', 'midnight', 'the evening', 'the next morning'))}.",
             "Neighbours brought blankets and tea.", f"The building is more than {r.draw(40, 200, 10)} years old.",
             "A firefighter was treated for a burnt hand.")


@news(FAMILIES)
def storm(r: Report) -> None:
    """Bad weather and what it did."""
    town, day, speed, homes = r.town, r.day, r.draw(50, 110, 5), r.draw(2, 60)
    weather = r.pick(("storm", "snowstorm", "thunderstorm", "gale", "hailstorm"))
    thing = r.pick(("roofs", "trees", "power lines", "garden sheds", "road signs", "greenhouses"))
    expert, local = r.person(), r.person()
    r.lead(
        (f"A {weather} swept over {town} on {day} and tore down dozens of {thing}.",
         f"{weather.capitalize()} damages {thing} in {town} on {day}"),
        (f"People in {town} were clearing up on {day} after a {weather} that damaged many {thing}.",
         f"{town} clears up after {weather} brings down {thing}"),
        (f"{homes},000 homes were left without power on {day} when a {weather} hit {town}.",
         f"Power cut off in {homes},000 homes as {weather} reaches {town}"))
    spot = r.pick(("airport", "harbour", "hill"))
    until = r.pick(("Monday", "Tuesday", "Thursday", "next week"))
    r.fact(
        (f"Winds of up to {speed} miles per hour were measured at the {spot}.",
         f"Weather station at the {spot} recorded gusts of {speed} mph"),
        (f"Schools will stay closed until {until}, officials said.",
         f"Officials say schools are to remain shut until {until}"))
    what = r.pick(("fallen trees", "deep water", "a landslide"))
    r.fact((f"The road to {r.neighbour} is blocked by {what}.",
            f"Route to {r.neighbour} cannot be used because of {what}"), chance=0.5)
    r.quote(expert, "of the weather service", "The worst is behind us", "More rain is on its way",
            "We had warned people in good time", "Such weather is rare at this time of year")
    r.quote(local, f"a {r.pick(('baker', 'teacher', 'farmer', 'nurse', 'driver'))} from {town}",
            "We sat in the cellar all night",
            "My whole garden is gone", "I thought the windows would break", "The neighbours help each other")
    r.detail(f"{r.few().capitalize()} people were slightly hurt.",
             f"Emergency services took {r.draw(100, 900, 10)} calls.",
             "A concert in the park was called off.", f"Shops ran out of candles by {r.pick(('noon', 'evening'))}.")


@news(FAMILIES)
def train_delay(r: Report) -> None:
    """Trains stand still, and why."""
    town, other, day, hours, people = r.town, r.neighbour, r.day, r.few(), r.draw(200, 950, 50)
    reason = r.pick(("a broken signal", "a fallen tree", "a herd of cows on the line", "a damaged bridge",
                     "a power failure", "a frozen switch"))
    spokesman, passenger = r.person(), r.person()
    r.lead(
        (f"Trains between {town} and {other} stood still for {hours} hours on {day} because of {reason}.",
         f"No trains from {town} to {other} for {hours} hours after {reason}"),
        (f"{people} passengers were stuck on a train near {town} on {day} after {reason} stopped all traffic.",
         f"{people} people trapped on train close to {town}"),
        (f"{reason.capitalize()} caused long delays for travellers between {town} and {other} on {day}.",
         f"Travellers face delays between {town} and {other} because of {reason}"))
    share = r.draw(20, 100, 10)
    time = r.draw(2, 11)
    part = r.pick(("morning", "evening"))
    r.fact(
        (f"The railway will pay back {share} per cent of every ticket.",
         f"Railway promises to refund {share} per cent of ticket prices"),
        (f"The line was opened again at {time} o'clock in the {part}.",
         f"Traffic started again at {time} o'clock in the {part}, railway says"))
    buses = r.few()
    r.fact((f"{buses.capitalize()} buses were sent to bring people home.",
            f"Passengers were taken home in {buses} buses"), chance=0.5)
    r.quote(spokesman, "who speaks for the railway", "We are sorry for the trouble", "Safety always comes first",
            "Our engineers worked without a break", "We will look into what happened")
    r.quote(passenger, f"a passenger from {other}", "Nobody told us anything", "I missed my own birthday party",
            "We shared our sandwiches and sang songs", "The staff were very friendly", "It was cold and dark")
    r.detail(f"The line is used by {r.draw(3, 40)},000 people a day.",
             f"It was the {r.pick(('second', 'third', 'fourth'))} "
             "failure this year.", "Water was handed out at the station.",
             f"The track was last repaired {r.few()} years ago.")


@news(FAMILIES)
def shop_opening(r: Report) -> None:
    """A new shop and the jobs it brings."""
    town, day, jobs, owner, guest = r.town, r.day, r.draw(12, 90), r.person(), r.person()
    shop = r.pick(("bakery", "bookshop", "supermarket", "bicycle shop", "toy shop", "garden centre", "coffee house"))
    street = r.pick(("Station Road", "Mill Street", "the market square", "King Street", "Bridge Lane", "Harbour Road"))
    r.lead(
        (f"Hundreds of people queued on {day} when {owner} opened a new {shop} in {town}.",
         f"Long queues in {town} as {owner} opens {shop}"),
        (f"A new {shop} owned by {owner} has opened its doors in {street} in {town}.",
         f"{owner} opens new {shop} in {street}"),
        (f"{owner} opened a {shop} in {town} on {day}, {r.few()} years after the last one had closed.",
         f"{shop.capitalize()} run by {owner} opens in {town} on {day}"))
    money = r.draw(50, 900, 50)
    r.fact(
        (f"The business gives work to {jobs} people, most of whom live in {town}.",
         f"The business employs {jobs} people, mainly from the town"),
        (f"{owner.last} has put ${money},000 into the building and hired {jobs} people.",
         f"{owner.last} invests ${money},000 and creates {jobs} jobs"))
    month = r.pick(MONTHS)
    r.fact((f"A second shop is planned in {r.neighbour} for {month}.",
            f"Another shop is to follow in {r.neighbour} in {month}"), chance=0.5)
    r.quote(owner, "the owner", "I have dreamt of this since I was a child", "We want people to feel at home here",
            "It took a lot of work and little sleep", "The town needed a place like this", "We start with a small team")
    r.quote(guest, "one of the first customers", "The choice is wonderful", "The prices are fair",
            "I will come every week",
            "It is good to see life in this street again", "I came for the free cake")
    r.detail(f"The first {r.draw(20, 100, 10)} customers got a free bag.",
             f"It is open {r.pick(('six', 'seven'))} days a week.",
             f"The building was empty for {r.few()} years.", "The mayor cut a red ribbon.")
