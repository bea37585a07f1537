"""What every synthetic corpus shares: families of rows, and splits that cannot leak.

A *family* is a seeded function that writes one row of a task in the hub's schema. A *corpus* is
the families of one task, some of which (`unseen`) training never meets. Rows fall into train,
validation and test by a hash of their content, so the three are disjoint however many are drawn.
"""

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Row = dict[str, object]
Family = Callable[[random.Random], Row]

SPLITS = ("train", "validation", "test", "test_unseen")


@dataclass(frozen=True)
class Corpus:
    """The families of one task.

    Attributes:
        task: the task's name, as on the command line.
        families: name to family; a family returns a row without its id.
        unseen: names of the families that only `test_unseen` holds.
        identify: adds the schema's own id field to a row, given (row, split, number).
    """

    task: str
    families: Mapping[str, Family]
    unseen: frozenset[str]
    identify: Callable[[Row, str, int], Row]

    def __post_init__(self) -> None:
        missing = self.unseen - self.families.keys()
        if missing:
            raise ValueError(f"{self.task}: unseen families that do not exist: {sorted(missing)}")

    def rows(self, split: str, seed: int = 0) -> Iterator[Row]:
        """Endless distinct rows of `split`, families in turn; the same seed gives the same rows.

        A family that stops giving new rows of this split drops out; when all have, the iterator
        ends.
        """
        if split not in SPLITS:
            raise ValueError(f"unknown split {split!r}: choose one of {', '.join(SPLITS)}")
        names = [name for name in self.families if (name in self.unseen) == (split == "test_unseen")]
        generators = {name: random.Random(f"{self.task}/{split}/{name}/{seed}") for name in names}
        seen: set[str] = set()
        number = 0
        while names:
            exhausted = []
            for name in names:
                row = self._draw(name, generators[name], split, seen)
                if row is None:
                    exhausted.append(name)
                    continue
                yield self.identify({**row, "family": name}, split, number)
                number += 1
            names = [name for name in names if name not in exhausted]

    def _draw(self, name: str, generator: random.Random, split: str, seen: set[str]) -> Row | None:
        """One row of the split that has not been given before, or None after 400 vain tries."""
        for _ in range(400):
            row = self.families[name](generator)
            digest = content_hash(row)
            if digest not in seen and split in (split_of(digest), "test_unseen"):
                seen.add(digest)
                return row
        return None


def content_hash(row: Row) -> str:
    """SHA-256 of the row's content, independent of key order."""
    return hashlib.sha256(json.dumps(row, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def split_of(digest: str) -> str:
    """The split a content hash falls into: 80% train, 10% validation, 10% test."""
    share = int(digest[:8], 16) % 10
    return "validation" if share == 8 else "test" if share == 9 else "train"
