"""Word problems that training never meets: the same kinds of steps in other stories."""

from training.corpus.corpus import Family
from training.corpus.maths.problem import PERCENTAGES, Problem, story
from training.corpus.words import RELATIVES, TOWNS

FAMILIES: dict[str, Family] = {}


@story(FAMILIES)
def aquarium(p: Problem) -> None:
    """Fish in tanks, moved and given away."""
    who, fish = p.person(), p.pick(("goldfish", "catfish", "clownfish", "angelfish"))
    tanks, each, young, given = p.draw(2, 12), p.draw(3, 12), p.draw(3, 40), p.draw(3, 30)
    p.tell(f"{who} owns {tanks} glass tanks, and {each} {fish} swim in each tank.",
           f"In the cellar of {who}'s house stand {tanks} tanks with {each} {fish} each.")
    p.tell(f"In spring {young} young {fish} hatch.", f"One morning {who.he} finds {young} young {fish} in a tank.")
    p.aside(f"Each tank holds {p.draw(40, 90, 10)} litres of water.", f"The fish are fed {p.draw(2, 4)} times a day.")
    p.tell(f"{who} gives {given} {fish} to {who.his} {p.pick(RELATIVES)}.", f"A shop takes {given} of the {fish}.")
    p.tell(f"How many {fish} does {who} have now?", f"How many {fish} are left?")
    total = p.step(tanks, "*", each, f"In the tanks there are @ {fish}.", f"At first {who} has @ {fish}.")
    more = p.step(total, "+", young, f"With the {young} young ones there are @ {fish}.",
                  f"After the young {fish} have hatched, {who.he} has @ of them.")
    p.step(more, "-", given, f"After giving some away, {who} has @ {fish}.",
           f"When {given} of them are gone, @ {fish} are left.")


@story(FAMILIES)
def cinema(p: Problem) -> None:
    """Tickets and popcorn, shared by friends."""
    who, friends, ticket, bags, price = p.person(), p.draw(3, 9), p.draw(5, 12), p.draw(2, 9), p.draw(3, 9)
    voucher = p.draw(5, 30)
    p.tell(f"{who} goes to the cinema with some friends; together they are {friends} people.",
           f"A group of {friends} people, {who} and some friends, watches a film at the cinema.")
    p.tell_shuffled(f"A ticket costs ${ticket} for each of them.",
                    f"They buy {bags} bags of popcorn for ${price} each.")
    p.aside(f"The film is {p.draw(80, 150, 10)} minutes long.", f"They sit in row {p.draw(3, 20)}.")
    p.tell(f"{who} has a voucher that makes everything ${voucher} cheaper.",
           f"A voucher takes ${voucher} off the price.")
    p.tell("How many dollars does the evening cost them?", "How much do they pay in the end, in dollars?")
    first = p.step(friends, "*", ticket, "The tickets cost @.", "They pay @ for the tickets.", unit="$")
    second = p.step(bags, "*", price, "The popcorn costs @.", "They pay @ for the popcorn.", unit="$")
    total = p.step(first, "+", second, "Together that is @.", "Without the voucher it would be @.", unit="$")
    p.step(total, "-", voucher, "With the voucher they pay @.", "So the evening costs @.", unit="$")


@story(FAMILIES)
def fence(p: Problem) -> None:
    """Posts and boards for a fence, paid by the piece."""
    who, sides, posts, price, paint = p.person(), p.draw(3, 6), p.draw(4, 12), p.draw(2, 9), p.draw(5, 60, 5)
    place = p.pick(("a garden", "a pond", "a field", "a playground"))
    p.tell(f"{who} builds a fence around {place} that has {sides} sides.",
           f"A place with {sides} sides behind {who}'s house needs a new fence.")
    p.tell(f"Every side needs {posts} wooden posts.", f"For each side {who} needs {posts} posts made of wood.")
    p.aside(f"A post is {p.draw(2, 4)} metres long.", f"It takes {p.draw(2, 9)} days to build the fence.")
    p.tell(f"One post costs ${price}, and the paint for the whole fence costs ${paint}.",
           f"{who.He} pays ${price} for a post and ${paint} for all the paint.")
    p.tell(f"How many dollars does {who} spend on the fence?", "How much does the fence cost, in dollars?")
    total = p.step(sides, "*", posts, f"For the whole fence {who} needs @ posts.",
                   f"On all its {sides} sides the fence has @ posts.")
    wood = p.step(total, "*", price, f"At ${price} a piece, the posts cost @.",
                  f"For all of these posts {who} pays @.", unit="$")
    p.step(wood, "+", paint, "With the paint on top, the fence costs @.",
           f"So {who} spends @ on the posts and the paint.", unit="$")


@story(FAMILIES)
def camp(p: Problem) -> None:
    """Tents, free places and bottles of water."""
    town, tents, places, free, bottles = p.pick(TOWNS), p.draw(3, 12), p.draw(3, 10), p.draw(2, 20), p.draw(2, 5)
    size = p.draw(3, 12)
    p.tell(f"At a summer camp near {town}, there are {tents} tents with {places} beds in each tent.",
           f"The summer camp near {town} has {tents} tents, and every tent has {places} beds.")
    p.tell(f"This week {free} beds are empty.", f"All the beds are taken except for {free}.")
    p.aside(f"The camp fire burns for {p.draw(2, 5)} hours.", f"The lake is {p.draw(100, 900, 100)} metres away.")
    p.tell(f"Every child drinks {bottles} bottles of water a day, and the bottles come in boxes of {size}.",
           f"A child needs {bottles} bottles of water each day, and one box holds {size} bottles.")
    p.tell("How many boxes of water does the camp need every day?", "How many boxes are used up in one day?")
    beds = p.step(tents, "*", places, "The tents have @ beds.", "There are @ beds in the tents.")
    children = p.step(beds, "-", free, "So @ children are in the camp.", "That means @ children sleep there.")
    water = p.step(children, "*", bottles, "They drink @ bottles a day.", "Every day they need @ bottles.")
    p.step(water, "/", size, "That is @ boxes.", "So the camp needs @ boxes a day.")


@story(FAMILIES)
def game_points(p: Problem) -> None:
    """Points won and lost in a game of two players."""
    who, rival = p.pair()
    rounds, points, lost, other = p.draw(2, 12), p.draw(3, 12), p.draw(2, 30), p.draw(3, 60)
    game = p.pick(("board game", "card game", "computer game", "game of darts"))
    p.tell(f"{who} and {rival} play a {game}.",
           f"In a {game}, {who} plays against {rival}.")
    p.tell(f"{who} wins {rounds} rounds and gets {points} points for each of them.",
           f"There are {points} points for each round that is won, and {who} wins {rounds} rounds.")
    p.aside(f"The game is made for players over {p.draw(6, 12)} years.", f"They play for {p.draw(2, 5)} hours.")
    p.tell(f"In the last round {who.he} loses {lost} points again.", f"Then a mistake costs {who.him} {lost} points.")
    p.tell(f"{rival} has {other} points.", f"{rival} ends the game with {other} points.")
    p.tell(f"By how many points does {who} win?", f"How many points more than {rival} does {who} have?")
    won = p.step(rounds, "*", points, f"In {rounds} rounds {who} wins @ points.", f"The rounds bring {who} @ points.")
    mine = p.step(won, "-", lost, f"After the last round {who.he} has @ points.", f"{who} ends with @ points.")
    p.step(mine, "-", other, f"{who} has @ points more than {rival}.", f"So {who} wins by @ points.")


@story(FAMILIES)
def concert(p: Problem) -> None:
    """Seats sold, a share for the hall, the rest for the band."""
    who, town, rows, seats = p.person(), p.pick(TOWNS), p.draw(2, 10), p.draw(4, 12)
    rate, players = p.pick(PERCENTAGES), p.draw(2, 6)
    price = p.draw(2, 9)
    p.tell(f"{who} plays in a band with {players} members, and tonight they play in {town}.",
           f"A band from {town} has {players} members, and {who} is one of them.")
    p.tell(f"They fill {rows} rows of {seats} seats, and each guest pays ${price}.",
           f"All the {rows} rows with {seats} seats each are full, and a seat costs ${price}.")
    p.aside(f"They play {p.draw(10, 20)} songs.", f"The band was founded {p.draw(2, 15)} years ago.")
    p.tell(f"The owner of the hall gets {rate}% of the money.", f"They have to give {rate}% of the money to the hall.")
    p.tell(f"The members share the rest equally. How many dollars does {who} get?",
           "The rest is shared equally by the members. How many dollars does each member get?")
    guests = p.step(rows, "*", seats, "There are @ guests.", "The hall has @ guests.")
    money = p.step(guests, "*", price, "The guests pay @.", "The concert brings in @.", unit="$")
    share = p.step(money, "%", rate, "The hall gets @.", f"{rate}% of it is @.", unit="$")
    rest = p.step(money, "-", share, "There is @ left for the band.", "The band keeps @.", unit="$")
    p.step(rest, "/", players, "Each member gets @.", f"So {who} gets @.", unit="$")


@story(FAMILIES)
def fire_wood(p: Problem) -> None:
    """Wood cut by two people, burnt day by day."""
    who, helper = p.pair()
    hours, fast, slow, old, daily = p.draw(2, 6), p.draw(5, 12), p.draw(3, 9), p.draw(5, 60), p.draw(4, 12)
    p.tell(f"{who} and {helper} cut wood for the winter, and {old} logs are left from last year.",
           f"There are {old} logs behind the house, and {who} and {helper} cut more wood for the winter.")
    p.tell_shuffled(f"{who} cuts {fast} logs an hour.", f"{helper} cuts {slow} logs an hour.")
    p.aside(f"The axe weighs {p.draw(2, 4)} kilos.", f"The house has {p.draw(4, 9)} rooms.")
    p.tell(f"They work for {hours} hours, and in winter they burn {daily} logs a day.",
           f"After {hours} hours they stop; on a winter day they will burn {daily} logs.")
    p.tell("For how many days will the wood last?", "How many days can they heat the house with all the wood?")
    both = p.step(fast, "+", slow, "Together they cut @ logs an hour.", "In an hour they cut @ logs.")
    new = p.step(hours, "*", both, f"In {hours} hours that is @ logs.", "So they cut @ logs in all.")
    total = p.step(old, "+", new, "With the old ones they have @ logs.", "In total there are @ logs.")
    p.step(total, "/", daily, "The wood lasts for @ days.", "They can heat the house for @ days.")
