"""Problems about dictionaries from strings to integers."""

import random

from training.corpus.code.arguments import NAMES, WORDS
from training.corpus.code.problem import Clause, Param, Problem
from training.corpus.code.vocabulary import named, number_change, number_condition, word_condition

DICT = "Dict[str, int]"

TABLES = (
    ("stock", "item", "count", WORDS),
    ("prices", "item", "price", WORDS),
    ("ages", "name", "age", NAMES),
    ("scores", "player", "score", NAMES),
    ("votes", "name", "vote", NAMES),
    ("weights", "thing", "weight", WORDS),
)


def _table(rng: random.Random) -> tuple[Param, str, str, list[str]]:
    """A dictionary from strings to integers, the names of its key and value, the pool of keys."""
    name, key, value, pool = rng.choice(TABLES)

    def sample() -> dict[str, int]:
        return {word: rng.randint(1, 20) for word in rng.sample(pool, rng.randint(2, 4))}

    return Param(name, DICT, sample, ({},)), key, value, pool


def invert(rng: random.Random) -> Problem:
    """A dictionary with keys and values exchanged."""
    table, key, value, pool = _table(rng)
    few = rng.sample(range(1, 15), 3)
    table = Param(
        table.name, DICT, lambda: {word: rng.choice(few) for word in rng.sample(pool, rng.randint(2, 4))}, ({},)
    )
    keep = number_condition(rng)
    lists = rng.random() < 0.5
    line = f"result.setdefault({value}, []).append({key})" if lists else f"result[{value}] = {key}"
    return Problem(
        names=(f"invert_{table}", f"{key}_by_{value}", f"swap_{table}"),
        aliases=("invert_dictionary", f"reverse_{table}"),
        params=(table, *keep.params),
        returns=f"Dict[int, {'List[str]' if lists else 'str'}]",
        what=f"a dictionary from each {value} in {table} to {'the list of its keys' if lists else 'its key'}",
        note=f"use a {value} only if it {keep.one}" + ("" if lists else ", and keep the last key if several share it"),
        body=f"""
            result = {{}}
            for {key}, {value} in {table}.items():
                if {keep.test(value)}:
                    {line}
            return result
        """,
    )


def filter_table(rng: random.Random) -> Problem:
    """The entries of a dictionary that pass a condition."""
    table, key, value, _ = _table(rng)
    keep, change = number_condition(rng), number_change(rng)
    word = word_condition(rng, free=False)
    by_key = rng.random() < 0.4
    test = word.test(key) if by_key else keep.test(value)
    told = f"entries of {table} whose {key} {word.one}" if by_key else f"entries of {table} whose {value} {keep.one}"
    return Problem(
        names=(f"filter_{table}", f"select_{table}", named("entries", word.slug if by_key else keep.slug)),
        aliases=("filter_dictionary", f"find_{table}"),
        params=(table, *(() if by_key else keep.params)),
        returns=DICT,
        what=f"a dictionary with the {told}",
        note=f"as values, use {change.of('the old values')}" if change.slug else "",
        body=f"""
            result = {{}}
            for {key}, {value} in {table}.items():
                if {test}:
                    result[{key}] = {change.apply(value)}
            return result
        """,
    )


def keys_where(rng: random.Random) -> Problem:
    """The keys whose entries pass a condition."""
    table, key, value, _ = _table(rng)
    keep = number_condition(rng)
    word = word_condition(rng, free=False)
    both, final = (
        rng.random() < 0.5,
        rng.choice(
            (
                ("sorted(result)", "in alphabetical order"),
                ("result", "in the order of the dictionary"),
                ("sorted(result, reverse=True)", "in reverse alphabetical order"),
            )
        ),
    )
    test = f"({keep.test(value)}) and {word.test(key)}" if both else keep.test(value)
    extra = f" and whose {key} {word.one}" if both else ""
    joined = rng.random() < 0.3
    form = "a comma-separated string" if joined else "the list"
    return Problem(
        names=(f"keys_of_{table}", named("keys", keep.slug), f"{key}_list"),
        aliases=(f"find_keys_{table}", f"get_{key}s"),
        params=(table, *keep.params),
        returns="str" if joined else "List[str]",
        what=f"{form} of the keys of {table} whose {value} {keep.one}{extra}, {final[1]}",
        body=f"""
            result = []
            for {key}, {value} in {table}.items():
                if {test}:
                    result.append({key})
            return {f"', '.join({final[0]})" if joined else final[0]}
        """,
    )


def merge_tables(rng: random.Random) -> Problem:
    """Two dictionaries merged, with a rule for common keys."""
    first, second = rng.choice((("first", "second"), ("a", "b"), ("old", "new"), ("left", "right")))
    pool = rng.sample(WORDS, 4)
    params = tuple(
        Param(name, DICT, lambda: {w: rng.randint(1, 9) for w in rng.sample(pool, rng.randint(1, 3))}, ({},))
        for name in (first, second)
    )
    word, code = rng.choice(
        (
            ("the sum", "result[key] + value"),
            ("the larger", "max(result[key], value)"),
            ("the smaller", "min(result[key], value)"),
            ("the product", "result[key] * value"),
            ("the difference", "result[key] - value"),
        )
    )
    keep = number_condition(rng, free=False)
    some = rng.random() < 0.6
    test = f"    if {keep.test('value')}:\n        continue\n" if some else ""
    return Problem(
        names=(f"merge_{first}_{second}", "merge_tables"),
        aliases=("merge_dictionaries", "combine_dicts"),
        params=params,
        returns=DICT,
        what=f"a dictionary with the keys of {first} and {second}, where a key of both gets {word} of its two values",
        note=f"skip an entry of {second} if its value {keep.one}" if some else "",
        body=f"result = dict({first})\nfor key, value in {second}.items():\n{test}    if key in result:\n"
        f"        result[key] = {code}\n    else:\n        result[key] = value\nreturn result\n",
    )


def total_price(rng: random.Random) -> Problem:
    """The total of looked-up values."""
    pool = rng.sample(WORDS, 4)
    prices = Param(
        rng.choice(("prices", "costs", "points", "values")),
        DICT,
        lambda: {w: rng.randint(1, 12) for w in rng.sample(pool, 2)},
    )
    items = Param(
        rng.choice(("items", "cart", "basket", "order")),
        "List[str]",
        lambda: rng.sample(pool, rng.randint(1, 3)),
        ([],),
    )
    default, k = rng.choice((0, 0, 1, 2, 5)), rng.randint(5, 15)
    keep = word_condition(rng, free=False)
    off = rng.randint(1, 4)
    rule, code = rng.choice(
        (
            (
                f"if the total is greater than {k}, subtract {off}",
                f"if total > {k}:\n    total -= {off}\nreturn total\n",
            ),
            (f"if the total is less than {k}, add {off}", f"if total < {k}:\n    total += {off}\nreturn total\n"),
            ("", "return total\n"),
            (f"return at most {k}", f"return min(total, {k})\n"),
        )
    )
    twice = rng.random() < 0.4
    more = f"    if {keep.test('item')}:\n        total += {off}\n" if twice else ""
    return Problem(
        names=(f"total_of_{items}", f"sum_{prices}", f"{items}_total"),
        aliases=("find_total", f"add_{prices}"),
        params=(items, prices),
        returns="int",
        what=f"the total of the {prices} of all entries of {items}, counting {default} for one that is not in {prices}",
        note=f"every entry that {keep.one} adds {off} more" if twice else "",
        body=f"total = 0\nfor item in {items}:\n    total += {prices}.get(item, {default})\n{more}",
        finish=Clause(rule, code),
    )


def key_of_extreme(rng: random.Random) -> Problem:
    """The key of the largest or smallest chosen value."""
    table, key, value, _ = _table(rng)
    side, sign = rng.choice((("largest", ">"), ("smallest", "<")))
    keep = number_condition(rng, free=rng.random() < 0.5)
    default = rng.choice(("None", "''"))
    return Problem(
        names=(f"{side}_{value}", f"{key}_with_{side}_{value}"),
        aliases=(f"find_{side}_{value}", f"get_{side}_{key}"),
        params=(table, *keep.params),
        returns="str" if default == "''" else "Optional[str]",
        what=f"the {key} with the {side} {value} among the entries of {table} whose {value} {keep.one}",
        note=f"return {default} if there is none, and the first one if several are equal",
        body=f"""
            best = {default}
            best_{value} = None
            for {key}, {value} in {table}.items():
                if {keep.test(value)}:
                    if best_{value} is None or {value} {sign} best_{value}:
                        best = {key}
                        best_{value} = {value}
            return best
        """,
    )


def update_stock(rng: random.Random) -> Problem:
    """A dictionary of counts after a list of events."""
    pool = rng.sample(WORDS, 3)
    stock = Param(
        rng.choice(("stock", "supply", "store")), DICT, lambda: {w: rng.randint(1, 9) for w in rng.sample(pool, 2)}
    )
    sold = Param(
        rng.choice(("sold", "orders", "taken")), "List[str]", lambda: rng.choices(pool, k=rng.randint(1, 4)), ([],)
    )
    n, bound = rng.randint(1, 3), rng.randint(0, 3)
    unknown = rng.choice(("ignore", "start"))
    drop = rng.random() < 0.5
    sign, word = rng.choice((("-", "lowers"), ("+", "raises")))
    test = f"    if item in result:\n        result[item] {sign}= {n}\n"
    told = "ignored"
    if unknown == "start":
        begin = rng.randint(4, 9)
        test = f"    result[item] = result.get(item, {begin}) {sign} {n}\n"
        told = f"taken to have {begin} before"
    last = (
        f"return {{item: count for item, count in result.items() if count > {bound}}}\n" if drop else "return result\n"
    )
    note = f"entries that are not in {stock} are {told}"
    return Problem(
        names=(f"update_{stock}", f"apply_{sold}", f"change_{stock}"),
        aliases=("update_dictionary", f"process_{sold}"),
        params=(stock, sold),
        returns=DICT,
        what=f"a copy of {stock} in which each entry of {sold} {word} the count of that item by {n}",
        note=note + (f", and at the end only counts greater than {bound} are kept" if drop else ""),
        body=f"result = dict({stock})\nfor item in {sold}:\n{test}{last}",
    )


FAMILIES = (invert, filter_table, keys_where, merge_tables, total_price, key_of_extreme, update_stock)
