"""What figures are made of, as they stand in summaries, and what follows from a summary alone."""

from dataclasses import dataclass, field, fields
from typing import Any

from bench.measure.verdicts import Divergence
from bench.plan.typed_json import BESIDE, LEFT_OUT
from bench.report.own_figures import CLOCK_SECONDS, CLOCKS, NAMES
from bench.report.statistics import NONE, Acceptance, Estimate, Percentiles

__all__ = ["NONE", "Acceptance", "Estimate", "Percentiles"]


@dataclass(frozen=True)
class Sides:
    """One figure of the method, and of greedy beside it."""

    method: float | None
    greedy: float | None


@dataclass(frozen=True)
class TokenRates:
    """Tokens per second; decode leaves out the prefill and the tokens that it gives."""

    decode: Sides
    end_to_end: Sides


@dataclass(frozen=True)
class Speedups:
    """Rates over greedy's.

    Attributes:
        decode: of all prompts together, the prefill left out.
        end_to_end: of all prompts together.
        geomean: geometric mean of the prompts' own decode ratios.
    """

    decode: Estimate
    end_to_end: Estimate
    geomean: Estimate = NONE


@dataclass(frozen=True)
class AllSpeedups(Speedups):
    """Those, and decode over the faster greedy of two dtypes where float32 ran beside bfloat16."""

    decode_over_fastest_greedy: Estimate = NONE


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """Where the time of all generations went, in seconds.

    The parts of decode are None for a rival that does not tell its steps.

    Attributes:
        other: what drafting and verification leave of decode.
        observe: the part of other that is spent learning from verdicts.
        models: of decode, the part in models' forwards (on a GPU, until they were launched); None
            also in records from before it was known.
        sampling: of decode, the part that warping and drawing takes; None also in records from
            before it was known.
        clocks: the drafter's own, by CLOCK_SECONDS; what they tell lies within draft and observe,
            and is missing without such a clock and in records from before there was one.
    """

    prefill: float
    draft: float | None
    verify: float | None
    other: float | None
    observe: float | None
    clocks: dict[str, float] = field(default_factory=dict, metadata={BESIDE: CLOCK_SECONDS})
    decode: float
    models: float | None = field(default=None, metadata=LEFT_OUT)
    sampling: float | None = field(default=None, metadata=LEFT_OUT)

    @property
    def outside(self) -> float | None:
        """Of decode, what is spent outside of models' forwards; None where that is not known."""
        return None if self.models is None else self.decode - self.models

    def parts(self) -> dict[str, float | None]:
        """Drafting, verification, each clock and the rest, which add up to decode.

        None where they are not known; what no clock told stays in the others.
        """
        told = {name: self.clocks[name] for name in CLOCKS if name in self.clocks}
        drafting = sum(self.clocks.get(f"{name}_draft", 0.0) for name in told)
        observing = sum(told.values()) - drafting
        return {
            "draft": None if self.draft is None else self.draft - drafting,
            "verify": self.verify,
            **{name: told.get(name) for name in CLOCKS},
            "rest": None if self.other is None else self.other - observing,
        }

    def milliseconds(self, steps: float) -> dict[str, float]:
        """The parts of one of so many steps; what is not known takes none."""
        return {name: 1000 * (part or 0.0) / steps for name, part in self.parts().items()}


@dataclass(frozen=True)
class Verdicts:
    """How many outputs have which verdict, and the worst as the whole's.

    Attributes:
        reference_mismatch: greedy outputs that are not the model's own: a fault of the harness,
            whatever the method.
        distribution: samples that are not drawn token by token as plain sampling draws: by a
            classic rule, or by transformers.
    """

    identical: int
    tie: int
    mismatch: int
    verdict: str
    reference_mismatch: int
    distribution: int = field(default=0, metadata=LEFT_OUT)


@dataclass(frozen=True, kw_only=True)
class Lossless:
    """The verdicts, the largest gap and the tolerated one, and the first that are not greedy's."""

    identical: int
    tie: int
    mismatch: int
    verdict: str
    tolerance: float | None = None
    reference_mismatch: int
    distribution: int = field(default=0, metadata=LEFT_OUT)
    largest_gap: float | None = None
    divergences: list[Divergence] = field(default_factory=list)

    def verdicts(self) -> Verdicts:
        """The counts alone."""
        return Verdicts(**{each.name: getattr(self, each.name) for each in fields(Verdicts)})


@dataclass(frozen=True)
class Runaways:
    """How many outputs ran away (see ran_away), and their share of all generated tokens."""

    outputs: int
    share: float


CHAIN, TREE = "chain", "tree"


@dataclass(frozen=True)
class AcceptedPart:
    """How many steps some are, and their mean acceptance length: tokens that a step confirms."""

    count: int
    length: float


@dataclass(frozen=True, kw_only=True)
class Drafts:
    """How drafts fared, as others in the field count it.

    Attributes:
        shape: CHAIN, or TREE if any step verified more than one path: suffixes, branches, a window.
        length: mean acceptance length over all steps.
        length_by_request: mean over generations of their own.
        wasted_rows_per_step: rows of a step's forward that confirmed no token.
        by_position: the same by where in the output a step begins, in tokens such as "32-63".
        by_prompt_length: the same by the prompt's length in tokens.
    """

    shape: str
    length: float
    length_by_request: float
    wasted_rows_per_step: float | None
    by_position: dict[str, AcceptedPart]
    by_prompt_length: dict[str, AcceptedPart]


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long one waits, in seconds; None where the method, or an older record, does not tell.

    Attributes:
        first_token: until the first tokens stand, over generations.
        step: of a step, over steps.
        inter_token: a step's seconds / the tokens it gives, over tokens.
        stalls: steps longer than STALL times the median one.
        stalled: their share of all steps' time.
        joules_per_token: of all that was generated, the prefill's too.
    """

    first_token: Percentiles
    step: Percentiles | None
    inter_token: Percentiles | None
    stalls: int | None
    stalled: float | None
    joules_per_token: float | None


@dataclass(frozen=True)
class Noise:
    """What a panel's A/A case says of the machine: greedy decoding over greedy decoding.

    Attributes:
        decode: the ratio of their decode speeds, which is 1.0 but for noise.
        too_noisy: whether its interval misses 1.0; None where the pairs are too few to tell.
    """

    decode: Estimate
    too_noisy: bool | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What of a summary follows from its records alone, in the order in which it stands there.

    A default stands in summaries that are older than the field.

    Attributes:
        own: the drafter's own figures, those of NAMES that it has.
        intervals_over: what the bootstrap behind all intervals draws anew.
    """

    shortened_prompts: int | None = None
    measured_side_by_side: bool | None = None
    generated_tokens: int | None = None
    stops: dict[str, int] | None = None
    tokens_per_second: TokenRates
    speedup: AllSpeedups
    tokens_per_target_forward: float | None
    tokens_per_target_forward_mean: float | None = None
    target_forwards: int | None = None
    draft_forwards: int | None = None
    verified_rows_per_step: float | None = None
    draft_forwards_per_step: float | None = None
    draft_rows_per_step: float | None = None
    acceptance: Acceptance
    accepted_by_source: dict[str, int] | None = None
    own: dict[str, Any] = field(default_factory=dict, metadata={BESIDE: NAMES})
    seconds: Seconds
    greedy_seconds: Seconds
    lossless: Lossless
    repetition: float | None = None
    runaways: Runaways | None = None
    intervals_over: str = "prompts"
    drafts: Drafts | None = None
    latency: Latency | None = None
    greedy_latency: Latency | None = None

    @property
    def draft_cost(self) -> float | None:
        """Seconds of a draft model's forward over a greedy step's; None without such forwards."""
        greedy = self.tokens_per_second.decode.greedy
        if not self.draft_forwards or not self.seconds.draft or not greedy:
            return None
        return self.seconds.draft / self.draft_forwards * greedy

    @property
    def step_milliseconds(self) -> dict[str, float] | None:
        """A step's time by part; None where the method does not tell its steps."""
        if not self.target_forwards or self.seconds.verify is None:
            return None
        return self.seconds.milliseconds(self.target_forwards)

    @property
    def greedy_step_milliseconds(self) -> dict[str, float] | None:
        """The same of greedy beside it, which gives one token a step; None where it gave none."""
        tokens = (self.tokens_per_second.decode.greedy or 0.0) * self.greedy_seconds.decode
        return self.greedy_seconds.milliseconds(tokens) if tokens else None


@dataclass(frozen=True)
class Comparison:
    """The speed of a panel's case over another's, each over the greedy beside it.

    Attributes:
        method, over: labels of the two.
        paired: whether that was the very same greedy.
    """

    method: str
    over: str
    paired: bool
    decode: Estimate
    geomean: Estimate
    end_to_end: Estimate

    def row(self) -> dict[str, object]:
        """A line of comparison.csv."""
        found: dict[str, object] = {"method": self.method, "over": self.over, "paired": self.paired}
        for name in ("decode", "geomean", "end_to_end"):
            found |= {f"{name}_{key}": value for key, value in vars(getattr(self, name)).items()}
        return found
