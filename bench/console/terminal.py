"""What a job says on the terminal: the one place of the package that prints."""
# ruff: noqa: T201

import sys
from collections.abc import Iterable


def warn(warnings: Iterable[str]) -> None:
    """A line on stdout for each of them (see bench/report/warnings.py)."""
    for warning in warnings:
        say(f"warning: {warning}")


def say(text: str) -> None:
    """A line on stdout."""
    print(text, flush=True)


def complain(text: str) -> None:
    """One line on stderr, whatever the text."""
    print(f"error: {' '.join(text.split())}", file=sys.stderr, flush=True)
