"""What the target is asked: the tasks' training prompts, and user turns that it invents itself."""

import itertools
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from decoding.errors import UserError
from tasks import TASKS
from tasks.overlap import ngrams
from tasks.settings import typed
from tasks.sources import DataConfig, load_rows
from training.drafter.config import OwnText, PromptSet
from training.drafter.generation import Decoding, batches, decode

# A run of this many words in common is a copy, not chance (the rule of GPT-3's contamination study,
# arXiv 2005.14165).
RUN = 13
MARK = "\u241f"


@dataclass(frozen=True)
class Prompt:
    """source: task or opening it came from. ids: its tokens. held_out: never learned from."""

    source: str
    ids: tuple[int, ...]
    held_out: bool = False


class TestText:
    """Runs of words of all test prompts: no training text may hold one."""

    __test__ = False  # no test class, for all its name

    def __init__(self, root: str | None) -> None:
        """root: folder with one folder a task; None: there is nothing to keep away from."""
        self.runs: set[tuple[str, ...]] = set()
        for name, kind in TASKS.items():
            if root is not None and (Path(root) / name).is_dir():
                rows = load_rows(kind(kind.config_class(shots=0)), DataConfig("local", root=root)).rows
                self.runs |= ngrams(map(_content, rows), RUN)

    def touches(self, text: str) -> bool:
        """Whether `text` shares a run of words with a test prompt."""
        return not self.runs.isdisjoint(ngrams([text], RUN))


def _content(row: object) -> str:
    """All text of a row, wherever it stands: questions, code, references."""
    if isinstance(row, str):
        return row
    if isinstance(row, dict):
        return "\n".join(_content(value) for value in row.values())
    return "\n".join(map(_content, row)) if isinstance(row, (list, tuple)) else ""


def of_tasks(
    sets: Iterable[PromptSet], root: str | None, tokenizer: PreTrainedTokenizerBase, tests: TestText
) -> Iterator[Prompt]:
    """The prompts of `sets`, without those that share a run of words with a test prompt."""
    for wanted in sets:
        kind = TASKS[wanted.task]
        task = kind(typed(kind.config_class, {"variant": wanted.variant, "shots": wanted.shots}, "task"))
        local = wanted.source == "local"
        data = DataConfig(wanted.source, wanted.split, root=root if local else None)
        rows = load_rows(task, data, first=wanted.held_out + wanted.count)
        examples = [example for example in rows.examples(task) if example.follows is None]
        for place, example in enumerate(examples):
            held_out = place < wanted.held_out
            if held_out or not tests.touches(_content(example.row)):
                yield Prompt(wanted.task, tuple(task.encode(example, tokenizer)), held_out)


def around_turn(tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], list[int]]:
    """What the chat template puts before a user's first turn, and between its end and the answer.

    Raises:
        UserError: no chat template, or one that alters the turn.
    """
    if not tokenizer.chat_template:
        raise UserError("the target has no chat template to invent user turns with: set own_text.rounds=0")
    message = [{"role": "user", "content": MARK}]
    text = str(tokenizer.apply_chat_template(message, tokenize=False, add_generation_prompt=True))
    if text.count(MARK) != 1:
        raise UserError("the target's chat template does not show a user's turn once: set own_text.rounds=0")
    before, after = text.split(MARK)
    ids = [list(tokenizer(part, add_special_tokens=False).input_ids) for part in (before, after)]
    return ids[0], ids[1]


def invented(
    target: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    config: OwnText,
    how: Decoding,
    tests: TestText,
) -> Iterator[Prompt]:
    """User turns that the target writes where its chat template expects one.

    Magpie does the same (arXiv 2406.08464).
    Turns that do not end, or share a run of words with a test prompt, are dropped.
    """
    before, after = around_turn(tokenizer)
    openings = list(itertools.islice(itertools.cycle(config.openings), config.invented))
    starts = [before + list(tokenizer(opening, add_special_tokens=False).input_ids) for opening in openings]
    end = after[0]  # the token that ends a turn
    for group in batches(starts, config.rows, config.batch_tokens):
        for index, turn in zip(group, decode(target, [starts[index] for index in group], how), strict=True):
            whole = starts[index] + turn
            if turn[-1] == end and not tests.touches(tokenizer.decode(whole[len(before) :])):
                yield Prompt(f"invented: {openings[index]}", tuple(whole + after[1:]))


def shuffled(prompts: Iterable[Prompt], seed: int) -> list[Prompt]:
    """In a random order, so that a run that is cut short has some of each kind."""
    found = list(prompts)
    random.Random(seed).shuffle(found)
    return found
