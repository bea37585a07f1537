"""Problems about the digits, divisors and ranges of an integer."""

import random

from training.corpus.code.arguments import integer
from training.corpus.code.problem import Param, Problem
from training.corpus.code.vocabulary import Condition, ending, named, number_change, number_condition


def _digit_condition(rng: random.Random) -> Condition:
    k = rng.randint(2, 7)
    return rng.choice(
        (
            Condition("even", "even {}", "is even", "{0} % 2 == 0"),
            Condition("odd", "odd {}", "is odd", "{0} % 2 == 1"),
            Condition(f"above_{k}", f"{{}} greater than {k}", "", f"{{0}} > {k}"),
            Condition(f"below_{k}", f"{{}} less than {k}", "", f"{{0}} < {k}"),
            Condition(f"not_{k}", f"{{}} other than {k}", "", f"{{0}} != {k}"),
        )
    )


def _number(rng: random.Random, low: int, high: int, edges: tuple[int, ...] = ()) -> Param:
    return integer(rng, "n number num value", low, high, edges)


def digit_loop(rng: random.Random) -> Problem:
    """The chosen digits of a number, added, multiplied or counted."""
    n = _number(rng, 10, 99999, (0,))
    keep = _digit_condition(rng)
    slug, start, line, what = rng.choice(
        (
            ("sum", "0", "total += digit", "the sum"),
            ("product", "1", "total *= digit", "the product"),
            ("count", "0", "total += 1", "the number"),
            ("square_sum", "0", "total += digit * digit", "the sum of the squares"),
        )
    )
    return Problem(
        names=(named(slug, keep.slug, "digits"), f"{slug}_of_digits"),
        aliases=(named("find", slug, "digits"), f"digits_{slug}"),
        params=(n,),
        returns="int",
        what=f"{what} of the {keep.of('digits')} of {n}",
        body=f"""
            total = {start}
            for char in str({n}):
                digit = int(char)
                if {keep.test("digit")}:
                    {line}
        """,
        finish=ending(rng, "total", 30),
    )


def rebuild_digits(rng: random.Random) -> Problem:
    """A new number from the chosen digits."""
    n = _number(rng, 100, 99999)
    keep, k = _digit_condition(rng), rng.randint(1, 9)
    change, told = rng.choice(
        (
            ("{0}", ""),
            (f"({{0}} + {k}) % 10", f", each increased by {k} modulo 10"),
            (f"{{0}} * {k} % 10", f", each multiplied by {k} modulo 10"),
            ("9 - {0}", ", each subtracted from 9"),
        )
    )
    order, word = rng.choice((("result + str({})", "in the same order"), ("str({}) + result", "in reverse order")))
    default = rng.choice((0, -1))
    return Problem(
        names=(f"rebuild_{n}", named("keep", keep.slug, "digits"), f"digits_of_{n}"),
        aliases=("new_number", named("digits", keep.slug)),
        params=(n,),
        returns="int",
        what=f"the integer formed by the {keep.of('digits')} of {n}{told}, {word}",
        note=f"return {default} if there are none",
        body=f"""
            result = ''
            for char in str({n}):
                digit = int(char)
                if {keep.test("digit")}:
                    result = {order.format(change.format("digit"))}
            if result == '':
                return {default}
            return int(result)
        """,
    )


def sum_range(rng: random.Random) -> Problem:
    """The sum or number of chosen integers up to an argument."""
    n = _number(rng, 4, 15, (0,))
    keep, change = number_condition(rng, free=False), number_change(rng)
    start, second = rng.randint(1, 3), rng.randint(3, 7)
    count = rng.random() < 0.2
    also = rng.random() < 0.4
    test = f"({keep.test('i')}) or i % {second} == 0" if also else keep.test("i")
    extra = f" or divisible by {second}" if also else ""
    step = "1" if count else change.apply("i")
    what = f"the number of integers from {start} to {n} for which the integer {keep.one}{extra}"
    if not count:
        integers = change.of(f"the integers from {start} to {n}")
        what = f"the sum of {integers}, counting only an integer that {keep.one}{extra}"
    return Problem(
        names=(
            "sum_range" if not count else "count_range",
            f"{'count' if count else 'sum'}_up_to_{n}",
            f"total_to_{n}",
        ),
        aliases=("sum_to", f"find_{'count' if count else 'sum'}"),
        params=(n,),
        returns="int",
        what=what,
        body=f"""
            total = 0
            for i in range({start}, {n} + 1):
                if {test}:
                    total += {step}
        """,
        finish=ending(rng, "total", 80),
    )


def divisor_list(rng: random.Random) -> Problem:
    """The chosen divisors of a number."""
    n = _number(rng, 6, 48)
    keep = _digit_condition(rng)
    slug, final, kind, what = rng.choice(
        (
            ("list", "divisors", "List[int]", "the list"),
            ("sum", "sum(divisors)", "int", "the sum"),
            ("count", "len(divisors)", "int", "the number"),
            ("reversed", "divisors[::-1]", "List[int]", "the descending list"),
        )
    )
    proper = rng.random() < 0.4
    stop = str(n) if proper else f"{n} + 1"
    return Problem(
        names=(f"{slug}_divisors", named("divisors", keep.slug)),
        aliases=("find_divisors", f"divisors_of_{n}"),
        params=(n,),
        returns=kind,
        what=f"{what} of the {keep.of('divisors')} of {n}{', without itself' if proper else ''}",
        body=f"""
            divisors = []
            for i in range(1, {stop}):
                if {n} % i == 0 and {keep.test("i")}:
                    divisors.append(i)
            return {final}
        """,
    )


def primes(rng: random.Random) -> Problem:
    """The chosen primes up to a number."""
    n = _number(rng, 5, 25, (1,))
    keep = _digit_condition(rng)
    start = rng.choice((2, 2, 3, 5, 7))
    final, kind, what = rng.choice(
        (
            ("result", "List[int]", "the list"),
            ("len(result)", "int", "the number"),
            ("sum(result)", "int", "the sum"),
            ("result[::-1]", "List[int]", "the descending list"),
        )
    )
    last = rng.random() < 0.5
    test = {"odd": "i % 10 != 5", "even": "i % 4 == 1"}.get(keep.slug, keep.test("i % 10"))
    told = {"odd": "whose last digit is not 5", "even": "whose remainder modulo 4 is 1"}.get(
        keep.slug, f"with a last digit {keep.many.format('')}".replace("  ", " ").strip()
    )
    return Problem(
        names=("primes", f"primes_to_{n}", "prime_numbers"),
        aliases=("find_primes", "get_primes"),
        params=(n,),
        returns=kind,
        what=f"{what} of the primes from {start} {f'up to {n}' if last else f'to below {n}'} {told}",
        body=f"""
            result = []
            for i in range({start}, {n}{" + 1" if last else ""}):
                is_prime = True
                for j in range(2, i):
                    if i % j == 0:
                        is_prime = False
                        break
                if is_prime and {test}:
                    result.append(i)
            return {final}
        """,
    )


def to_base(rng: random.Random) -> Problem:
    """Something about the digits of a number in another base."""
    n = _number(rng, 5, 60, (0,))
    base = rng.randint(2, 9)
    by = integer(rng, "base radix", 2, 6) if rng.random() < 0.4 else base
    kind, final, what = rng.choice(
        (
            ("str", "digits", "the digits of {n} in base {b} as a string"),
            ("int", "len(digits)", "how many digits {n} has in base {b}"),
            ("int", "digits.count('1')", "how many digits of {n} in base {b} are 1"),
            ("int", "digits.count('0')", "how many digits of {n} in base {b} are 0"),
            ("str", "digits[::-1]", "the reversed digits of {n} in base {b} as a string"),
            ("int", "int(digits[0])", "the first digit of {n} in base {b}"),
        )
    )
    zero = {"str": "'0'", "int": "0"}[kind]
    return Problem(
        names=(f"{n}_in_base", "to_base", f"base_{base}" if by == base else f"convert_{n}"),
        aliases=(f"convert_to_{by}", "change_base"),
        params=(n,) if by == base else (n, by),
        returns=kind,
        what=what.format(n=n, b=by),
        note=f"return {zero} if {n} is 0",
        body=f"""
            if {n} == 0:
                return {zero}
            digits = ''
            while {n} > 0:
                digits = str({n} % {by}) + digits
                {n} = {n} // {by}
            return {final}
        """,
    )


FAMILIES = (digit_loop, rebuild_digits, sum_range, divisor_list, primes, to_base)
