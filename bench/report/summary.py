"""summary.json, which other tools read. Every key is there; what a method cannot have is null."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from bench.measure.provenance import Times, Warmup
from bench.models.config import EAGER
from bench.plan import typed_json
from bench.plan.typed_json import LEFT_OUT
from bench.report.categories import Category, Quality
from bench.report.figure_types import Figures, Noise
from decoding.draws import KEYED, SHARED


@dataclass(frozen=True)
class SettingsOrigin:
    """Where the method's settings come from: bench.plan.tuned.Origin as it was then.

    Attributes:
        in_words: it as a sentence.
        shown: what tables call the settings, "tuned" or "paper"; None where some were given, and of
            methods without any to choose.
    """

    kind: str
    file: str
    given: list[str]
    why: str
    in_words: str
    shown: str | None


def sampling_in_words(temperature: float, top_k: int, top_p: float, min_p: float, seed: int) -> str:
    """What tells one way of sampling from another; "" for greedy decoding."""
    if not temperature:
        return ""
    parts = [f"temperature {temperature:g}"]
    parts += [f"top-k {top_k}"] if top_k else []
    parts += [f"top-p {top_p:g}"] if top_p < 1 else []
    parts += [f"min-p {min_p:g}"] if min_p else []
    return ", ".join([*parts, f"seed {seed}"])


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What was measured and how.

    Attributes:
        label: the case's name in its panel.
        method: the method's, and method_config its settings, the name among them.
        settings: where they come from.
        ours: whether a mismatch is our fault.
        model: the pair's label.
        data: the source, or a file.
        prompts, repeats: how many generations there are of each side.
    """

    schema_version: int
    label: str
    method: str
    method_config: dict[str, Any]
    settings: SettingsOrigin | None = None
    ours: bool = True
    task: str
    prompt_version: str
    model: str
    data: str
    split: str
    device: str
    dtype: str
    draft_dtype: str | None = None
    draft_vocabulary: int | None = None
    engine: str = EAGER
    seed: int = 0
    temperature: float = 0.0
    top_k: int = field(default=0, metadata=LEFT_OUT)
    top_p: float = field(default=1.0, metadata=LEFT_OUT)
    min_p: float = field(default=0.0, metadata=LEFT_OUT)
    draft_noise: str = field(default=SHARED, metadata=LEFT_OUT)
    accepted_by: str = field(default=KEYED, metadata=LEFT_OUT)
    max_new_tokens: int
    history: str
    prompts: int
    repeats: int


@dataclass(frozen=True, kw_only=True)
class Summary(Figures, Conditions):
    """One case: what was measured, the figures of its records, and what its run knows beside them.

    A field's default says that it was not known when the summary was written, by an older harness.

    Attributes:
        undrafted_prompts, partly_undrafted_prompts: see bench.report.metrics.outputs.
        nonfinite_draft_prompts: prompts on which the draft's logits were no numbers.
        quality, quality_notes: scores of both sides' outputs by metric, and what a metric says of
            itself.
        peak_memory_bytes: the most that a generation took; peak_memory_of: of what.
        folder: of the run.
        later_turns: how many of the prompts follow another's answer.
        categories: figures of the task's parts, None for a task without any.
        warmup: before the records.
        neighbours: the most other runs on the same cores or GPU meanwhile.
        nearby: last-level caches and memory nodes that other runs were on meanwhile.
        prompt_overlap: see bench.plan.prompts.prompt_overlap.
        left_out: labels of the panel's cases that cannot run, with the reasons.
        warnings: see bench/report/warnings.py.
        noise: of the panel's A/A case, None in a panel without one.
        probe: milliseconds of a forward by engine and rows, where nobody chose the engine.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    undrafted_prompts: int | None = None
    partly_undrafted_prompts: int | None = None
    nonfinite_draft_prompts: int | None = None
    quality: Quality
    quality_notes: dict[str, str] = field(default_factory=dict)
    peak_memory_bytes: int | None = None
    peak_memory_of: str | None = None
    folder: str = ""
    later_turns: int | None = None
    categories: dict[str, Category] | None = None
    warmup: Warmup | None = None
    neighbours: int | None = None
    nearby: list[str] = field(default_factory=list)
    prompt_overlap: float | None = None
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    noise: Noise | None = None
    probe: Times | None = None

    @property
    def sampling(self) -> str:
        """How tokens were drawn, in words; "" at temperature 0."""
        return sampling_in_words(self.temperature, self.top_k, self.top_p, self.min_p, self.seed)

    @property
    def decoding(self) -> str:
        """How tokens were chosen, and how many sequences at once, in words."""
        return ", ".join(filter(None, [self.sampling, "batch size 1"]))

    @property
    def tokens_per_forward_with_prefill(self) -> float | None:
        """Tokens per target forward, each generation's prefill and its tokens counted in."""
        if self.generated_tokens is None or self.target_forwards is None:
            return None
        return self.generated_tokens / (self.target_forwards + self.prompts * self.repeats)

    def to_json(self) -> dict[str, Any]:
        """The mapping of summary.json."""
        content: dict[str, Any] = typed_json.to_json(self)
        return content

    @classmethod
    def from_json(cls, content: Any) -> "Summary":
        """The summary of the mapping in a summary.json of any age.

        Unknown keys are refused: they are a newer harness's, and what it says there must not be
        lost silently.

        Raises:
            UserError: another schema version, or a key that is missing, unknown or damaged.
        """
        summary: Summary = typed_json.from_file(cls, content, "summary.json")
        return summary
