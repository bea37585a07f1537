"""Where a task's rows come from: the project's own data, local files, or the hub."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from decoding.errors import UserError
from decoding.settings import path_of
from tasks.base import Example, Row, Task
from tasks.files import EXTENSIONS, NoRows, check_fields, read_rows, read_split, splits_in
from tasks.hub import INSTEAD, hub_rows

BUNDLED = Path(__file__).parent / "bundled"
SOURCES = ("bundled", "local", "hub")


@dataclass(frozen=True)
class DataConfig:
    """Where to read rows.

    Attributes:
        source: "bundled", "local" or "hub".
        split: which part to evaluate: "test", "validation", "train", or "test_unseen" (bundled
            only).
        root: local only: the folder with one folder a task, as in `root/gsm8k/test.jsonl`.
        revision: hub only: commit or tag of the data set.
        path: task=custom only: the file with the prompts.
    """

    source: str = "bundled"
    split: str = "test"
    root: str | None = None
    revision: str | None = None
    path: str | None = None

    def __post_init__(self) -> None:
        if self.source not in SOURCES:
            raise UserError(f"data.source={self.source!r} is unknown: choose one of {', '.join(SOURCES)}")
        if self.source == "local" and not self.root and not self.path:
            raise UserError("data=local needs data.root=FOLDER, the folder with one folder a task")
        if self.root and self.source != "local":
            raise UserError(f"data.root is for data=local, not data={self.source}")
        if self.revision and self.source != "hub":
            raise UserError(f"data.revision is for data=hub, not data={self.source}")


@dataclass(frozen=True)
class Rows:
    """The rows of a run.

    Attributes:
        rows: what is evaluated, in the data set's order.
        shots: the rows the worked examples are made from.
        split: the split as the source names it.
        digest: SHA-256 of rows and shots.
        origin: folder, file or hub address they came from.
    """

    rows: list[Row]
    shots: list[Row]
    split: str
    digest: str
    origin: str

    def examples(self, task: Task) -> list[Example]:
        """Every row as a prompt, after the worked examples; a conversation as one prompt a turn."""
        return [turn for row in self.rows for turn in task.turns(row, self.shots)]


@dataclass(frozen=True)
class Source:
    """A readable data set: its splits, how to read one, and its name for people."""

    splits: tuple[str, ...]
    read: Callable[[str], Iterator[tuple[str, Mapping]]]
    origin: str


def load_rows(task: Task, data: DataConfig, first: int | None = None) -> Rows:
    """The rows of the task's split, or only the `first` of them, checked.

    The rows for its worked examples come with them. Worked examples never come from evaluated rows:
    rows that the data set reserves for them, or that are taken for them from the evaluated split,
    are left out.

    Raises:
        NoRows: the split is missing or too small.
        UserError: one line that names the missing folder or network, or the broken row by file and
            line.
    """
    source = _source(task, data)
    split = "prompts" if data.path else _resolved(task, source, data.split)
    count = task.shots(data.source)
    checked = _checked(task, source, split, None if first is None else first + count)
    rows = [row for row in checked if not task.reserved(row)]
    reserved = [row for row in checked if task.reserved(row)]
    if len(reserved) >= count:
        shots = reserved[:count]
    else:
        shot_split = next((name for name in task.shot_splits if name in source.splits), None)
        if shot_split is None:
            raise NoRows(
                f"task.shots={count}: {source.origin} has no split {' or '.join(task.shot_splits)} to take "
                f"worked examples from; add one, or set task.shots=0"
            )
        if shot_split == split:
            shots, rows = rows[:count], rows[count:]
        else:
            shots = [row for _, row in islice(_iterate(task, source, shot_split), count)]
        if len(shots) < count:
            raise NoRows(f"task.shots={count}: {source.origin} has only {len(shots)} rows for worked examples")
    if not rows:
        raise NoRows(f"{source.origin}: no row of {split} is left to evaluate after task.shots={count}")
    rows = rows[:first]
    return Rows(rows, shots, split, _digest([*rows, *shots]), source.origin)


def _source(task: Task, data: DataConfig) -> Source:
    kinds = (task.fields, task.optional_fields)
    if task.name == "custom" or data.path:
        if not (task.name == "custom" and data.path):
            raise UserError("task=custom and data.path=FILE belong together: give both or neither")
        file = path_of(data.path)
        return Source(("prompts",), lambda _: read_rows(file, *kinds), str(file))
    if data.source == "hub":
        hub = task.hub
        if hub is None:
            raise UserError(f"{task.name} is not on the hub: {INSTEAD}")
        return Source(hub.splits, lambda split: hub_rows(hub, split, data.revision), f"hub:{hub.path}")
    folder = (BUNDLED if data.source == "bundled" else path_of(data.root)) / task.name
    files = splits_in(folder)
    if not files:
        layout = f"{folder}/SPLIT with one of {', '.join(EXTENSIONS)}"
        hint = "write it with: python -m training.corpus" if data.source == "bundled" else f"expected {layout}"
        raise UserError(f"no data for {task.name} in {folder}: {hint}")
    origin = "bundled" if data.source == "bundled" else str(folder)
    return Source(tuple(files), lambda split: read_split(files[split], *kinds), origin)


def _resolved(task: Task, source: Source, split: str) -> str:
    """The source's own name for a split."""
    for name in (split, task.aliases.get(split)):
        if name in source.splits:
            return name
    known = sorted({*source.splits, *(asked for asked, name in task.aliases.items() if name in source.splits)})
    raise NoRows(
        f"data.split={split}: {task.name} has no such split in {source.origin}; choose among {', '.join(known)}"
    )


def _checked(task: Task, source: Source, split: str, enough: int | None) -> list[Row]:
    """All rows of a split, or its start with `enough` rows to evaluate.

    An id that occurs twice is an error.
    """
    rows, seen, found = [], {}, 0
    for place, row in _iterate(task, source, split):
        identity = str(row[task.id_field or "id"])
        if identity in seen:
            raise UserError(f"{seen[identity]} and {place} have the same id {identity}")
        seen[identity] = place
        rows.append(row)
        found += not task.reserved(row)
        if found == enough:
            break
    return rows


def _iterate(task: Task, source: Source, split: str) -> Iterator[tuple[str, Row]]:
    """Rows of a split with the place of each as they are read, checked.

    They get an id where the data set has none.
    """
    for number, (place, row) in enumerate(source.read(split)):
        check_fields(row, task.fields, task.optional_fields, place)
        fault = task.fault(row)
        if fault:
            raise UserError(f"{place}: {fault}")
        yield place, row if task.id_field else {"id": f"{task.name}/{split}/{number}", **row}


def _digest(rows: list[Row]) -> str:
    lines = (json.dumps(row, sort_keys=True, ensure_ascii=False, default=str) for row in rows)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()
