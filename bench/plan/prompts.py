"""The prompts of a run: which are measured, and which only warm up."""

from dataclasses import dataclass, replace

from tasks import Example, Task
from tasks.files import NoRows
from tasks.overlap import bundled_share
from tasks.sources import BUNDLED, DataConfig, Rows, load_rows


@dataclass
class Prompts:
    """What is measured, and what warms the engine up.

    Attributes:
        examples: in the data set's order, every turn of a conversation by itself.
        warmup: decoded first and never measured, first turns only.
        rows: where they came from.
        warmup_from: the split of the warm-up prompts, or "last rows".
    """

    examples: list[Example]
    warmup: list[Example]
    rows: Rows
    warmup_from: str


def load_prompts(task: Task, data: DataConfig, warmup: int, limit: int | None, samples: int = 1) -> Prompts:
    """The first `limit` prompts of the task's split, and `warmup` prompts that are not among them.

    Of `samples` every one is a prompt of its own, the samples of a prompt in a row; a conversation
    is sampled whole.

    Warm-up prompts come from another split of the same source; where there is none, from the
    split's last rows, which are then left out, whatever the limit. A split of one row is its own
    warm-up.

    Raises:
        UserError: data that is not available, or fewer rows than ids.
    """
    rows = load_rows(task, data)
    if warmup == 0:
        return Prompts(_sampled(rows.examples(task)[:limit], samples), [], rows, "none")
    other = _other_split(task, data, rows.split, warmup)
    if other is not None:
        measured = _sampled(rows.examples(task)[:limit], samples)
        return Prompts(measured, _first_turns(other.examples(task)), rows, other.split)
    kept = len(rows.rows) - min(warmup, len(rows.rows) - 1)
    first, last = replace(rows, rows=rows.rows[:kept]), replace(rows, rows=rows.rows[kept:] or rows.rows)
    measured = _sampled(first.examples(task)[:limit], samples)
    return Prompts(measured, _first_turns(last.examples(task)), rows, "last rows")


def _sampled(examples: list[Example], samples: int) -> list[Example]:
    """Each conversation (mostly a prompt alone) as often as there are samples."""
    if samples == 1:
        return examples
    conversations: list[list[Example]] = []
    for example in examples:
        if example.follows is None:
            conversations.append([])
        conversations[-1].append(example)
    return [
        example.sampled(sample) for turns in conversations for sample in range(samples) for example in turns
    ]


def prompt_overlap(task: Task, data: DataConfig, split: str) -> float | None:
    """Share of the word runs of a bundled split's prompts that training prompts hold too.

    None for other sources.
    """
    return bundled_share(BUNDLED, task.name, split) if data.source == "bundled" and not data.path else None


def _first_turns(examples: list[Example]) -> list[Example]:
    return [example for example in examples if example.follows is None]


def _other_split(task: Task, data: DataConfig, split: str, count: int) -> Rows | None:
    """The first `count` rows of another split; the small ones are tried first."""
    if data.path:
        return None
    more = task.hub.splits if data.source == "hub" and task.hub else ()
    for name in dict.fromkeys(("validation", "train", "test", *more)):
        try:
            found = load_rows(task, replace(data, split=name), first=count)
        except NoRows:
            continue
        if found.split != split:
            return found
    return None
