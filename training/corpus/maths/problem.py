"""One word problem in the making: a story that is told, and steps that are computed.

A family draws its numbers freely; the problem refuses the steps that a tiny model cannot learn from
a few thousand examples, and the family then draws again. So the rules of difficulty stand here
alone.
"""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from training.corpus.corpus import Family, Row
from training.corpus.words import Person, people

Value = TypeVar("Value")

QUESTION_CHARACTERS = range(190, 421)
ANSWER_CHARACTERS = range(150, 521)
LARGEST_SUM = 400
PERCENTAGES = (10, 20, 25, 50)
EQUATION = "@"  # where a step's sentence takes its equation


class UnsuitableError(Exception):
    """The numbers drawn make a step too hard, or the text too long or too short."""


class Problem:
    """The draws, sentences and steps of one row."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._sentences: list[str] = []
        self._steps: list[str] = []
        self._result = 0

    def draw(self, low: int, high: int, step: int = 1) -> int:
        """A number from `low` to `high`, both included, in steps of `step`."""
        return self.rng.randrange(low, high + 1, step)

    def pick(self, options: Sequence[Value]) -> Value:
        """One of the options."""
        return self.rng.choice(options)

    def person(self) -> Person:
        """Somebody to tell the story about."""
        return people(self.rng, 1)[0]

    def pair(self) -> list[Person]:
        """Two people with different names."""
        return people(self.rng, 2)

    def tell(self, *wordings: str) -> None:
        """Add one sentence of the story, in one of several wordings.

        The last one told is the question.
        """
        self._sentences.append(self.rng.choice(wordings))

    def tell_shuffled(self, *facts: str) -> None:
        """Add several sentences whose order does not matter."""
        self._sentences += self.rng.sample(facts, len(facts))

    def aside(self, *wordings: str) -> None:
        """At times add a sentence that the solution does not need."""
        if self.rng.random() < 0.3:
            self.tell(*wordings)

    def step(self, left: int, sign: str, right: int, *wordings: str, unit: str = "") -> int:
        """Compute one step, write its sentence and return the result.

        Args:
            left, right: the operands; for the sign "%", `right` per cent of `left` is taken.
            sign: one of + - * / %.
            wordings: sentences in which `EQUATION` stands for the equation; one is chosen.
            unit: what precedes the result, such as "$".

        Raises:
            UnsuitableError: the numbers are beyond what is to be learnt.
        """
        result = learnable_result(left, sign, right)
        operands = f"{left} * {right} / 100" if sign == "%" else f"{left} {sign} {right}"
        equation = f"{operands} = {unit}<<{operands.replace(' ', '')}={result}>>{result}"
        self._steps.append(self.rng.choice(wordings).replace(EQUATION, equation))
        self._result = result
        return result

    def row(self) -> Row:
        """The row in GSM8K's schema; its answer ends with the last step's result.

        Raises:
            UnsuitableError: the question or the answer is too short or too long.
        """
        question = " ".join(self._sentences)
        answer = "\n".join([*self._steps, f"#### {self._result}"])
        if len(question) not in QUESTION_CHARACTERS or len(answer) not in ANSWER_CHARACTERS:
            raise UnsuitableError
        return {"question": question, "answer": answer}


def learnable_result(left: int, sign: str, right: int) -> int:
    """The result of one step, if it is a fact or a short sum that a tiny model can learn.

    Results and operands are at least 2, so that every noun counted can stand in the plural.

    Raises:
        UnsuitableError: it is not.
        ValueError: the sign is none of + - * / %.
    """
    if sign == "+":
        result, fits = left + right, _adds_easily(left, right)
    elif sign == "-":
        result, fits = left - right, _adds_easily(left - right, right)
    elif sign == "*":
        result, fits = left * right, _in_tables(left, right)
    elif sign == "/":
        result = left // right
        halving = right == 2 and left <= 200
        fits = left % right == 0 and (halving or result <= 12 and _in_tables(result, right))
    elif sign == "%":
        result = left * right // 100
        fits = right in PERCENTAGES and left <= 200 and left * right % 100 == 0
    else:
        raise ValueError(f"unknown sign {sign!r}: choose one of + - * / %")
    if not fits or min(left, right, result) < 2:
        raise UnsuitableError
    return result


def _adds_easily(left: int, right: int) -> bool:
    """Sums up to 100 are all allowed; larger ones need a round or a small operand."""
    small, total = min(left, right), left + right
    return total <= 100 or total <= LARGEST_SUM and (small <= 12 or left % 10 == 0 or right % 10 == 0)


def _in_tables(left: int, right: int) -> bool:
    small, large = sorted((left, right))
    return small <= 12 and (large <= 12 or large % 10 == 0 and large <= 90)


def story(shelf: dict[str, Family]) -> Callable[[Callable[[Problem], None]], Callable[[Problem], None]]:
    """Put a function that writes a problem on the shelf as a family.

    It draws until the numbers suit.
    """

    def register(write: Callable[[Problem], None]) -> Callable[[Problem], None]:
        def family(rng: random.Random) -> Row:
            while True:
                problem = Problem(rng)
                try:
                    write(problem)
                    return problem.row()
                except UnsuitableError:
                    continue

        shelf[write.__name__] = family
        return write

    return register
