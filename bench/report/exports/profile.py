"""speculation_profile.json: how good a draft is, for simulators and serving engines.

NVIDIA Model-Optimizer, examples/specdec_bench/specdec_bench/speculation_profile.py of pull request
2247 at 095124e, which was still open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from bench.models.config import BUNDLED_PREFIX
from bench.plan.typed_json import to_json
from bench.report.case_records import CaseRecords
from bench.report.collection import Run
from bench.report.exports.questions import questions
from bench.report.metrics.requests import survival
from bench.report.writing import json_text

FILE = "speculation_profile.json"
SCHEMA_VERSION = "1.0"
DIGITS = 6
TOLERANCE = 0.02
# By our name theirs, for what has one.
METHODS = {"speculative": "draft_model", "hf_assisted": "draft_model", "greedy": "none", "hf_generate": "none"}
# A longer draft of these begins with the shorter one, so one run tells of every shorter draft.
CHAINS = ("speculative",)
# These draft with the target's own weights.
SELF_DRAFTING = ("self_speculative",)


@dataclass(frozen=True)
class Consistency:
    """Whether the mean is the one that the marginal rates imply."""

    implied_mean_accept_length: float
    reported_mean_accept_length: float
    abs_delta: float
    tolerance: float
    passed: bool


@dataclass(frozen=True)
class Violation:
    """A marginal rate that is larger than the one before it."""

    position: int
    value: float
    previous: float


@dataclass(frozen=True)
class Monotonicity:
    """Whether no marginal rate is larger than the one before it."""

    passed: bool
    violations: list[Violation]


@dataclass(frozen=True)
class Validation:
    """Both checks."""

    mean_consistency: Consistency
    marginal_monotonicity: Monotonicity


@dataclass(frozen=True)
class CategoryLength:
    """Of the prompts of a category."""

    mean_accept_length: float


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What the profile was measured on.

    Attributes:
        osl: the longest output in tokens.
        num_samples: generations.
    """

    dataset: str
    split: str
    osl: int
    num_samples: int
    engine: str
    device: str
    dtype: str
    temperature: float
    batch_size: int = 1


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The file. Lengths include the target's own token, rates are by draft position.

    Attributes:
        measured: false where nothing was drafted.
        draft_checkpoint, target_model: names of at most two parts, no paths.
        num_speculative_tokens: the longest draft, and so many rates there are.
        accept_length_model: "chain_analytic" where one run tells of every shorter draft, else
            "measured_per_k".
        accept_length_by_k: the mean length at the measured num_speculative_tokens, no other.
        acceptance_length_histogram: without lengths that never occurred.
    """

    schema_version: str = SCHEMA_VERSION
    measured: bool
    method: str
    draft_checkpoint: str | None
    target_model: str | None
    num_speculative_tokens: int
    block_size: int | None = None
    max_supported_k: int
    verification_method: str = "longest_prefix"
    conditional_accept_rates: list[float] = field(default_factory=list)
    marginal_accept_rates: list[float] = field(default_factory=list)
    mean_accept_length: float | None = None
    mean_accept_length_per_request: float | None = None
    accept_length_model: str
    accept_length_by_k: dict[int, float] = field(default_factory=dict)
    acceptance_length_histogram: dict[int, int] | None = None
    per_category: dict[str, CategoryLength] | None = None
    measurement_conditions: Conditions
    validation: Validation | None = None

    def to_json(self) -> dict[str, Any]:
        """The file's mapping."""
        content: dict[str, Any] = to_json(self)
        return content


def export(run: Run, folder: Path) -> list[Path]:
    """Write the profile of a run; the file.

    Raises:
        UserError: the run's records cannot be read.
    """
    file = folder / FILE
    file.write_text(json_text(profile(run).to_json()), "utf-8")
    return [file]


def profile(run: Run) -> Profile:
    """What a run says of its drafts.

    Raises:
        UserError: the run's records cannot be read.
    """
    summary, records = run.summary, run.records()
    models = run.config.get("model") or {}
    own = models.get("target" if summary.method in SELF_DRAFTING else "draft")
    unmeasured = Profile(
        measured=False,
        method=METHODS.get(summary.method, summary.method),
        draft_checkpoint=checkpoint(own) if summary.draft_forwards else None,
        target_model=checkpoint(models.get("target")),
        num_speculative_tokens=0,
        max_supported_k=0,
        accept_length_model="chain_analytic" if summary.method in CHAINS else "measured_per_k",
        measurement_conditions=Conditions(
            dataset=summary.task,
            split=summary.split,
            osl=summary.max_new_tokens,
            num_samples=summary.prompts * summary.repeats,
            engine=f"ouroboros-bench {summary.engine}",
            device=run.machine,
            dtype=summary.dtype,
            temperature=summary.temperature,
        ),
    )
    found = survival(records.method)
    if found is None:
        return unmeasured
    marginal = [round(rate, DIGITS) for rate in found.marginal]
    mean = round(found.mean, DIGITS)
    return replace(
        unmeasured,
        measured=True,
        num_speculative_tokens=len(marginal),
        max_supported_k=len(marginal),
        conditional_accept_rates=[round(rate, DIGITS) for rate in found.conditional],
        marginal_accept_rates=marginal,
        mean_accept_length=mean,
        mean_accept_length_per_request=round(found.request_mean, DIGITS),
        accept_length_by_k={len(marginal): mean},
        acceptance_length_histogram=found.histogram,
        per_category=_by_category(run, records),
        validation=Validation(_consistency(mean, marginal), _monotonicity(marginal)),
    )


def _by_category(run: Run, records: CaseRecords) -> dict[str, CategoryLength] | None:
    """The mean length of each of the task's categories, None for a task without any."""
    if not run.summary.categories:
        return None
    asked = questions(run, records)
    found = {}
    for name in dict.fromkeys(each.category for each in asked):
        indices = [records.prompts.index(prompt) for each in asked if each.category == name for prompt in each.prompts]
        part = survival(records.part(indices).method)
        if part is not None:
            found[name] = CategoryLength(round(part.mean, DIGITS))
    return found


def _consistency(mean: float, marginal: Sequence[float]) -> Consistency:
    implied = round(1 + sum(marginal), DIGITS)
    delta = round(abs(implied - mean), DIGITS)
    return Consistency(implied, mean, delta, TOLERANCE, delta <= TOLERANCE)


def _monotonicity(marginal: Sequence[float]) -> Monotonicity:
    pairs = enumerate(pairwise(marginal), 1)
    found = [Violation(position, value, before) for position, (before, value) in pairs if value > before]
    return Monotonicity(not found, found)


def checkpoint(name: str | None) -> str | None:
    """A model's name without the folders before its last two parts: the file is published."""
    parts = [part for part in (name or "").removeprefix(BUNDLED_PREFIX).split("/") if part]
    return "/".join(parts[-2:]) or None
