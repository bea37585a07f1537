"""What tasks that ask for code share: their settings, and pass@1 by running the tests."""

import re
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from decoding.errors import UserError
from decoding.settings import require_at_least
from tasks.base import Example, Row, Scores, Task, TaskConfig, averaged
from tasks.execution import ISOLATION, Limits, run_programs

BLOCK = re.compile(r"```[^\n`]*\n(.*?)(?:```|\Z)", re.DOTALL)


def fenced_code(text: str) -> str:
    """The first code block of a chat answer, or the whole answer if it has none."""
    found = BLOCK.search(text)
    return found.group(1) if found else text


@dataclass(frozen=True)
class CodeConfig(TaskConfig):
    """Settings of a code task.

    Attributes:
        run_tests: run the generated code; False leaves pass@1 empty.
        timeout: seconds a program may take.
        memory_mib: address space a program may take, in MiB.
    """

    run_tests: bool = True
    timeout: float = 10.0
    memory_mib: int = 1024

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.timeout <= 600:
            raise UserError(f"task.timeout={self.timeout} must be above 0 and at most 600 seconds")
        # Python itself needs that much.
        require_at_least("task.memory_mib", self.memory_mib, 64)


class CodeTask(Task):
    """A task whose answer is a program that its row's tests judge."""

    config_class = CodeConfig
    score_settings = ("run_tests", "timeout", "memory_mib")
    config: CodeConfig

    @abstractmethod
    def program(self, row: Row, answer: str) -> str:
        """A program that ends normally exactly when the answer passes the row's tests."""

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """pass@1: the share of programs that pass all their tests."""
        if not self.config.run_tests:
            return Scores({"pass@1": None}, [{} for _ in examples], {"pass@1": "not run: task.run_tests=false"})
        programs = [
            self.program(example.row, self.clean(example, text)) for example, text in zip(examples, texts, strict=True)
        ]
        outcomes = run_programs(programs, Limits(self.config.timeout, self.config.memory_mib))
        return averaged([{"pass@1": float(outcome == "passed")} for outcome in outcomes], {"pass@1": ISOLATION})
