"""Warnings: what changes how a figure must be read.

They are on the terminal, in report.md and in summary.json. Some are known when the models are
loaded, and each process writes them into its session of provenance.json; the others follow from the
records.
"""

from collections.abc import Callable, Mapping, Sequence

from bench.measure.provenance import Session
from bench.report.case_records import CaseRecords, flat
from bench.report.figure_types import Noise
from bench.report.markdown import estimate
from bench.report.metrics.outputs import RUNAWAY_SHARE, nonfinite_prompts, runaways, undrafted_prompts


def _short_context(records: CaseRecords) -> str | None:
    counts = undrafted_prompts(records.method)
    if counts is None or not any(counts):
        return None
    full, partly = counts
    return (
        f"the draft's context is too short: of {len(records.prompts)} prompts {full} were decoded greedily throughout "
        f"and {partly} from some token on, which the speedup includes"
    )


def _no_numbers(records: CaseRecords) -> str | None:
    count = nonfinite_prompts(records.method)
    if not count:
        return None
    fault = next(record.draft_fault for record in flat(records.method) if record.draft_fault)
    return f"on {count} of {len(records.prompts)} prompts {fault}; what was drafted there is of no use"


def _runaways(records: CaseRecords) -> str | None:
    found = runaways(records.method)
    if found.share < RUNAWAY_SHARE:
        return None
    return (
        f"{found.outputs} of {len(flat(records.method))} outputs ran to the limit repeating themselves and hold "
        f"{100 * found.share:.0f}% of the tokens: they weigh that much in pooled figures, so read the geometric "
        "mean and tokens per forward per prompt"
    )


# Each looks at the records of one case, and has one sentence or nothing to say.
CHECKS: Sequence[Callable[[CaseRecords], str | None]] = (_short_context, _no_numbers, _runaways)


def said_of_left_out(left_out: Mapping[str, str]) -> list[str]:
    """A warning for each case that a panel names and has no row for.

    Args:
        left_out: labels with the reasons.
    """
    return [f"{label} cannot run here and was left out: {reason}" for label, reason in left_out.items()]


def _noisy(noise: Noise | None) -> list[str]:
    if noise is None or not noise.too_noisy:
        return []
    return [
        f"machine too noisy: greedy decoding over greedy decoding is {estimate(noise.decode, 3)}, which misses 1.0; "
        "what differs by no more than that is not told apart, so measure again on a quiet machine, with more repeats"
    ]


def warnings_of(
    sessions: Sequence[Session], records: CaseRecords, left_out: Mapping[str, str], noise: Noise | None = None
) -> list[str]:
    """One sentence a warning, none twice.

    Args:
        sessions: of provenance.json, the processes that measured the records.
        records: of one case.
        left_out: of the panel that is reported. Not of the sessions: since then the case may have
            run, or the panel may be another.
        noise: of the panel's A/A case.
    """
    told = [warning for session in sessions for warning in session.warnings]
    found = [said for check in CHECKS if (said := check(records))]
    return list(dict.fromkeys([*told, *found, *_noisy(noise), *said_of_left_out(left_out)]))
