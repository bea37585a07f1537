"""Problems about two elements of a list, and about two lists."""

import random

from training.corpus.code.arguments import integer, integers
from training.corpus.code.problem import Param, Problem
from training.corpus.code.vocabulary import guard, number_change, number_condition

PAIR_TESTS = (
    ("add up to {t}", "{0} + {1} == {t}", 4, 14),
    ("differ by {t}", "abs({0} - {1}) == {t}", 0, 5),
    ("differ by less than {t}", "abs({0} - {1}) < {t}", 1, 4),
    ("have a sum divisible by {t}", "({0} + {1}) % {t} == 0", 3, 8),
    ("have a product greater than {t}", "{0} * {1} > {t}", 30, 80),
    ("have a sum less than {t}", "{0} + {1} < {t}", 4, 10),
)


def _pair_test(rng: random.Random) -> tuple[str, str, tuple[Param, ...]]:
    """A property of two elements, with its number fixed or as an argument."""
    words, code, low, high = rng.choice(PAIR_TESTS)
    target = integer(rng, "target limit k", low, high)
    value = target if rng.random() < 0.6 else rng.randint(low, high)
    return words.format(t=value), code.replace("{t}", str(value)), (target,) if value is target else ()


COMBINE = (
    ("sum", "{0} + {1}"),
    ("product", "{0} * {1}"),
    ("absolute difference", "abs({0} - {1})"),
    ("maximum", "max({0}, {1})"),
    ("minimum", "min({0}, {1})"),
    ("difference", "{0} - {1}"),
)

COMPARE = (
    ("equal", "{0} == {1}"),
    ("greater in the first list", "{0} > {1}"),
    ("smaller in the first list", "{0} < {1}"),
    ("different", "{0} != {1}"),
    ("at most 2 apart", "abs({0} - {1}) <= 2"),
    ("both even", "{0} % 2 == 0 and {1} % 2 == 0"),
    ("of equal parity", "{0} % 2 == {1} % 2"),
)

LIST, ROWS = "List[int]", "List[List[int]]"

LIST_PAIRS = (("first", "second"), ("a", "b"), ("left", "right"), ("xs", "ys"), ("list1", "list2"), ("old", "new"))


def _two_lists(rng: random.Random, size: tuple[int, int] = (2, 4), high: int = 9) -> tuple[Param, Param]:
    """Two lists of small integers, which share some values."""
    pool = list(range(high + 1))
    return tuple(
        Param(name, LIST, lambda: [rng.choice(pool) for _ in range(rng.randint(*size))], ([],))
        for name in rng.choice(LIST_PAIRS)
    )


def has_pair(rng: random.Random) -> Problem:
    """Whether two elements have a property together."""
    xs = integers(rng, (2, 4), high=9)
    words, code, extra = _pair_test(rng)
    return Problem(
        names=("has_pair", f"has_pair_of_{xs}", f"any_two_{xs}"),
        aliases=("check_pair", f"pair_exists_in_{xs}"),
        params=(xs, *extra),
        unordered=True,
        returns="bool",
        whether=f"any two {xs} at different positions {words}",
        body=f"""
            for i in range(len({xs})):
                for j in range(i + 1, len({xs})):
                    if {code.format(f"{xs}[i]", f"{xs}[j]")}:
                        return True
            return False
        """,
    )


def count_pairs(rng: random.Random) -> Problem:
    """How many pairs of elements have a property."""
    xs = integers(rng, (3, 5), high=9)
    words, code, extra = _pair_test(rng)
    keep = number_condition(rng, xs.signed, free=False)
    only = rng.random() < 0.5
    pair = code.format(f"{xs}[i]", f"{xs}[j]")
    return Problem(
        names=("count_pairs", f"count_pairs_of_{xs}", f"pairs_of_{xs}"),
        aliases=("find_pairs_count", f"number_of_pairs_{xs}"),
        params=(xs, *extra),
        returns="int",
        what=f"the number of pairs of {xs} at different positions that {words}",
        note=f"count a pair only if its earlier {xs.one} {keep.one}" if only else "",
        guard=guard(rng, xs, (-1,), 0.3),
        body=f"""
            count = 0
            for i in range(len({xs})):
                for j in range(i + 1, len({xs})):
                    if {f"({keep.test(f'{xs}[i]')}) and {pair}" if only else pair}:
                        count += 1
            return count
        """,
    )


def find_pair(rng: random.Random) -> Problem:
    """The first pair of elements that has a property."""
    xs = integers(rng, (3, 5), high=9)
    words, code, extra = _pair_test(rng)
    indices = rng.random() < 0.5
    result = "i, j" if indices else f"{xs}[i], {xs}[j]"
    default, kind = rng.choice((("None", "Optional[Tuple[int, int]]"), ("(-1, -1)", "Tuple[int, int]")))
    return Problem(
        names=("first_pair", f"find_pair_of_{xs}", "pair_indices" if indices else "pair_values"),
        aliases=("get_pair", "find_first_pair"),
        params=(xs, *extra),
        returns=kind,
        what=f"the {'indices' if indices else 'values'} of the first two {xs} that {words}, as a tuple",
        note=f"return {default} if there is no such pair",
        body=f"""
            for i in range(len({xs})):
                for j in range(i + 1, len({xs})):
                    if {code.format(f"{xs}[i]", f"{xs}[j]")}:
                        return {result}
            return {default}
        """,
    )


def combine_lists(rng: random.Random) -> Problem:
    """Two lists combined element by element."""
    first, second = _two_lists(rng)
    word, code = rng.choice(COMBINE)
    words, code2 = rng.choice(COMPARE)
    only = rng.random() < 0.6
    value = code.format("x", "y")
    lines = (
        f"    if {code2.format('x', 'y')}:\n        result.append({value})\n"
        if only
        else f"    result.append({value})\n"
    )
    final, kind, told = rng.choice(
        (("result", LIST, "the list"), ("sum(result)", "int", "the sum"), ("result[::-1]", LIST, "the reversed list"))
    )
    slug = word.split()[-1]
    return Problem(
        names=(f"combine_{first}_{second}", f"pairwise_{slug}", f"{slug}_of_lists"),
        aliases=(f"find_{slug}_lists", f"list_{slug}"),
        params=(first, second),
        returns=kind,
        what=f"{told} of the {word}s of the elements of {first} and {second} at the same index",
        note=f"use only places where the elements are {words}" if only else "ignore what is left of the longer list",
        body=f"result = []\nfor x, y in zip({first}, {second}):\n{lines}return {final}\n",
    )


def count_places(rng: random.Random) -> Problem:
    """The places where two lists compare in a certain way."""
    first, second = _two_lists(rng, (3, 5), 5)
    words, code = rng.choice(COMPARE)
    indices = rng.random() < 0.5
    start, step = ("[]", "append(i)") if indices else ("0", "")
    line = f"places.{step}" if indices else "places += 1"
    return Problem(
        names=(f"{'places' if indices else 'count_places'}", f"compare_{first}_{second}", "compare_lists"),
        aliases=("find_positions" if indices else "count_positions", "match_lists"),
        params=(first, second),
        returns=LIST if indices else "int",
        what=f"the {'list of indices' if indices else 'number of places'} where the elements of {first} and {second} "
        f"are {words}",
        body=f"""
            places = {start}
            for i in range(min(len({first}), len({second}))):
                if {code.format(f"{first}[i]", f"{second}[i]")}:
                    {line}
            return places
        """,
    )


def common_elements(rng: random.Random) -> Problem:
    """The distinct elements of one list that are, or are not, in another."""
    first, second = _two_lists(rng, (3, 5), 7)
    both = rng.random() < 0.5
    keep = number_condition(rng, free=rng.random() < 0.3)
    some = rng.random() < 0.6
    base = f"x {'in' if both else 'not in'} {second} and x not in result"
    order = rng.choice(
        (
            ("in the order of the list", "result"),
            ("sorted", "sorted(result)"),
            ("in descending order", "sorted(result, reverse=True)"),
        )
    )
    return Problem(
        names=("common" if both else "difference", f"{'common' if both else 'missing'}_elements", "compare"),
        aliases=("find_common" if both else "find_difference", "common_in_lists" if both else "only_in_first"),
        params=(first, second, *(keep.params if some else ())),
        returns=LIST,
        what=f"the distinct elements of {first} that are {'also' if both else 'not'} in {second}, {order[0]}",
        note=f"use only elements where the element {keep.one}" if some else "",
        body=f"""
            result = []
            for x in {first}:
                if {f"({keep.test('x')}) and {base}" if some else base}:
                    result.append(x)
            return {order[1]}
        """,
    )


def alternate(rng: random.Random) -> Problem:
    """The elements of two lists in turn."""
    first, second = _two_lists(rng, (2, 4))
    change = number_change(rng)
    start, other = (first, second) if rng.random() < 0.6 else (second, first)
    taken, note, tail = f"{other}[i]", "stop when the shorter list ends", ""
    if rng.random() < 0.5:
        note, tail = "append what is left of the longer list", f" + {start}[size:] + {other}[size:]"
    elif change.slug:
        note, taken = f"{note}, and use {change.of(f'the elements of {other}')}", change.apply(taken)
    return Problem(
        names=("interleave", "alternate", f"mix_{first}_{second}"),
        aliases=("interleave_lists", "merge_alternately"),
        params=(first, second),
        returns=LIST,
        what=f"a list that takes elements from {start} and {other} in turn, beginning with {start}",
        note=note,
        body=f"""
            result = []
            size = min(len({first}), len({second}))
            for i in range(size):
                result.append({start}[i])
                result.append({taken})
            return result{tail}
        """,
    )


FAMILIES = (has_pair, count_pairs, find_pair, combine_lists, count_places, common_elements, alternate)
