"""Problems about the shape of a string: runs, pieces, brackets, digits."""

import random

from training.corpus.code.arguments import LETTERS, WORDS, text
from training.corpus.code.problem import Param, Problem
from training.corpus.code.vocabulary import ending, guard

OPENERS = (("(", ")"), ("[", "]"), ("{", "}"), ("<", ">"))


def _brackets(rng: random.Random, opened: str, closed: str) -> str:
    """A bracket string, balanced two times in three."""
    text, depth = "", 0
    for _ in range(rng.randint(3, 7)):
        if depth and rng.random() < 0.45:
            text, depth = text + closed, depth - 1
        else:
            text, depth = text + opened, depth + 1
    return text + closed * depth if rng.random() < 0.66 else text


def palindrome(rng: random.Random) -> Problem:
    """Whether chosen characters read the same both ways."""
    name, one = rng.choice((("text", "char"), ("string", "char"), ("word", "letter"), ("line", "char")))

    def sample() -> str:
        half = rng.choice(WORDS)[:4]
        whole = half + rng.choice(("", *LETTERS)) + half[::-1] if rng.random() < 0.6 else half + rng.choice(WORDS)[:3]
        whole = whole.capitalize() if rng.random() < 0.5 else whole
        return whole[:3] + rng.choice((" ", "1", "-", "")) + whole[3:]

    s = Param(name, "str", sample, ("",), one)
    keep = rng.choice(
        (
            ("letters", "{0}.isalpha()"),
            ("characters that are not spaces", "{0} != ' '"),
            ("letters and digits", "{0}.isalnum()"),
            ("consonants", "{0}.isalpha() and {0}.lower() not in 'aeiou'"),
            ("characters other than '-'", "{0} != '-'"),
        )
    )
    case = rng.random() < 0.5
    least = rng.randint(2, 6)
    short = rng.random() < 0.5
    final = f"len(kept) >= {least} and kept == kept[::-1]" if short else "kept == kept[::-1]"
    return Problem(
        names=("is_palindrome", f"is_palindrome_{s}", f"is_symmetric_{s}"),
        aliases=("check_palindrome", "palindrome"),
        params=(s,),
        unordered=True,
        returns="bool",
        whether=f"the {keep[0]} of {s} read the same forwards and backwards",
        note=("upper and lower case count as equal" if case else "upper and lower case are different")
        + (f", and at least {least} of them are needed" if short else ""),
        body=f"""
            kept = ''
            for {s.one} in {s}:
                if {keep[1].format(s.one)}:
                    kept += {s.one}{".lower()" if case else ""}
            return {final}
        """,
    )


def run_lengths(rng: random.Random) -> Problem:
    """The runs of equal characters, written in one of several forms."""
    name, one = rng.choice((("text", "char"), ("string", "char"), ("s", "c"), ("signal", "char"), ("code", "char")))
    few = "".join(rng.sample(LETTERS, 3))
    s = Param(
        name, "str", lambda: "".join(c * rng.randint(1, 4) for c in rng.choices(few, k=rng.randint(2, 4))), ("",), one
    )
    form, written = rng.choice(
        (
            ("the character followed by the length", f"{s}[start] + str(length)"),
            ("the length followed by the character", f"str(length) + {s}[start]"),
            ("the character alone", f"{s}[start]"),
            ("the length in brackets", "'[' + str(length) + ']'"),
        )
    )
    least = rng.choice((1, 1, 2, 3))
    sep = rng.choice(("", "", "-", ","))
    add = f"        parts.append({written})\n"
    if least > 1:
        add = f"        if length >= {least}:\n            parts.append({written})\n"
    note = f"skip runs shorter than {least}" if least > 1 else ""
    return Problem(
        names=("run_lengths", f"compress_{s}", f"runs_of_{s}"),
        aliases=(f"encode_{s}", "run_length_encoding"),
        params=(s,),
        returns="str",
        what=f"{s} with each run of equal characters written as {form}" + (f", joined by '{sep}'" if sep else ""),
        note=note,
        body=f"parts = []\nstart = 0\nfor i in range(1, len({s}) + 1):\n    if i == len({s}) or {s}[i] != {s}[start]:\n"
        f"        length = i - start\n{add}        start = i\nreturn {sep!r}.join(parts)\n",
    )


def pieces(rng: random.Random) -> Problem:
    """The prefixes, suffixes or pieces of a word that pass a condition."""
    s = text(rng, mixed=False)
    n = rng.randint(1, 3)
    word, spread, piece = rng.choice(
        (
            ("prefixes", f"{n}, len({s}) + 1", f"{s}[:i]"),
            ("suffixes", f"len({s}) - {n - 1}", f"{s}[i:]"),
            (f"pieces of {n + 1} neighbouring letters", f"len({s}) - {n}", f"{s}[i:i + {n + 1}]"),
        )
    )
    a = rng.choice("aeiorst")
    test, told = rng.choice(
        (
            (f"'{a}' in piece", f" that contain '{a}'"),
            ("len(piece) % 2 == 1", " of odd length"),
            (f"piece[-1] != '{a}'", f" that do not end with '{a}'"),
            ("", ""),
        )
    )
    add = f"    if {test}:\n        result.append(piece)\n" if test else "    result.append(piece)\n"
    least = f" of at least {n} letter{'s' if n > 1 else ''}" if word.endswith("fixes") else ""
    slug = word.split()[0]
    final, kind, what = rng.choice(
        (
            ("result", "List[str]", "the list"),
            ("len(result)", "int", "the number"),
            ("result[::-1]", "List[str]", "the reversed list"),
        )
    )
    return Problem(
        names=(f"all_{slug}", f"{slug}_of_{s}", f"select_{slug}"),
        aliases=(f"find_{slug}", f"get_{slug}"),
        params=(s,),
        returns=kind,
        what=f"{what} of the {word}{least} of {s}{told}",
        note="shortest first" if word == "prefixes" else "from left to right",
        body=f"result = []\nfor i in range({spread}):\n    piece = {piece}\n{add}return {final}\n",
    )


def digits_in_text(rng: random.Random) -> Problem:
    """The chosen digits of a string, added or multiplied."""
    name, one = rng.choice((("text", "char"), ("string", "char"), ("code", "char"), ("s", "c"), ("label", "char")))
    s = Param(
        name,
        "str",
        lambda: rng.choice(WORDS)[:3] + "".join(rng.choices("0123456789abc", k=rng.randint(2, 5))),
        ("",),
        one,
    )
    k = rng.randint(2, 7)
    test, told = rng.choice(
        (
            (f"digit > {k}", f"greater than {k}"),
            (f"digit < {k}", f"less than {k}"),
            ("digit % 2 == 0", "that are even"),
            ("digit % 2 == 1", "that are odd"),
            (f"digit != {k}", f"other than {k}"),
            (f"digit % {k} == 0", f"divisible by {k}"),
        )
    )
    start, line, what = rng.choice(
        (
            ("0", "total += digit", "sum"),
            ("1", "total *= digit", "product"),
            ("0", "total += 1", "number"),
            ("0", "total += digit * digit", "sum of the squares"),
            ("0", "total = total * 10 + digit", "number written by the sequence"),
        )
    )
    return Problem(
        names=(f"digits_in_{s}", f"read_digits_of_{s}", f"{what.split()[0]}_digits"),
        aliases=(f"digit_{what.split()[0]}", f"find_digits_{s}"),
        params=(s,),
        returns="int",
        what=f"the {what} of the digits {told} in {s}",
        guard=guard(rng, s, (-1,), 0.3),
        body=f"""
            total = {start}
            for {s.one} in {s}:
                if {s.one}.isdigit():
                    digit = int({s.one})
                    if {test}:
                        {line}
        """,
        finish=ending(rng, "total", 20),
    )


def nesting_depth(rng: random.Random) -> Problem:
    """The depth, or the balance, of brackets."""
    opened, closed = rng.choice(OPENERS)
    name, one = rng.choice((("brackets", "bracket"), ("text", "char"), ("code", "char"), ("s", "c")))
    s = Param(name, "str", lambda: _brackets(rng, opened, closed), ("",), one)
    kind, limit = rng.choice(("depth", "balanced", "limit")), rng.randint(1, 3)
    if kind == "depth":
        bound = rng.randint(0, 9)
        extra = f" plus {bound}" if bound else ""
        return Problem(
            names=("nesting_depth", f"depth_of_{s}"),
            aliases=("find_depth", "max_depth"),
            params=(s,),
            returns="int",
            what=f"the deepest level of nesting of '{opened}' and '{closed}' in {s}{extra}",
            body=f"""
                depth = 0
                deepest = 0
                for {s.one} in {s}:
                    if {s.one} == '{opened}':
                        depth += 1
                        deepest = max(deepest, depth)
                    elif {s.one} == '{closed}':
                        depth -= 1
                return deepest{f" + {bound}" if bound else ""}
            """,
        )
    check = f"depth < 0 or depth > {limit}" if kind == "limit" else "depth < 0"
    return Problem(
        names=("is_balanced", f"balanced_{s}"),
        aliases=("check_balanced", f"check_{s}"),
        params=(s,),
        returns="bool",
        whether=f"every '{opened}' in {s} is closed by a later '{closed}'",
        note=f"they may be nested at most {limit} deep"
        if kind == "limit"
        else f"every '{closed}' must close an open one",
        body=f"""
            depth = 0
            for {s.one} in {s}:
                if {s.one} == '{opened}':
                    depth += 1
                elif {s.one} == '{closed}':
                    depth -= 1
                if {check}:
                    return False
            return depth == 0
        """,
    )


FAMILIES = (palindrome, run_lengths, pieces, digits_in_text, nesting_depth)
