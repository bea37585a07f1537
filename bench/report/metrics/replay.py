"""A recorded chain of drafts replayed with shorter ones: which gamma?"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bench.measure.record import Record
from bench.report.case_records import CaseRecords, Grid, flat
from bench.report.metrics.rates import decode_throughput
from bench.report.metrics.steps import count_forwards, seconds_of, steps_column
from bench.report.statistics import chain_forwards


@dataclass(frozen=True)
class Costs:
    """Seconds of the parts of a step, as the records of one run have them.

    Attributes:
        draft: of one draft forward, all of `propose` shared out.
        verify: of a target forward, by rows: greedy's of one row, and the run's most frequent.
        rest: of a step, what drafting and verification leave.
        greedy: of a token of greedy decoding beside the run.
    """

    draft: float
    verify: dict[int, float]
    rest: float
    greedy: float

    def step(self, gamma: int) -> float:
        """Seconds of a step with so many drafted tokens.

        Verification lies on the line through the two widths that were measured.
        """
        (few, least), (many, most) = sorted(self.verify.items())
        verify = least + (most - least) * (gamma + 1 - few) / (many - few)
        return gamma * self.draft + verify + self.rest


@dataclass(frozen=True)
class Replayed:
    """What a shorter draft would have come to.

    Attributes:
        gamma: the draft length.
        tokens_per_target_forward: as a run's; where the records do not tell whether the draft
            agreed, it did so as often as elsewhere.
        low, high: the same if it never did there, and if it always did.
        speedup: decode speed over greedy's, by the costs of a step; None where they are not known.
    """

    gamma: int
    tokens_per_target_forward: float | None
    low: float | None
    high: float | None
    speedup: float | None


def known_agreement(record: Record, gamma: int) -> list[bool | None]:
    """Whether the draft would have given each token of an output after the text before it.

    A step tells it of the tokens that it accepted, and of the one in place of which it drafted
    another. None where it was not asked: of the target's own token after a draft that was accepted
    whole.

    Args:
        record: of a chain of at most `gamma` tokens.
        gamma: of the run.
    """
    count = len(record.tokens)
    known: list[bool | None] = [None] * count
    # The prefill's draft is not recorded, but it was as long as there was room for.
    first = record.prefill_tokens
    known[: first - 1] = [True] * (first - 1)
    if first < count and first - 1 < gamma:
        known[first - 1] = False
    place = first
    steps = record.steps
    assert steps is not None  # of a method of ours
    for drafted, accepted, emitted in zip(steps.drafted, steps.accepted, steps.emitted, strict=True):
        known[place : place + accepted] = [True] * accepted
        if accepted < min(drafted, emitted):
            known[place + accepted] = False
        place += emitted
    return known


def costs_of(records: CaseRecords) -> Costs | None:
    """What the parts of a step took; None where records lack drafts, steps or seconds."""
    steps, drafts = count_forwards(records.method)
    seconds, speed = seconds_of(records.method), decode_throughput(records.reference).rate()
    wide, single = _usual_verification(records.method), _usual_verification(records.reference)
    if not steps or not drafts or seconds.draft is None or seconds.other is None or not speed or not wide or not single:
        return None
    if wide[0] == single[0]:
        return None
    return Costs(seconds.draft / drafts, dict([single, wide]), seconds.other / steps, 1 / speed)


def _usual_verification(grid: Grid) -> tuple[int, float] | None:
    """(rows, mean seconds) of the forwards of the most frequent width."""
    rows = steps_column(grid, lambda steps: steps.rows)
    seconds = steps_column(grid, lambda steps: steps.verify_seconds)
    if not rows or seconds is None:
        return None
    [(usual, times)] = Counter(rows).most_common(1)
    return usual, sum(own for width, own in zip(rows, seconds, strict=True) if width == usual) / times


def replay(records: CaseRecords, gamma: int) -> list[Replayed]:
    """The figures of every gamma up to the run's own.

    Args:
        records: of speculative decoding with chains of at most `gamma` tokens, at temperature 0.
        gamma: of the run.
    """
    known = [known_agreement(record, gamma) for record in flat(records.method)]
    told = [each for own in known for each in own if each is not None]
    share = sum(told) / len(told) if told else 0.0
    costs = costs_of(records)
    found = []
    for shorter in range(1, gamma + 1):
        middle, low, high = (_pooled(known, shorter, unknown) for unknown in (share, 0.0, 1.0))
        speedup = middle / costs.step(shorter) * costs.greedy if middle is not None and costs else None
        found.append(Replayed(shorter, middle, low, high, speedup))
    return found


def _pooled(known: Sequence[Sequence[bool | None]], gamma: int, unknown: float) -> float | None:
    """Tokens per target forward of all outputs together."""
    chances = ([unknown if told is None else float(told) for told in own] for own in known)
    sums = [chain_forwards(own, gamma) for own in chances]
    tokens, forwards = sum(each for each, _ in sums), sum(each for _, each in sums)
    return tokens / forwards if forwards else None
