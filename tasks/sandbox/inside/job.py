"""What the sandboxed processes are told: all of them the settings, the judge alone the job."""

import json
from collections.abc import Sequence
from typing import NamedTuple


class Settings(NamedTuple):
    """How a program is shut in. Nothing here is a secret.

    Attributes:
        seconds: wall-clock and CPU time.
        memory_mib: address space of a process, in MiB.
        scratch_bytes: how much it may write in all.
        scratch_files: how many files and folders it may make.
        readable: paths it may read.
        site_packages: folders of installed packages, for its `sys.path`.
        root: an empty folder: the working folder, or where namespaces build their own file system.
        wrapper: the name of the program that has built the namespaces already, "" for none.
        namespaces: enter namespaces here.
        landlock_alone: Landlock and seccomp are all there is, so that Landlock has to be good
            enough.
    """

    seconds: float
    memory_mib: int
    scratch_bytes: int
    scratch_files: int
    readable: Sequence[str]
    site_packages: Sequence[str]
    root: str
    wrapper: str = ""
    namespaces: bool = False
    landlock_alone: bool = False


class Job(NamedTuple):
    """What is judged.

    Attributes:
        secret: proves that an outcome comes from the judge.
        code: the candidate's program.
        names: globals of that program which the tests use.
        preamble: trusted code that the tests stand on, run before the `names` are filled in.
        tests: code that ends normally exactly when the program passes.
    """

    secret: str
    code: str
    names: Sequence[str]
    preamble: str
    tests: str


def dump(record: Settings | Job) -> str:
    """One line of JSON."""
    return json.dumps(record._asdict())


def load_settings(text: str) -> Settings:
    """The settings `dump` wrote."""
    return Settings(**json.loads(text))


def load_job(text: str | bytes) -> Job:
    """The job `dump` wrote."""
    return Job(**json.loads(text))
