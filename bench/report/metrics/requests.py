"""What one generation tells: a request, as servers and other benchmarks call it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bench.measure.record import Record
from bench.report.case_records import Grid, flat
from bench.report.metrics.drafts import draft_columns
from bench.report.statistics import acceptance


@dataclass(frozen=True, kw_only=True)
class RequestAcceptance:
    """A request's drafts, by the names and conventions of vLLM and AIPerf (docs/exports.md).

    https://docs.vllm.ai/en/stable/features/speculative_decoding/acceptance_metrics. A step without
    a draft is left out there, and so is the prefill.

    Attributes:
        mean_acceptance_length: 1 + accepted / steps, the target's own token included.
        draft_acceptance_rate: accepted / drafted tokens.
        acceptance_histogram: at j the steps that accepted j tokens, num_spec_tokens + 1 entries.
        acceptance_histogram_by_draft_length: the same by how many tokens were drafted, each of one
            entry more.
        num_spec_steps: steps with a draft.
        num_accepted_draft_tokens: those that stand in the output, without the target's own.
        num_draft_tokens: of the deepest path of each step.
        num_spec_tokens: the longest draft of the whole run.
        per_step_accepted, per_step_drafted: step by step.
    """

    mean_acceptance_length: float
    draft_acceptance_rate: float
    acceptance_histogram: list[int]
    acceptance_histogram_by_draft_length: dict[int, list[int]] = field(default_factory=dict)
    num_spec_steps: int
    num_accepted_draft_tokens: int
    num_draft_tokens: int
    num_spec_tokens: int
    per_step_accepted: list[int]
    per_step_drafted: list[int]


def longest_draft(grid: Grid) -> int:
    """The most tokens that a step drafted; 0 where nothing ever was."""
    drafted, _, _ = draft_columns(grid)
    return max(drafted, default=0)


def request_acceptance(record: Record, longest: int) -> RequestAcceptance:
    """How the drafts of a generation fared.

    Where it has no drafted step the length is 1 and the rate 0, as their documents have it.

    Args:
        record: of a method that tells its steps or rounds.
        longest: see `longest_draft`, of the run.
    """
    columns = draft_columns([[record]])
    steps = [(drafted, accepted) for drafted, accepted, _ in zip(*columns, strict=True) if drafted]
    drafted, accepted = [each for each, _ in steps], [each for _, each in steps]
    total, kept = sum(drafted), sum(accepted)
    return RequestAcceptance(
        mean_acceptance_length=1 + kept / len(steps) if steps else 1.0,
        draft_acceptance_rate=kept / total if total else 0.0,
        acceptance_histogram=_counted(accepted, longest),
        acceptance_histogram_by_draft_length={
            length: _counted([own for given, own in steps if given == length], length)
            for length in sorted(set(drafted))
        },
        num_spec_steps=len(steps),
        num_accepted_draft_tokens=kept,
        num_draft_tokens=total,
        num_spec_tokens=longest,
        per_step_accepted=accepted,
        per_step_drafted=drafted,
    )


def _counted(values: Sequence[int], longest: int) -> list[int]:
    counts = Counter(values)
    return [counts[value] for value in range(longest + 1)]


@dataclass(frozen=True, kw_only=True)
class Survival:
    """How far the steps of a run came, over all steps after the prefill, drafted or not.

    Attributes:
        marginal: by d, the share of steps that accepted more than d tokens.
        conditional: by d, the same among those that accepted d at least; 0 where none did.
        histogram: tokens of a step, its free token included, to the number of steps.
        mean: of a step's tokens; 1 + the sum of marginal.
        request_mean: the mean over generations of their own means.
    """

    marginal: list[float]
    conditional: list[float]
    histogram: dict[int, int]
    mean: float
    request_mean: float


def survival(grid: Grid) -> Survival | None:
    """As specdec_bench counts it: the conditional shares multiply to the marginal ones.

    So a step with a shorter draft counts as one that came no further, which docs/metrics.md's
    conditional acceptance leaves out. A cut step counts with its free token, which was not emitted.

    Args:
        grid: of a run.

    Returns:
        None where nothing was drafted.
    """
    drafted, accepted, emitted = draft_columns(grid)
    marginal = acceptance(drafted, accepted, emitted).marginal
    if marginal is None:
        return None
    before = [1.0, *marginal]
    means = [_mean_length(record) for record in flat(grid)]
    known = [mean for mean in means if mean is not None]
    return Survival(
        marginal=marginal,
        conditional=[after / given if given else 0.0 for after, given in zip(marginal, before, strict=False)],
        histogram={length + 1: count for length, count in sorted(Counter(accepted).items())},
        mean=1 + sum(accepted) / len(accepted),
        request_mean=sum(known) / len(known),
    )


def _mean_length(record: Record) -> float | None:
    """Of a generation's steps; None where the prefill gave all of it."""
    _, accepted, _ = draft_columns([[record]])
    return 1 + sum(accepted) / len(accepted) if accepted else None


def forward_tokens(record: Record) -> list[int] | None:
    """Tokens that each forward of the target gave, the prefill first; they add up to the output.

    None where forwards and tokens after the prefill are not known one by one.
    """
    _, _, emitted = draft_columns([[record]])
    after = len(record.tokens) - record.prefill_tokens
    if not emitted and record.steps is None and record.rounds is None:
        if record.target_forwards != after:
            return None
        emitted = [1] * after
    return [record.prefill_tokens, *emitted]


def wall_seconds(record: Record) -> float:
    """Of the whole generation, the prefill included."""
    return record.total_seconds


@dataclass(frozen=True, kw_only=True)
class StepRow:
    """One forward of the target, as a line of a table (see decoding.records.Steps).

    Attributes:
        step: 0 for the prefill, of which a record keeps tokens and seconds alone.
        position: of its first token in the output.
        tokens: how many it gave, and token_ids which.
        sources: who proposed each accepted token.
        seconds: draft, verification and learning together; of the prefill all of it.
    """

    step: int
    position: int
    tokens: int
    token_ids: list[int]
    drafted: int | None = None
    accepted: int | None = None
    rows: int | None = None
    draft_forwards: int | None = None
    draft_rows: int | None = None
    sources: list[str] | None = None
    draft_seconds: float | None = None
    verify_seconds: float | None = None
    observe_seconds: float | None = None
    seconds: float


def step_rows(record: Record) -> Iterator[StepRow]:
    """A row a forward of the target; of a rival that does not tell its steps the prefill alone."""
    end = record.prefill_tokens
    yield StepRow(step=0, position=0, tokens=end, token_ids=record.tokens[:end], seconds=record.prefill_seconds)
    steps = record.steps
    if steps is None:
        return
    for at, tokens in enumerate(steps.emitted):
        observed = steps.observe_seconds[at] if steps.observe_seconds is not None else None
        yield StepRow(
            step=at + 1,
            position=end,
            tokens=tokens,
            token_ids=record.tokens[end : end + tokens],
            drafted=steps.drafted[at],
            accepted=steps.accepted[at],
            rows=steps.rows[at],
            draft_forwards=steps.draft_forwards[at],
            draft_rows=steps.draft_rows[at],
            sources=steps.sources[at],
            draft_seconds=steps.draft_seconds[at],
            verify_seconds=steps.verify_seconds[at],
            observe_seconds=observed,
            seconds=steps.draft_seconds[at] + steps.verify_seconds[at] + (observed or 0.0),
        )
        end += tokens
