"""What one generation leaves behind: its tokens, and one column entry per decoding step.

Every table, figure and export of the harness is a fold over these; nothing needs a second run.
"""

from copy import deepcopy
from dataclasses import dataclass, field, is_dataclass
from typing import Any

# Decimals of seconds in records. What a clock says below a tenth of a microsecond is noise, and
# would be half of a record.
DIGITS = 7


@dataclass
class Steps:
    """One entry per forward of the target after the prefill; columns have equal length.

    Attributes:
        drafted: depth of the deepest proposed path that could have been accepted (0: no draft).
        accepted: drafted tokens on the path that the target confirmed and the stopping rule left in
            the output.
        emitted: tokens added to the output; accepted + 1, or accepted where the output ended with a
            drafted token (the end of sequence, a stop string's last, or the last that the context
            holds): a cut step, the generation's last.
        rows: rows of the target's forward.
        draft_forwards, draft_rows: the draft side's, 0 without a draft model.
        draft_seconds, verify_seconds, observe_seconds: time in propose, in the target's forward
            with the walk, and in learning from the verdict.
        model_seconds: of the whole step, the part in models' forwards, whoever's they are; on a
            GPU, until they were launched.
        sampling_seconds: of the whole step, the part that warping logits and drawing tokens takes,
            the draft side's as well; 0 at temperature 0.
        step_seconds: the whole step, from the last step's tokens to this one's.
        sources: for each accepted token, who proposed it.
        drafter_metrics: columns that the drafter alone has, by name (see Drafter.step_metrics); in
            records they stand beside the others.
    """

    drafted: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    emitted: list[int] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    draft_forwards: list[int] = field(default_factory=list)
    draft_rows: list[int] = field(default_factory=list)
    draft_seconds: list[float] = field(default_factory=list)
    verify_seconds: list[float] = field(default_factory=list)
    observe_seconds: list[float] = field(default_factory=list)
    model_seconds: list[float] = field(default_factory=list)
    sampling_seconds: list[float] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)
    sources: list[list[str]] = field(default_factory=list)
    drafter_metrics: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.drafted)


@dataclass
class Rounds:
    """What a rival without steps tells of its drafts: three columns as in Steps."""

    drafted: list[int] = field(default_factory=list)
    accepted: list[int] = field(default_factory=list)
    emitted: list[int] = field(default_factory=list)


@dataclass
class Generation:
    """The outcome of one `Decoder.generate`.

    Attributes:
        tokens: the new token ids, the end-of-sequence token or the stop string's last token
            included.
        stop: why it ended: "eos", "stop_string", "length" or "context".
        prefill_seconds: until the first tokens stood, with all that the method does with the
            prompt: the draft side's own prefill, what it learns from it, and the draft that rides
            in the target's forward over the prompt.
        total_seconds: the whole call. Decode time is the difference.
        steps: None for a rival from outside that does not tell its steps.
        extra: what one method alone has to say (see Drafter.metrics).
        prefill_tokens: tokens that stood after prefill_seconds; more than one where the prefill
            verified a draft.
        target_forwards, draft_forwards: those after the prefill, of a rival without steps that
            could count them.
        rounds: of a rival without steps that drafts.
    """

    tokens: list[int]
    stop: str
    prefill_seconds: float
    total_seconds: float
    steps: Steps | None = None
    extra: dict[str, object] = field(default_factory=dict)
    prefill_tokens: int = 1
    target_forwards: int | None = None
    draft_forwards: int | None = None
    rounds: Rounds | None = None

    @property
    def decode_seconds(self) -> float:
        """Seconds after the prefill."""
        return self.total_seconds - self.prefill_seconds

    def rounded(self) -> "Generation":
        """A copy whose seconds have the digits that tell anything, as records hold it."""
        copy: Generation = _rounded("", self)
        return copy


def _rounded(name: str, value: Any) -> Any:
    """A copy of a field's value."""
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{key: _rounded(key, each) for key, each in vars(value).items()})
    if isinstance(value, dict):
        return {key: _rounded(key, each) for key, each in value.items()}
    if name.endswith("_seconds"):
        return [round(each, DIGITS) for each in value] if isinstance(value, list) else round(value, DIGITS)
    return deepcopy(value)
