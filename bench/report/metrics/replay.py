"""A recorded chain of drafts replayed with shorter ones: which gamma?"""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.measure.record import Record
from bench.report.case_records import CaseRecords, flat
from bench.report.metrics.projection import costs_of
from bench.report.statistics import chain_forwards


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
    # Without a wide and a narrow forward, or without drafts, nothing tells what shorter ones cost.
    told_costs = costs is not None and costs.draft is not None and len(costs.verify.seconds) > 1
    found = []
    for shorter in range(1, gamma + 1):
        middle, low, high = (_pooled(known, shorter, unknown) for unknown in (share, 0.0, 1.0))
        speedup = None
        if costs and told_costs and middle is not None:
            speedup = middle / float(costs.step(shorter + 1, shorter, shorter)) * costs.greedy
        found.append(Replayed(shorter, middle, low, high, speedup))
    return found


def _pooled(known: Sequence[Sequence[bool | None]], gamma: int, unknown: float) -> float | None:
    """Tokens per target forward of all outputs together."""
    chances = ([unknown if told is None else float(told) for told in own] for own in known)
    sums = [chain_forwards(own, gamma) for own in chances]
    tokens, forwards = sum(each for each, _ in sums), sum(each for _, each in sums)
    return tokens / forwards if forwards else None
