"""A drafter's own figures: what its metrics come to, and how a report shows them.

They stand where the drafter does, in the module that `Spec.figures` names. Who reports knows none
of their meaning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Told:
    """What all the generations of a case told.

    Attributes:
        metrics: Drafter.metrics of each generation.
        steps: the columns of all steps together, by their names in records; those alone that every
            generation has.
        seconds: the parts of decode time, by name; None where they are not known.
    """

    metrics: Sequence[Mapping[str, Any]]
    steps: Mapping[str, Sequence[Any]]
    seconds: Mapping[str, float | None]


class OwnFigures(Protocol):
    """What such a module holds; to import it takes no torch.

    It is asked of every case, for a method within another tells the same as alone.

    Attributes:
        NAMES: of the figures; in a summary they stand beside those that every method has.
        CLOCKS: the drafter's clocks, with words for a legend. The columns NAME_seconds and
            NAME_draft_seconds of a step tell the time on clock NAME, within drafting and learning,
            and the part of it that is within drafting.
    """

    NAMES: tuple[str, ...]
    CLOCKS: Mapping[str, str]

    def figures(self, told: Told) -> Mapping[str, Any]:
        """Figures by name, plain values for JSON; None for one that the drafter does not have."""
        ...

    def rows(self, figures: Mapping[str, Any]) -> list[tuple[str, str]]:
        """(label, value) of each line in a report, on the figures of a summary of any age."""
        ...


def percent(share: float | None) -> str:
    """45%, "-" where there is no figure."""
    return "-" if share is None else f"{100 * share:.0f}%"


def in_counts(counts: Mapping[str, int] | None) -> str:
    """Counts as in 3 phrase, 5 window; "-" where there are none."""
    return ", ".join(f"{count} {name}" for name, count in sorted((counts or {}).items())) or "-"
