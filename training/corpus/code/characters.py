"""Problems that go through a string character by character."""

import random

from training.corpus.code.arguments import integer, text
from training.corpus.code.problem import Clause, Problem
from training.corpus.code.vocabulary import char_condition, ending, guard, named


def count_chars(rng: random.Random) -> Problem:
    """How many characters pass a condition."""
    s = text(rng)
    keep = char_condition(rng)
    return Problem(
        names=(named("count", keep.slug), f"count_in_{s}", f"count_{s.one}s"),
        aliases=(named("find_count", keep.slug), f"count_of_{s.one}s"),
        params=(s, *keep.params),
        unordered=True,
        returns="int",
        what=f"the number of {keep.many} in {s}",
        guard=guard(rng, s, (-1,), 0.4),
        body=f"""
            count = 0
            for {s.one} in {s}:
                if {keep.test(s.one)}:
                    count += 1
        """,
        finish=ending(rng, "count", 6),
    )


def keep_chars(rng: random.Random) -> Problem:
    """A string with or without the characters that pass a condition."""
    s = text(rng)
    keep = char_condition(rng)
    drop = rng.random() < 0.5
    test = f"not ({keep.test(s.one)})" if drop else keep.test(s.one)
    final = rng.choice(
        (("", "result"), ("", "result"), ("in upper case", "result.upper()"), ("reversed", "result[::-1]"))
    )
    return Problem(
        names=(named("remove" if drop else "keep", keep.slug), f"clean_{s}", f"filter_{s}"),
        aliases=(named("remove" if drop else "extract", keep.slug), f"strip_{s}"),
        params=(s, *keep.params),
        returns="str",
        what=f"{s} {'without its' if drop else 'with only its'} {keep.many}{final[0] and ', ' + final[0]}",
        guard=guard(rng, s, ("none", "-", "?"), 0.3),
        body=f"""
            result = ''
            for {s.one} in {s}:
                if {test}:
                    result += {s.one}
            return {final[1]}
        """,
    )


def change_chars(rng: random.Random) -> Problem:
    """A string in which kinds of characters are rewritten."""
    s = text(rng)
    first, second = char_condition(rng), char_condition(rng, free=False)
    mark = rng.choice("*#-_.")

    def effect() -> tuple[str, str]:
        return rng.choice(
            (
                (f"replace the {{}} by '{mark}'", f"'{mark}'"),
                ("write the {} in upper case", f"{s.one}.upper()"),
                ("write the {} twice", f"{s.one} * 2"),
                (f"put '{mark}' after the {{}}", f"{s.one} + '{mark}'"),
                ("write the {} in lower case", f"{s.one}.lower()"),
                ("leave out the {}", "''"),
            )
        )

    (one, code), (two, other) = effect(), effect()
    double = rng.random() < 0.6
    middle = f"    elif {second.test(s.one)}:\n        result += {other}\n" if double else ""
    note = (
        one.format(first.many) + (f", {two.format(f'other {second.many}')}" if double else "") + ", and keep the rest"
    )
    return Problem(
        names=(f"change_{s}", f"rewrite_{s}", named("change", first.slug)),
        aliases=(f"modify_{s}", named("replace", first.slug)),
        params=(s, *first.params),
        returns="str",
        what=f"{s} rewritten {s.one} by {s.one}" if s.name != "s" else "the string rewritten character by character",
        note=note,
        body=f"result = ''\nfor {s.one} in {s}:\n    if {first.test(s.one)}:\n        result += {code}\n{middle}"
        f"    else:\n        result += {s.one}\nreturn result\n",
    )


def char_positions(rng: random.Random) -> Problem:
    """The positions of the characters that pass a condition."""
    s = text(rng)
    keep = char_condition(rng)
    start = rng.randint(0, 1)
    kind = rng.choice(("list", "first", "last"))
    index = "i + 1" if start else "i"
    lines = {
        "list": ("positions = []", f"positions.append({index})", "positions"),
        "first": ("", f"return {index}", "-1"),
        "last": ("position = -1", f"position = {index}", "position"),
    }[kind]
    what = {
        "list": f"the list of positions of the {keep.many}",
        "first": f"the position of the first {s.one} that {keep.one}",
        "last": f"the position of the last {s.one} that {keep.one}",
    }[kind]
    note = f"positions start at {start}" + ("" if kind == "list" else ", and the result is -1 if there is none")
    return Problem(
        names=(named(kind, "position", keep.slug), f"locate_{keep.slug}"),
        aliases=(named("find", kind, keep.slug), f"find_position_in_{s}"),
        params=(s, *keep.params),
        returns="List[int]" if kind == "list" else "int",
        what=f"{what} in {s}",
        note=note,
        body=(f"{lines[0]}\n" if lines[0] else "")
        + f"for i, {s.one} in enumerate({s}):\n    if {keep.test(s.one)}:\n        {lines[1]}\nreturn {lines[2]}\n",
    )


def shift_letters(rng: random.Random) -> Problem:
    """Lowercase letters moved along the alphabet."""
    s = text(rng)
    k = integer(rng, "shift k offset", 1, 9)
    back, fixed = rng.random() < 0.4, rng.random() < 0.4
    by = rng.randint(1, 9) if fixed else k
    other = rng.choice(
        (
            ("other characters stay as they are", f"result += {s.one}"),
            ("other characters are left out", "continue"),
            ("other characters become '?'", "result += '?'"),
        )
    )
    sign = "-" if back else "+"
    return Problem(
        names=("shift_letters", f"shift_{s}", f"{'decode' if back else 'encode'}_{s}"),
        aliases=(f"{'decrypt' if back else 'encrypt'}_{s}", "caesar"),
        params=(s,) if fixed else (s, k),
        returns="str",
        what=f"{s} with every lowercase letter moved {by} places {'back' if back else 'forward'} in the alphabet",
        note=f"the alphabet is a circle, and {other[0]}",
        body=f"""
            result = ''
            for {s.one} in {s}:
                if {s.one}.islower():
                    result += chr((ord({s.one}) - ord('a') {sign} {by}) % 26 + ord('a'))
                else:
                    {other[1]}
            return result
        """,
    )


def char_points(rng: random.Random) -> Problem:
    """Points added up over the characters."""
    s = text(rng)
    first, second = char_condition(rng), char_condition(rng, free=False)
    a, b, c = rng.randint(2, 9), rng.randint(2, 9), rng.randint(0, 2)
    sign, word = rng.choice((("+=", "adds"), ("-=", "costs")))
    otherwise = f"    else:\n        total += {c}\n" if c else ""
    last = ending(rng, "total", 20)
    plural = "point" if c == 1 else "points"
    return Problem(
        names=(f"score_{s}", f"points_of_{s}", f"value_of_{s}"),
        aliases=(f"rate_{s}", f"find_score_{s}"),
        params=(s, *first.params),
        unordered=True,
        returns="int",
        what=f"the points of {s}, to which each {s.one} that {first.one} adds {a} "
        f"and any other that {second.one} {word} {b}",
        note=f"every other {s.one} adds {c} {plural}" if c else "the rest counts nothing",
        body=f"""
            total = 0
            for {s.one} in {s}:
                if {first.test(s.one)}:
                    total += {a}
                elif {second.test(s.one)}:
                    total {sign} {b}
        """,
        finish=Clause(last.text, otherwise + last.code),
    )


def valid_text(rng: random.Random) -> Problem:
    """Whether a string has the right length and enough of some characters."""
    s = text(rng)
    least = rng.randint(5, 9)
    keep, n = char_condition(rng, free=False), rng.randint(1, 3)
    bound, sign = rng.choice((("at least", "<"), ("at most", ">")))
    some = f"some {s.one} in it {keep.one}" if n == 1 else f"at least {n} of them are {keep.many}"
    return Problem(
        names=(f"is_valid_{s}", f"valid_{s}", f"is_good_{s}"),
        aliases=(f"check_{s}", f"validate_{s}"),
        params=(s,),
        unordered=True,
        returns="bool",
        whether=f"{s} has {bound} {least} characters and {some}",
        body=f"""
            if len({s}) {sign} {least}:
                return False
            count = 0
            for {s.one} in {s}:
                if {keep.test(s.one)}:
                    count += 1
            return count >= {n}
        """,
    )


FAMILIES = (count_chars, keep_chars, change_chars, char_positions, shift_letters, char_points, valid_text)
