"""Which prompts of a run are turns of one question, and of which category it is."""

from dataclasses import dataclass

from bench.plan.prompts import load_prompts
from bench.report.case_records import CaseRecords
from bench.report.collection import Run
from decoding.errors import UserError
from tasks import make_task
from tasks.settings import typed
from tasks.sources import DataConfig


@dataclass(frozen=True)
class Question:
    """A question and its prompts, a turn each.

    Attributes:
        id: a number where it is written as one.
        category: the task's, else the task's name.
        prompts: their ids, in the order of the turns.
    """

    id: int | str
    category: str
    prompts: list[str]


def questions(run: Run, records: CaseRecords) -> list[Question]:
    """The questions of a run in the order of their prompts.

    Records hold no category and no turns, so of a task that has some the data are read again.

    Args:
        run: finished.
        records: its own.

    Raises:
        UserError: the data are not there any more, or hold other prompts.
    """
    if not run.summary.categories:
        return [Question(_number(prompt), run.summary.task, [prompt]) for prompt in records.prompts]
    config = run.config
    try:
        task, data = make_task(config["task"]), typed(DataConfig, config["data"], "data")
        found = load_prompts(task, data, config.get("warmup", 3), None, config.get("samples", 1))
        examples = {example.id: example for example in found.examples}
        missing = [prompt for prompt in records.prompts if prompt not in examples]
    except (KeyError, UserError) as error:
        raise UserError(f"{run.folder}: its data cannot be read again, which tell the categories ({error})") from error
    if missing:
        raise UserError(f"{run.folder}: its data hold no prompt {missing[0]} any more, so its category is not known")
    asked: dict[str, Question] = {}
    for prompt in records.prompts:
        first = prompt
        while (before := examples[first].follows) is not None:
            first = before
        category = str(task.category(examples[first].row))
        asked.setdefault(first, Question(_number(first), category, [])).prompts.append(prompt)
    return list(asked.values())


def _number(name: str) -> int | str:
    """An id as Spec-Bench's questions have it: their numbers are sorted as such."""
    return int(name) if name.isdecimal() else name
