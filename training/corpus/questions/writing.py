"""Letters and notices that are then rewritten by a rule, and short scenes to play."""

import random

from training.corpus.questions.register import DAYS, PEOPLE, capital, family, full_name, listed

# What went wrong, as a clause about "I"; what the letter offers for it, as an infinitive.
TROUBLES = (
    "I broke your window",
    "I forgot our appointment",
    "I lost your umbrella",
    "I came too late",
    "I scratched your car",
    "I woke you with loud music",
    "I spilled coffee on your book",
)
AMENDS = (
    "invite you to lunch",
    "call you in the evening",
    "cook dinner for you",
    "bring you some flowers",
    "help you in the garden",
    "wash your car",
    "bake you a cake",
)
TONES = {"formal": ("Dear {}", "Yours sincerely"), "friendly": ("Hello {}", "Warm wishes"), "short": ("Hi {}", "Best")}
PLACES = ("swimming pool", "library", "town hall", "car park", "post office", "museum", "sports hall", "market")
CAUSES = (
    "a broken pipe",
    "repair work",
    "a staff meeting",
    "a storm warning",
    "cleaning",
    "a private party",
    "building work",
)


def hours(generator: random.Random) -> tuple[int, int]:
    """A first and a later hour of a day."""
    first = generator.randint(7, 16)
    return first, generator.randint(first + 1, 20)


def apology_parts(generator: random.Random) -> tuple[str, str, str, str, str]:
    """Sender, receiver, trouble, amends, day."""
    sender, receiver = generator.sample(PEOPLE, 2)
    return sender, receiver, generator.choice(TROUBLES), generator.choice(AMENDS), generator.choice(DAYS)


@family("writing")
def letter(generator: random.Random) -> tuple[list[str], list[str]]:
    """An apology in a tone, and then a rewriting."""
    sender, receiver, trouble, amends, day = apology_parts(generator)
    tone = generator.choice(tuple(TONES))
    greeting, closing = TONES[tone][0].format(receiver), TONES[tone][1]
    sorry = {
        "formal": f"I am writing to apologize because on {day} {trouble}. This should not have happened.",
        "friendly": f"I am so sorry that {trouble} on {day}. I have been thinking about it ever since.",
        "short": f"Sorry that {trouble} on {day}.",
    }[tone]
    offer = {
        "formal": f"To make up for it, I would like to {amends}. Please let me know whether you agree.",
        "friendly": f"Please let me {amends}, it would make me happy.",
        "short": f"I will {amends} soon, I promise.",
    }[tone]
    ask = generator.choice(
        (
            "Write a {tone} letter from {sender} to {receiver} that says: {trouble} on {day}, and I will {amends}.",
            "{sender} wants to apologize to {receiver} in a {tone} letter. Message: {trouble} on {day}. "
            "Offer: {amends}.",
        )
    ).format(tone=tone, sender=sender, receiver=receiver, trouble=trouble, day=day, amends=amends)
    other_day = generator.choice([each for each in DAYS if each != day])
    other_amends = generator.choice([each for each in AMENDS if each != amends])
    body = f"{greeting},\n\n{sorry} {offer}\n\n{closing},\n{sender}"
    follow_up, reply = generator.choice(
        (
            (f"The day was {other_day}. Please correct the letter.", body.replace(day, other_day)),
            (f"Change the offer: {other_amends}.", body.replace(amends, other_amends)),
            (
                "Make it a text message in one sentence.",
                f"Sorry {receiver}, {trouble} on {day}, so I will {amends} to make up for it. {sender}",
            ),
            ("Leave out the greeting and the ending.", f"{sorry} {offer}"),
        )
    )
    return [ask, follow_up], [body, reply]


@family("writing")
def notice(generator: random.Random) -> tuple[list[str], list[str]]:
    """A notice that something is closed, and then a rewriting."""
    place, cause, day, (first, last) = (
        generator.choice(PLACES),
        generator.choice(CAUSES),
        generator.choice(DAYS),
        hours(generator),
    )
    name = full_name(generator)
    ask = generator.choice(
        (
            "Write a notice: the {place} is closed on {day} from {first} to {last} because of {cause}. "
            "Contact: {name}.",
            "The {place} will be shut on {day} from {first} to {last} o'clock, the cause is {cause}. "
            "Write a notice for the door and sign it as {name}.",
        )
    ).format(place=place, day=day, first=first, last=last, cause=cause, name=name)
    body = (
        f"NOTICE\n\nThe {place} will be closed on {day} from {first}:00 to {last}:00 because of {cause}. "
        f"We are sorry for the trouble. If you have questions, please ask {name}.\n\nThank you for your patience."
    )
    opening = generator.randint(last, 21)
    follow_up, reply = generator.choice(
        (
            (
                "Rewrite it as a list with What, When, Why and Who.",
                f"- What: the {place} is closed\n- When: {day}, {first}:00 to {last}:00\n- Why: {cause}\n- Who: {name}",
            ),
            (
                "Say the same in one friendly sentence.",
                f"Dear guests, please note that on {day} between {first}:00 and {last}:00 you cannot use the {place}, "
                f"as there is {cause}.",
            ),
            (
                f"It now lasts until {opening + 1}. Please change it.",
                body.replace(f"to {last}:00", f"to {opening + 1}:00"),
            ),
        )
    )
    return [ask, follow_up], [body, reply]


@family("writing")
def letter_as_list(generator: random.Random) -> tuple[list[str], list[str]]:
    """Unseen: a friendly apology, and then what it says as a list."""
    sender, receiver, trouble, amends, day = apology_parts(generator)
    body = (
        f"Hello {receiver},\n\nI am so sorry that {trouble} on {day}. I have been thinking about it ever since. "
        f"Please let me {amends}, it would make me happy.\n\nWarm wishes,\n{sender}"
    )
    ask = (
        f"{sender} wants to apologize to {receiver} in a friendly letter. Message: {trouble} on {day}. Offer: {amends}."
    )
    listing = f"- What: {trouble}\n- When: {day}\n- Who: {sender}\n- Offer: {amends}"
    return [ask, "Rewrite it as a list with What, When, Who and Offer."], [body, listing]


SHOPS = {
    "baker": {"a loaf of bread": 4, "a plum cake": 9, "a bag of rolls": 3, "a cheese pie": 7},
    "florist": {"a bunch of roses": 12, "a small cactus": 6, "a pot of basil": 3, "a bag of bulbs": 5},
    "bookseller": {"a road map": 8, "a cookery book": 15, "a crime novel": 11, "a notebook": 4},
    "greengrocer": {"a box of apples": 6, "a bag of onions": 2, "a large melon": 5, "a basket of plums": 7},
}
MOODS = {
    "cheerful": ("What a lovely day", "Have fun with them"),
    "tired": ("Sorry, it has been a long day", "Please close the door softly"),
    "polite": ("You are most welcome", "It was an honour to serve you"),
    "busy": ("Be quick, please", "Next customer, please"),
}


@family("roleplay")
def shopkeeper(generator: random.Random) -> tuple[list[str], list[str]]:
    """A shopkeeper of some temper tells prices, and then gives change."""
    shop = generator.choice(tuple(SHOPS))
    name, mood = generator.choice(PEOPLE), generator.choice(tuple(MOODS))
    (first, one), (second, two) = generator.sample(tuple(SHOPS[shop].items()), 2)
    one, two = one + generator.randint(0, 3), two + generator.randint(0, 3)
    wish = generator.choice(("I would like both, please.", "How much are they together?", "Good morning, I take both."))
    ask = f"Play {name}, a {mood} {shop}. Prices: {first} {one} crowns, {second} {two} crowns. {wish}"
    hello, goodbye = MOODS[mood]
    total = one + two
    paid = generator.choice([note for note in (20, 30, 50) if note >= total])
    reply = (
        f"{hello}! My name is {name}, and I am glad to help. {capital(first)} costs {one} crowns and {second} "
        f"costs {two}, so that makes {total} crowns together."
    )
    change = (
        f"Thank you, {paid} crowns. {total} from {paid} leaves {paid - total}, so here are your {paid - total} crowns."
    )
    return [ask, f"Here are {paid} crowns."], [
        reply,
        f"{change} I have packed {first} and {second} for you. {goodbye}!",
    ]


SIGHTS = ("the old tower", "the fish market", "the rose garden", "the stone bridge", "the clock museum", "the harbour")
GUIDES = {
    "pirate": ("Ahoy", "Raise the sails"),
    "knight": ("Greetings, noble guest", "Onward with courage"),
    "robot": ("Beep, hello human", "Route computed"),
    "wizard": ("By my beard, welcome", "May the stars guide you"),
}


@family("roleplay")
def guide(generator: random.Random) -> tuple[list[str], list[str]]:
    """A guide with a character plans a tour, and then changes it."""
    role = generator.choice(tuple(GUIDES))
    hello, goodbye = GUIDES[role]
    name, guest = generator.sample(PEOPLE, 2)
    sights = generator.sample(SIGHTS, 3)
    hour = generator.randint(8, 15)
    ask = generator.choice(
        (
            "You are {name}, a {role} who guides tourists. {guest} wants to see {sights}. Start at {hour}:00, "
            "an hour each.",
            "Speak as the {role} {name}. Plan a tour for {guest} from {hour} o'clock, one hour a stop: {sights}.",
        )
    ).format(name=name, role=role, guest=guest, sights=listed(sights), hour=hour)
    steps = f"At {hour}:00 we see {sights[0]}, at {hour + 1}:00 {sights[1]}, and at {hour + 2}:00 {sights[2]}."
    reply = f"{hello}, {guest}! I am {name} the {role}, and this is my plan. {steps} {goodbye}!"
    later = generator.randint(1, 3)
    moved = hour + later
    changed = f"At {moved}:00 we see {sights[0]}, at {moved + 1}:00 {sights[1]}, and at {moved + 2}:00 {sights[2]}."
    gone = f"At {hour}:00 we see {sights[0]}, and at {hour + 1}:00 {sights[2]}."
    follow_up, answer = generator.choice(
        (
            (
                f"I will be {later} hours late.",
                f"No trouble, {guest}! Then we begin at {moved}:00. {changed} {goodbye}!",
            ),
            (
                f"Please leave out {sights[1]}.",
                f"As you wish, {guest}! Without {sights[1]} it is short. {gone} {goodbye}!",
            ),
        )
    )
    return [ask, follow_up.replace("1 hours", "1 hour")], [reply, answer]
