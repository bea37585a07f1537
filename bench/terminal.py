"""What a job says on the terminal: the one place of the package that prints."""
# ruff: noqa: T201

import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bench.page import headline


def show_table(title: str, summaries: Sequence[dict[str, Any]], status: str) -> None:
    """The headline table on stdout, and loudly every mismatch."""
    table = headline(summaries)
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    print(f"\n{title}")
    for number, row in enumerate(table):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))
    for summary in summaries:
        lossless, page = summary["lossless"], f"see {summary['folder']}/report.md"
        if lossless["reference_mismatch"]:
            print(f"FAULT: {lossless['reference_mismatch']} greedy outputs are not the model's own; {page}")
        if lossless["mismatch"]:
            whose = "FAULT" if summary["ours"] else "note (a rival from outside)"
            print(f"{whose}: {lossless['mismatch']} outputs of {summary['label']} are a mismatch; {page}")
    warn(_by_case(summaries))
    print(status, flush=True)


def _by_case(summaries: Sequence[dict[str, Any]]) -> list[str]:
    """Every warning once; one that not all cases have begins with the labels of those that do."""
    lines = []
    for warning in dict.fromkeys(each for summary in summaries for each in summary["warnings"]):
        labels = [summary["label"] for summary in summaries if warning in summary["warnings"]]
        lines.append(warning if len(labels) == len(summaries) else f"{', '.join(labels)}: {warning}")
    return lines


def warn(warnings: Iterable[str]) -> None:
    """A line on stdout for each of them (see bench/warnings.py)."""
    for warning in warnings:
        say(f"warning: {warning}")


def say(text: str) -> None:
    """A line on stdout."""
    print(text, flush=True)


def complain(text: str) -> None:
    """One line on stderr, whatever the text."""
    print(f"error: {' '.join(text.split())}", file=sys.stderr, flush=True)
