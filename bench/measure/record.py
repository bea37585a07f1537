"""A record: one generation, as a line of records.jsonl holds it. All figures follow from these."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, ClassVar

from bench.measure.steps import RecordedSteps
from decoding.errors import UserError
from decoding.records import Rounds

METHOD, REFERENCE, FLOAT32 = "method", "reference", "reference_float32"

Key = tuple[str, int, str]


@dataclass(frozen=True)
class Judgement:
    """How an output fits the target, as its record tells it (see Record).

    All None where nothing was judged: a generation in another dtype, in which other tokens are
    right.
    """

    gap: float | None = None
    gap_at: int | None = None
    stop_fault: str | None = None
    tolerance: float | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """Whose generation of which prompt: what came out, how long it took, and whether it is right.

    A field with the default None is null where there is no such thing, and where the record is
    older than the field.

    Attributes:
        prompt, repeat, role: the key. The role is "method", or "reference" for the greedy
            generation beside it ("reference_float32": see bench/measure/float32.py).
        prompt_version: the task's, with its wording.
        prompt_tokens, prompt_digest: length and digest of the prompt's token ids.
        prompt_cut: how many tokens were cut off the prompt so that the output finds room.
        order: how many methods had decoded the prompt before, in this pass.
        label: the case's, "greedy" for a reference.
        session: the process that measured.
        finished: when, in seconds since 1970.
        tokens, stop, prefill_seconds, total_seconds, extra, prefill_tokens, target_forwards,
            draft_forwards, rounds: as in decoding.records.Generation.
        steps: None for a rival that does not tell its steps.
        text: the output in words.
        peak_memory_bytes: of the device, or of the process on a CPU.
        joules: what the processor packages, or the GPU, took meanwhile (see
            bench/measure/energy.py); None where the machine does not tell.
        undrafted_tokens: those where the draft's context left no room; None without a model that
            drafts.
        draft_fault: what is wrong with a draft whose logits are no numbers.
        gap, gap_at, stop_fault: see bench.measure.lossless.Agreement.
        tolerance: the largest gap that is one of rounding. These four are None in another dtype
            than the target's.
        own_draws: whether the output was sampled by a classic rule or by transformers: its tokens
            are right in distribution at most, and have no gap.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    prompt: str
    prompt_version: str
    repeat: int
    role: str
    order: int
    prompt_cut: int
    label: str
    session: str
    finished: float
    prompt_tokens: int
    prompt_digest: str | None = None
    tokens: list[int]
    stop: str
    prefill_seconds: float
    total_seconds: float
    steps: RecordedSteps | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    prefill_tokens: int = 1
    target_forwards: int | None = None
    draft_forwards: int | None = None
    rounds: Rounds | None = None
    text: str
    peak_memory_bytes: int
    joules: float | None = None
    undrafted_tokens: int | None = None
    draft_fault: str | None = None
    gap: float | None = None
    gap_at: int | None = None
    stop_fault: str | None = None
    tolerance: float | None = None
    own_draws: bool = False

    @property
    def key(self) -> Key:
        """What no other record of its folder has."""
        return self.prompt, self.repeat, self.role

    def to_json(self) -> dict[str, Any]:
        """The line's mapping. The first version of the schema is not named in it."""
        left_out = JUDGED if self.tolerance is None else ()
        content = {name: getattr(self, name) for name in NAMES if name not in left_out}
        if self.steps is not None:
            content["steps"] = self.steps.columns()
        if self.rounds is not None:
            content["rounds"] = dict(vars(self.rounds))
        return content

    @classmethod
    def from_json(cls, content: Any) -> "Record":
        """The record of a line's mapping.

        Unknown keys are refused: they are a newer harness's, and a figure of what it counts
        otherwise would be silently wrong.

        Raises:
            ValueError: it is no record, or cut short.
            UserError: it is a newer harness's.
        """
        if not isinstance(content, dict):
            raise ValueError("no mapping")
        version = content.get("schema_version", cls.SCHEMA_VERSION)
        if version != cls.SCHEMA_VERSION:
            raise UserError(f"has schema version {version}, this harness reads {cls.SCHEMA_VERSION}")
        values = {name: value for name, value in content.items() if name != "schema_version"}
        _require_names(values, NEEDED, NAMES)
        if not isinstance(values["repeat"], int):
            raise ValueError("repeat is no number")
        if values.get("steps") is not None:
            values["steps"] = RecordedSteps.from_json(values["steps"])
        if values.get("rounds") is not None:
            values["rounds"] = _rounds(values["rounds"])
        return cls(**values)


NAMES = tuple(each.name for each in fields(Record))
NEEDED = tuple(each.name for each in fields(Record) if each.default is MISSING and each.default_factory is MISSING)
# Left out of a line where nothing was judged.
JUDGED = tuple(each.name for each in fields(Judgement))
ROUNDS = tuple(each.name for each in fields(Rounds))


def _rounds(content: Any) -> Rounds:
    if not isinstance(content, dict):
        raise ValueError("rounds are no mapping")
    _require_names(content, ROUNDS, ROUNDS, "rounds.")
    return Rounds(**content)


def _require_names(content: Collection[str], needed: Sequence[str], known: Sequence[str], where: str = "") -> None:
    if missing := [f"{where}{name}" for name in needed if name not in content]:
        raise ValueError(f"lacks {', '.join(missing)}")
    if unknown := [f"{where}{name}" for name in content if name not in known]:
        raise UserError(f"has {', '.join(unknown)}, which this harness does not know: a newer one wrote it")
