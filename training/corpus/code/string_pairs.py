"""Problems about two strings."""

import random

from training.corpus.code.arguments import WORDS
from training.corpus.code.problem import Clause, Param, Problem


def shared_prefix(rng: random.Random) -> Problem:
    """The common start or end of two words."""
    first, second = rng.choice((("first", "second"), ("a", "b"), ("left", "right"), ("word1", "word2")))

    def inputs() -> tuple[str, str]:
        stem, tail = rng.choice(WORDS)[: rng.randint(0, 4)], rng.choice(WORDS)[-rng.randint(1, 4) :]
        one, two = rng.choice(WORDS)[:4], rng.choice(WORDS)[:4]
        return (stem + one, stem + two) if word == "start" else (one + tail, two + tail)

    params = tuple(Param(name, "str", lambda: rng.choice(WORDS), ("",)) for name in (first, second))
    count = rng.random() < 0.5
    word, test, piece = rng.choice(
        (
            ("start", f"{first}[i] != {second}[i]", f"result + {first}[i]"),
            ("end", f"{first}[-1 - i] != {second}[-1 - i]", f"{first}[-1 - i] + result"),
        )
    )
    least = rng.choice((0, 0, 1, 2, 3))
    value, kind = ("len(result)", "int") if count else ("result", "str")
    default = "0" if count else "''"
    fallback = f"if len(result) < {least}:\n    return {default}\n" if least else ""
    told = f"return {default} if it is shorter than {least}" if least else ""
    return Problem(
        names=(f"common_{word}", f"shared_{word}"),
        aliases=(f"find_common_{word}", f"longest_common_{word}"),
        params=params,
        returns=kind,
        inputs=inputs,
        what=f"the {'length of the ' if count else ''}longest common {word} of {first} and {second}",
        body=f"""
            result = ''
            for i in range(min(len({first}), len({second}))):
                if {test}:
                    break
                result = {piece}
        """,
        finish=Clause(told, f"{fallback}return {value}\n"),
    )


def count_substring(rng: random.Random) -> Problem:
    """Where, or how often, one string occurs in another."""
    few = "".join(rng.sample("abcx01", 2))
    s = Param(
        rng.choice(("text", "string", "line")), "str", lambda: "".join(rng.choices(few, k=rng.randint(4, 8))), ("",)
    )
    part = Param(
        rng.choice(("part", "pattern", "piece")), "str", lambda: "".join(rng.choices(few, k=rng.randint(1, 2)))
    )
    kind = rng.choice(("count", "list", "first", "last"))
    where = rng.choice(
        (
            (" at even indices", "i % 2 == 0 and "),
            (" at odd indices", "i % 2 == 1 and "),
            ("", ""),
            (" after index 1", "i > 1 and "),
        )
    )
    init, line, final, what = {
        "count": ("count = 0\n", "count += 1", "count", "the number of times {} occurs in {}{}"),
        "list": ("places = []\n", "places.append(i)", "places", "the list of indices where {} begins in {}{}"),
        "first": ("", "return i", "-1", "the first index where {} begins in {}{}, or -1"),
        "last": ("place = -1\n", "place = i", "place", "the last index where {} begins in {}{}, or -1"),
    }[kind]
    return Problem(
        names=(f"{kind}_{part}", f"{kind}_occurrences", f"find_{part}"),
        aliases=(f"{kind}_substring", f"search_{part}"),
        params=(s, part),
        returns="List[int]" if kind == "list" else "int",
        what=what.format(part, s, where[0]),
        note="occurrences may overlap",
        body=f"{init}for i in range(len({s}) - len({part}) + 1):\n    if {where[1]}{s}[i:i + len({part})] == {part}:\n"
        f"        {line}\nreturn {final}\n",
    )


def interleave_strings(rng: random.Random) -> Problem:
    """The letters of two words in turn."""
    first, second = rng.choice((("first", "second"), ("a", "b"), ("left", "right"), ("word1", "word2")))
    params = tuple(Param(name, "str", lambda: rng.choice(WORDS), ("",)) for name in (first, second))
    start, other = (first, second) if rng.random() < 0.5 else (second, first)
    case = rng.choice((("", ""), ("", ""), (".upper()", " in upper case"), ("", "")))
    sep = rng.choice(("", "", "-", "+", "."))
    rest = rng.random() < 0.6
    reverse = rng.random() < 0.3
    piece = f"{start}[i]{case[0]} + {other}[i]" + (f" + '{sep}'" if sep else "")
    note = "append what is left of the longer one" if rest else "stop when the shorter one ends"
    whole = f"result + {start}[size:] + {other}[size:]" if rest else "result"
    if reverse:
        whole = f"({whole})[::-1]" if rest else "result[::-1]"
    return Problem(
        names=("interleave", f"mix_{first}_{second}", "weave"),
        aliases=("merge_strings", "alternate_strings"),
        params=params,
        returns="str",
        what=f"a string that takes letters from {start}{case[1]} and {other} in turn"
        + (f", with '{sep}' after each two" if sep else ""),
        note=note + (", and reverse the result" if reverse else ""),
        body=f"""
            result = ''
            size = min(len({first}), len({second}))
            for i in range(size):
                result += {piece}
            return {whole}
        """,
    )


FAMILIES = (shared_prefix, count_substring, interleave_strings)
