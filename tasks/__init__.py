"""The tasks: prompts, stopping, data and scores. Nothing here knows a decoding method."""

from collections.abc import Mapping

from decoding.errors import UserError
from tasks.base import Example, Row, Scores, Task, TaskConfig
from tasks.cnndm import CnnDm
from tasks.custom import Custom
from tasks.gsm8k import Gsm8k
from tasks.humaneval import HumanEval
from tasks.mbpp import Mbpp
from tasks.settings import typed
from tasks.spec_bench import SpecBench
from tasks.wmt16 import Wmt16

TASKS: dict[str, type[Task]] = {task.name: task for task in (HumanEval, Gsm8k, CnnDm, Wmt16, Mbpp, SpecBench, Custom)}

__all__ = ["TASKS", "Example", "Row", "Scores", "Task", "TaskConfig", "make_task", "training_text"]


def make_task(settings: Mapping[str, object]) -> Task:
    """The task `settings["name"]` with the other settings as its config, as in the group `task`.

    Raises:
        UserError: an unknown task, or a setting that is unknown, of the wrong type or out of range.
    """
    name = settings.get("name")
    if name not in TASKS:
        raise UserError(f"task={name} is unknown: choose one of {', '.join(TASKS)}")
    kind = TASKS[name]
    rest = {key: value for key, value in settings.items() if key != "name"}
    return kind(typed(kind.config_class, rest, "task"))


def training_text(task_name: str, row: Row) -> str:
    """Prompt and answer of a row as one text, for training the bundled pair; no end token."""
    example = TASKS[task_name]().example(row)
    return example.prompt + example.answer
