"""Answers as Spec-Bench's scripts write and read them, of the method and of greedy beside it.

hemingkx/Spec-Bench: evaluation/eval.py writes them (at 70f8b28), evaluation/speed.py (132ba4c) and
evaluation/equal.py (9262209) read them.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure.record import Record
from bench.plan.typed_json import to_json
from bench.report.case_records import CaseRecords, Grid
from bench.report.collection import Run
from bench.report.exports.files import json_lines
from bench.report.exports.questions import Question, questions
from bench.report.metrics.requests import forward_tokens, wall_seconds
from decoding.errors import UserError

FILE, GREEDY_FILE = "answers.jsonl", "answers_greedy.jsonl"


@dataclass(frozen=True)
class Choice:
    """One repeat of a question; an entry a turn, but for accept_lengths.

    Attributes:
        index: the repeat.
        turns: the answers as text, without special tokens.
        decoding_steps: forwards of the target, the prefill among them.
        new_tokens: token ids that the decoder gave, the end of sequence among them.
        wall_time: seconds, the prefill among them.
        accept_lengths: tokens of each forward, the free one among them, all turns in a row.
    """

    index: int
    turns: list[str]
    decoding_steps: list[int]
    new_tokens: list[int]
    wall_time: list[float]
    accept_lengths: list[int]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A line of the file.

    Attributes:
        answer_id: the same for the same run and question.
        tstamp: when the last turn was finished, in seconds since 1970.
    """

    question_id: int | str
    category: str
    answer_id: str
    model_id: str
    choices: list[Choice]
    tstamp: float

    def to_json(self) -> dict[str, Any]:
        """The line's mapping."""
        content: dict[str, Any] = to_json(self)
        return content


def export(run: Run, folder: Path) -> list[Path]:
    """Write the method's answers and greedy's, in one order; the files.

    Raises:
        UserError: the run's records or data cannot be read, or do not tell what each forward gave.
    """
    records = run.records()
    asked = questions(run, records)
    answers = _answers(run, asked, records, records.method, run.summary.label)
    greedy = _answers(run, asked, records, records.reference, "greedy")
    return [
        json_lines(folder / FILE, [each.to_json() for each in answers]),
        json_lines(folder / GREEDY_FILE, [each.to_json() for each in greedy]),
    ]


def _answers(run: Run, asked: list[Question], records: CaseRecords, grid: Grid, label: str) -> list[Answer]:
    """The answers of one side of the run."""
    by_prompt = dict(zip(records.prompts, grid, strict=True))
    summary = run.summary
    name = f"{summary.model}-{label}-{summary.dtype}-temp-{summary.temperature}"
    found = []
    for question in asked:
        repeats = zip(*(by_prompt[prompt] for prompt in question.prompts), strict=True)
        choices = [_choice(run, index, turns) for index, turns in enumerate(repeats)]
        digest = hashlib.sha256(f"{run.folder.name} {name} {question.id}".encode()).hexdigest()
        answer = Answer(
            question_id=question.id,
            category=question.category,
            answer_id=digest[:22],
            model_id=name,
            choices=choices,
            tstamp=max(record.finished for prompt in question.prompts for record in by_prompt[prompt]),
        )
        found.append(answer)
    return found


def _choice(run: Run, index: int, turns: tuple[Record, ...]) -> Choice:
    given = []
    for record in turns:
        tokens = forward_tokens(record)
        if tokens is None:
            raise UserError(f"{run.folder}: {record.label} does not tell what each forward gave")
        given.append(tokens)
    return Choice(
        index=index,
        turns=[record.text for record in turns],
        decoding_steps=[len(tokens) for tokens in given],
        new_tokens=[len(record.tokens) for record in turns],
        wall_time=[wall_seconds(record) for record in turns],
        accept_lengths=[length for tokens in given for length in tokens],
    )
