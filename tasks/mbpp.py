"""MBPP (arXiv 2108.07732): write a short Python function from a sentence and three tests."""

from tasks.base import Hub, Row
from tasks.code import CodeTask, fenced_code

END = "[DONE]"


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
        return row["code"].replace("\r\n", "\n") + f"\n{END}"

    def reference(self, row: Row) -> list[str]:
        """The asserts that the code must pass."""
        return list(row["test_list"])

    def program(self, row: Row, answer: str) -> str:
        """The code, the set-up of the tests, and the tests."""
        code = fenced_code(answer) if self.config.variant == "chat" else answer
        return "\n".join([code, row["test_setup_code"], *row["test_list"]]) + "\n"

    def _task(self, row: Row) -> str:
        tests = "\n".join(row["test_list"])
        return f"Write a Python function for this task: {row['text']}\nIt must pass these tests:\n{tests}"
