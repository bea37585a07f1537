"""Problems about strings that are split into words or parts."""

import random

from training.corpus.code.arguments import integer, sentence, strings
from training.corpus.code.problem import Param, Problem
from training.corpus.code.vocabulary import ending, guard, named, number_condition, word_change, word_condition

STRINGS = "List[str]"


def rewrite_sentence(rng: random.Random) -> Problem:
    """A sentence whose words that pass a condition are changed."""
    s = sentence(rng)
    keep, change = word_condition(rng), word_change(rng, identity=False)
    sep, told = rng.choice(
        (
            (" ", ""),
            (" ", ""),
            ("-", "join the words with '-'"),
            (", ", "join the words with ', '"),
            ("_", "join the words with '_'"),
        )
    )
    drop = rng.random() < 0.3
    otherwise = "" if drop else "    else:\n        result.append(word)\n"
    rest = "leave out the other words" if drop else "leave the other words as they are"
    return Problem(
        names=(f"rewrite_{s}", named("change", keep.slug), f"change_words_in_{s}"),
        aliases=(f"modify_{s}", f"convert_{s}"),
        params=(s, *keep.params),
        returns="str",
        what=f"{s} changed so that it has {change.of('the ' + keep.of('words'))}",
        note=rest + (f", and {told}" if told else ""),
        body=f"result = []\nfor word in {s}.split():\n    if {keep.test('word')}:\n"
        f"        result.append({change.apply('word')})\n{otherwise}return {sep!r}.join(result)\n",
    )


def count_words(rng: random.Random) -> Problem:
    """The number or total length of the words that pass a condition."""
    s = sentence(rng, (3, 6))
    keep, second = word_condition(rng), word_condition(rng, free=False)
    both = rng.random() < 0.5
    test = f"({keep.test('word')}) or ({second.test('word')})" if both else keep.test("word")
    verb, step = rng.choice((("number", "1"), ("total length", "len(word)")))
    extra = f" or {second.one}" if both else ""
    return Problem(
        names=(f"count_words_in_{s}", named("count", keep.slug), f"measure_{s}"),
        aliases=("find_words_count", f"{verb.split()[0]}_of_words"),
        params=(s, *keep.params),
        unordered=True,
        returns="int",
        what=f"the {verb} of the words in {s} for which the word {keep.one}{extra}",
        guard=guard(rng, s, (-1,), 0.3),
        body=f"""
            total = 0
            for word in {s}.split():
                if {test}:
                    total += {step}
        """,
        finish=ending(rng, "total", 5 if step == "1" else 15),
    )


def acronym(rng: random.Random) -> Problem:
    """One letter of each word that passes a condition."""
    s = sentence(rng, (3, 5))
    keep = word_condition(rng)
    index, which = rng.choice((("0", "first"), ("-1", "last"), ("len(word) // 2", "middle")))
    sep = rng.choice(("", "", ".", "-"))
    upper = rng.random() < 0.6
    return Problem(
        names=("acronym", f"{which}_letters_of_{s}", f"shorten_{s}"),
        aliases=("make_acronym", f"{which}_letters"),
        params=(s, *keep.params),
        returns="str",
        what=f"a string with the {which} letters of the {keep.of('words')} in {s}{', in upper case' if upper else ''}",
        note=(f"put '{sep}' after each letter" if sep else "")
        + ((", where the" if sep else "the") + " middle letter has index len // 2" if which == "middle" else ""),
        body=f"""
            result = ''
            for word in {s}.split():
                if {keep.test("word")}:
                    result += word[{index}]{".upper()" if upper else ""}{f" + '{sep}'" if sep else ""}
            return result
        """,
    )


def numbers_in_list(rng: random.Random) -> Problem:
    """The numbers of a separated string, filtered and combined."""
    sep, called = rng.choice(((",", "commas"), (";", "semicolons"), (" ", "spaces"), ("-", "hyphens"), ("|", "bars")))
    s = Param(
        rng.choice(("text", "line", "record", "row")),
        "str",
        lambda: sep.join(str(rng.randint(0, 20)) for _ in range(rng.randint(2, 6))),
    )
    keep = number_condition(rng, free=rng.random() < 0.4)
    start, line, what, kind = rng.choice(
        (
            ("0", "result += number", "the sum", "int"),
            ("0", "result += 1", "the count", "int"),
            ("[]", "result.append(number)", "a list", "List[int]"),
            ("0", "result = max(result, number)", "the largest, or 0,", "int"),
            ("1", "result *= number", "the product", "int"),
        )
    )
    final = (
        rng.choice((("", "result"), ("return it as a string", "str(result)")))
        if kind == "int"
        else rng.choice((("sort the list", "sorted(result)"), ("reverse the list", "result[::-1]")))
    )
    return Problem(
        names=(f"parse_{s}", f"read_{s}", f"numbers_in_{s}"),
        aliases=("parse_numbers", f"evaluate_{s}"),
        plain=True,
        params=(s, *keep.params),
        returns="str" if "str" in final[1] else kind,
        what=f"{what} of the {keep.of('numbers')} in {s}, where the numbers are separated by {called}",
        note=final[0],
        body=f"""
            result = {start}
            for part in {s}.split({sep!r}):
                number = int(part)
                if {keep.test("number")}:
                    {line}
            return {final[1]}
        """,
    )


def shorten(rng: random.Random) -> Problem:
    """The first or last words of a sentence, with a mark for the rest."""
    s = sentence(rng, (2, 6))
    limit = integer(rng, "limit count n", 1, 4)
    fixed = rng.random() < 0.4
    n = rng.randint(2, 4) if fixed else limit
    mark = rng.choice((" ...", "...", "!", " etc", " more"))
    last, change = rng.random() < 0.3, word_change(rng)
    side, part = ("last", f"words[-{n}:]") if last else ("first", f"words[:{n}]")
    apply = f"[{change.apply('word')} for word in {part}]" if change.slug else part
    return Problem(
        names=(f"shorten_{s}", f"cut_{s}", f"{side}_words"),
        aliases=("truncate_words", f"abbreviate_{s}"),
        params=(s,) if fixed else (s, limit),
        returns="str",
        what=f"a string of {change.of(f'the {side} {n} words of {s}')}, followed by '{mark}'",
        note=f"if {s} has no more than {n} words, return it unchanged",
        body=f"""
            words = {s}.split()
            if len(words) <= {n}:
                return {s}
            return ' '.join({apply}) + '{mark}'
        """,
    )


def sort_words(rng: random.Random) -> Problem:
    """Words sorted by a key."""
    s, from_list = sentence(rng, (3, 5)), rng.random() < 0.5
    xs = strings(rng, (3, 5)) if from_list else s
    one, source = (xs.one, str(xs)) if from_list else ("word", f"{s}.split()")
    a = rng.choice("aeiorst")
    key, code = rng.choice(
        (
            ("length", "len({0})"),
            ("last letter", "{0}[-1]"),
            (f"number of '{a}'", f"{{0}}.count('{a}')"),
            ("reversed spelling", "{0}[::-1]"),
            ("second letter", "{0}[1]"),
        )
    )
    down = rng.random() < 0.4
    change = word_change(rng)
    plural = str(xs) if from_list else f"words of {s}"
    result = f"[{change.apply(one)} for {one} in ordered]" if change.slug else "ordered"
    return Problem(
        names=(f"sort_{xs}", f"order_by_{key.split()[0]}", f"sorted_{xs}"),
        aliases=(f"sort_words_{xs}", "arrange_words"),
        params=(xs,),
        returns=STRINGS,
        what=f"a list of {change.of('the ' + plural)}, sorted by {key}{' in descending order' if down else ''}",
        note=f"those with the same {key} keep their order",
        body=f"""
            ordered = sorted({source}, key=lambda {one}: {code.format(one)}{", reverse=True" if down else ""})
            return {result}
        """,
    )


def reverse_words(rng: random.Random) -> Problem:
    """Chosen words of a sentence changed, and joined again."""
    s = sentence(rng, (2, 5))
    keep, sep = word_condition(rng), rng.choice((" ", " ", "-", "+"))
    back = rng.random() < 0.5
    test, told = rng.choice(
        (
            (keep.test("word"), f"every word that {keep.one}"),
            ("i % 2 == 0", "every word at an even index"),
            ("i % 2 == 1", "every word at an odd index"),
            ("i == 0", "the first word"),
        )
    )
    verb, code = rng.choice(
        (
            ("reverse", "word[::-1]"),
            ("capitalize", "word.capitalize()"),
            ("write in upper case", "word.upper()"),
            ("double", "word * 2"),
            ("remove the vowels of", None),
        )
    )
    if code is None:
        code = "''.join([c for c in word if c not in 'aeiou'])"
    loop = "for i, word in enumerate(words):" if "i %" in test or "i ==" in test else "for word in words:"
    needs = keep.params if keep.test("word") == test else ()
    source = f"{s}.split()[::-1]" if back else f"{s}.split()"
    return Problem(
        names=(f"edit_{s}", f"{verb.split()[0]}_words", f"{verb.split()[0]}_in_{s}"),
        aliases=(f"{verb.split()[0]}_each_word", f"transform_{s}"),
        params=(s, *needs),
        returns="str",
        what=f"the words of {s}{' in reverse order' if back else ''} joined by '{sep}'",
        note=f"{verb} {told}" + (" of the new order" if back and "i %" in test else ""),
        body=f"""
            words = {source}
            result = []
            {loop}
                if {test}:
                    word = {code}
                result.append(word)
            return '{sep}'.join(result)
        """,
    )


FAMILIES = (rewrite_sentence, count_words, acronym, numbers_in_list, shorten, sort_words, reverse_words)
