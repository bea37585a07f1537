"""Names, nouns and places that the synthetic corpora share.

Nouns are singular and take a plain "s", so that a sentence can write f"{thing}s".
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

WOMEN = (
    "Ada", "Alice", "Amy", "Anna", "Bella", "Carla", "Chloe", "Clara", "Daisy", "Dana", "Ella", "Emma", "Erin",
    "Eva", "Fiona", "Freya", "Gina", "Grace", "Hanna", "Heidi", "Ida", "Irene", "Ivy", "Jane", "Julia", "Karen",
    "Kate", "Laura", "Leah", "Lena", "Lily", "Lucy", "Maria", "Maya", "Megan", "Mia", "Nadia", "Nina", "Nora",
    "Olga", "Paula", "Rita", "Rosa", "Ruth", "Sara", "Sofia", "Stella", "Tara", "Tina", "Vera", "Wendy", "Zoe",
)
MEN = (
    "Aaron", "Adam", "Alan", "Alex", "Arthur", "Ben", "Boris", "Bruno", "Carl", "Colin", "Dan", "David", "Dylan",
    "Eli", "Eric", "Felix", "Frank", "Fred", "George", "Gus", "Harry", "Henry", "Hugo", "Ian", "Isaac", "Ivan",
    "Jack", "James", "Jon", "Karl", "Kevin", "Leo", "Liam", "Luke", "Mark", "Martin", "Max", "Miles", "Neil",
    "Noah", "Omar", "Oscar", "Otto", "Paul", "Peter", "Ralph", "Ravi", "Robin", "Sam", "Simon", "Theo", "Tom",
    "Victor", "Walter",
)
SURNAMES = (
    "Adams", "Archer", "Bailey", "Barker", "Bennett", "Bishop", "Brooks", "Burton", "Carter", "Chapman", "Clark",
    "Cole", "Cooper", "Curtis", "Dalton", "Dixon", "Ellis", "Evans", "Fisher", "Fletcher", "Foster", "Fox",
    "Gibson", "Grant", "Gray", "Hale", "Harper", "Hayes", "Hill", "Holmes", "Hunter", "Jensen", "Kelly", "Knight",
    "Lambert", "Lawson", "Lopez", "Marsh", "Mason", "Miller", "Morris", "Nash", "Novak", "Osborne", "Palmer",
    "Parker", "Pearce", "Perry", "Porter", "Quinn", "Reed", "Rossi", "Russell", "Santos", "Shaw", "Silva", "Stone",
    "Taylor", "Turner", "Vaughan", "Wagner", "Walsh", "Ward", "Webb", "West", "Wood", "Young",
)
TOWNS = (
    "Alderton", "Ashby", "Barford", "Belmont", "Birchwood", "Brampton", "Bridgeford", "Burnley", "Calder", "Carlow",
    "Clifton", "Corfield", "Dalby", "Denham", "Dunmore", "Easton", "Elmsworth", "Fairview", "Fenwick", "Garston",
    "Glenville", "Granton", "Hadley", "Harwick", "Hillford", "Holton", "Kingsley", "Langton", "Linfield", "Lowick",
    "Marlow", "Melford", "Milltown", "Newbury", "Norwood", "Oakham", "Oldbridge", "Penrith", "Radley", "Redhill",
    "Riverton", "Rosedale", "Rushton", "Selby", "Stanford", "Stonehaven", "Thornbury", "Upton", "Wakefield",
    "Westbrook", "Whitby", "Winslow", "Woodstock", "Yarrow",
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
          "December")
COLOURS = ("red", "blue", "green", "yellow", "white", "black", "brown", "purple", "orange", "grey")
STATIONERY = ("pencil", "pen", "marker", "notebook", "eraser", "crayon", "folder", "ruler")
TOYS = ("marble", "sticker", "toy car", "puzzle", "ball", "kite", "model plane", "card", "bead", "badge")
FRUITS = ("apple", "pear", "plum", "lemon", "orange", "mango", "apricot", "fig", "lime")
VEGETABLES = ("carrot", "onion", "pumpkin", "cucumber", "pepper", "turnip", "leek", "cabbage")
BAKED = ("cookie", "muffin", "cupcake", "biscuit", "bun", "bread roll", "scone", "tart")
CLOTHES = ("shirt", "scarf", "hat", "jumper", "belt", "jacket", "skirt", "cap")
FLOWERS = ("tulip", "rose", "sunflower", "orchid", "marigold", "violet")
RELATIVES = ("brother", "sister", "cousin", "neighbour", "best friend", "aunt", "uncle", "teacher")


@dataclass(frozen=True)
class Person:
    """Somebody in a story, with the pronouns that go with the name; `str` gives the name."""

    name: str
    he: str
    him: str
    his: str

    def __str__(self) -> str:
        return self.name

    @property
    def He(self) -> str:
        return self.he.capitalize()

    @property
    def His(self) -> str:
        return self.his.capitalize()


PEOPLE = tuple(Person(name, "she", "her", "her") for name in WOMEN) + tuple(
    Person(name, "he", "him", "his") for name in MEN
)


def people(rng: random.Random, count: int) -> list[Person]:
    """`count` people with different names, women and men alike."""
    return rng.sample(PEOPLE, count)


def a(noun: str) -> str:
    """The noun with its indefinite article, judged by its first letter."""
    return f"{'an' if noun[0].lower() in 'aeio' else 'a'} {noun}"


def several(rng: random.Random, words: Sequence[str], count: int) -> list[str]:
    """`count` different words."""
    return rng.sample(words, count)
