"""Problems about lists of strings."""

import random

from training.corpus.code.arguments import LETTERS, WORDS, integer, strings
from training.corpus.code.problem import Clause, Param, Problem
from training.corpus.code.vocabulary import guard, named, word_change, word_condition

STRINGS = "List[str]"


def select_words(rng: random.Random) -> Problem:
    """A list of the changed words that pass a condition."""
    xs = strings(rng)
    keep, change = word_condition(rng), word_change(rng)
    final = rng.choice(
        (("", "result"), ("sorted alphabetically", "sorted(result)"), ("in reverse order", "result[::-1]"))
    )
    return Problem(
        names=(named("select", keep.slug), f"filter_{xs}", named(change.slug, keep.slug)),
        aliases=(named("find", keep.slug), f"select_{xs}"),
        params=(xs, *keep.params),
        returns=STRINGS,
        what=f"a list of {change.of('the ' + keep.of(xs))}{final[0] and ', ' + final[0]}",
        guard=guard(rng, xs, (["none"], ["?"]), 0.3),
        body=f"""
            result = []
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    result.append({change.apply(xs.one)})
            return {final[1]}
        """,
    )


def longest_word(rng: random.Random) -> Problem:
    """The longest or shortest word that passes a condition."""
    xs = strings(rng, (3, 5))
    keep = word_condition(rng)
    side, sign = rng.choice((("longest", ">"), ("shortest", "<")))
    default = rng.choice(("''", "None"))
    return Problem(
        names=(f"{side}_{xs.one}", named(side, keep.slug)),
        aliases=(f"find_{side}_{xs.one}", f"get_{side}"),
        params=(xs, *keep.params),
        unordered=True,
        returns="str" if default == "''" else "Optional[str]",
        what=f"the {side} of the {keep.of(xs)}",
        note=f"return the first one if several are equally long, and {default} if there is none",
        body=f"""
            best = None
            for {xs.one} in {xs}:
                if {keep.test(xs.one)}:
                    if best is None or len({xs.one}) {sign} len(best):
                        best = {xs.one}
        """,
        finish=Clause(code=("if best is None:\n    return ''\n" if default == "''" else "") + "return best\n"),
    )


def pad_words(rng: random.Random) -> Problem:
    """Words filled up to a width."""
    xs = strings(rng, (2, 4))
    width, mark = rng.randint(4, 7), rng.choice("*-.#0")
    left, cut = rng.random() < 0.5, rng.random() < 0.5
    size = integer(rng, "width size", 4, 7) if rng.random() < 0.5 else width
    code = f"'{mark}' * missing + {xs.one}" if left else f"{xs.one} + '{mark}' * missing"
    side = "left" if left else "right"
    longer = f"{xs.one}[:{size}]" if cut else xs.one
    return Problem(
        names=(f"pad_{xs}", f"align_{xs}", f"fill_{xs}"),
        aliases=("pad_strings", f"format_{xs}"),
        params=(xs,) if size == width else (xs, size),
        returns=STRINGS,
        what=f"the list of {xs}, each filled up with '{mark}' on the {side} to {size} characters",
        note=f"cut longer ones to {size} characters" if cut else "longer ones stay as they are",
        body=f"""
            result = []
            for {xs.one} in {xs}:
                missing = {size} - len({xs.one})
                if missing > 0:
                    result.append({code})
                else:
                    result.append({longer})
            return result
        """,
    )


def letters_at(rng: random.Random) -> Problem:
    """The letters at one index of every word."""
    xs = strings(rng, (2, 4))
    n = rng.randint(1, 3)
    place = integer(rng, "index position k", 0, 4)
    fixed = rng.random() < 0.3
    k = n if fixed else place
    missing = rng.choice(("-", "?", "_", "*"))
    skip = rng.random() < 0.4
    final, told = rng.choice((("''.join(result)", "a string"), ("result", "a list")))
    otherwise = "" if skip else f"    else:\n        result.append('{missing}')\n"
    upper = rng.choice(("", ".upper()"))
    return Problem(
        names=(f"letters_of_{xs}", "letters_at", f"column_of_{xs}"),
        aliases=("get_letters", f"letter_of_{xs}"),
        params=(xs,) if fixed else (xs, place),
        returns="str" if "join" in final else STRINGS,
        what=f"{told} of the letters at index {k} of {xs}{', in upper case' if upper else ''}",
        note=f"{'skip' if skip else f'use {missing!r} for'} every {xs.one} that is too short",
        body=f"result = []\nfor {xs.one} in {xs}:\n    if len({xs.one}) > {k}:\n"
        f"        result.append({xs.one}[{k}]{upper})\n{otherwise}return {final}\n",
    )


def number_lines(rng: random.Random) -> Problem:
    """Words with running numbers."""
    xs = strings(rng, (2, 4))
    keep = word_condition(rng, free=False)
    start, sep = rng.randint(0, 5), rng.choice((". ", ": ", ") ", "-", "="))
    back, some = rng.random() < 0.4, rng.random() < 0.6
    code = f"{xs.one} + '{sep}' + str(number)" if back else f"str(number) + '{sep}' + {xs.one}"
    shape = f"{xs.one}{sep}number" if back else f"number{sep}{xs.one}"
    step = rng.choice((1, 1, 2, 10))
    lines = f"    if {keep.test(xs.one)}:\n        result.append({code})\n        number += {step}\n"
    if not some:
        lines = f"    result.append({code})\n    number += {step}\n"
    return Problem(
        names=(f"number_{xs}", f"enumerate_{xs}", f"label_{xs}"),
        aliases=("number_strings", f"add_numbers_to_{xs}"),
        params=(xs,),
        returns=STRINGS,
        what=f"a list with the {keep.of(xs) if some else xs} numbered in the form '{shape}'",
        note=f"the numbers start at {start}" + (f" and grow by {step}" if step > 1 else ""),
        body=f"result = []\nnumber = {start}\nfor {xs.one} in {xs}:\n{lines}return result\n",
    )


def join_with(rng: random.Random) -> Problem:
    """Words joined with another separator before the last."""
    xs = strings(rng, (2, 4))
    keep = word_condition(rng)
    last = rng.choice((" and ", " or ", " & ", " then "))
    sep = rng.choice((", ", "; ", " + "))
    empty = rng.choice(("nobody", "nothing", "none", "-"))
    return Problem(
        names=(f"list_{xs}", f"join_{xs}", f"enumerate_{xs}"),
        aliases=("join_strings", f"describe_{xs}"),
        params=(xs, *keep.params),
        returns="str",
        what=f"a string of the {keep.of(xs)} joined by '{sep}', with '{last}' before the last one",
        note=f"return '{empty}' if there is none",
        body=f"""
            kept = [{xs.one} for {xs.one} in {xs} if {keep.test(xs.one)}]
            if not kept:
                return '{empty}'
            if len(kept) == 1:
                return kept[0]
            return '{sep}'.join(kept[:-1]) + '{last}' + kept[-1]
        """,
    )


def spelled_from(rng: random.Random) -> Problem:
    """Whether a word can be spelled with given letters, or what is missing."""
    pool = "".join(rng.sample(LETTERS, 5))
    word = Param(rng.choice(("word", "guess", "name")), "str", lambda: rng.choice(WORDS), ("",))
    other = Param(
        rng.choice(("letters", "tiles", "pool")), "str", lambda: "".join(rng.sample(pool + "aeort", rng.randint(5, 8)))
    )

    def inputs() -> tuple[str, str]:
        chosen = rng.choice(WORDS)
        supply = chosen + rng.choice(pool) if rng.random() < 0.5 else chosen[1:] + rng.choice(pool)
        return chosen, "".join(rng.sample(supply, len(supply)))

    ignore, count = rng.choice(("", *"aeiou")), rng.random() < 0.5
    skip = f"    if letter == '{ignore}':\n        continue\n" if ignore else ""
    bad = "missing += 1" if count else "return False"
    what = f"the number of letters of {word} that cannot be taken from {other}"
    return Problem(
        names=("missing_letters" if count else "can_spell", f"spell_{word}", f"check_{word}"),
        aliases=("count_missing" if count else "is_possible", f"{word}_from_{other}"),
        params=(word, other),
        returns="int" if count else "bool",
        what=what if count else "",
        whether="" if count else f"{word} can be spelled with the letters in {other}",
        note="each one can be used only once" + (f", but '{ignore}' is always free" if ignore else ""),
        inputs=inputs,
        body=f"{'missing = 0' if count else ''}\nrest = list({other})\nfor letter in {word}:\n{skip}"
        f"    if letter in rest:\n        rest.remove(letter)\n    else:\n        {bad}\n"
        f"return {'missing' if count else 'True'}\n",
    )


FAMILIES = (select_words, longest_word, pad_words, letters_at, number_lines, join_with, spelled_from)
