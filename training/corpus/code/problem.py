"""What a programming problem is: signature, description, solution, and a way to draw inputs."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

KINDS = {
    "int": "an integer",
    "str": "a string",
    "List[int]": "a list of integers",
    "List[str]": "a list of strings",
    "List[List[int]]": "a list of rows",
    "Dict[str, int]": "a dictionary",
    "Dict[str, str]": "a dictionary",
    "List[Tuple[str, int]]": "a list of pairs",
}


@dataclass(frozen=True)
class Param:
    """An argument; in an f-string it stands for its name.

    Attributes:
        name: the argument's name.
        type: its annotation, in `typing` spelling.
        sample: draws a value.
        edges: values that a test should not forget.
        one: what an element is called, in the description and as a loop variable.
        signed: whether negative elements occur.
    """

    name: str
    type: str
    sample: Callable[[], object]
    edges: tuple[object, ...] = ()
    one: str = ""
    signed: bool = False

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Clause:
    """A further sentence of the description and the lines that obey it.

    The sentence has no capital and no full stop.
    """

    text: str = ""
    code: str = ""


@dataclass(frozen=True)
class Problem:
    """One problem, before it is rendered.

    Attributes:
        names: candidate function names of the docstring rendering.
        aliases: candidate function names of the one-sentence rendering.
        params: the arguments.
        returns: the annotation of the result, in `typing` spelling.
        body: the solution's lines, at any common indentation.
        what: noun phrase for the result ("the sum of ..."), or
        whether: the condition a boolean result reports; one of the two is set.
        note: a further sentence, without capital or full stop.
        guard: an early return, before all else.
        prepare: lines that change an argument, before the body.
        finish: the last lines, after the body.
        edges: whole calls that a test should not forget.
        inputs: draws the arguments of one call, where they depend on each other.
        plain: whether no further step may be added.
        unordered: whether the order of the first argument is of no account.
    """

    names: Sequence[str]
    aliases: Sequence[str]
    params: tuple[Param, ...]
    returns: str
    body: str
    what: str = ""
    whether: str = ""
    note: str = ""
    guard: Clause = Clause()
    prepare: Clause = Clause()
    finish: Clause = Clause()
    edges: tuple[tuple[object, ...], ...] = ()
    inputs: Callable[[], tuple[object, ...]] | None = None
    plain: bool = False
    unordered: bool = False

    def sample(self) -> tuple[object, ...]:
        """The arguments of one random call."""
        return self.inputs() if self.inputs else tuple(param.sample() for param in self.params)

    def edge_calls(self) -> list[tuple[object, ...]]:
        """The calls with an edge value in one place."""
        calls = list(self.edges)
        for place, param in enumerate(self.params):
            for edge in param.edges:
                arguments = list(self.sample())
                arguments[place] = edge
                calls.append(tuple(arguments))
        return calls

    def notes(self) -> list[str]:
        """Every sentence after the first, in the order of the code."""
        return [text for text in (self.note, self.guard.text, self.prepare.text, self.finish.text) if text]

    def given(self) -> str:
        """The arguments in words: "a list of integers scores and an integer limit"."""
        parts = [f"{KINDS[param.type]} {param}" for param in self.params]
        return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


Draw = Callable[[random.Random], Problem]
