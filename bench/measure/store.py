"""Run folders: one record a line, appended when a generation is finished, and never measured twice.

A process killed in the middle of a line leaves a torn end, which is cut off; everything before it
stays byte for byte.
"""

import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from filelock import FileLock, Timeout

from bench.console.disk import writing
from bench.measure.provenance import Provenance
from bench.measure.record import Key, Record
from decoding.errors import UserError


class RunFolder:
    """The folder of one case: config.yaml, provenance.json, records.jsonl and the reports.

    Use it as a context manager: inside, the folder is locked. read=False: what is measured already
    is going to be dropped, so it may be damaged.

    Attributes:
        records: by key, in the order in which they were measured.

    Raises:
        UserError: another process holds the folder, a record in the middle of the file is damaged,
            or one is a newer harness's.
    """

    def __init__(self, path: Path, read: bool = True) -> None:
        self.path = path
        self._wanted = read
        self.records: dict[Key, Record] = {}
        self._offsets: list[tuple[int, Key]] = []
        self._lock = FileLock(path / ".lock")
        self._stream: IO[bytes] | None = None

    def __enter__(self) -> "RunFolder":
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise UserError(f"{self.path} is in use by another run: wait for it, or set output=FOLDER") from error
        except OSError as error:
            raise UserError(f"cannot write to {self.path}: {error.strerror}") from error
        try:
            if self._wanted:
                self._read()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None
        self._lock.release()
        if not self.records_file.exists():
            # A run that failed before its first record leaves no trace.
            with suppress(OSError):
                (self.path / ".lock").unlink(missing_ok=True)
                self.path.rmdir()

    @property
    def records_file(self) -> Path:
        """Where the records are."""
        return self.path / "records.jsonl"

    def clear(self) -> None:
        """Drop everything that was measured and reported."""
        with writing(self.path):
            for entry in self.path.iterdir():
                if entry.name != ".lock":
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        self.records, self._offsets = {}, []

    def has(self, prompt: str, repeat: int, role: str) -> bool:
        """Whether this generation is measured already."""
        return (prompt, repeat, role) in self.records

    def require_same_prompts(self, prompts: Mapping[str, tuple[str, int]]) -> None:
        """Raise UserError if a prompt's records here are of other token ids.

        Two prompts are no repeats of one.

        Args:
            prompts: id to (digest, number of tokens). Records from before there were digests are
                told by the number.
        """
        for record in self.records.values():
            digest, length = prompts.get(record.prompt, (None, 0))
            if digest and (record.prompt_digest or digest, record.prompt_tokens) != (digest, length):
                raise UserError(
                    f"{self.path}: prompt {record.prompt} was measured with other token ids than it has now (a chat "
                    "template with the date or the time in it, or another tokenizer): they cannot stand in one file; "
                    "measure again with overwrite=true, or elsewhere with output=FOLDER"
                )

    def append(self, record: Record) -> None:
        """Write one record through to the disk.

        Raises:
            UserError: it cannot be written; the next run cuts off a torn line.
        """
        key = record.key
        if key in self.records:
            raise ValueError(f"{key} is measured already")
        line = (json.dumps(record.to_json(), ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass")
        with writing(self.records_file):
            if self._stream is None:
                # Without a buffer: what a full disk did not take would be written once more on
                # closing.
                self._stream = self.records_file.open("ab", buffering=0)
            start, rest = self._stream.tell(), memoryview(line)
            while rest:
                rest = rest[self._stream.write(rest) :]
            os.fsync(self._stream.fileno())
        self._offsets.append((start, key))
        self.records[key] = record

    def restart_unfinished_pass(self, prompts: Iterable[str], repeats: int, roles: Sequence[str]) -> None:
        """Drop the records of the first pass that is not whole, and all after it.

        A warm pass cannot be continued.
        """
        wanted = [(prompt, role) for prompt in prompts for role in roles]
        for repeat in range(repeats):
            if not all(self.has(prompt, repeat, role) for prompt, role in wanted):
                self._cut_before(repeat)
                return

    def provenance(self) -> Provenance:
        """What provenance.json holds.

        Raises:
            UserError: the file is missing, or damaged.
        """
        file = self.path / "provenance.json"
        try:
            return Provenance.from_json(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError as error:
            raise UserError(f"{file} is gone: measure again with overwrite=true") from error
        except ValueError as error:
            raise UserError(f"{file} is damaged; repair it, or measure again with overwrite=true") from error
        except UserError as error:
            raise UserError(f"{self.path}: {error}; measure again with overwrite=true") from error

    def remove(self, name: str) -> None:
        """Remove a report that no longer holds."""
        with writing(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def write(self, name: str, text: str) -> None:
        """Write a report as a whole or not at all.

        Raises:
            UserError: the report cannot be written.
        """
        partial = self.path / f".{name}.partial"
        with writing(self.path / name):
            try:
                partial.write_text(text, encoding="utf-8")
                partial.replace(self.path / name)
            except OSError:
                partial.unlink(missing_ok=True)
                raise

    def _read(self) -> None:
        if not self.records_file.exists():
            return
        content = self.records_file.read_bytes()
        offset, good = 0, 0
        for number, line in enumerate(content.splitlines(keepends=True), 1):
            complete = line.endswith(b"\n")
            try:
                record = Record.from_json(json.loads(line)) if complete else None
            except ValueError as error:
                if offset + len(line) < len(content):
                    raise UserError(
                        f"{self.records_file}: line {number} is damaged; repair it, or measure again with "
                        "overwrite=true"
                    ) from error
                record = None
            except UserError as error:
                raise UserError(f"{self.records_file}: line {number} {error}") from error
            if record is not None:
                self.records[record.key] = record
                self._offsets.append((offset, record.key))
                good = offset + len(line)
            offset += len(line)
        if good < len(content):
            self._truncate(good)

    def _cut_before(self, repeat: int) -> None:
        cut = next((index for index, (_, key) in enumerate(self._offsets) if key[1] >= repeat), None)
        if cut is None:
            return
        self._truncate(self._offsets[cut][0])
        for _, key in self._offsets[cut:]:
            del self.records[key]
        del self._offsets[cut:]

    def _truncate(self, size: int) -> None:
        with writing(self.records_file), self.records_file.open("r+b") as stream:
            stream.truncate(size)
            os.fsync(stream.fileno())


def require_one_encoding(folders: Iterable[RunFolder]) -> None:
    """Raise UserError if a prompt's records in these folders are of different token ids.

    No ratio holds across them.
    """
    seen: dict[str, tuple[str, Path]] = {}
    for folder in folders:
        for record in folder.records.values():
            if digest := record.prompt_digest:
                other, path = seen.setdefault(record.prompt, (digest, folder.path))
                if other != digest:
                    raise UserError(
                        f"prompt {record.prompt} has other token ids in {folder.path} than in {path} (a chat "
                        "template with the date or the time in it, or another tokenizer): measure the panel again with "
                        "overwrite=true"
                    )

