"""Word problems about books, classes and collections."""

from training.corpus.corpus import Family
from training.corpus.maths.problem import Problem, story
from training.corpus.words import TOWNS, WEEKDAYS

FAMILIES: dict[str, Family] = {}

SUBJECTS = ("maths", "history", "music", "science", "art", "geography")


@story(FAMILIES)
def pages(p: Problem) -> None:
    """A book read at two speeds."""
    who, book = p.person(), p.pick(("book about the sea", "novel", "book of old tales", "story about a dragon",
           "thick book"))
    slow, days, faster, more = p.draw(4, 12), p.draw(2, 9), p.draw(2, 4), p.draw(2, 9)
    whole = p.draw(60, 400, 10)
    p.tell(f"{who} reads a {book} that has {whole} pages.",
           f"{who} got a {book} with {whole} pages for {who.his} birthday.")
    p.tell(f"For the first {days} days {who.he} reads {slow} pages a day.",
           f"In the beginning, {who.he} reads {slow} pages every day for {days} days.")
    p.aside(f"The book has {p.draw(10, 30)} pictures.", f"{who} goes to bed at {p.draw(8, 10)} o'clock.")
    p.tell(f"Then the story gets exciting and {who} reads {faster} times as many pages a day for {more} days.",
           f"After that, {who} reads {faster} times as much every day, for {more} days.")
    p.tell(f"How many pages does {who} still have to read?", "How many pages of the book are left?")
    first = p.step(days, "*", slow, f"In the first {days} days {who} reads @ pages.", f"{who} begins with @ pages.")
    quick = p.step(faster, "*", slow, f"Then {who.he} reads @ pages a day.", "After that it is @ pages a day.")
    second = p.step(more, "*", quick, f"In {more} days that is @ pages.",
                    f"So {who.he} reads @ pages in these {more} days.")
    total = p.step(first, "+", second, f"{who} has read @ pages.", "Together these are @ pages.")
    p.step(whole, "-", total, "There are @ pages left.", f"{who} still has to read @ pages.")


@story(FAMILIES)
def library(p: Problem) -> None:
    """Books on shelves, borrowed, returned and new."""
    town, kind = p.pick(TOWNS), p.pick(("cookery", "history", "travel", "children's", "crime", "science"))
    shelves, each, lent, back = p.draw(3, 12), p.draw(5, 12), p.draw(8, 60), p.draw(3, 40)
    day, later = p.rng.sample(WEEKDAYS[:6], 2)
    p.tell(f"The library in {town} has {shelves} shelves of {kind} books with {each} books on every shelf.",
           f"In the library of {town}, the {kind} books fill {shelves} shelves, and {each} books stand on each shelf.")
    p.tell(f"On {day} readers borrow {lent} of these books.", f"Readers take {lent} of them home on {day}.")
    p.aside(f"The library opens at {p.draw(8, 10)} o'clock.", f"{p.draw(2, 6)} people work in the library.")
    p.tell(f"On {later} {back} {kind} books are brought back.", f"Then {back} {kind} books come back on {later}.")
    p.tell(f"A reader also gives the library as many {kind} books as were brought back.",
           f"The library also buys as many new {kind} books as were brought back.")
    p.tell(f"How many {kind} books are in the library now?", f"How many {kind} books does the library have in the end?")
    total = p.step(shelves, "*", each, f"At first there are @ {kind} books.", "The shelves hold @ books.")
    left = p.step(total, "-", lent, f"On {day} the number drops to @ books.", f"After {day} there are @ books left.")
    now = p.step(left, "+", back, "With those that came back there are @ books.", f"On {later} it has @ books.")
    p.step(now, "+", back, "With the new ones that makes @ books.", f"In the end there are @ {kind} books.")


@story(FAMILIES)
def homework(p: Problem) -> None:
    """Minutes of homework within the time there is."""
    who, (subject, other) = p.person(), p.rng.sample(SUBJECTS, 2)
    tasks, each, more, long = p.draw(2, 12), p.draw(2, 9), p.draw(2, 9), p.draw(3, 12)
    time = p.pick((60, 90, 100, 120, 150, 180, 200))
    p.tell(f"{who} has {time} minutes for homework before {p.pick(('dinner', 'a match', 'a film', 'swimming'))}.",
           f"In {time} minutes {who} has to leave, and before that {who.he} wants to do {who.his} homework.")
    p.tell_shuffled(f"There are {tasks} tasks in {subject}, and each takes {each} minutes.",
                    f"For {other} {who} has {more} tasks that take {long} minutes each.")
    p.aside(f"There are {p.draw(18, 30)} children in {who.his} class.",
            f"{who} got {p.draw(60, 99)} points in the last test.")
    p.tell(f"How many minutes does {who} have left when all the tasks are done?",
           "How many minutes are left after the homework?")
    first = p.step(tasks, "*", each, f"The {subject} tasks take @ minutes.", f"For {subject} {who} needs @ minutes.")
    second = p.step(more, "*", long, f"The {other} tasks take @ minutes.", f"For {other} {who.he} needs @ minutes.")
    total = p.step(first, "+", second, "The homework takes @ minutes in all.", "Together that is @ minutes.")
    p.step(time, "-", total, f"So {who} has @ minutes left.", "That leaves @ minutes.")


@story(FAMILIES)
def class_trip(p: Problem) -> None:
    """Pupils who come along, in groups with a guide."""
    town, place = p.pick(TOWNS), p.pick(("zoo", "castle", "museum", "planetarium", "theatre", "harbour"))
    classes, pupils, ill, size, price = p.draw(2, 9), p.draw(10, 30, 10), p.draw(3, 20), p.draw(4, 10), p.draw(3, 12)
    p.tell(f"{classes} classes of a school in {town} want to visit the {place}, and each class has {pupils} pupils.",
           f"A school in {town} plans a trip to the {place} for {classes} classes with {pupils} pupils each.")
    p.tell(f"On that day {ill} pupils are ill and stay at home.", f"Because of a cold, {ill} pupils cannot come.")
    p.aside(f"The {place} is {p.draw(10, 60)} kilometres away.", f"The trip ends at {p.draw(2, 6)} o'clock.")
    p.tell(f"The others are put into groups of {size}, and a guide for one group costs ${price}.",
           f"The rest go in groups of {size} pupils, and every group pays ${price} for a guide.")
    p.tell("How many dollars do the guides cost in all?", "How much does the school pay for the guides, in dollars?")
    total = p.step(classes, "*", pupils, "In the classes there are @ pupils.", "The trip was planned for @ pupils.")
    there = p.step(total, "-", ill, "Only @ pupils come along.", "Without the ill ones there are @ pupils.")
    groups = p.step(there, "/", size, "They form @ groups.", "That makes @ groups.")
    p.step(groups, "*", price, "The guides cost @.", "So the school pays @ for the guides.", unit="$")


@story(FAMILIES)
def album(p: Problem) -> None:
    """A sticker album that fills slowly."""
    who, friend = p.pair()
    theme = p.pick(("football", "animal", "space", "dinosaur", "flag"))
    packets, each, pages, room = p.draw(3, 12), p.draw(4, 10), p.draw(5, 12), p.draw(6, 12)
    double, gift = p.draw(2, 20), p.draw(2, 20)
    p.tell(f"{who} collects {theme} stickers in an album with {pages} pages and room for {room} stickers on a page.",
           f"The {theme} album of {who} has {pages} pages, and every page has room for {room} stickers.")
    p.tell(f"{who.He} opens {packets} packets with {each} stickers each.",
           f"{who} buys {packets} packets of {each} stickers.")
    p.aside(f"A packet costs ${p.draw(2, 5)}.", f"{who} has collected stickers for {p.draw(2, 6)} years.")
    p.tell(f"Of these, {double} are doubles and cannot be used, but {friend} gives {who.him} {gift} new ones.",
           f"{double} of them are doubles that {who.he} throws away, but {friend} adds {gift} that {who.he} can use.")
    p.tell("How many stickers are missing in the album?", f"How many more stickers does {who} need to fill the album?")
    whole = p.step(pages, "*", room, "The album has room for @ stickers.", "A full album has @ stickers.")
    total = p.step(packets, "*", each, f"{who} gets @ stickers from the packets.", "The packets hold @ stickers.")
    good = p.step(total, "-", double, "Without the doubles there are @.", f"{who.He} can use @ of them.")
    have = p.step(good, "+", gift, f"With those from {friend}, {who.he} has @.", f"{friend}'s gift makes it @.")
    p.step(whole, "-", have, "So @ stickers are missing.", f"{who} needs @ more stickers.")


@story(FAMILIES)
def school_play(p: Problem) -> None:
    """Rows of seats, two prices."""
    town, rows, seats, children = p.pick(TOWNS), p.draw(3, 12), p.draw(4, 12), p.draw(5, 60)
    low, high = p.draw(2, 4), p.draw(5, 9)
    piece = p.pick(("play", "concert", "musical", "magic show", "puppet show"))
    p.tell(f"The school in {town} puts on a {piece} in a hall with {rows} rows of {seats} seats.",
           f"For a {piece} at the school in {town}, there are {rows} rows of chairs with {seats} chairs in a row.")
    p.tell("Every seat is taken.", "All the seats are sold.")
    p.tell(f"{children} of the guests are children, who pay ${low}, and all the others are adults, who pay ${high}.",
           f"A child pays ${low} and an adult pays ${high}, and {children} of the guests are children.")
    p.aside(f"The {piece} lasts {p.draw(50, 120, 10)} minutes.", f"The pupils practised for {p.draw(5, 12)} weeks.")
    p.tell("How many dollars does the school take in?", f"How much money does the {piece} bring in, in dollars?")
    guests = p.step(rows, "*", seats, "There are @ guests.", "The hall has @ seats.")
    adults = p.step(guests, "-", children, "Of these, @ are adults.", "So @ adults come.")
    one = p.step(children, "*", low, "The children pay @.", "From the children come @.", unit="$")
    two = p.step(adults, "*", high, "The adults pay @.", "From the adults come @.", unit="$")
    p.step(one, "+", two, "In total the school takes in @.", f"So the {piece} brings in @.", unit="$")
