"""Problems that repeat a step: sequences, growth, common divisors."""

import random

from training.corpus.code.arguments import integer
from training.corpus.code.problem import Param, Problem
from training.corpus.code.vocabulary import ending


def _number(rng: random.Random, low: int, high: int, edges: tuple[int, ...] = ()) -> Param:
    return integer(rng, "n number num value", low, high, edges)


def recurrence(rng: random.Random) -> Problem:
    """A sequence defined by its two previous terms."""
    n = _number(rng, 2, 11, (0, 1))
    a, b, p, q, c = rng.randint(0, 3), rng.randint(1, 4), rng.randint(1, 3), rng.randint(1, 2), rng.randint(0, 4)
    first = "second" if p == 1 else f"{p} * second"
    other = "first" if q == 1 else f"{q} * first"
    times = ["", "", "2 times ", "3 times "]
    told = f"{times[p]}the previous one plus {times[q]}the one before it"
    plus, more = (f" + {c}", f" plus {c}") if c else ("", "")
    as_list = rng.random() < 0.4
    wanted = f"the first {n} terms" if as_list else f"term number {n}"
    name = rng.choice(("sequence", "series", "terms"))
    if as_list:
        body = f"""
            result = []
            first = {a}
            second = {b}
            for i in range({n}):
                result.append(first)
                first, second = second, {first} + {other}{plus}
            return result
        """
    else:
        body = f"""
            first = {a}
            second = {b}
            for i in range({n}):
                first, second = second, {first} + {other}{plus}
            return first
        """
    return Problem(
        names=(name, f"{name}_{a}_{b}", f"nth_{'terms' if as_list else 'term'}"),
        aliases=(f"find_{name}", f"get_{'terms' if as_list else 'term'}"),
        params=(n,),
        returns="List[int]" if as_list else "int",
        what=f"{wanted} of a sequence whose first terms are {a} and {b}",
        note=f"every later term is {told}{more}" + ("" if as_list else f", and term number 0 is {a}"),
        body=body,
    )


def halving_steps(rng: random.Random) -> Problem:
    """The steps that bring a number down by division and subtraction."""
    n = _number(rng, 3, 40, (1,))
    d, sub = rng.choice((2, 2, 3)), rng.randint(1, 2)
    stop = rng.randint(0, 2)
    final, kind, what = rng.choice(
        (("steps", "int", "how many steps it takes"), ("path", "List[int]", "the list of values it takes"))
    )
    start, line = ("0", "steps += 1") if kind == "int" else (f"[{n}]", f"path.append({n})")
    return Problem(
        names=(f"{final}_to_{stop}", "reduce_number"),
        aliases=(f"find_{final}", f"{final}_from_{n}"),
        params=(n,),
        returns=kind,
        what=f"{what} to bring {n} down to {stop} or less",
        note=f"in each step, divide it by {d} if it is divisible by {d}, and otherwise subtract {sub}",
        body=f"""
            {final} = {start}
            while {n} > {stop}:
                if {n} % {d} == 0:
                    {n} = {n} // {d}
                else:
                    {n} -= {sub}
                {line}
            return {final}
        """,
    )


def grow_until(rng: random.Random) -> Problem:
    """The growth of a number until it reaches a goal."""
    start, limit = integer(rng, "start amount size", 1, 9), integer(rng, "goal limit target", 20, 99)
    m, c, bonus = rng.randint(2, 3), rng.randint(1, 6), rng.randint(1, 4)
    step, told = rng.choice(
        (
            (f"{start} * {m}", f"multiplied by {m}"),
            (f"{start} * {m} + {c}", f"multiplied by {m} and increased by {c}"),
            (f"{start} + {c + 2}", f"increased by {c + 2}"),
            (f"{start} + {start} // 2 + {bonus}", f"increased by half of itself, rounded down, and by {bonus}"),
        )
    )
    final, kind, what = rng.choice(
        (("days", "int", "the number of days until"), (str(start), "int", "the value reached when"))
    )
    return Problem(
        names=("grow_until", f"{'days' if final == 'days' else 'value'}_until_{limit}", f"reach_{limit}"),
        aliases=("find_days", f"days_to_{limit}") if final == "days" else ("find_value", f"value_at_{limit}"),
        params=(start, limit),
        returns=kind,
        what=f"{what} {start} is at least {limit}, if every day it is {told}",
        body="\n".join(
            (["days = 0"] if final == "days" else [])
            + [f"while {start} < {limit}:", f"    {start} = {step}"]
            + (["    days += 1"] if final == "days" else [])
        )
        + "\n",
        finish=ending(rng, final, 8) if final == "days" else ending(rng, final, 100),
    )


def gcd_steps(rng: random.Random) -> Problem:
    """The greatest common divisor or least common multiple."""
    first, second = rng.choice((("a", "b"), ("x", "y"), ("m", "n"), ("first", "second")))
    params = (Param(first, "int", lambda: rng.randint(1, 8) * 6), Param(second, "int", lambda: rng.randint(1, 8) * 4))
    k, c = rng.randint(2, 6), rng.randint(1, 9)
    value, told = rng.choice(
        (
            (first, "the greatest common divisor of {0} and {1}"),
            (f"product // {first}", "the least common multiple of {0} and {1}"),
            (f"{first} % {k}", f"the greatest common divisor of {{0}} and {{1}} modulo {k}"),
            (f"{first} + {c}", f"the greatest common divisor of {{0}} and {{1}} plus {c}"),
            (f"{first} * {k}", f"the greatest common divisor of {{0}} and {{1}} times {k}"),
            (f"product // {first} + {c}", f"the least common multiple of {{0}} and {{1}} plus {c}"),
        )
    )
    head = f"product = {first} * {second}\n" if "product" in value else ""
    bound = rng.choice((1, 2, 3, 4))
    return Problem(
        names=("gcd" if not head else "lcm", f"{'gcd' if not head else 'lcm'}_of_{first}_{second}"),
        aliases=("find_gcd" if not head else "find_lcm", f"get_{'gcd' if not head else 'lcm'}"),
        params=params,
        returns="int",
        what=told.format(first, second),
        note=f"return 0 if {first} or {second} is less than {bound}",
        edges=((0, 4), (9, 0)),
        body=f"if {first} < {bound} or {second} < {bound}:\n    return 0\n{head}while {second} != 0:\n"
        f"    {first}, {second} = {second}, {first} % {second}\nreturn {value}\n",
    )


FAMILIES = (recurrence, halving_steps, grow_until, gcd_steps)
