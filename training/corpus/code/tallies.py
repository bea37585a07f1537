"""Problems that build or look up a dictionary while going through a list or a string."""

import random

from training.corpus.code.arguments import NAMES, WORDS, repeating, sentence, strings
from training.corpus.code.problem import Param, Problem
from training.corpus.code.vocabulary import number_change, number_condition, word_condition

DICT = "Dict[str, int]"

RECORDS = (
    ("sales", "item", "amount", WORDS),
    ("payments", "name", "amount", NAMES),
    ("results", "player", "points", NAMES),
    ("orders", "item", "count", WORDS),
    ("trips", "name", "distance", NAMES),
)


def _records(rng: random.Random) -> tuple[Param, str, str]:
    """A list of (string, integer) pairs with repeated strings, and what the two are called."""
    name, key, value, pool = rng.choice(RECORDS)

    def sample() -> list[tuple[str, int]]:
        few = rng.sample(pool, 2)
        return [(rng.choice(few), rng.randint(1, 15)) for _ in range(rng.randint(3, 4))]

    return Param(name, "List[Tuple[str, int]]", sample, ([],)), key, value


def count_into(rng: random.Random) -> Problem:
    """A dictionary of frequencies."""
    kind = rng.choice(("chars", "words", "numbers"))
    if kind == "chars":
        few = "".join(rng.sample("abcdeorst", 4))
        s = Param(
            rng.choice(("text", "string", "word")), "str", lambda: "".join(rng.choices(few, k=rng.randint(3, 7))), ("",)
        )
        skip = rng.choice(few)
        xs, one, source, test, told = s, "char", str(s), f"char != '{skip}'", f"the characters other than '{skip}'"
        extra, key_type = (), "str"
    elif kind == "words":
        s = sentence(rng, (3, 5))
        few = rng.sample(WORDS, 3)
        s = Param(s.name, "str", lambda: " ".join(rng.choices(few, k=rng.randint(3, 5))), ("",))
        keep = word_condition(rng)
        xs, one, source, test, told = s, "word", f"{s}.split()", keep.test("word"), f"the {keep.of('words')}"
        extra, key_type = keep.params, "str"
    else:
        xs = repeating(rng, (3, 6), high=12)
        keep = number_condition(rng)
        one, source, test, told = xs.one, str(xs), keep.test(xs.one), f"the {keep.of('elements')}"
        extra, key_type = keep.params, "int"
    return Problem(
        names=(f"count_{kind}", f"frequency_of_{kind}", f"tally_{xs}"),
        aliases=(f"{kind}_frequency", f"find_frequency_{kind}"),
        params=(xs, *extra),
        unordered=True,
        returns=f"Dict[{key_type}, int]",
        what=f"a dictionary that tells how often each of {told} occurs in {xs}",
        body=f"""
            counts = {{}}
            for {one} in {source}:
                if {test}:
                    counts[{one}] = counts.get({one}, 0) + 1
            return counts
        """,
    )


def group_words(rng: random.Random) -> Problem:
    """Words grouped by length or by a letter."""
    xs = strings(rng, (3, 5))
    keep = word_condition(rng)
    some = rng.random() < 0.7
    key, code, kind = rng.choice(
        (
            ("length", "len({0})", "int"),
            ("first letter", "{0}[0]", "str"),
            ("last letter", "{0}[-1]", "str"),
            ("first two letters", "{0}[:2]", "str"),
        )
    )
    total = rng.random() < 0.35
    line = "groups[key] = groups.get(key, 0) + 1" if total else "groups.setdefault(key, []).append({})"
    told = f"the number of {xs} with it" if total else f"the list of {xs} with it"
    test = f"    if {keep.test(xs.one)}:\n" if some else ""
    indent = "        " if some else "    "
    return Problem(
        names=(
            f"group_{xs}",
            f"{xs}_by_{key.replace(' ', '_')}",
            f"{'count' if total else 'group'}_by_{key.split()[-1]}",
        ),
        aliases=(f"group_by_{key.replace(' ', '_')}", f"{xs}_groups"),
        params=(xs, *(keep.params if some else ())),
        returns=f"Dict[{kind}, {'int' if total else 'List[str]'}]",
        what=f"a dictionary that gives for each {key} {told}",
        note=f"use only the {keep.of(xs)}" if some else "",
        body=f"groups = {{}}\nfor {xs.one} in {xs}:\n{test}{indent}key = {code.format(xs.one)}\n"
        f"{indent}{line.format(xs.one)}\nreturn groups\n",
    )


def index_words(rng: random.Random) -> Problem:
    """A dictionary from words to something about them."""
    xs = strings(rng, (2, 4))
    keep = word_condition(rng)
    start = rng.randint(0, 3)
    a = rng.choice("aeiorst")
    value, told, kind = rng.choice(
        (
            (f"i{f' + {start}' if start else ''}", f"its index{f' plus {start}' if start else ''}", "int"),
            ("len({0})", "its length", "int"),
            ("{0}[-1]", "its last letter", "str"),
            ("{0}[::-1]", "its reverse", "str"),
            (f"{{0}}.count('{a}')", f"how often it contains '{a}'", "int"),
            ("{0}.upper()", "its upper case form", "str"),
        )
    )
    loop = f"for i, {xs.one} in enumerate({xs}):" if value.startswith("i") else f"for {xs.one} in {xs}:"
    slug = told.split()[1].strip("s") if told.startswith("its") else "count"
    return Problem(
        names=(f"map_{xs}", f"{slug}_of_{xs}", f"{xs}_table"),
        aliases=(f"make_dictionary_{xs}", f"{xs}_to_{slug}"),
        params=(xs, *keep.params),
        returns=f"Dict[str, {kind}]",
        what=f"a dictionary that maps each of the {keep.of(xs)} to {told}",
        body=f"""
            result = {{}}
            {loop}
                if {keep.test(xs.one)}:
                    result[{xs.one}] = {value.format(xs.one)}
            return result
        """,
    )


def totals_by_key(rng: random.Random) -> Problem:
    """Pairs gathered into a dictionary of totals."""
    rows, key, value = _records(rng)
    keep, change = number_condition(rng), number_change(rng)
    word, line = rng.choice(
        (
            ("sum", "totals.get({k}, 0) + {v}"),
            ("number", "totals.get({k}, 0) + 1"),
            ("maximum", "max(totals.get({k}, 0), {v})"),
        )
    )
    code = line.format(k=key, v=change.apply(value))
    what = f"a dictionary that gives for each {key} in {rows} the {word} of "
    phrase = keep.of("values")
    what += "the " + phrase if word == "number" else change.of("the " + phrase)
    return Problem(
        names=(f"{word}_by_{key}", f"total_{rows}", f"collect_{rows}"),
        aliases=(f"find_{word}_{rows}", f"{rows}_by_{key}"),
        params=(rows, *keep.params),
        returns=DICT,
        what=what,
        note="compare with 0" if word == "maximum" else "",
        body=f"""
            totals = {{}}
            for {key}, {value} in {rows}:
                if {keep.test(value)}:
                    totals[{key}] = {code}
            return totals
        """,
    )


def translate(rng: random.Random) -> Problem:
    """The words of a sentence looked up in a dictionary."""
    s = sentence(rng, (2, 4))
    pool = rng.sample(WORDS, 4)
    s = Param(s.name, "str", lambda: " ".join(rng.choices(pool, k=rng.randint(2, 4))), ("",))
    table = Param(
        rng.choice(("table", "codes", "dictionary", "rules")),
        "Dict[str, str]",
        lambda: {w: rng.choice(WORDS) for w in rng.sample(pool, 2)},
        ({},),
    )
    other, line = rng.choice(
        (
            ("keep unknown words", "result.append(word)"),
            ("leave out unknown words", None),
            ("write '?' for unknown words", "result.append('?')"),
            ("write unknown words in upper case", "result.append(word.upper())"),
            ("reverse unknown words", "result.append(word[::-1])"),
        )
    )
    rest = f"    else:\n        {line}\n" if line else ""
    case = rng.choice(("", "", ".upper()", ".capitalize()"))
    told = {"": "", ".upper()": ", written in upper case", ".capitalize()": ", capitalized"}[case]
    sep = rng.choice((" ", " ", "-", ", "))
    back = rng.random() < 0.3
    return Problem(
        names=(f"translate_{s}", f"apply_{table}", f"encode_{s}"),
        aliases=("translate_words", f"replace_in_{s}"),
        params=(s, table),
        returns="str",
        what=f"{s} with each word replaced by its value in {table}{told}",
        note=f"{other}, and join the words with '{sep}'" + (" in reverse order" if back else ""),
        body=f"result = []\nfor word in {s}.split():\n    if word in {table}:\n"
        f"        result.append({table}[word]{case})\n{rest}return '{sep}'.join(result{'[::-1]' if back else ''})\n",
    )


FAMILIES = (count_into, group_words, index_words, totals_by_key, translate)
