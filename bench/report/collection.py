"""Finished runs of any age, read from their folders.

Reports and figures over many runs are made of them.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from bench.console.terminal import say
from bench.measure.provenance import Provenance, Session
from bench.measure.record import METHOD, Record
from bench.measure.verdicts import MISMATCH
from bench.models.config import EAGER
from bench.plan.case import Identity
from bench.plan.methods import METHODS
from bench.plan.nesting import flat, written
from bench.report.case_records import CaseRecords
from bench.report.markdown import named
from bench.report.summary import Summary
from decoding.errors import UserError
from decoding.state_file import StateFile


class Setup(NamedTuple):
    """Model and weights, source of the data, how tokens are drawn, and where.

    Attributes:
        weights: digests, as JSON.
        seed: of samples; what stands for temperature 0 where there are none.
    """

    model: str
    weights: str
    data: str
    split: str
    temperature: float | None
    top_k: int | None
    top_p: float | None
    min_p: float | None
    seed: float | None
    dtype: str
    device: str
    engine: str
    machine: str


@dataclass(frozen=True, eq=False)
class Run:
    """A finished case, read back from its run folder.

    Attributes:
        provenance: None where there is no provenance.json any more.
    """

    folder: Path
    summary: Summary
    provenance: Provenance | None

    @property
    def identity(self) -> Identity | None:
        """Everything that changes results, where that is still known."""
        return self.provenance.case.identity if self.provenance else None

    @property
    def sessions(self) -> list[Session]:
        """The processes that measured it, as far as they are known."""
        return self.provenance.sessions if self.provenance else []

    @property
    def settings(self) -> dict[str, Any]:
        """The method's settings, without its name.

        By the names of today, so that runs of any age compare.
        """
        renamed = METHODS[self.summary.method].renamed if self.summary.method in METHODS else {}
        return {renamed.get(key, key): value for key, value in self.settings_as_written.items()}

    @property
    def settings_as_written(self) -> dict[str, Any]:
        """The same by the names in its summary, dotted where they stand in parts."""
        return {key: value for key, value in flat(self.summary.method_config).items() if key != "name"}

    @property
    def commit(self) -> str | None:
        """Of the code that measured, None where nobody knows."""
        return self.provenance.git.commit if self.provenance else None

    @property
    def torch(self) -> str | None:
        """The version that measured, None where nobody knows."""
        return self.provenance.versions.get("torch") if self.provenance else None

    @property
    def competes(self) -> bool:
        """Whether its method is a competitor, and none that knows the output beforehand."""
        return self.summary.method not in METHODS or not METHODS[self.summary.method].bound

    @property
    def mismatch(self) -> bool:
        """Whether some output is not the target's: then no speed of it is worth anything."""
        return self.summary.lossless.verdict == MISMATCH

    @property
    def machine(self) -> str:
        """The accelerator, or the processor with the threads used, as far as is known."""
        here = self.provenance
        if here and here.device != "cpu":
            return here.device
        cpu, threads = (here.cpu, here.threads) if here else (None, None)
        return f"{cpu or 'processor not known'}, {threads or '?'} thread{'' if threads == 1 else 's'}"

    @property
    def setup(self) -> Setup:
        """What a figure over several tasks has in common."""
        summary, weights = self.summary, json.dumps(self.identity and self.identity.weights, sort_keys=True)
        data = summary.data if summary.data in ("bundled", "local", "hub") else "custom"
        drawn = summary.temperature, summary.top_k, summary.top_p, summary.min_p, summary.temperature and summary.seed
        where = summary.dtype, summary.device, summary.engine, self.machine
        return Setup(summary.model, weights, data, summary.split, *drawn, *where)

    @property
    def conditions(self) -> tuple[Any, ...]:
        """What rows of one table have in common.

        The setup, the prompts themselves, and where outputs end.
        """
        summary, identity = self.summary, self.identity
        wording = json.dumps(identity and identity.task_config, sort_keys=True)
        task = summary.task, summary.prompt_version, wording, summary.data, identity and identity.data
        return *self.setup, *task, summary.prompts, summary.max_new_tokens

    @property
    def experiment(self) -> str:
        """Name of the folder that was the command's `output`.

        "" where the run lies otherwise than it was written.
        """
        output, task = ("", "", *self.folder.resolve().parts)[-4:-2]
        return output if task == self.summary.task else ""

    @property
    def title(self) -> str:
        """The setup in words."""
        return self.title_of(self.pair)

    def title_of(self, models: str) -> str:
        """The same with other words for the models."""
        summary = self.summary
        engine = "" if summary.engine == EAGER else f", {summary.engine}"
        drawn = f"{summary.sampling}, " if summary.sampling else ""
        place = f"{summary.dtype}{engine}, {summary.device} ({self.machine})"
        return f"{models}, {self.data}, {drawn}{place}, batch size 1"

    @property
    def draft(self) -> str:
        """The draft model's name, "" where there is none."""
        return Path((self.config.get("model") or {}).get("draft") or "").name

    @property
    def pair(self) -> str:
        """The models' label, and the draft where it has a name of its own."""
        return self.summary.model + (f" with {self.draft}" if self.draft not in ("", "draft") else "")

    @property
    def data(self) -> str:
        """Source and split in words; of a file its name."""
        return f"{Path(self.summary.data).name} {self.summary.split}"

    @property
    def started(self) -> str:
        """When the last process that measured began, "" if nobody knows."""
        return max((each.started for each in self.sessions), default="")

    @cached_property
    def spans(self) -> list[tuple[str, str, frozenset[str], float, float]]:
        """(process, machine, its cores or GPU if known, begin, end) of each that measured.

        [] without its records.
        """
        ends: dict[str, float] = {}
        try:
            for record in self._lines():
                ends[record.session] = max(record.finished, ends.get(record.session, 0.0))
            cpu = self.provenance.cpu if self.provenance else None
            return [
                (each.session, f"{each.platform} {cpu}", frozenset(each.hardware), _seconds(each), end)
                for each in self.sessions
                if (end := ends.get(each.session))
            ]
        except (OSError, ValueError, TypeError, UserError):
            return []

    def records(self) -> CaseRecords:
        """Those that its summary is of; nothing is locked, for a finished run is only read.

        Raises:
            UserError: they are gone, damaged, or fewer than the summary says.
        """
        try:
            found = {record.key: record for record in self._lines()}
        except (OSError, ValueError, UserError) as error:
            raise UserError(f"{self.folder}: its records cannot be read ({' '.join(str(error).split())})") from error
        ids = list(dict.fromkeys(prompt for prompt, _, role in found if role == METHOD))[: self.summary.prompts]
        if len(ids) < self.summary.prompts:
            raise UserError(f"{self.folder}: it has records of {len(ids)} of its {self.summary.prompts} prompts")
        try:
            return CaseRecords.of(found, ids, self.summary.repeats)
        except KeyError as error:
            raise UserError(f"{self.folder}: its records lack {error.args[0]}") from error

    def _lines(self) -> Iterator[Record]:
        with (self.folder / "records.jsonl").open(encoding="utf-8") as lines:
            for line in lines:
                yield Record.from_json(json.loads(line))

    @cached_property
    def config(self) -> dict[str, Any]:
        """config.yaml, {} where it cannot be read."""
        try:
            content = yaml.safe_load((self.folder / "config.yaml").read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError):
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def panel_index(self) -> int:
        """Where its panel's command names the case.

        0 for the chosen method, then the cases in their order.
        """
        entries = self.config.get("cases") or self.config.get("compare") or []
        labels = [entry.get("label") or entry.get("name") if isinstance(entry, dict) else entry for entry in entries]
        return labels.index(self.summary.label) + 1 if self.summary.label in labels else 0

    @property
    def settings_kind(self) -> str | None:
        """Whose settings all of them are, "tuned" or the "paper"'s, else None.

        Of an older run as its panel named it.
        """
        if self.summary.settings is not None:
            return self.summary.settings.shown
        if not self.panel_index:
            return None
        entry = (self.config.get("cases") or self.config.get("compare") or [])[self.panel_index - 1]
        whole = isinstance(entry, dict) and entry.keys() <= {"name", "label", "history", "history_file"}
        return "tuned" if whole and str(entry["name"]).startswith("tuned/") else None

    @cached_property
    def history_of(self) -> str | None:
        """The task on whose prompts the saved history was learned.

        None without one, or where that is not known any more.
        """
        if self.summary.history != "file":
            return None
        made_by = self.provenance.history_made_by if self.provenance else None
        if made_by is None:
            # Older runs did not write it down: the file itself tells, if it is still there.
            try:
                made_by = StateFile.load(Path(self.config.get("history_file") or "")).made_by
            except UserError:
                made_by = {}
        return made_by.get("task")


def _seconds(session: Session) -> float:
    return datetime.fromisoformat(session.started).timestamp()


def collect(folders: Iterable[str | Path]) -> tuple[list[Run], list[str]]:
    """Every finished run below `folders`, and why others are left out, a line for each.

    Raises:
        UserError: a folder that is not there, or no finished run at all.
    """
    found: dict[Path, Path] = {}
    for each in map(Path, folders):
        if not each.is_dir():
            raise UserError(f"{each} is no folder: give folders with runs, such as results/runs")
        for name in ("provenance.json", "summary.json"):
            found |= {file.parent.resolve(): file.parent for file in sorted(each.rglob(name))}
    runs, left_out = [], []
    for folder in sorted(found.values()):
        try:
            runs.append(_read(folder))
        except UserError as error:
            left_out.append(f"{folder}: {error}")
    if not runs:
        reason = f" ({left_out[0]}{', ...' if len(left_out) > 1 else ''})" if left_out else ""
        raise UserError(f"no finished run in {', '.join(map(str, folders))}{reason}")
    return runs, left_out


def collected(folders: Iterable[str | Path]) -> list[Run]:
    """Every finished run below `folders`; why others are left out is said.

    Raises:
        UserError: as `collect`.
    """
    runs, left_out = collect(folders)
    for line in left_out:
        say(f"left out: {line}")
    return runs


def differing(runs: Sequence[Run]) -> list[str]:
    """The settings in which some runs differ, in the order in which runs name them."""
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    return [key for key in keys if len({str(run.settings.get(key)) for run in runs}) > 1]


def _read(folder: Path) -> Run:
    """Raises UserError with the reason why the folder tells nothing."""
    summary = _json(folder / "summary.json")
    if summary is None:
        raise UserError("not finished, there is no summary.json")
    provenance = _json(folder / "provenance.json")
    return Run(folder, Summary.from_json(summary), None if provenance is None else Provenance.from_json(provenance))


def _json(file: Path) -> dict[str, Any] | None:
    """The mapping in a file, None if there is no such file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError(f"{file.name} is damaged ({' '.join(str(error).split())})") from error
    if not isinstance(content, dict):
        raise UserError(f"{file.name} is damaged, it holds no mapping")
    return content


def grouped(runs: Iterable[Run], key: Callable[[Run], Any]) -> dict[Any, list[Run]]:
    """Runs by key, in order of first appearance."""
    groups: dict[Any, list[Run]] = defaultdict(list)
    for run in runs:
        groups[key(run)].append(run)
    return dict(groups)


def names(runs: Sequence[Run]) -> dict[Run, str]:
    """A name for every run that no other has.

    Label and history, where needed differing settings, then the folder.
    """
    found = {run: _label(run) for run in runs}
    for alike in grouped(runs, found.__getitem__).values():
        differing = [
            key
            for key in dict.fromkeys(key for run in alike for key in run.settings)
            if len({_word(run.settings.get(key)) for run in alike}) > 1
        ]
        for run in alike:
            found[run] = " ".join([found[run], *(f"{key}={_word(run.settings.get(key))}" for key in differing)])
    for alike in grouped(runs, found.__getitem__).values():
        if len(alike) > 1:
            found |= {run: f"{found[run]} ({run.folder.parent.name}/{run.folder.name})" for run in alike}
    return found


def _label(run: Run) -> str:
    label, history = run.summary.label, run.summary.history
    if run.summary.draft_dtype:
        label += f" (draft in {run.summary.draft_dtype})"
    if run.summary.draft_vocabulary:
        label += f" (draft's head of {run.summary.draft_vocabulary} ids)"
    if history == "file":
        history = f"history of {run.history_of or 'a file'}"
    return named(label, run.settings_kind, history)


def _word(value: object) -> str:
    """A setting as a user writes it; a method within another with all of its own."""
    if isinstance(value, dict):
        return f"{value.get('name')}({' '.join(f'{k}={_word(v)}' for k, v in flat(value).items() if k != 'name')})"
    return written(value)


def overlapping(runs: Sequence[Run]) -> dict[Run, bool | None]:
    """Whether a run shared its cores, or may have; None where records or provenance are gone.

    It saw others on them, or another process measured some other of these runs at the same time on
    a machine of the same kind, and not each is known to have had cores of its own.
    """
    spans = {span for run in runs for span in run.spans}

    def met(span: tuple[str, str, frozenset[str], float, float]) -> bool:
        process, machine, cores, begin, end = span
        return any(
            other[0] != process and other[1] == machine and other[3] < end and begin < other[4]
            and not (cores and other[2] and cores.isdisjoint(other[2]))
            for other in spans
        )  # fmt: skip

    def found(run: Run) -> bool | None:
        if run.summary.neighbours:
            return True
        return any(map(met, run.spans)) if run.spans else None

    return {run: found(run) for run in runs}
