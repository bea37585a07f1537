"""Running submissions in sandboxes, a few at a time, and choosing the isolation."""

import json
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from tasks.sandbox.inside.job import Job, dump
from tasks.sandbox.inside.supervisor import FULL, GRACE_SECONDS, TIMEOUT
from tasks.sandbox.isolation import BACKENDS, Backend, Limits, SandboxError, Submission

WORKERS = 2
# A fixed seed for the order of sets, so that a program passes always or never; the program does not
# see it.
ENVIRONMENT = {"PYTHONHASHSEED": "0"}

# A program that tries what no sandbox may allow, and answers with what it got.
PROBE = Submission(
    code="""
import os, socket

def leaks():
    found = []
    for name, attempt in {
        "reads files": lambda: open("/etc/passwd"),
        "writes files": lambda: open("/usr/lib/probe", "w"),
        "opens sockets": lambda: socket.socket(),
        "starts processes": lambda: os.fork() or os._exit(0),
        "sends signals": lambda: os.kill(os.getppid(), 0),
    }.items():
        try:
            attempt()
            found.append(name)
        except OSError:
            pass
    open("scratch", "w").close()
    return found
""",
    names=("leaks",),
    tests="found = leaks()\nassert found == [], 'a program there ' + ', '.join(found)",
)


@dataclass(frozen=True)
class Outcome:
    """What became of a program.

    Attributes:
        verdict: "passed", "failed" or "timeout".
        reason: why it did not pass, in a few words; they may be the program's own.
        isolation: the layers it ran under, "" where the judge did not live to say.
    """

    verdict: str
    reason: str = ""
    isolation: str = ""

    @property
    def passed(self) -> bool:
        """Whether all tests passed."""
        return self.verdict == "passed"


def run_submission(submission: Submission, limits: Limits, backend: Backend) -> Outcome:
    """Judge one program in a sandbox of its own.

    Neither judge nor candidate is left when this returns.

    Raises:
        SandboxError: the sandbox itself could not be set up.
    """
    secret = secrets.token_hex(16)
    job = Job(secret, submission.code, submission.names, submission.preamble, submission.tests)
    with tempfile.TemporaryDirectory(prefix="program-", ignore_cleanup_errors=True) as root:
        try:
            ended = subprocess.run(
                backend.command(limits, root),
                input=dump(job).encode(),
                capture_output=True,
                cwd=root,
                env=ENVIRONMENT,
                start_new_session=True,
                timeout=limits.seconds + 2 * GRACE_SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"{backend.name}: no answer within {error.timeout:g} s") from None
        except OSError as error:
            raise SandboxError(f"{backend.name}: {error}") from None
    if ended.returncode == TIMEOUT:
        return Outcome("timeout", f"longer than {limits.seconds:g} s")
    if ended.returncode == FULL:
        return Outcome("failed", "wrote more than the scratch folder holds")
    if ended.returncode == 0:
        return _outcome(ended.stdout, secret)
    lines = ended.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {ended.returncode}"]
    raise SandboxError(f"{backend.name}: {lines[-1]}")


def _outcome(output: bytes, secret: str) -> Outcome:
    """What the judge said, if it was the judge."""
    with suppress(ValueError):
        proof, verdict, reason, layers = json.loads(output)
        if proof == secret:
            return Outcome(verdict, reason, " + ".join(layers))
    return Outcome("failed", "the judge was ended")


def try_backend(backend: Backend) -> str:
    """The layers a program runs under with this backend.

    Raises:
        SandboxError: it is not available here, or it lets a program do what it should not.
    """
    if sys.platform != "linux":
        raise SandboxError(f"{backend.name}: needs Linux")
    # Long: on a busy machine a slow sandbox is there all the same.
    outcome = run_submission(PROBE, Limits(seconds=60), backend)
    if not outcome.passed:
        raise SandboxError(f"{backend.name}: {outcome.reason}")
    return outcome.isolation


@cache
def strongest() -> Backend:
    """The strongest isolation this machine has, tried out once per process.

    Raises:
        SandboxError: there is none; the message has a reason for each.
    """
    reasons = []
    for backend in BACKENDS:
        try:
            try_backend(backend)
            return backend
        except SandboxError as error:
            reasons.append(str(error))
    raise SandboxError("no isolation is available: " + "; ".join(reasons))


def run_submissions(submissions: Sequence[Submission], limits: Limits) -> list[Outcome]:
    """Outcomes of the programs, in order, under the strongest isolation at hand.

    Raises:
        SandboxError: no isolation is available, or a sandbox broke twice.
    """
    if not submissions:
        return []
    backend = strongest()
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda submission: _persistently(submission, limits, backend), submissions))


def _persistently(submission: Submission, limits: Limits, backend: Backend) -> Outcome:
    """The outcome, at the second try if need be.

    On a busy machine a fork may fail that succeeds a moment later.
    """
    with suppress(SandboxError):
        return run_submission(submission, limits, backend)
    return run_submission(submission, limits, backend)
