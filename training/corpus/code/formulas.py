"""Problems with rules for one integer: labels, prices, units, patterns of text."""

import random

from training.corpus.code.arguments import integer
from training.corpus.code.problem import Param, Problem


def _number(rng: random.Random, low: int, high: int, edges: tuple[int, ...] = ()) -> Param:
    return integer(rng, "n number num value", low, high, edges)


def fizz(rng: random.Random) -> Problem:
    """A list of words for the multiples of two numbers."""
    n = _number(rng, 3, 12, (0,))
    a, b = rng.sample((2, 3, 4, 5), 2)
    one, two = rng.sample(("fizz", "buzz", "ping", "pong", "tick", "tock", "hop", "clap", "zip", "zap"), 2)
    other = rng.choice((("the number itself as a string", "str(i)"), ("'-'", "'-'"), ("the string '.'", "'.'")))
    both = rng.random() < 0.5
    start = rng.randint(1, 3)
    lines = f"    if i % {a} == 0 and i % {b} == 0:\n        result.append('{one}{two}')\n    elif i % {a} == 0:\n"
    if not both:
        lines = f"    if i % {a} == 0:\n"
    extra = f"'{one}{two}' for multiples of both {a} and {b}, " if both else ""
    return Problem(
        names=(f"{one}_{two}", f"{one}_{two}_list", f"play_{one}"),
        aliases=(f"{one}{two}", f"list_{one}_{two}"),
        params=(n,),
        returns="List[str]",
        what=f"a list with one string for each number from {start} to {n}",
        note=f"use {extra}'{one}' for multiples of {a}, else '{two}' for multiples of {b}, and otherwise {other[0]}",
        body=f"result = []\nfor i in range({start}, {n} + 1):\n{lines}        result.append('{one}')\n"
        f"    elif i % {b} == 0:\n        result.append('{two}')\n    else:\n        result.append({other[1]})\n"
        "return result\n",
    )


def classify(rng: random.Random) -> Problem:
    """A label by thresholds."""
    name = rng.choice(("score", "speed", "weight", "temperature", "age", "price", "level"))
    n = Param(name, "int", lambda: rng.randint(0, 40), (0,))
    low = rng.randint(5, 14)
    high = low + rng.randint(6, 14)
    labels = rng.choice(
        (
            ("low", "medium", "high"),
            ("small", "normal", "large"),
            ("C", "B", "A"),
            ("bad", "fair", "good"),
            ("cold", "mild", "hot"),
            ("short", "middle", "long"),
        )
    )
    sign, word = rng.choice((("<", "less than"), ("<=", "at most")))
    special = rng.randint(high + 1, 39)
    rare = rng.choice(("special", "lucky", "exact", "record"))
    k = rng.randint(3, 6)
    test, told = rng.choice(
        (
            (f"{n} == {special}", f"equal to {special}"),
            (f"{n} % {k} == 0", f"divisible by {k}"),
            (f"{n} == 0", "0"),
            (f"{n} > {special}", f"greater than {special}"),
        )
    )
    return Problem(
        names=(f"classify_{n}", f"label_{n}", f"{n}_label"),
        aliases=(f"grade_{n}", f"{n}_class"),
        params=(n,),
        returns="str",
        what=f"'{labels[0]}' if {n} is {word} {low}, '{labels[1]}' if it is {word} {high}, and '{labels[2]}' otherwise",
        note=f"but first, return '{rare}' if {n} is {told}",
        body=f"""
            if {test}:
                return '{rare}'
            if {n} {sign} {low}:
                return '{labels[0]}'
            if {n} {sign} {high}:
                return '{labels[1]}'
            return '{labels[2]}'
        """,
    )


def price_after(rng: random.Random) -> Problem:
    """A price with a rebate and a correction."""
    count = integer(rng, "count quantity tickets books", 0, 12, (0,))
    price, free = rng.randint(2, 9), rng.randint(3, 6)
    fee, cap = rng.randint(2, 9), rng.randint(20, 60)
    many = rng.randint(4, 8)
    rule, code = rng.choice(
        (
            (f"every {free}th one is free", f"total = ({count} - {count} // {free}) * {price}"),
            (
                f"above {many} the extra ones cost {price - 1} each",
                f"total = {count} * {price} - max({count} - {many}, 0)",
            ),
            (f"the first {free - 2} are free", f"total = max({count} - {free - 2}, 0) * {price}"),
            (f"there is a fee of {fee} on top", f"total = {count} * {price} + {fee}"),
        )
    )
    if free == 3:
        rule = rule.replace("3th", "3rd").replace("first 1 are", "first 1 is")
    more, lines = rng.choice(
        (
            (f"a total above {cap} is reduced by {fee}", f"if total > {cap}:\n    total -= {fee}\n"),
            ("an odd total is raised by 1", "if total % 2 == 1:\n    total += 1\n"),
            (f"a total below {cap // 2} is raised by {fee}", f"if total < {cap // 2}:\n    total += {fee}\n"),
        )
    )
    return Problem(
        names=(f"price_of_{count}", f"cost_of_{count}", "total_price"),
        aliases=("find_price", f"{count}_cost"),
        params=(count,),
        returns="int",
        what=f"the price of {count} things at {price} each, where {rule}",
        note=f"{more}, and the result is 0 if {count} is 0",
        body=f"if {count} == 0:\n    return 0\n{code}\n{lines}return total\n",
    )


def clock(rng: random.Random) -> Problem:
    """An amount in two units."""
    units = rng.choice(
        (
            ("minutes", "hours", 60),
            ("seconds", "minutes", 60),
            ("hours", "days", 24),
            ("days", "weeks", 7),
            ("months", "years", 12),
            ("eggs", "boxes", rng.choice((6, 10))),
            ("coins", "rolls", rng.randint(5, 9)),
            ("cups", "litres", 4),
            ("cards", "packs", rng.randint(4, 8)),
            ("pages", "chapters", rng.randint(5, 9)),
        )
    )
    small, big, size = units
    n = Param(small, "int", lambda: rng.randint(0, 6 * size), (0,))
    form, code, kind = rng.choice(
        (
            (f"a string like '3 {big} 2 {small}'", f"str({big}) + ' {big} ' + str(rest) + ' {small}'", "str"),
            (f"a tuple of {big} and remaining {small}", f"({big}, rest)", "Tuple[int, int]"),
            ("a string like '3:2'", f"str({big}) + ':' + str(rest)", "str"),
            (f"a list of {big} and remaining {small}", f"[{big}, rest]", "List[int]"),
        )
    )
    k, minus = rng.randint(1, 9), rng.random() < 0.5
    word = "removed" if minus else "added"
    change = f"{small} = max({small} - {k}, 0)" if minus else f"{small} = {small} + {k}"
    short = rng.random() < 0.5
    alone = f"if {big} == 0:\n    return {'str(rest)' if kind == 'str' else code}\n" if short and kind == "str" else ""
    return Problem(
        names=(f"{small}_to_{big}", f"convert_{small}", f"format_{small}"),
        aliases=(f"find_{big}", f"{small}_as_{big}"),
        params=(n,),
        plain=True,
        returns=kind,
        what=f"{form} for the given {small}, where {size} {small} make one of the {big}",
        note=f"before that, {k} of the {small} are {word}{', but never below 0' if minus else ''}"
        + (f", and if there are no {big}, only the remaining {small} are returned as a string" if alone else ""),
        body=f"{change}\n{big} = {small} // {size}\nrest = {small} % {size}\n{alone}return {code}\n",
    )


def shapes(rng: random.Random) -> Problem:
    """Rows of a text pattern."""
    n = _number(rng, 1, 8, (0,))
    mark, other = rng.sample("*#+-.ox=@", 2)
    extra = rng.randint(0, 2)
    plus = f" + {extra}" if extra else ""
    also = f" plus {extra}" if extra else ""
    row, told = rng.choice(
        (
            (f"'{mark}' * (i{plus})" if extra else f"'{mark}' * i", f"row number i has i{also} times '{mark}'"),
            (f"'{mark}' * ({n} - i + 1{plus})", f"row number i has {n} - i + 1{also} times '{mark}'"),
            (
                f"'{other}' * (i - 1) + '{mark}' * ({n}{plus})",
                f"row number i has i - 1 times '{other}' and then {n}{also} times '{mark}'",
            ),
            (
                f"'{mark}' * i + '{other}' * ({n} - i{plus})",
                f"row number i has i times '{mark}' and then {n} - i{also} times '{other}'",
            ),
            (
                f"str(i) * ({n}{plus})" if extra else f"str(i) * {n}",
                f"row number i repeats the digit i {n}{also} times",
            ),
        )
    )
    final, kind, what = rng.choice(
        (
            ("rows", "List[str]", "a list of {} strings"),
            ("rows[::-1]", "List[str]", "a list of {} strings from the last row to the first"),
            ("'/'.join(rows)", "str", "{} strings joined by '/'"),
        )
    )
    return Problem(
        names=("draw_rows", "pattern", f"draw_{n}"),
        aliases=("make_pattern", "build_rows"),
        params=(n,),
        returns=kind,
        what=f"the rows of a pattern as {what.format(n)}",
        note=f"counting from 1, {told}",
        body=f"""
            rows = []
            for i in range(1, {n} + 1):
                row = {row}
                rows.append(row)
            return {final}
        """,
    )


FAMILIES = (fizz, classify, price_after, clock, shapes)
