"""Running generated programs in processes of their own, with limits.

Each program runs in a fresh `python -I` with its own session, an empty environment, a scratch
folder as working directory, no input and no output but one pipe. Limits on CPU time, address
space, file size and processes are set before it starts; a wall-clock limit kills its process group.

A program passes only if it reaches its end: the driver then writes a random token, made for this
run alone and handed to the driver on its standard input, to that pipe. Printing, `sys.exit(0)` or
an early `os._exit(0)` therefore count as failures.

What this does not stop: the program shares the driver's process, so code that searches the
interpreter's frames can find the token; it can read files the user can read, write outside the
scratch folder and open sockets; a child that starts a session of its own outlives the kill where
the process limit does not bind (it never binds root). Isolation by the kernel (namespaces, seccomp)
is the next step; until it stands, run untrusted models as a user who owns nothing.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

ISOLATION = "separate process with rlimits, scratch folder, empty environment; network and files not isolated"
WORKERS = 2

# Runs in the new process, before and around the program. The limits are set here and not between
# fork and exec, which is unsafe in a process with threads.
DRIVER = """
import os, resource, sys

def limit(kind, value):
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))

def main(pipe, seconds, memory):
    token, program = sys.stdin.buffer.read().split(b"\\n", 1)
    limit(resource.RLIMIT_CPU, seconds)
    limit(resource.RLIMIT_AS, memory)
    limit(resource.RLIMIT_FSIZE, 1 << 20)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NPROC, 0)
    write = os.write
    exec(compile(program, "program.py", "exec"), {"__name__": "__main__"})
    write(pipe, token)

main(*map(int, sys.argv[1:]))
"""


@dataclass(frozen=True)
class Limits:
    """What a program may take: wall-clock (and CPU) seconds, and address space in MiB."""

    seconds: float = 10.0
    memory_mib: int = 1024


def run_program(program: str, limits: Limits) -> str:
    """Run one program: "passed" if it reached its end, "timeout" if it was cut off, else "failed"."""
    token = secrets.token_hex(16)
    arguments = [str(int(limits.seconds) + 1), str(limits.memory_mib << 20)]
    reader, writer = os.pipe()
    try:
        with tempfile.TemporaryDirectory(prefix="program-", ignore_cleanup_errors=True) as scratch:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", DRIVER, str(writer), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=scratch,
                env={},
                pass_fds=(writer,),
                start_new_session=True,
            )
            os.close(writer)
            outcome = _wait(process, f"{token}\n{program}".encode("utf-8", "replace"), limits.seconds)
        if outcome == "ended":
            # Longer than a token means that the program wrote to the pipe itself.
            os.set_blocking(reader, False)
            try:
                outcome = "passed" if os.read(reader, 4096) == token.encode() else "failed"
            except BlockingIOError:
                outcome = "failed"
        return outcome
    finally:
        os.close(reader)


def run_programs(programs: Sequence[str], limits: Limits) -> list[str]:
    """Outcomes of the programs, in order, run a few at a time."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda program: run_program(program, limits), programs))


def _wait(process: subprocess.Popen, stdin: bytes, seconds: float) -> str:
    """Feed the process, wait for it, and kill whatever is left of its group."""
    outcome = "ended"
    try:
        process.communicate(stdin, timeout=seconds)
    except subprocess.TimeoutExpired:
        outcome = "timeout"
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return outcome
