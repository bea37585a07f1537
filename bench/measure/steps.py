"""The steps of a record: the columns of decoding.records.Steps, as far as they were known then."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from decoding.records import Steps


@dataclass(frozen=True, kw_only=True)
class RecordedSteps:
    """Each column with an entry a step.

    A column that is None is younger than the record; an empty one says that there was no step.

    Attributes:
        drafter_metrics: the drafter's own, by name; in a line they stand beside the others.
    """

    drafted: list[int]
    accepted: list[int]
    emitted: list[int]
    rows: list[int]
    draft_forwards: list[int]
    draft_rows: list[int]
    draft_seconds: list[float]
    verify_seconds: list[float]
    observe_seconds: list[float] | None = None
    model_seconds: list[float] | None = None
    sampling_seconds: list[float] | None = None
    step_seconds: list[float] | None = None
    sources: list[list[str]]
    drafter_metrics: Mapping[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, steps: Steps) -> "RecordedSteps":
        """Those of a generation, every column of which is known."""
        return cls(**vars(steps))

    def columns(self) -> dict[str, list[Any]]:
        """Those that are known by their names in a line, the drafter's own after the others."""
        known = {name: column for name in COLUMNS if (column := getattr(self, name)) is not None}
        return known | dict(self.drafter_metrics)

    @classmethod
    def from_json(cls, content: Any) -> "RecordedSteps":
        """The steps of what a line holds. A column that is null there was not known.

        Raises:
            ValueError: they are none, or lack a column that every record has.
        """
        if not isinstance(content, dict):
            raise ValueError("steps are no mapping")
        known = {name: column for name, column in content.items() if column is not None}
        if missing := [f"steps.{name}" for name in NEEDED if name not in known]:
            raise ValueError(f"lacks {', '.join(missing)}")
        own = {name: known.pop(name) for name in [*known] if name not in COLUMNS}
        return cls(**known, drafter_metrics=own)


COLUMNS = tuple(each.name for each in fields(RecordedSteps) if each.name != "drafter_metrics")
NEEDED = tuple(each.name for each in fields(RecordedSteps) if each.default is MISSING and each.name in COLUMNS)
