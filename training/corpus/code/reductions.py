"""Problems that add up, multiply or count the integers of a list."""

import random

from training.corpus.code.arguments import integer, integers
from training.corpus.code.problem import Clause, Problem
from training.corpus.code.vocabulary import ending, guard, named, number_change, number_condition


def sum_where(rng: random.Random) -> Problem:
    """The sum of the changed elements that pass a condition."""
    xs = integers(rng)
    keep, change = number_condition(rng, xs.signed), number_change(rng, xs.signed)
    return Problem(
        names=(named("sum", keep.slug), named("sum", change.slug, "of", keep.slug), f"sum_selected_{xs}"),
        aliases=(named("find_sum", keep.slug), f"add_{xs}"),
        params=(xs, *keep.params),
        unordered=True,
        returns="int",
        what=f"the sum of {change.of('the ' + keep.of(xs))}",
        guard=guard(rng, xs, (-1, 1, 100), 0.4),
        body=f"""
            total = 0
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    total += {change.apply(xs.one)}
        """,
        finish=ending(rng, "total", 60),
    )


def count_both(rng: random.Random) -> Problem:
    """How many elements pass both, or one, of two conditions."""
    xs = integers(rng, (4, 7))
    first, second = number_condition(rng, xs.signed), number_condition(rng, xs.signed, free=False)
    word = rng.choice(("and", "or"))
    return Problem(
        names=(f"count_{xs}", named("count", first.slug, word, second.slug), f"count_matching_{xs}"),
        aliases=(f"find_count_{xs}", f"number_of_{xs}"),
        params=(xs, *first.params),
        unordered=True,
        returns="int",
        what=f"the number of {xs} such that the {xs.one} {first.one} {word} {second.one}",
        guard=guard(rng, xs, (-1, 1)),
        body=f"""
            count = 0
            for {xs.one} in {xs}:
                if ({first.test(xs.one)}) {word} ({second.test(xs.one)}):
                    count += 1
        """,
        finish=ending(rng, "count", 4),
    )


def product_where(rng: random.Random) -> Problem:
    """The product of the elements that pass a condition."""
    xs = integers(rng, (2, 5), high=9)
    keep = number_condition(rng, xs.signed)
    start = rng.choice((1, 1, 2, 3, 10))
    begin = "" if start == 1 else f"start from {start} instead of 1"
    return Problem(
        names=(named("product", keep.slug), named("multiply", keep.slug, str(xs))),
        aliases=(named("find_product", keep.slug), f"multiply_{xs}"),
        params=(xs, *keep.params),
        unordered=True,
        returns="int",
        what=f"the product of the {keep.of(xs)}",
        note=begin,
        guard=guard(rng, xs, (0, -1)),
        body=f"""
            product = {start}
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    product *= {xs.one}
        """,
        finish=ending(rng, "product", 200),
    )


def average_where(rng: random.Random) -> Problem:
    """The rounded average of the elements that pass a condition."""
    xs = integers(rng, (3, 6))
    keep = number_condition(rng, xs.signed)
    digits, default = rng.choice((1, 2)), rng.choice((0.0, -1.0))
    return Problem(
        names=(named("average", keep.slug), named("mean_of", keep.slug), f"average_{xs.one}"),
        aliases=(named("find_average", keep.slug), f"average_{xs}"),
        params=(xs, *keep.params),
        unordered=True,
        returns="float",
        what=f"the average of the {keep.of(xs)}, rounded to {digits} decimal{'s' if digits > 1 else ''}",
        note=f"return {default} if there are none",
        body=f"""
            total = 0
            count = 0
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    total += {xs.one}
                    count += 1
            if count == 0:
                return {default}
            return round(total / count, {digits})
        """,
    )


def signed_total(rng: random.Random) -> Problem:
    """Some elements added, others subtracted, the rest by a rule."""
    xs = integers(rng)
    first, second = number_condition(rng, xs.signed), number_condition(rng, xs.signed, free=False)
    k = rng.randint(1, 5)
    last = ending(rng, "total", 30)
    rest, otherwise = rng.choice(
        (
            ("ignore the others", ""),
            (f"add {k} for each of the others", f"    else:\n        total += {k}\n"),
            (f"subtract {k} for each of the others", f"    else:\n        total -= {k}\n"),
        )
    )
    return Problem(
        names=(f"score_{xs}", f"balance_of_{xs}", "signed_total"),
        aliases=(f"rate_{xs}", f"get_balance_{xs}"),
        params=(xs, *first.params),
        unordered=True,
        returns="int",
        what=f"the total that adds every {xs.one} that {first.one} and otherwise subtracts every {xs.one} "
        f"that {second.one}",
        note=rest,
        body=f"""
            total = 0
            for {xs.one} in {xs}:
                if {first.test(xs.one)}:
                    total += {xs.one}
                elif {second.test(xs.one)}:
                    total -= {xs.one}
        """,
        finish=Clause(last.text, otherwise + last.code),
    )


def sum_at_positions(rng: random.Random) -> Problem:
    """The sum or number of elements that pass a condition at chosen indices."""
    xs = integers(rng, (3, 7))
    k, start = rng.randint(2, 4), rng.randint(0, 1)
    keep = number_condition(rng, xs.signed)
    where = rng.choice(
        (
            (f"at indices divisible by {k}", f"i % {k} == 0"),
            ("at even indices", "i % 2 == 0"),
            ("at odd indices", "i % 2 == 1"),
            (f"after the first {k}", f"i >= {k}"),
            (f"among the first {k}", f"i < {k}"),
        )
    )
    count = start == 1
    verb, step = ("number", "1") if count else ("sum", xs.one)
    return Problem(
        names=(
            f"{'count' if count else 'sum'}_at_positions",
            f"{verb}_by_index",
            f"{'count' if count else 'add'}_some_{xs}",
        ),
        aliases=(f"find_{verb}_by_position", f"{verb}_at_index"),
        params=(xs, *keep.params),
        returns="int",
        what=f"the {verb} of the {keep.of(xs)} {where[0]}",
        guard=guard(rng, xs, (-1,), 0.3),
        body=f"""
            total = 0
            for i, {xs.one} in enumerate({xs}):
                if {where[1]} and ({keep.test(xs.one)}):
                    total += {step}
        """,
        finish=ending(rng, "total", 5 if count else 30),
    )


def first_below(rng: random.Random) -> Problem:
    """How many steps until a running total crosses a limit."""
    xs = integers(rng, (3, 6), high=9, sign=True)
    start, above = integer(rng, "start balance initial", 0, 10), rng.random() < 0.4
    limit = rng.randint(12, 25) if above else rng.choice((0, 0, -3, 2, 5))
    sign, word = (">", "rises above") if above else ("<", "falls below")
    default = rng.choice((-1, 0))
    return Problem(
        names=(f"{'above' if above else 'below'}_limit", f"steps_until_{'above' if above else 'below'}_{abs(limit)}"),
        aliases=("find_step", "first_crossing"),
        params=(start, xs),
        returns="int",
        what=f"how many {xs} must be added to {start}, one after another, until the total {word} {limit}",
        note=f"return {default} if that never happens",
        body=f"""
            total = {start}
            for i, {xs.one} in enumerate({xs}):
                total += {xs.one}
                if total {sign} {limit}:
                    return i + 1
            return {default}
        """,
    )


def weighted_sum(rng: random.Random) -> Problem:
    """The sum of elements weighted by their position."""
    xs = integers(rng, (2, 5), high=9)
    k = rng.randint(1, 5)
    word, code = rng.choice(
        (
            (f"multiplied by its index plus {k}", "(i + {k})"),
            (f"multiplied by {k + 1} times its index", "{n} * i"),
            ("multiplied by its distance from the end, which is 1 for the last", "(len({xs}) - i)"),
        )
    )
    weight = code.format(k=k, n=k + 1, xs=xs)
    keep = number_condition(rng, xs.signed)
    return Problem(
        names=("weighted_sum", f"weigh_{xs}", f"weighted_{xs}"),
        aliases=("find_weighted_sum", f"weighted_total_{xs}"),
        params=(xs, *keep.params),
        returns="int",
        what=f"the sum of the {keep.of(xs)}, each {word}",
        body=f"""
            total = 0
            for i, {xs.one} in enumerate({xs}):
                if {keep.test(xs.one)}:
                    total += {xs.one} * {weight}
            return total
        """,
    )


FAMILIES = (
    sum_where,
    count_both,
    product_where,
    average_where,
    signed_total,
    sum_at_positions,
    first_below,
    weighted_sum,
)
