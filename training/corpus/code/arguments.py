"""The arguments of problems: lists, strings and integers, with the names that descriptions use."""

import random
from collections.abc import Sequence

from training.corpus.code.problem import Param

SIGNED = (("numbers", "number"), ("values", "value"), ("nums", "num"), ("readings", "reading"), ("changes", "change"))

UNSIGNED = (
    ("scores", "score"),
    ("prices", "price"),
    ("ages", "age"),
    ("weights", "weight"),
    ("levels", "level"),
    ("marks", "mark"),
    ("sizes", "size"),
    ("amounts", "amount"),
    ("heights", "height"),
    ("costs", "cost"),
    ("distances", "distance"),
    ("votes", "vote"),
)

WORDS = [
    "apple",
    "river",
    "stone",
    "cloud",
    "garden",
    "paper",
    "music",
    "window",
    "bread",
    "light",
    "horse",
    "winter",
    "table",
    "green",
    "forest",
    "mirror",
    "letter",
    "bridge",
    "coffee",
    "island",
    "silver",
    "pencil",
    "orange",
    "basket",
    "candle",
    "summer",
    "tiger",
    "planet",
    "yellow",
    "flower",
    "market",
    "engine",
    "sugar",
    "ocean",
    "butter",
    "rocket",
    "dragon",
    "carpet",
    "pepper",
    "lemon",
    "eagle",
    "violin",
    "desert",
    "honey",
    "puzzle",
    "wagon",
    "sun",
    "key",
    "box",
    "cat",
    "map",
    "ice",
    "old",
    "red",
    "two",
    "art",
    "egg",
    "note",
    "tree",
    "gold",
    "ring",
    "leaf",
    "moon",
    "salt",
    "wind",
]

NAMES = [
    "Anna",
    "Ben",
    "Carla",
    "David",
    "Eva",
    "Felix",
    "Grace",
    "Hugo",
    "Ida",
    "Jonas",
    "Kate",
    "Liam",
    "Mia",
    "Noah",
    "Olga",
    "Paul",
    "Rosa",
    "Sam",
    "Tina",
    "Vera",
]

WORD_LISTS = (
    ("words", "word", WORDS),
    ("names", "name", NAMES),
    ("items", "item", WORDS),
    ("labels", "label", WORDS),
    ("tags", "tag", WORDS),
    ("people", "person", NAMES),
    ("strings", "string", WORDS),
    ("titles", "title", WORDS),
)

TEXTS = (("text", "char"), ("string", "char"), ("message", "char"), ("word", "letter"), ("line", "char"), ("s", "c"))

LETTERS = "abcdeghilmnoprstu"


def integers(rng: random.Random, size: tuple[int, int] = (3, 6), high: int = 20, sign: bool | None = None) -> Param:
    """A list of integers with a plural name; `sign` fixes whether negative ones occur."""
    signed = rng.random() < 0.4 if sign is None else sign
    name, one = rng.choice(SIGNED if signed else UNSIGNED)
    low = -9 if signed else 0
    edges = ([],) if size[0] < 4 else ()
    return Param(name, "List[int]", lambda: _list(rng, low, high, size), edges, one, signed)


def _list(rng: random.Random, low: int, high: int, size: tuple[int, int]) -> list[int]:
    """Random integers, of which one in five repeats an earlier one."""
    values: list[int] = []
    for _ in range(rng.randint(*size)):
        values.append(rng.choice(values) if values and rng.random() < 0.2 else rng.randint(low, high))
    return values


def repeating(rng: random.Random, size: tuple[int, int] = (4, 8), low: int = 0, high: int = 5) -> Param:
    """A list of few different integers, for problems about duplicates."""
    name, one = rng.choice(UNSIGNED + SIGNED[:3])
    return Param(name, "List[int]", lambda: [rng.randint(low, high) for _ in range(rng.randint(*size))], ([],), one)


def strings(rng: random.Random, size: tuple[int, int] = (3, 5)) -> Param:
    """A list of words with a plural name."""
    name, one, pool = rng.choice(WORD_LISTS)
    return Param(name, "List[str]", lambda: rng.sample(pool, rng.randint(*size)), ([],), one)


def text(rng: random.Random, mixed: bool = True) -> Param:
    """A short string; where `mixed`, with capitals, digits and spaces."""
    name, one = rng.choice(TEXTS)
    if not mixed:
        return Param(name, "str", lambda: rng.choice(WORDS), ("",), one)
    return Param(name, "str", lambda: _phrase(rng), ("",), one)


def _phrase(rng: random.Random) -> str:
    """One to three words, some capitalized, some with digits."""
    words = rng.sample(WORDS, rng.randint(1, 2))
    words = [word.capitalize() if rng.random() < 0.4 else word for word in words]
    if rng.random() < 0.5:
        words.append(str(rng.randint(1, 99)))
    return " ".join(words)


def sentence(rng: random.Random, size: tuple[int, int] = (3, 5)) -> Param:
    """A string of words separated by single spaces; `one` is the word."""
    name = rng.choice(("sentence", "text", "line", "phrase", "message", "title"))
    return Param(name, "str", lambda: " ".join(rng.sample(WORDS, rng.randint(*size))), ("",), "word")


def integer(rng: random.Random, names: str, low: int, high: int, edges: Sequence[int] = ()) -> Param:
    """An integer argument under one of the space-separated names."""
    return Param(rng.choice(names.split()), "int", lambda: rng.randint(low, high), tuple(edges))


def letter(rng: random.Random) -> Param:
    """A one-letter argument."""
    return Param(rng.choice(("letter", "target")), "str", lambda: rng.choice(LETTERS))
