"""Problems that make a new list step by step along a list of integers."""

import random

from training.corpus.code.arguments import integer, integers
from training.corpus.code.problem import Clause, Problem
from training.corpus.code.vocabulary import number_change, number_condition

LIST = "List[int]"


def running(rng: random.Random) -> Problem:
    """A running sum, product, maximum or the like."""
    xs = integers(rng, (3, 5), high=9)
    word, step = rng.choice(
        (
            ("sum", "current + {}"),
            ("product", "current * {}"),
            ("maximum", "max(current, {})"),
            ("minimum", "min(current, {})"),
            ("difference", "current - {}"),
        )
    )
    start = integer(rng, "start initial", 1, 9)
    keep = number_condition(rng, xs.signed, free=False)
    skip = rng.random() < 0.6
    body = f"""
            result = []
            current = {start}
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    current = {step.format(xs.one)}
                result.append(current)
            return result
        """
    if not skip:
        body = f"""
            result = []
            current = {start}
            for {xs.one} in {xs}:
                current = {step.format(xs.one)}
                result.append(current)
            return result
        """
    return Problem(
        names=(f"running_{word}", f"rolling_{word}", f"running_{word}_of_{xs}"),
        aliases=(f"cumulative_{word}", f"find_running_{word}"),
        params=(xs, start),
        returns=LIST,
        what=f"the list of the running {word} after each {xs.one}, starting from {start}",
        note=f"only a {xs.one} that {keep.one} changes it" if skip else "",
        body=body,
    )


def adjacent(rng: random.Random) -> Problem:
    """Neighbours combined in pairs."""
    xs = integers(rng, (3, 6))
    gap = rng.choice((1, 1, 2, 3))
    word, code = rng.choice(
        (
            ("sums", "{0} + {1}"),
            ("products", "{0} * {1}"),
            ("absolute differences", "abs({0} - {1})"),
            ("differences, the later one minus the earlier one,", "{1} - {0}"),
            ("maximums", "max({0}, {1})"),
            ("minimums", "min({0}, {1})"),
        )
    )
    slug = word.split()[0].strip(",")
    where = f"neighbouring {xs}" if gap == 1 else f"{xs} that are {gap} positions apart"
    pair = code.format(f"{xs}[i]", f"{xs}[i + {gap}]")
    last = rng.choice(
        (("list", "result", LIST), ("sum", "sum(result)", "int"), ("sorted list", "sorted(result)", LIST))
    )
    return Problem(
        names=(f"adjacent_{slug}", f"pair_{slug}", f"{slug}_of_neighbours"),
        aliases=(f"find_adjacent_{slug}", f"consecutive_{slug}"),
        params=(xs,),
        returns=last[2],
        what=f"the {last[0]} of the {word} of {where}",
        body=f"""
            result = []
            for i in range(len({xs}) - {gap}):
                result.append({pair})
            return {last[1]}
        """,
    )


def rotate(rng: random.Random) -> Problem:
    """A list rotated by an argument."""
    xs = integers(rng, (3, 6))
    steps = integer(rng, "k n steps", 0, 8, edges=(0,))
    left = rng.random() < 0.5
    side, cut = ("left", "shift") if left else ("right", f"len({xs}) - shift")
    change = number_change(rng, xs.signed)
    return Problem(
        names=(f"rotate_{side}", f"rotate_{xs}", f"shift_{side}"),
        aliases=(f"rotate_list_{side}", f"move_{xs}_{side}"),
        params=(xs, steps),
        returns=LIST,
        what=f"{change.of(xs)}, rotated to the {side} by {steps} positions",
        note=f"return an empty list if {xs} is empty",
        body=f"""
            if not {xs}:
                return []
            shift = {steps} % len({xs})
            rotated = {xs}[{cut}:] + {xs}[:{cut}]
        """,
        finish=Clause(
            code="return rotated\n" if not change.slug else f"return [{change.apply(xs.one)} for {xs.one} in rotated]\n"
        ),
    )


def chunk_values(rng: random.Random) -> Problem:
    """One value for each chunk of a list."""
    xs = integers(rng, (3, 7))
    size = rng.randint(2, 4)
    k = integer(rng, "size n", 2, 4) if rng.random() < 0.5 else size
    word, code, kind = rng.choice(
        (
            ("sums", "sum(chunk)", LIST),
            ("largest elements", "max(chunk)", LIST),
            ("smallest elements", "min(chunk)", LIST),
            ("first elements", "chunk[0]", LIST),
            ("last elements", "chunk[-1]", LIST),
            ("reversed copies", "chunk[::-1]", f"List[{LIST}]"),
            ("sorted copies", "sorted(chunk)", f"List[{LIST}]"),
        )
    )
    slug = word.split()[0]
    return Problem(
        names=(f"chunk_{slug}", f"{slug}_of_chunks", f"group_{xs}"),
        aliases=(f"find_chunk_{slug}", f"divide_{xs}_into_chunks"),
        params=(xs,) if k == size else (xs, k),
        returns=kind,
        what=f"the list of the {word} of consecutive chunks of {k} {xs}",
        note="the last chunk may be shorter",
        body=f"""
            result = []
            for i in range(0, len({xs}), {k}):
                chunk = {xs}[i:i + {k}]
                result.append({code})
            return result
        """,
    )


def clamp(rng: random.Random) -> Problem:
    """Changed elements kept between two bounds."""
    xs = integers(rng)
    low, high = rng.randint(1, 7), rng.randint(9, 16)
    change = number_change(rng, xs.signed)
    return Problem(
        names=(f"clamp_{xs}", f"limit_{xs}", f"clip_{xs}"),
        aliases=(f"restrict_{xs}", f"bound_{xs}"),
        params=(xs,),
        returns=LIST,
        what=f"a list of {change.of(xs)}",
        note=f"a result below {low} becomes {low} and one above {high} becomes {high}",
        body=f"""
            result = []
            for {xs.one} in {xs}:
                new = {change.apply(xs.one)}
                if new < {low}:
                    new = {low}
                elif new > {high}:
                    new = {high}
                result.append(new)
            return result
        """,
    )


def window_values(rng: random.Random) -> Problem:
    """One value for each window of a list, or a figure about all windows."""
    xs = integers(rng, (4, 6))
    k = rng.randint(2, 3)
    word, code = rng.choice((("sum", "sum(window)"), ("maximum", "max(window)"), ("minimum", "min(window)")))
    limit = rng.randint(5, 15)
    what, final, kind = rng.choice(
        (
            (f"the list of the {word}s of all windows", "result", LIST),
            (f"the largest {word} of all windows", "max(result)", "int"),
            (f"the smallest {word} of all windows", "min(result)", "int"),
            (
                f"the number of windows whose {word} is above {limit}, out of all windows",
                f"len([x for x in result if x > {limit}])",
                "int",
            ),
        )
    )
    return Problem(
        names=(f"window_{word}", f"sliding_{word}"),
        aliases=(f"find_window_{word}", f"{word}_of_windows"),
        params=(xs,),
        plain=True,
        returns=kind,
        what=f"{what} of {k} consecutive {xs}",
        body=f"""
            result = []
            for i in range(len({xs}) - {k - 1}):
                window = {xs}[i:i + {k}]
                result.append({code})
            return {final}
        """,
    )


def intersperse(rng: random.Random) -> Problem:
    """A copy with a value inserted at chosen places."""
    xs = integers(rng, (2, 4))
    mark = integer(rng, "delimiter separator marker", 0, 9)
    fixed = rng.random() < 0.4
    value = rng.randint(0, 9) if fixed else mark
    keep = number_condition(rng, xs.signed, free=False)
    where, test = rng.choice(
        (
            (f"before every {xs.one} that {keep.one}", (keep.test(xs.one), "")),
            (f"after every {xs.one} that {keep.one}", ("", keep.test(xs.one))),
            (f"between two neighbouring {xs}", ("result", "")),
        )
    )
    before = f"    if {test[0]}:\n        result.append({value})\n" if test[0] else ""
    after = f"    if {test[1]}:\n        result.append({value})\n" if test[1] else ""
    return Problem(
        names=(f"insert_{'value' if fixed else mark}", "intersperse", f"insert_into_{xs}"),
        aliases=("insert_element", f"add_between_{xs}"),
        params=(xs,) if fixed else (xs, mark),
        returns=LIST,
        what=f"a copy of {xs} with {value} inserted {where}",
        body=f"result = []\nfor {xs.one} in {xs}:\n{before}    result.append({xs.one})\n{after}return result\n",
    )


def every_nth(rng: random.Random) -> Problem:
    """Every n-th element changed."""
    xs = integers(rng, (4, 7))
    step, start = rng.randint(2, 3), rng.randint(0, 2)
    change = number_change(rng, xs.signed, identity=False)
    keep_rest = rng.random() < 0.5
    rest = f"    else:\n        result.append({xs.one})\n" if keep_rest else ""
    what = f"a list of {change.of(f'every {step}th of the {xs}'.replace('2th', '2nd').replace('3th', '3rd'))}"
    if keep_rest:
        what += ", while the others stay as they are"
    return Problem(
        names=(f"every_{step}", f"take_every_{step}", f"change_every_{step}"),
        aliases=(f"nth_{xs}", "every_nth"),
        params=(xs,),
        returns=LIST,
        what=what,
        note=f"begin with the one at index {start}",
        body=f"result = []\nfor i, {xs.one} in enumerate({xs}):\n    if i >= {start} and (i - {start}) % {step} == 0:\n"
        f"        result.append({change.apply(xs.one)})\n{rest}return result\n",
    )


FAMILIES = (running, adjacent, rotate, chunk_values, clamp, window_values, intersperse, every_nth)
