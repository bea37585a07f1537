"""Problems as rows.

The solution is executed for every expected output, then prompt and tests are written.
"""

import random
import re
import textwrap
from collections.abc import Callable

from training.corpus.code.problem import Draw, Problem
from training.corpus.code.steps import extend
from training.corpus.corpus import Family, Row

Case = tuple[tuple[object, ...], object]
LONGEST = 110


def docstring_family(draw: Draw) -> Family:
    """The family in HumanEval's shape: signature and docstring are given, the body is wanted."""
    return lambda rng: _rendered(draw, rng, _docstring_row)


def sentence_family(draw: Draw) -> Family:
    """The family in MBPP's shape: one sentence and three asserts are given, a function wanted."""
    return lambda rng: _rendered(draw, rng, _sentence_row)


def _rendered(draw: Draw, rng: random.Random, write: Callable[[Problem, random.Random], Row | None]) -> Row:
    """The first drawn problem whose cases tell it from a constant function."""
    for _ in range(50):
        row = write(extend(draw(rng), rng), rng)
        if row is not None:
            return row
    raise ValueError(f"{draw.__name__}: 50 problems in a row with no cases that differ")


def _docstring_row(problem: Problem, rng: random.Random) -> Row | None:
    name = rng.choice(problem.names)
    body = solution(problem)
    cases = draw_cases(problem, body, rng, random_calls=7)
    if cases is None:
        return None
    shown = rng.choice((2, 2, 3))
    arguments = ", ".join(f"{param}: {param.type}" for param in problem.params)
    signature, imports = _annotated(f"def {name}({arguments}) -> {problem.returns}:", rng)
    opening = rng.choice(('""" ', '""" ', '"""', '"""\n'))
    text = textwrap.fill(opening + _description(problem, rng), width=96, replace_whitespace=False)
    examples = "".join(f">>> {name}({_listed(args)})\n{result!r}\n" for args, result in cases[:shown])
    tested = cases[-max(5, len(cases) - shown) :]
    checks = "".join(f"    assert candidate({_listed(args)}) == {result!r}\n" for args, result in tested)
    return {
        "prompt": f"{imports}{signature}\n" + textwrap.indent(f'{text}\n{examples}"""\n', "    "),
        "entry_point": name,
        "canonical_solution": body,
        "test": f"\n\ndef check(candidate):\n{checks}",
    }


def _sentence_row(problem: Problem, rng: random.Random) -> Row | None:
    name = rng.choice(problem.aliases)
    body = solution(problem)
    cases = draw_cases(problem, body, rng, random_calls=4)
    if cases is None:
        return None
    return {
        "text": _request(problem, rng),
        "code": f"def {name}({', '.join(map(str, problem.params))}):\n{body}",
        "test_setup_code": "",
        "test_list": [f"assert {name}({_listed(args)}) == {result!r}" for args, result in cases[:3]],
        "challenge_test_list": [],
    }


def solution(problem: Problem) -> str:
    """The body of the function, indented by four spaces."""
    parts = (problem.guard.code, problem.prepare.code, problem.body, problem.finish.code)
    return textwrap.indent("".join(textwrap.dedent(part).lstrip("\n") for part in parts), "    ")


def draw_cases(problem: Problem, body: str, rng: random.Random, random_calls: int) -> list[Case] | None:
    """Calls with their executed results: distinct, short, the first two of differing result.

    Edges come last.
    None if there are too few of them, or if fewer than two results differ from the first.
    """
    namespace: dict[str, Callable[..., object]] = {}
    # The code is the library's own.
    exec(f"def solve({', '.join(map(str, problem.params))}):\n{body}", namespace)
    cases: list[Case] = []
    written: set[str] = set()
    for _ in range(4 * random_calls):
        arguments = problem.sample()
        result = namespace["solve"](*arguments)
        key = repr(arguments)
        if key not in written and len(key) + len(repr(result)) <= LONGEST:
            written.add(key)
            cases.append((arguments, result))
        if len(cases) == random_calls:
            break
    else:
        return None
    others = [case for case in cases if case[1] != cases[0][1]]
    if len(others) < 2:
        return None
    other = others[0]
    rest = [case for case in cases[1:] if case is not other]
    edges = problem.edge_calls()
    rng.shuffle(edges)
    chosen = [(arguments, namespace["solve"](*arguments)) for arguments in edges[:2]]
    return [cases[0], other, *rest, *(case for case in chosen if repr(case[0]) not in written)]


def _description(problem: Problem, rng: random.Random) -> str:
    """The docstring's sentences."""
    if problem.what:
        first = rng.choice(
            (
                "Return {what}.",
                "Return {what}.",
                "Compute {what}.",
                "Find {what}.",
                "Given {given}, return {what}.",
                "Take {given} and return {what}.",
            )
        )
    else:
        first = rng.choice(
            (
                "Return True if {whether}, and False otherwise.",
                "Check whether {whether}.",
                "Check if {whether}.",
                "Return whether {whether}.",
                "Given {given}, check if {whether}.",
                "Decide whether {whether}.",
            )
        )
    first = first.format(what=problem.what, whether=problem.whether, given=problem.given())
    return " ".join([first, *(f"{_capital(note)}." for note in problem.notes())])


def _request(problem: Problem, rng: random.Random) -> str:
    """The task in one sentence."""
    function = rng.choice(("a function", "a function", "a python function"))
    if problem.what:
        ask = rng.choice(
            (
                "to find {what}",
                "to get {what}",
                "to calculate {what}",
                "that returns {what}",
                "that takes {given} and returns {what}",
                "which, given {given}, finds {what}",
            )
        )
    else:
        ask = rng.choice(
            (
                "to check whether {whether} or not",
                "to check if {whether}",
                "to find whether {whether}",
                "that tells if {whether}",
                "which, given {given}, checks if {whether}",
            )
        )
    ask = ask.format(what=problem.what, whether=problem.whether, given=problem.given())
    return "; ".join([f"Write {function} {ask}", *problem.notes()]) + "."


def _annotated(signature: str, rng: random.Random) -> tuple[str, str]:
    """The signature and its import lines.

    They use `typing` names or, one time in four, builtin generics.
    """
    if rng.random() < 0.25:
        signature = re.sub(r"\b(List|Dict|Tuple)\[", lambda match: match[0].lower(), signature)
    used = sorted(set(re.findall(r"\b(List|Dict|Tuple|Optional)\[", signature)))
    return signature, f"from typing import {', '.join(used)}\n\n\n" if used else ""


def _listed(arguments: tuple[object, ...]) -> str:
    return ", ".join(map(repr, arguments))


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
