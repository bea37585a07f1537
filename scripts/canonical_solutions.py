"""Run the canonical solutions of HumanEval and MBPP through the sandbox.

They run as they are, and each with one fault.

    python scripts/canonical_solutions.py DATA_ROOT [--output FILE]

DATA_ROOT holds humaneval/test.jsonl and mbpp/test.jsonl (all 164 problems, and the ids 11 to 110).
The fault is one character of a solution's logic: the first operator, comparison or number, or the
next where the tests see no change; where there is none, a character of a string, and in the last
resort of a name.
"""

import argparse
import io
import keyword
import os
import resource
import sys
import time
import tokenize
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from decoding.errors import UserError
from tasks import make_task
from tasks.code import CodeTask
from tasks.sandbox import Limits, Outcome, SandboxError, run_submissions
from tasks.sources import DataConfig, load_rows

TITLE = """# Canonical solutions through the sandbox, as they are and each with one character broken

Written by `python scripts/canonical_solutions.py DATA_ROOT`, which says what is broken: HumanEval,
and MBPP 11 to 110.

"""
# One character instead of another of the same kind; "==" becomes "!=", and "<=" becomes ">=".
CHANGED = dict(zip("+-*/%<>=!&|0123456789", "-+/*+><!=|&1234567890", strict=True))
OPERATORS = {"+", "-", "*", "/", "%", "<", ">", "<=", ">=", "==", "!=", "//", "+=", "-=", "*=", "&", "|"}


def faults(code: str, first_line: int) -> Iterator[str]:
    """The program with one character changed.

    Every operator, comparison and number comes first, then strings, then names.
    """
    lines = code.splitlines(keepends=True)
    tokens = [
        token
        for token in tokenize.generate_tokens(io.StringIO(code).readline)
        if token.start[0] > first_line and token.start[0] == token.end[0]
    ]
    logic = [each for each in tokens if each.type == tokenize.NUMBER or each.string in OPERATORS]
    strings = [each for each in tokens if each.type == tokenize.STRING and len(each.string.strip("\"'rbf"))]
    names = [each for each in tokens if each.type == tokenize.NAME and not keyword.iskeyword(each.string)]
    for token in logic + strings + names:
        row, start = token.start
        # Of a number the last digit, since 0x10 or 1e-9 would be no number any more; a string's
        # last is its quote.
        column = start if token.type == tokenize.OP else token.end[1] - 1 - (token.type == tokenize.STRING)
        line = lines[row - 1]
        new = CHANGED.get(line[column], "x" if line[column] != "x" else "y")
        yield "".join([*lines[: row - 1], line[:column] + new + line[column + 1 :], *lines[row:]])


def answers(task: CodeTask, row: dict) -> tuple[str, Iterator[str]]:
    """The canonical answer, and the answers with a fault in them, never in the prompt."""
    canonical = task.answer(row)
    if task.name == "mbpp":
        return canonical, faults(canonical.removesuffix("[DONE]"), 0)
    prompt = row["prompt"]
    return canonical, (text[len(prompt) :] for text in faults(prompt + canonical, prompt.count("\n")))


def judge(task: CodeTask, rows: list[dict], texts: list[str], limits: Limits) -> list[Outcome]:
    """Outcomes of one answer a row."""
    return run_submissions([task.submission(row, text) for row, text in zip(rows, texts, strict=True)], limits)


def cpu_seconds() -> float:
    """CPU time of all processes that have been waited for, theirs included."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(name: str, root: str) -> dict[str, object]:
    """One row of the table."""
    task = make_task({"name": name})
    rows = load_rows(task, DataConfig(source="local", root=root)).rows
    limits = Limits(task.config.timeout, task.config.memory_mib)
    canonical, broken = zip(*(answers(task, row) for row in rows), strict=True)
    cleaned = [task.clean(task.example(row), text) for row, text in zip(rows, canonical, strict=True)]
    start, used = time.monotonic(), cpu_seconds()
    outcomes = judge(task, rows, cleaned, limits)
    seconds, used = time.monotonic() - start, cpu_seconds() - used
    for row, outcome in zip(rows, outcomes, strict=True):
        if not outcome.passed:
            print(f"{name} {row['task_id']}: {outcome}", file=sys.stderr)
    figures = {"task": name, "problems": len(rows), "pass": sum(each.passed for each in outcomes)}
    figures |= {"seconds": seconds, "cpu": used}
    figures["isolation"] = outcomes[0].isolation
    left = dict(enumerate(broken))
    # How many do after the first fault of each, after the second of the rest, ...
    failing: list[int] = []
    while left:
        attempts = {index: text for index, source in left.items() if (text := next(source, None)) is not None}
        outcomes = judge(task, [rows[index] for index in attempts], list(attempts.values()), limits)
        left = {index: left[index] for index, each in zip(attempts, outcomes, strict=True) if each.passed}
        failing.append(sum(failing[-1:]) + len(attempts) - len(left))
    return figures | {"first": failing[0], "failing": failing[-1]}


def main() -> None:
    """Parse the command line and print or write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", help="folder with humaneval/ and mbpp/")
    parser.add_argument("--output", type=Path, help="write the table there")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    lines = [
        "| solutions | problems | pass | seconds, 2 at a time | CPU s | fail with the first fault | with some fault |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in ("humaneval", "mbpp"):
        try:
            figures = measure(name, arguments.root)
        except (UserError, SandboxError) as error:
            parser.error(str(error))
        isolation = figures.pop("isolation")
        cells = [f"{value:.1f}" if isinstance(value, float) else str(value) for value in figures.values()]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", f"Isolation: {isolation}.", f"Load of {os.cpu_count()} cores before: {load:.1f}.", ""]
    text = TITLE + "\n".join(lines)
    print(text)
    if arguments.output:
        arguments.output.write_text(text)


if __name__ == "__main__":
    main()
