"""The ways to shut a program in, strongest first, and which of them this machine has."""

import shutil
import site
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.sandbox.inside.job import Settings, dump
from tasks.sandbox.inside.namespaces import SCRATCH

INSIDE = Path(__file__).resolve().parent
# No user or site packages and no folder of the caller's on the path; the folder above is put there
# for our own code.
MAIN = "import sys; sys.path.insert(0, sys.argv[1]); from inside.supervisor import main; main()"
START = ("-s", "-S", "-P", "-B", "-c", MAIN)
# What Python needs beside its own folders: shared libraries, time zones, and three devices that
# everyone may use.
SYSTEM_PATHS = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/usr/share/zoneinfo",
    "/dev/null", "/dev/zero", "/dev/urandom",
)  # fmt: skip


class SandboxError(Exception):
    """No isolation is available here, or it broke; the message says why."""


@dataclass(frozen=True)
class Limits:
    """What a program may take: seconds, MiB of address space, and room for files it writes.

    The seconds are of wall-clock time (and of CPU time).
    """

    seconds: float = 10.0
    memory_mib: int = 1024
    scratch_mib: int = 16
    scratch_files: int = 256


@dataclass(frozen=True)
class Submission:
    """A program and what judges it.

    Attributes:
        code: the generated program.
        names: globals of the program that the tests use, beside their own.
        preamble: trusted code the tests stand on, such as imports; run before the names are filled
            in.
        tests: trusted code that ends normally exactly when the program is right.
    """

    code: str
    names: tuple[str, ...]
    tests: str
    preamble: str = ""


@dataclass(frozen=True)
class Backend:
    """One way to shut a program in.

    Seccomp and limits always come on top, Landlock where the kernel has it.

    Attributes:
        name: as the tests and the tables call it.
        wrapper: a program that builds the namespaces and starts the sandbox in them, None for none.
        namespaces: whether the sandbox enters namespaces by itself.
    """

    name: str
    wrapper: str | None = None
    namespaces: bool = False

    def command(self, limits: Limits, root: str) -> list[str]:
        """The command that runs one job in the empty folder `root`.

        Raises:
            SandboxError: the wrapper is not installed.
        """
        paths = readable_paths()
        prefix: list[str] = []
        layer = ""
        if self.wrapper:
            wrapper = shutil.which(self.wrapper)
            if wrapper is None:
                raise SandboxError(f"{self.wrapper} is not installed")
            paths = outermost([*paths, str(INSIDE)])
            prefix, root, layer = _bubblewrap(wrapper, paths, limits), SCRATCH, self.name
        settings = Settings(
            seconds=limits.seconds,
            memory_mib=limits.memory_mib,
            scratch_bytes=limits.scratch_mib << 20,
            scratch_files=limits.scratch_files,
            readable=paths,
            site_packages=[path for path in site.getsitepackages() if Path(path).is_dir()],
            root=root,
            wrapper=layer,
            namespaces=self.namespaces,
            landlock_alone=not (self.wrapper or self.namespaces),
        )
        return [*prefix, sys.executable, *START, str(INSIDE), dump(settings)]


BACKENDS = (
    Backend("bubblewrap", wrapper="bwrap"),
    Backend("namespaces", namespaces=True),
    Backend("landlock"),
)


def outermost(paths: Sequence[str]) -> list[str]:
    """The paths that exist, without those that lie below another of them."""
    kept: list[str] = []
    for path in sorted({path for path in paths if Path(path).exists()}):
        if not any(Path(path).is_relative_to(other) for other in kept):
            kept.append(path)
    return kept


def readable_paths() -> list[str]:
    """What a program may read: Python, its packages and the libraries they need."""
    return outermost([sys.base_prefix, sys.prefix, *SYSTEM_PATHS])


def _bubblewrap(wrapper: str, paths: Sequence[str], limits: Limits) -> list[str]:
    kinds = {path: "--dev-bind" if path.startswith("/dev/") else "--ro-bind" for path in paths}
    binds = [word for path, kind in kinds.items() for word in (kind, path, path)]
    scratch = ["--size", str(limits.scratch_mib << 20), "--tmpfs", SCRATCH, "--remount-ro", "/", "--chdir", SCRATCH]
    own = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    return [wrapper, *own, *binds, *scratch, "--"]
