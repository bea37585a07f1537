"""Further steps that any problem may carry: one prepares an argument, one finishes the result.

They are drawn by type, not by family, so that the body cannot be guessed from the family alone and
has to be read from the description.
"""

import random
import re
import textwrap
from dataclasses import replace

from training.corpus.code.arguments import LETTERS
from training.corpus.code.problem import Clause, Param, Problem
from training.corpus.code.vocabulary import ending

Choices = tuple[list[Clause], list[Clause]]  # steps that only change the order, and the others


def extend(problem: Problem, rng: random.Random) -> Problem:
    """The problem, perhaps with a preparing step, perhaps with a finishing one."""
    if problem.plain:
        return problem
    if rng.random() < 0.75:
        candidates = [param for param in problem.params if param.type in PREPARE and (param.one or param.type == "str")]
        if candidates:
            order, other = PREPARE[candidates[0].type](candidates[0], rng)
            problem = replace(problem, prepare=rng.choice(other if problem.unordered else order + other))
    if rng.random() < 0.8 and not problem.finish.text:
        problem = _finished(problem, rng)
    return problem


def _prepare_integers(xs: Param, rng: random.Random) -> Choices:
    x, k, least = xs.one, rng.randint(2, 5), rng.randint(1, 9)
    order = [
        Clause(f"sort {xs} first", f"{xs} = sorted({xs})\n"),
        Clause(f"go through {xs} from back to front", f"{xs} = {xs}[::-1]\n"),
    ]
    return order, [
        Clause(f"leave out the first {x}", f"# Leave out the first {x}.\n{xs} = {xs}[1:]\n"),
        Clause(f"leave out the last {x}", f"# Leave out the last {x}.\n{xs} = {xs}[:-1]\n"),
        Clause(f"use only the first {k} {xs}", f"# Use only the first {k} {xs}.\n{xs} = {xs}[:{k}]\n"),
        Clause(f"ignore {xs} equal to {least}", f"{xs} = [{x} for {x} in {xs} if {x} != {least}]\n"),
        Clause(f"first increase every {x} by {least}", f"{xs} = [{x} + {least} for {x} in {xs}]\n"),
        Clause(f"treat every {x} below {least} as {least}", f"{xs} = [max({x}, {least}) for {x} in {xs}]\n"),
        Clause(
            f"use equal {xs} only once",
            f"unique = []\nfor {x} in {xs}:\n    if {x} not in unique:\n        unique.append({x})\n{xs} = unique\n",
        ),
    ]


def _prepare_strings(xs: Param, rng: random.Random) -> Choices:
    x, k, n = xs.one, rng.randint(2, 4), rng.randint(2, 3)
    a, b = rng.sample(LETTERS, 2)
    order = [
        Clause(f"sort {xs} first", f"{xs} = sorted({xs})\n"),
        Clause(f"go through {xs} from back to front", f"{xs} = {xs}[::-1]\n"),
    ]
    return order, [
        Clause(f"leave out the first {x}", f"# Leave out the first {x}.\n{xs} = {xs}[1:]\n"),
        Clause(f"leave out the last {x}", f"# Leave out the last {x}.\n{xs} = {xs}[:-1]\n"),
        Clause(f"use only the first {k} {xs}", f"# Use only the first {k} {xs}.\n{xs} = {xs}[:{k}]\n"),
        Clause(f"ignore {xs} of at most {n} letters", f"{xs} = [{x} for {x} in {xs} if len({x}) > {n}]\n"),
        Clause(f"first write all {xs} in lower case", f"{xs} = [{x}.lower() for {x} in {xs}]\n"),
        Clause(f"first replace every '{a}' by '{b}'", f"{xs} = [{x}.replace('{a}', '{b}') for {x} in {xs}]\n"),
    ]


def _prepare_string(s: Param, rng: random.Random) -> Choices:
    a, b, c = rng.sample(LETTERS, 3)
    order = [Clause(f"go through {s} from back to front", f"{s} = {s}[::-1]\n")]
    return order, [
        Clause(f"first write {s} in lower case", f"{s} = {s}.lower()\n"),
        Clause(f"leave out the first character of {s}", f"# Leave out the first character.\n{s} = {s}[1:]\n"),
        Clause(f"leave out the last character of {s}", f"# Leave out the last character.\n{s} = {s}[:-1]\n"),
        Clause(f"first replace every '{a}' by '{b}'", f"{s} = {s}.replace('{a}', '{b}')\n"),
        Clause(f"ignore every '{c}'", f"# Ignore every '{c}'.\n{s} = {s}.replace('{c}', '')\n"),
    ]


PREPARE = {"List[int]": _prepare_integers, "List[str]": _prepare_strings, "str": _prepare_string}


def _finished(problem: Problem, rng: random.Random) -> Problem:
    """The problem with a last step before its only `return`; unchanged where there are several."""
    lines = textwrap.dedent(problem.body).strip("\n") + "\n" + problem.finish.code
    last = re.search(r"^return (.+)\n\Z", lines, re.MULTILINE)
    choices = [clauses for kind, clauses in FINISH.items() if problem.returns.startswith(kind)]
    if last is None or lines.count("return ") > 1 or not choices or "List[List" in problem.returns:
        return problem
    variable, body = last[1], lines[: last.start()]
    if not variable.isidentifier():
        body, variable = f"{body}result = {variable}\n", "result"
    return replace(problem, body=body, finish=rng.choice(choices[0](variable, rng)))


def _finish_integers(result: str, rng: random.Random) -> list[Clause]:
    k, fill = rng.randint(2, 4), rng.choice((0, -1, 1))
    some = f"if not {result}:\n    return [{fill}]\nreturn {result}\n"
    long = f"if len({result}) > {k}:\n    return []\nreturn {result}\n"
    return [
        Clause(f"return at most {k} elements", f"return {result}[:{k}]\n"),
        Clause(f"if the result is empty, return [{fill}]", some),
        Clause(f"if the result has more than {k} elements, return an empty list", long),
        Clause("at the end, append the sum of the result", f"total = sum({result})\nreturn {result} + [total]\n"),
        Clause("put the length of the result before it", f"size = len({result})\nreturn [size] + {result}\n"),
    ]


def _finish_strings(result: str, rng: random.Random) -> list[Clause]:
    k, fill = rng.randint(2, 3), rng.choice(("none", "empty", "?", "-"))
    some = f"if not {result}:\n    return ['{fill}']\nreturn {result}\n"
    return [
        Clause(f"return at most {k} elements", f"return {result}[:{k}]\n"),
        Clause(f"if the result is empty, return ['{fill}']", some),
        Clause(f"add '{fill}' at the end of the result", f"return {result} + ['{fill}']\n"),
        Clause(
            "put the length of the result, as a string, before it",
            f"size = str(len({result}))\nreturn [size] + {result}\n",
        ),
    ]


def _finish_string(result: str, rng: random.Random) -> list[Clause]:
    k, fill, mark = rng.randint(4, 9), rng.choice(("none", "empty", "?", "-")), rng.choice(("...", "!", "+", "~"))
    return [
        Clause(f"if the result is empty, return '{fill}'", f"if not {result}:\n    return '{fill}'\nreturn {result}\n"),
        Clause(
            f"if the result is longer than {k}, cut it to {k} and add '{mark}'",
            f"if len({result}) > {k}:\n    return {result}[:{k}] + '{mark}'\nreturn {result}\n",
        ),
        Clause("put the result in brackets", f"return '[' + {result} + ']'\n"),
        Clause(
            f"add '{mark}' to a result shorter than {k}",
            f"if len({result}) < {k}:\n    {result} += '{mark}'\nreturn {result}\n",
        ),
        Clause(
            "add the length of the result after a colon", f"size = len({result})\nreturn {result} + ':' + str(size)\n"
        ),
    ]


def _finish_table(result: str, rng: random.Random) -> list[Clause]:
    k, least = rng.randint(2, 3), rng.randint(1, 6)
    kept = f"{{key: value for key, value in {result}.items() if value > {least}}}"
    return [
        Clause(f"keep only values greater than {least}", f"return {kept}\n"),
        Clause(
            f"if there are more than {k} keys, return an empty dictionary",
            f"if len({result}) > {k}:\n    return {{}}\nreturn {result}\n",
        ),
        Clause(
            "under the key 'total', add the sum of the values",
            f"{result}['total'] = sum({result}.values())\nreturn {result}\n",
        ),
    ]


def _finish_integer(result: str, rng: random.Random) -> list[Clause]:
    return [clause for clause in (ending(rng, result, 20) for _ in range(4)) if clause.text] or [ending(rng, result)]


FINISH = {
    "List[int]": _finish_integers,
    "List[str]": _finish_strings,
    "str": _finish_string,
    "Dict[str, int]": _finish_table,
    "int": _finish_integer,
}
