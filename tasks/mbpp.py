"""MBPP (arXiv 2108.07732): write a short Python function from a sentence and three tests."""

import re

from tasks.base import Hub, Row
from tasks.code import CodeTask
from tasks.extraction import FENCED, solution
from tasks.sandbox import Submission

END = "[DONE]"
CLOSED = re.compile(r"^\[DONE\]", re.MULTILINE)
# Top-level functions, classes and named values of a solution, and its imports.
DEFINITION = re.compile(r"^(?:(?:def|class)\s+(?=\w+\s*[(:])|(?=\w+\s*=[^=]))(\w+)", re.MULTILINE)
IMPORT = re.compile(r"^(?:import|from)\s[^(\\\n]+$", re.MULTILINE)


class Mbpp(CodeTask):
    """Program synthesis from a description, scored by pass@1."""

    name = "mbpp"
    hub = Hub("google-research-datasets/mbpp", "full", ("train", "test", "validation", "prompt"))
    fields = {"task_id": int, "text": str, "code": str, "test_list": list, "test_setup_code": str}
    id_field = "task_id"
    shot_splits = ("prompt", "train")
    paper_shots = 3
    max_new_tokens = 512
    stop_strings = (END,)
    chat_number = 2

    def fault(self, row: Row) -> str | None:
        """Without a test every program would pass."""
        return None if any(test.strip() for test in row["test_list"]) else "field 'test_list' holds no test"

    def reserved(self, row: Row) -> bool:
        """The authors keep the problems 1 to 10 for worked examples."""
        return 1 <= row["task_id"] <= 10

    def question(self, row: Row) -> str:
        """The task and its tests, then the mark that opens the code."""
        return f"{self._task(row)}\n[BEGIN]\n"

    def instruction(self, row: Row) -> str:
        """The task and its tests."""
        return f"{self._task(row)}\nAnswer with one code block."

    def answer(self, row: Row) -> str:
        """The code and the mark that closes it; some rows of the set have DOS line ends."""
        return f"{self._code(row)}\n{END}"

    def reply(self, row: Row) -> str:
        """The code in one block."""
        return f"```python\n{self._code(row)}\n```"

    def reference(self, row: Row) -> list[str]:
        """The asserts that the code must pass."""
        return list(row["test_list"])

    def submission(self, row: Row, answer: str) -> Submission:
        """The code, and the tests after their set-up.

        What is tested is what the reference solution defines.
        """
        reference = self._code(row)
        names = tuple(dict.fromkeys(DEFINITION.findall(reference)))
        code = answer
        if self.config.variant == "chat" or FENCED.search(answer):
            code = CLOSED.split(solution(answer, self._tested(row, names)))[0]
        tests = "\n".join([row["test_setup_code"], *row["test_list"]]) + "\n"
        # The tests of some rows use a module that only the solution imports.
        return Submission(code, names, tests, preamble="\n".join(IMPORT.findall(reference)))

    def _tested(self, row: Row, names: tuple[str, ...]) -> tuple[str, ...]:
        """The names that the row's tests use, among those that the reference solution defines."""
        words = set(re.findall(r"\w+", "\n".join([row["test_setup_code"], *row["test_list"]])))
        return tuple(name for name in names if name in words) or names

    def _code(self, row: Row) -> str:
        return row["code"].replace("\r\n", "\n")

    def _task(self, row: Row) -> str:
        tests = "\n".join(row["test_list"])
        return f"Write a Python function for this task: {row['text']}\nIt must pass these tests:\n{tests}"
