"""The prompts of a run: which are measured, and which only warm up."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from decoding.errors import UserError
from tasks import Example, Task
from tasks.overlap import overlap
from tasks.sources import DataConfig, Rows, load_rows


@dataclass
class Prompts:
    """examples: what is measured, in the data set's order. warmup: decoded first and never measured.

    rows: where they came from. warmup_from: the split of the warm-up prompts, or "last rows".
    """

    examples: list[Example]
    warmup: list[Example]
    rows: Rows
    warmup_from: str


def load_prompts(task: Task, data: DataConfig, warmup: int, limit: int | None) -> Prompts:
    """The first `limit` prompts of the task's split, and `warmup` prompts that are not among them.

    Warm-up prompts come from another split of the same source; where there is none, from the split's last rows, which
    are then left out, whatever the limit. A split of one row is its own warm-up.

    Raises:
        UserError: data that cannot be had, or fewer rows than ids.
    """
    rows = load_rows(task, data)
    examples = rows.examples(task)
    if warmup == 0:
        return Prompts(examples[:limit], [], rows, "none")
    other = _other_split(task, data, rows.split)
    if other is not None:
        return Prompts(examples[:limit], other.examples(task)[:warmup], rows, other.split)
    warmup = min(warmup, len(examples) - 1)
    measured = examples[: len(examples) - warmup]
    return Prompts(measured[:limit], examples[len(measured) :] or examples, rows, "last rows")


def prompt_overlap(task: Task, data: DataConfig, examples: Iterable[Example]) -> float | None:
    """Share of the prompts' word n-grams that the bundled training split knows; None for other sources."""
    if data.source != "bundled" or data.path:
        return None
    try:
        known = load_rows(task, replace(data, split="train"))
    except UserError:
        return None
    return overlap([example.prompt for example in examples], (task.question(row) for row in known.rows))


def _other_split(task: Task, data: DataConfig, split: str) -> Rows | None:
    if data.path:
        return None
    wanted = task.hub.splits if data.source == "hub" and task.hub else ("validation", "train", "test")
    for name in wanted:
        try:
            found = load_rows(task, replace(data, split=name))
        except UserError:
            continue
        if found.split != split:
            return found
    return None
