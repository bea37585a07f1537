"""Warnings: what changes how a figure must be read. They stand on the terminal, in report.md and in summary.json.

Some are known when the models are loaded, and each process writes them into its session of provenance.json; the others
follow from the records.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bench.report.drafting import said_of_context, said_of_numbers
from bench.report.fold import Fold, flat, runaways
from bench.report.statistics import RUNAWAY_SHARE


def _runaways(fold: Fold) -> str | None:
    found = runaways(fold.method)
    if found["share"] < RUNAWAY_SHARE:
        return None
    return (
        f"{found['outputs']} of {len(flat(fold.method))} outputs ran to the limit repeating themselves and hold "
        f"{100 * found['share']:.0f}% of the tokens: they weigh that much in pooled figures, so read the geometric "
        "mean and tokens per forward per prompt"
    )


# Each looks at the records of one case, and has one sentence or nothing to say.
CHECKS: Sequence[Callable[[Fold], str | None]] = (said_of_context, said_of_numbers, _runaways)


def said_of_left_out(left_out: Mapping[str, str]) -> list[str]:
    """A warning for each case that a panel names and has no row for; left_out: labels with the reasons."""
    return [f"{label} cannot run here and was left out: {reason}" for label, reason in left_out.items()]


def warnings_of(sessions: Sequence[dict[str, Any]], fold: Fold, left_out: Mapping[str, str]) -> list[str]:
    """One sentence a warning, none twice.

    sessions: of provenance.json, the processes that measured the records of `fold`. left_out: of the panel that is
    reported. Not of the sessions: since then the case may have run, or the panel may be another.
    """
    told = [warning for session in sessions for warning in session.get("warnings", [])]
    found = [said for check in CHECKS if (said := check(fold))]
    return list(dict.fromkeys([*told, *found, *said_of_left_out(left_out)]))
