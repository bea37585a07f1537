"""provenance.json: the case, what its records were measured with, and the processes that did it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from bench.plan import typed_json
from bench.plan.case import Case

# Milliseconds of a forward, by engine and rows.
Times = dict[str, dict[int, float]]


@dataclass(frozen=True)
class Checkout:
    """The code; all None where nobody knows.

    Attributes:
        commit: of git.
        dirty: whether tracked files had changed since.
        changes: SHA-256 of those changes, None without any.
    """

    commit: str | None
    dirty: bool | None = None
    changes: str | None = None


@dataclass(frozen=True, kw_only=True)
class Environment:
    """Everything that must be equal for records to stand in one file: libraries, commit, machine.

    Attributes:
        python: its version.
        versions: of libraries, None for one that is not there.
        git: the code.
        device: an accelerator's name, or "cpu".
        cpu: the processor's name, None where the system does not tell.
        threads: of torch.
    """

    python: str
    versions: dict[str, str | None]
    git: Checkout
    device: str
    cpu: str | None
    threads: int

    def to_json(self) -> dict[str, Any]:
        """Plain containers."""
        content: dict[str, Any] = typed_json.to_json(self)
        return content


@dataclass(frozen=True)
class Warmup:
    """How many prompts were decoded before the first that was measured, and of which split."""

    prompts: int
    split: str = field(metadata={typed_json.KEY: "from"})


@dataclass(kw_only=True)
class Session:
    """One process that measured. Some of it changes while it does.

    A field's default says that it was not known when the file was written, by an older harness.

    Attributes:
        session: what its records call it.
        started: when, in ISO format.
        command, folder: what was typed, and where.
        platform: the system's name.
        warmup: before the records.
        hardware: the cores or the GPU that it ran on, by name.
        neighbours: the most other runs seen on them at a time.
        nearby: last-level caches and memory nodes that another run was seen on.
        warnings: see bench/report/warnings.py.
        left_out: labels of the panel's cases that could not run, with the reasons.
        probe: see bench/measure/probe.py; None where the engine was given.
    """

    session: str
    started: str
    command: list[str]
    folder: str
    platform: str
    warmup: Warmup
    hardware: list[str] = field(default_factory=list, metadata={typed_json.KEY: "places"})
    neighbours: int | None = None
    nearby: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    probe: Times | None = None


@dataclass(frozen=True, kw_only=True)
class Provenance(Environment):
    """The whole file.

    Attributes:
        case: whose records they are.
        sessions: the processes that measured, in order.
        history_made_by: what a loaded state says of its making; None without one.
    """

    SCHEMA_VERSION: ClassVar[int] = 2

    schema_version: int = SCHEMA_VERSION
    case: Case
    sessions: list[Session]
    history_made_by: dict[str, Any] | None = None

    @property
    def environment(self) -> Environment:
        """What all records were measured with."""
        return Environment(**{name: getattr(self, name) for name in ENVIRONMENT})

    def sessions_of(self, identifiers: Collection[str]) -> list[Session]:
        """The processes that are named so, in their order."""
        return [each for each in self.sessions if each.session in identifiers]

    @classmethod
    def from_json(cls, content: Any) -> "Provenance":
        """The provenance of the mapping in a provenance.json of any age.

        Raises:
            UserError: another schema version, or a key that is missing, unknown or damaged.
        """
        if isinstance(content, Mapping) and "schema_version" not in content:
            content = _of_first_version(content)
        found: Provenance = typed_json.from_file(cls, content, "provenance.json")
        return found


ENVIRONMENT = tuple(each.name for each in fields(Environment))


def _of_first_version(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a file of the first version holds, as the present one has it.

    There the case was its identity alone, with the origin of its settings in words.
    """
    case = {"schema_version": Case.SCHEMA_VERSION, "identity": content.get("identity")}
    rest = {key: value for key, value in content.items() if key not in ("identity", "settings")}
    return {**rest, "schema_version": Provenance.SCHEMA_VERSION, "case": case}
