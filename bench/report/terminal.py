"""Tables on the terminal: the headline table of a job, and others."""
# ruff: noqa: T201

from collections.abc import Collection, Sequence

from bench.console.terminal import warn
from bench.report.markdown import headline, legends
from bench.report.summary import Summary

# Columns of the screen. In a wider table the last column, the quality, goes below.
WIDTH = 160


def show_table(title: str, summaries: Sequence[Summary], status: str, said: Collection[str] = ()) -> None:
    """The headline table on stdout, every mismatch, and the warnings but those `said` before."""
    table, below = headline(summaries), []
    if sum(max(len(row[column]) for row in table) + 2 for column in range(len(table[0]))) - 2 > WIDTH:
        below = [f"{table[0][-1]}, {row[0]}: {row[-1]}" for row in table[1:]]
        table = [row[:-1] for row in table]
    print(f"\n{title}")
    show_lines(table)
    for line in below:
        print(line)
    for line in legends(summaries):
        print(line)
    for summary in summaries:
        lossless, page = summary.lossless, f"see {summary.folder}/report.md"
        if lossless.reference_mismatch:
            print(f"FAULT: {lossless.reference_mismatch} greedy outputs are not the model's own; {page}")
        if lossless.mismatch:
            whose = "FAULT" if summary.ours else "note (a rival from outside)"
            print(f"{whose}: {lossless.mismatch} outputs of {summary.label} are a mismatch; {page}")
    warn(_by_case(summaries, said))
    print(status, flush=True)


def show_lines(table: Sequence[Sequence[str]]) -> None:
    """A table on stdout, its first row underlined."""
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for number, row in enumerate(table):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        if number == 0:
            print("  ".join("-" * width for width in widths))


def _by_case(summaries: Sequence[Summary], said: Collection[str]) -> list[str]:
    """Every warning that is not in `said` once.

    One that not all cases have begins with the labels of those that do.
    """
    lines = []
    for warning in dict.fromkeys(each for summary in summaries for each in summary.warnings):
        if warning in said:
            continue
        labels = [summary.label for summary in summaries if warning in summary.warnings]
        lines.append(warning if len(labels) == len(summaries) else f"{', '.join(labels)}: {warning}")
    return lines
