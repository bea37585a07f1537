"""HumanEval (arXiv 2107.03374): complete a Python function from its signature and docstring."""

from tasks.base import Hub, Row
from tasks.code import CodeTask
from tasks.extraction import FENCED, completed
from tasks.sandbox import Submission


class HumanEval(CodeTask):
    """Function completion, scored by pass@1."""

    name = "humaneval"
    hub = Hub("openai/openai_humaneval", None, ("test",))
    fields = {"task_id": str, "prompt": str, "entry_point": str, "canonical_solution": str, "test": str}
    id_field = "task_id"
    # The set has no training split; worked examples can only come from data that brings one.
    max_new_tokens = 512
    chat_number = 2
    stop_strings = (
        "\ndef ", "\nclass ", "\nif __name__", "\nprint(", "\nassert ", "\nimport ", "\nfrom ", "\n#", "\n```",
    )  # fmt: skip

    def question(self, row: Row) -> str:
        """An instruction, then the code to continue."""
        return "Complete the body of the following Python function. Do not add anything after it.\n" + row["prompt"]

    def instruction(self, row: Row) -> str:
        """The code to continue, inside a code block."""
        return (
            "Complete the following Python function. Answer with the whole function in one code block.\n"
            f"```python\n{row['prompt'].rstrip()}\n```"
        )

    def answer(self, row: Row) -> str:
        """The body of the function."""
        return row["canonical_solution"]

    def reply(self, row: Row) -> str:
        """The whole function in one block."""
        return f"```python\n{row['prompt']}{row['canonical_solution'].rstrip()}\n```"

    def reference(self, row: Row) -> str:
        """The tests that a completed function must pass."""
        return row["test"]

    def submission(self, row: Row, answer: str) -> Submission:
        """The prompt's code and the answer; the tests stand on the prompt's imports and helpers."""
        # A completion model continues the prompt as it stands, unless it opens a block first.
        if self.config.variant == "chat" or FENCED.match(answer):
            code = completed(row["prompt"], answer, row["entry_point"])
        else:
            code = row["prompt"] + answer
        stub = f"{row['prompt'].rstrip()}\n    pass\n"
        tests = f"{row['test']}\n\ncheck({row['entry_point']})\n"
        return Submission(code, (row["entry_point"],), tests, preamble=stub)
