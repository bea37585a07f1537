"""The records of one case as columns: what every table, figure and export is folded from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.measure.lossless import IDENTICAL, MISMATCH, TIE, divergence, fits, verdict
from bench.measure.store import FLOAT32, METHOD, REFERENCE, RunFolder
from bench.report.statistics import Throughput, repetition_rate

Record = dict[str, Any]

SHOWN_DIVERGENCES = 5

# See ran_away.
ENDLESS = ("length", "context")
RUNAWAY_REPETITION = 0.5


@dataclass(frozen=True)
class Fold:
    """Generations of the method and of greedy beside it: [prompt][repeat] each, prompts in the data set's order.

    float32: greedy in float32 beside them, None where the roles of the run have none.
    """

    prompts: list[str]
    method: list[list[Record]]
    reference: list[list[Record]]
    float32: list[list[Record]] | None = None

    @classmethod
    def of(
        cls, folder: RunFolder, prompts: Sequence[str], repeats: int, roles: Sequence[str] = (METHOD, REFERENCE)
    ) -> "Fold":
        """The records of these prompts, repeats and roles; all of them must be there."""

        def column(role: str) -> list[list[Record]]:
            return [[folder.records[prompt, repeat, role] for repeat in range(repeats)] for prompt in prompts]

        float32 = column(FLOAT32) if FLOAT32 in roles else None
        return cls(list(prompts), column(METHOD), column(REFERENCE), float32)

    def part(self, places: Sequence[int]) -> "Fold":
        """The prompts at these places alone."""
        columns = [self.method, self.reference, *([self.float32] if self.float32 else [])]
        return Fold([self.prompts[place] for place in places], *([column[p] for p in places] for column in columns))

    @property
    def side_by_side(self) -> bool:
        """Whether every pair was measured in one process."""
        return all(
            ours["session"] == greedy["session"]
            for ours, greedy in zip(flat(self.method), flat(self.reference), strict=True)
        )


def flat(records: Iterable[list[Record]]) -> list[Record]:
    """All repeats of all prompts."""
    return [record for repeats in records for record in repeats]


def decode_seconds(record: Record) -> float:
    return record["total_seconds"] - record["prefill_seconds"]


def decode_tokens(record: Record) -> int:
    """Tokens but for those that the prefill gives: one, or a verified draft with it."""
    return max(len(record["tokens"]) - record.get("prefill_tokens", 1), 0)


def decode_throughput(records: list[list[Record]]) -> Throughput:
    """Without the prefill and the tokens it gives; the one way to a decode speed, for reports, searches and the bar.

    records: [prompt][repeat].
    """
    tokens = [sum(map(decode_tokens, repeats)) for repeats in records]
    return Throughput(np.array(tokens), np.array([sum(map(decode_seconds, repeats)) for repeats in records]))


def total_throughput(records: list[list[Record]]) -> Throughput:
    """End to end: every token, every second."""
    tokens = [sum(len(record["tokens"]) for record in repeats) for repeats in records]
    seconds = [sum(record["total_seconds"] for record in repeats) for repeats in records]
    return Throughput(np.array(tokens), np.array(seconds))


def steps_column(records: list[list[Record]], name: str) -> list[Any] | None:
    """One column of all steps of all generations; None for a method that does not tell its steps or has no such
    column, and where a record was made before there was one."""
    columns = [(record["steps"] or {}).get(name) for record in flat(records)]
    if any(column is None for column in columns):
        return None
    return [entry for column in columns for entry in column]


def draft_columns(records: list[list[Record]]) -> tuple[list[int], list[int], list[int]]:
    """(drafted, accepted, emitted) of all target forwards after the prefill, as steps tell them or a rival's rounds;
    empty where neither does."""
    told = [(record["steps"] or record.get("rounds") or {}) for record in flat(records)]
    names = ("drafted", "accepted", "emitted")
    if any(name not in each for each in told for name in names):
        return [], [], []
    drafted, accepted, emitted = ([entry for each in told for entry in each[name]] for name in names)
    return drafted, accepted, emitted


def tokens_per_forward(records: list[list[Record]]) -> tuple[float | None, float | None]:
    """Tokens per target forward after the prefill: (all tokens / all forwards, mean over prompts of a prompt's own).

    A prompt's own are the tokens / forwards of all its repeats; prompts that the prefill answered have none. None
    where forwards were not counted.
    """
    shares = []
    for part in [records, *([repeats] for repeats in records)]:
        forwards, _ = count_forwards(part)
        shares.append(sum(map(decode_tokens, flat(part))) / forwards if forwards else None)
    own = [share for share in shares[1:] if share is not None]
    return shares[0], sum(own) / len(own) if own else None


def count_forwards(records: list[list[Record]]) -> tuple[int | None, int | None]:
    """Forwards of (target, draft) after the prefill, as steps tell them or a rival's own count; None where neither
    does, or where there is no draft."""
    emitted, drafts = (steps_column(records, name) for name in ("emitted", "draft_forwards"))
    if emitted is not None:
        return len(emitted), sum(drafts) or None
    counts = [[record.get(f"{side}_forwards") for record in flat(records)] for side in ("target", "draft")]
    target, draft = (None if None in each else sum(each) for each in counts)
    return target, draft or None


def ran_away(record: Record) -> bool:
    """Whether an output never came to its end but went round in circles.

    It ended by "length" or with the context, and more than half of its 4-grams had occurred in it before. Outputs that
    end by themselves stay below that (0.45 at most in results/paper), and answers that are merely long repeat little.
    """
    return record["stop"] in ENDLESS and (repetition_rate([record["tokens"]]) or 0.0) > RUNAWAY_REPETITION


def runaways(records: list[list[Record]]) -> dict[str, Any]:
    """How many outputs ran away, and the share of all generated tokens that is theirs."""
    outputs = flat(records)
    lengths = [len(record["tokens"]) for record in outputs if ran_away(record)]
    return {"outputs": len(lengths), "share": sum(lengths) / (sum(len(each["tokens"]) for each in outputs) or 1)}


def lossless(fold: Fold) -> dict[str, Any]:
    """Counts of verdicts, the worst as the whole's verdict, and the first outputs that are not greedy's.

    reference_mismatch counts greedy outputs that are not the model's own: a fault of the harness, whatever the method.
    """
    counts = {IDENTICAL: 0, TIE: 0, MISMATCH: 0}
    divergences = []
    for ours, greedy in zip(fold.method, fold.reference, strict=True):
        for record, reference in zip(ours, greedy, strict=True):
            outcome = verdict(record, reference, ours[0])
            counts[outcome] += 1
            if outcome != IDENTICAL:
                divergences.append(divergence(record, reference, outcome))
    divergences.sort(key=lambda each: each["outcome"] != MISMATCH)
    wrong = sum(
        not fits(reference) or reference["tokens"] != greedy[0]["tokens"]
        for greedy in fold.reference
        for reference in greedy
    )
    return {
        **counts,
        "verdict": MISMATCH if counts[MISMATCH] or wrong else TIE if counts[TIE] else IDENTICAL,
        "tolerance": max(record["tolerance"] for record in flat(fold.method)),
        "reference_mismatch": wrong,
        "largest_gap": max(record["gap"] for record in flat(fold.method)),
        "divergences": divergences[:SHOWN_DIVERGENCES],
    }
