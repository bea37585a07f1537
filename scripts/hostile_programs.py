"""Run every hostile program of the tests in every isolation here, and write what stopped it.

The isolations are those that this machine has; the outcome is a table.

    python scripts/hostile_programs.py [--output results/sandbox/README.md]

Exit status 1 if one was not stopped.
"""

import argparse
import os
import platform
import socket
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from hostile_programs import HOSTILE, Surroundings, run_hostile, stopped
from tqdm import tqdm

from bench.measure.environment import environment
from tasks.sandbox import SandboxError
from tasks.sandbox.isolation import BACKENDS
from tasks.sandbox.runner import try_backend

HEAD = """# What hostile programs tried, and what stopped them

Written by `python scripts/hostile_programs.py`. The programs are in `tests/hostile_programs.py`,
where they are tests; what they run in, and what it cannot stop, is in `tasks/sandbox/README.md`. A
cell is what the program got; `OSError 38` is ENOSYS, "there is no such call", 2 "no such file", 13
"permission denied", 27 "file too large", 28 "no space left", 30 "read-only file system". No program
passed, left a process behind, or changed or read a file outside. The canonical solutions, which
have to pass, and the broken ones, which must not, are in [canonical.md](canonical.md).
"""


def main() -> int:
    """Parse the command line, run, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "results/sandbox/README.md")
    arguments = parser.parse_args()
    os.environ["HARNESS_SECRET"] = "s3cret"
    user = "root" if os.geteuid() == 0 else "an ordinary user"
    commit = environment("cpu").git.commit
    machine = (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit[:7] if commit else 'unknown'}, Linux {platform.release()}, "
        f"{platform.machine()}, Python {platform.python_version()}, as {user}."
    )
    lines = [HEAD, machine, ""]
    backends = []
    for backend in BACKENDS:
        try:
            lines.append(f"- **{backend.name}**: {try_backend(backend)}")
            backends.append(backend)
        except SandboxError as error:
            lines.append(f"- {backend.name}: not here ({error})")
    lines += ["", f"| program | tries to | stopped by | {' | '.join(backend.name for backend in backends)} |"]
    lines.append("|---|---|---|" + "---|" * len(backends))
    failures = []
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as server:
        (Path(folder) / "secret").write_text("s3cret")
        around = Surroundings(Path(folder), server.getsockname()[1])
        for hostile in tqdm(HOSTILE):
            cells = []
            for backend in backends:
                outcome, _, left = run_hostile(hostile, backend, around)
                if not stopped(hostile, outcome) or left or not around.intact():
                    failures.append(f"{hostile.name} in {backend.name}: {outcome} {left}")
                reason = outcome.reason.removeprefix("AssertionError: ").strip(": ")
                cells.append(f"{outcome.verdict}: {reason}" if reason else f"{outcome.verdict}: wrong answer")
            lines.append(f"| {hostile.name} | {hostile.tried} | {hostile.stopped} | {' | '.join(cells)} |")
    if failures:
        print("\n".join(failures), file=sys.stderr)
        return 1
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
