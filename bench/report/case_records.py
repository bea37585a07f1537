"""The records of one case by prompt and repeat, the method's and greedy's beside them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.measure.record import FLOAT32, METHOD, REFERENCE, Key, Record

# [prompt][repeat], prompts in the data set's order.
Grid = Sequence[Sequence[Record]]


@dataclass(frozen=True)
class CaseRecords:
    """What all figures of a case are made from.

    Attributes:
        prompts: their ids.
        method, reference: the method's generations, and those of greedy beside it.
        float32: greedy in float32 beside them, None where the roles of the run have none.
    """

    prompts: list[str]
    method: Grid
    reference: Grid
    float32: Grid | None = None

    @classmethod
    def of(
        cls,
        records: Mapping[Key, Record],
        prompts: Sequence[str],
        repeats: int,
        roles: Sequence[str] = (METHOD, REFERENCE),
    ) -> "CaseRecords":
        """The records of these prompts, repeats and roles. KeyError where one is missing."""

        def grid(role: str) -> Grid:
            return [[records[prompt, repeat, role] for repeat in range(repeats)] for prompt in prompts]

        return cls(list(prompts), grid(METHOD), grid(REFERENCE), grid(FLOAT32) if FLOAT32 in roles else None)

    def part(self, indices: Sequence[int]) -> "CaseRecords":
        """The prompts with these indices alone."""
        grids = [self.method, self.reference, *([self.float32] if self.float32 else [])]
        return CaseRecords([self.prompts[index] for index in indices], *([grid[i] for i in indices] for grid in grids))

    @property
    def side_by_side(self) -> bool:
        """Whether every pair was measured in one process."""
        return all(
            ours.session == greedy.session for ours, greedy in zip(flat(self.method), flat(self.reference), strict=True)
        )

    def beside_the_same_greedy(self, other: "CaseRecords") -> bool:
        """Whether both stood beside the very same greedy generations."""
        return all(
            (one.finished, one.session) == (two.finished, two.session)
            for one, two in zip(flat(self.reference), flat(other.reference), strict=True)
        )


def flat(grid: Iterable[Sequence[Record]]) -> list[Record]:
    """All repeats of all prompts."""
    return [record for repeats in grid for record in repeats]
