"""What is done to elements: conditions, transformations, guards and endings.

Each comes with the text that describes it and the Python that does it, so that a description and
its solution cannot drift apart, and one operation is always written with the same idiom.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from training.corpus.code.arguments import LETTERS, integer, letter
from training.corpus.code.problem import Clause, Param


@dataclass(frozen=True)
class Condition:
    """A test of one element: `many` and `one` describe it, `code` decides it.

    `many` holds a place for the noun ("even {}"), `code` places for the variable ("{0} % 2 == 0");
    `params` are the arguments that the test needs.
    """

    slug: str
    many: str
    one: str
    code: str
    params: tuple[Param, ...] = ()

    def of(self, noun: object) -> str:
        """The elements that pass: "even numbers"."""
        return self.many.format(noun)

    def test(self, variable: object) -> str:
        """The Python expression."""
        return self.code.format(variable)


@dataclass(frozen=True)
class Change:
    """A transformation of one element.

    `many` has a place for the noun phrase, `code` for the variable.
    """

    slug: str
    many: str
    code: str

    def of(self, noun: object) -> str:
        """What comes out: "the squares of the even numbers"."""
        return self.many.format(noun)

    def apply(self, variable: object) -> str:
        """The Python expression."""
        return self.code.format(variable)


def number_condition(rng: random.Random, signed: bool = False, free: bool = True) -> Condition:
    """A condition on integers; where `free`, its bound may be an argument."""
    k, d, low = rng.randint(2, 12), rng.randint(3, 7), rng.randint(1, 8)
    high = low + rng.randint(3, 8)
    choices = [
        Condition("even", "even {}", "is even", "{0} % 2 == 0"),
        Condition("odd", "odd {}", "is odd", "{0} % 2 == 1"),
        Condition(f"above_{k}", f"{{}} greater than {k}", f"is greater than {k}", f"{{0}} > {k}"),
        Condition(f"below_{k}", f"{{}} less than {k}", f"is less than {k}", f"{{0}} < {k}"),
        Condition(f"at_least_{k}", f"{{}} that are at least {k}", f"is at least {k}", f"{{0}} >= {k}"),
        Condition(f"at_most_{k}", f"{{}} that are at most {k}", f"is at most {k}", f"{{0}} <= {k}"),
        Condition(f"divisible_by_{d}", f"{{}} divisible by {d}", f"is divisible by {d}", f"{{0}} % {d} == 0"),
        Condition(
            f"not_divisible_by_{d}", f"{{}} not divisible by {d}", f"is not divisible by {d}", f"{{0}} % {d} != 0"
        ),
        Condition("in_range", f"{{}} from {low} to {high}", f"is from {low} to {high}", f"{low} <= {{0}} <= {high}"),
        Condition(
            "outside_range",
            f"{{}} below {low} or above {high}",
            f"is below {low} or above {high}",
            f"{{0}} < {low} or {{0}} > {high}",
        ),
    ]
    if signed:
        choices += [
            Condition("positive", "positive {}", "is positive", "{0} > 0"),
            Condition("negative", "negative {}", "is negative", "{0} < 0"),
        ]
    if free:
        limit = integer(rng, "limit threshold bound", 3, 12)
        divisor = integer(rng, "divisor factor", 2, 5)
        choices += [
            Condition("above", f"{{}} greater than {limit}", f"is greater than {limit}", f"{{0}} > {limit}", (limit,)),
            Condition("below", f"{{}} less than {limit}", f"is less than {limit}", f"{{0}} < {limit}", (limit,)),
            Condition(
                "divisible",
                f"{{}} divisible by {divisor}",
                f"is divisible by {divisor}",
                f"{{0}} % {divisor} == 0",
                (divisor,),
            ),
        ]
    return rng.choice(choices)


def number_change(rng: random.Random, signed: bool = False, identity: bool = True) -> Change:
    """A transformation of integers."""
    k = rng.randint(2, 9)
    choices = [
        Change("squares", "the squares of {}", "{0} * {0}"),
        Change("doubled", "{}, each doubled", "2 * {0}"),
        Change(f"times_{k}", f"{{}}, each multiplied by {k}", f"{k} * {{0}}"),
        Change(f"plus_{k}", f"{{}}, each increased by {k}", f"{{0}} + {k}"),
        Change(f"minus_{k}", f"{{}}, each reduced by {k}", f"{{0}} - {k}"),
        Change(f"mod_{k}", f"the remainders of {{}} when divided by {k}", f"{{0}} % {k}"),
        Change("halves", "{}, each halved and rounded down", "{0} // 2"),
    ]
    if signed:
        choices.append(Change("absolute", "the absolute values of {}", "abs({0})"))
    if identity:
        choices += [Change("", "{}", "{0}")] * 3
    return rng.choice(choices)


def char_condition(rng: random.Random, free: bool = True) -> Condition:
    """A condition on characters; `of` takes no noun."""
    a = rng.choice(LETTERS)
    three = "".join(rng.sample(LETTERS, 3))
    choices = [
        Condition("vowels", "vowels", "is a vowel", "{0}.lower() in 'aeiou'"),
        Condition("non_vowels", "characters that are not vowels", "is not a vowel", "{0}.lower() not in 'aeiou'"),
        Condition("digits", "digits", "is a digit", "{0}.isdigit()"),
        Condition("letters", "letters", "is a letter", "{0}.isalpha()"),
        Condition("uppercase", "uppercase letters", "is an uppercase letter", "{0}.isupper()"),
        Condition("lowercase", "lowercase letters", "is a lowercase letter", "{0}.islower()"),
        Condition(f"of_{three}", f"characters in '{three}'", f"is one of '{three}'", f"{{0}} in '{three}'"),
        Condition(f"not_{a}", f"characters other than '{a}'", f"is not '{a}'", f"{{0}} != '{a}'"),
        Condition(f"{a}s", f"characters equal to '{a}'", f"is '{a}'", f"{{0}} == '{a}'"),
    ]
    if free:
        wanted = Param("letters", "str", lambda: "".join(rng.sample(LETTERS, rng.randint(3, 5))))
        choices.append(Condition("given", "characters in letters", "is in letters", "{0} in letters", (wanted,)))
    return rng.choice(choices)


def word_condition(rng: random.Random, free: bool = True) -> Condition:
    """A condition on words."""
    n, a = rng.randint(3, 5), rng.choice("aeiorst")
    choices = [
        Condition(
            f"longer_than_{n}", f"{{}} longer than {n} letters", f"is longer than {n} letters", f"len({{0}}) > {n}"
        ),
        Condition(
            f"shorter_than_{n + 1}",
            f"{{}} shorter than {n + 1} letters",
            f"is shorter than {n + 1} letters",
            f"len({{0}}) < {n + 1}",
        ),
        Condition(f"of_length_{n}", f"{{}} of exactly {n} letters", f"has exactly {n} letters", f"len({{0}}) == {n}"),
        Condition("even_length", "{} of even length", "has even length", "len({0}) % 2 == 0"),
        Condition("odd_length", "{} of odd length", "has odd length", "len({0}) % 2 == 1"),
        Condition(f"with_{a}", f"{{}} that contain '{a}'", f"contains '{a}'", f"'{a}' in {{0}}"),
        Condition(f"without_{a}", f"{{}} that do not contain '{a}'", f"does not contain '{a}'", f"'{a}' not in {{0}}"),
        Condition(f"ending_in_{a}", f"{{}} that end with '{a}'", f"ends with '{a}'", f"{{0}}.endswith('{a}')"),
    ]
    if free:
        size = integer(rng, "size length limit", 3, 5)
        mark = letter(rng)
        choices += [
            Condition(
                "longer",
                f"{{}} longer than {size} letters",
                f"is longer than {size} letters",
                f"len({{0}}) > {size}",
                (size,),
            ),
            Condition("containing", f"{{}} that contain {mark}", f"contains {mark}", f"{mark} in {{0}}", (mark,)),
        ]
    return rng.choice(choices)


def word_change(rng: random.Random, identity: bool = True) -> Change:
    """A transformation of words into words."""
    n, mark = rng.randint(2, 4), rng.choice("!?.*")
    choices = [
        Change("upper", "{} in upper case", "{0}.upper()"),
        Change("reversed", "{}, each reversed", "{0}[::-1]"),
        Change("capitalized", "{}, each capitalized", "{0}.capitalize()"),
        Change("marked", f"{{}}, each followed by '{mark}'", f"{{0}} + '{mark}'"),
        Change("twice", "{}, each written twice", "{0} * 2"),
        Change("initials", "the first letters of {}", "{0}[0]"),
        Change("endings", "the last letters of {}", "{0}[-1]"),
        Change(f"first_{n}", f"the first {n} letters of {{}}", f"{{0}}[:{n}]"),
        Change("tails", "{}, each without its first letter", "{0}[1:]"),
    ]
    if identity:
        choices += [Change("", "{}", "{0}")] * 3
    return rng.choice(choices)


def guard(rng: random.Random, xs: Param, values: Sequence[object], chance: float = 0.6) -> Clause:
    """Perhaps an early return for an empty (or too short) list or string."""
    if rng.random() > chance:
        return Clause()
    value = rng.choice(values)
    if xs.type == "List[int]" and rng.random() < 0.35:
        size = rng.randint(2, 4)
        return Clause(
            rng.choice(
                (
                    f"if there are fewer than {size} {xs}, return {value!r}",
                    f"return {value!r} for fewer than {size} {xs}",
                )
            ),
            f"if len({xs}) < {size}:\n    return {value!r}\n",
        )
    texts = (f"if {xs} is empty, return {value!r}", f"return {value!r} if {xs} is empty")
    return Clause(rng.choice(texts), f"if not {xs}:\n    return {value!r}\n")


def ending(rng: random.Random, variable: str, high: int = 40) -> Clause:
    """The return of an integer, in half of the draws after a last step."""
    cap, low, m = rng.randint(high // 4, high), rng.randint(1, max(2, high // 6)), rng.randint(3, 9)
    bonus = rng.randint(2, 9)
    noun = variable if variable in ("total", "count", "product") else "result"
    return rng.choice(
        [Clause("", f"return {variable}\n")] * 5
        + [
            Clause(
                f"if the {noun} is greater than {cap}, return {cap} instead",
                f"if {variable} > {cap}:\n    return {cap}\nreturn {variable}\n",
            ),
            Clause(
                f"if the {noun} is less than {low}, return {low} instead",
                f"if {variable} < {low}:\n    return {low}\nreturn {variable}\n",
            ),
            Clause(
                f"if the {noun} is odd, add {bonus} to it",
                f"if {variable} % 2 == 1:\n    {variable} += {bonus}\nreturn {variable}\n",
            ),
            Clause(f"return the {noun} modulo {m}", f"return {variable} % {m}\n"),
        ]
    )


def named(*parts: str) -> str:
    """A function name out of the parts that are not empty."""
    return "_".join(part for part in parts if part)
