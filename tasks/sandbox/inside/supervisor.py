"""The first process of a sandbox: shuts itself in, starts judge and candidate, and ends both.

supervisor ─┬─ judge, the first process of the pid namespace
            └─ candidate

The job goes to the judge's memory alone: the supervisor never reads it, so the candidate, split off
from the supervisor, cannot have it; it is sent its program and nothing else. The supervisor keeps
the time and the size of the working folder, kills both, and returns only when no process is left:
neither can start another, and in a pid namespace the kernel ends everything with the judge.
"""

import os
import select
import signal
import sys
import time
from contextlib import suppress

from . import kernel, namespaces
from .candidate import serve
from .job import Settings, load_job, load_settings
from .judge import Candidate, report, verdict
from .lockdown import keep_only, lock_down
from .wire import Channel

# Exit statuses, beside 0.
TIMEOUT, FULL, BROKEN = 3, 4, 5
TICK_MILLISECONDS = 50
# How long a sandbox may take beside the program's own time before it is taken for broken.
GRACE_SECONDS = 30
# All that a program finds there: numpy's libraries would start threads, which are not allowed, and
# give up.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def main() -> None:
    """Run the job on standard input under the settings in the last argument.

    The outcome goes to standard output. Exit status: 0 with the outcome, or without where the judge
    died; TIMEOUT; FULL if the program wrote too much; BROKEN, with a reason on standard error, if
    the isolation asked for is not available.
    """
    settings = load_settings(sys.argv[-1])
    del sys.argv[1:]
    del sys.path[0]
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    # Whatever goes wrong here, and whoever waits no longer: it ends this process, and that ends the
    # others.
    signal.alarm(int(settings.seconds) + GRACE_SECONDS)
    layers = [settings.wrapper] if settings.wrapper else []
    requests, answers, (alive, held) = os.pipe(), os.pipe(), os.pipe()
    harness = os.getppid()
    try:
        if settings.namespaces:
            room = settings.scratch_bytes, settings.scratch_files
            layers.append(namespaces.enter(settings.root, settings.readable, *room))
        else:
            os.chdir(settings.root)
        # After the change of user, which would undo it.
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != harness:
            raise OSError("the harness is gone")
        judge = os.fork()
        if judge == 0:
            os.close(held)
            _judge(settings, layers, alive, Channel(answers[0], requests[1]), (answers[0], requests[1]))
        candidate = os.fork()
        if candidate == 0:
            os.close(held)
            _candidate(settings, alive, Channel(requests[0], answers[1]), (requests[0], answers[1]))
        for descriptor in (*requests, *answers, alive):
            os.close(descriptor)
        status = _watch(judge, candidate, settings)
    except Exception as error:
        _give_up(error)
    os._exit(status)


def _judge(settings: Settings, layers: list[str], alive: int, channel: Channel, pipes: tuple[int, int]) -> None:
    """The judge's whole life; does not return."""
    try:
        job = load_job(sys.stdin.buffer.read())
        layers += lock_down(settings, alive)
        candidate = Candidate(channel)
        result = os.dup(1)
        # What the tests print is not the outcome.
        keep_only(result, 2, *pipes)
        candidate.wait_until_ready()
        keep_only(result, *pipes)
    except Exception as error:
        _give_up(error)
    report(result, job, verdict(job, candidate), layers)
    os._exit(0)


def _candidate(settings: Settings, alive: int, channel: Channel, pipes: tuple[int, int]) -> None:
    """The candidate's whole life; does not return."""
    try:
        keep_only(*pipes, alive)
        lock_down(settings, alive)
        os.close(alive)
        serve(channel, settings.site_packages)
    finally:
        os._exit(1)


def _watch(judge: int, candidate: int, settings: Settings) -> int:
    """Wait for the judge, until time or room is up.

    Then end what is left, and return when no process is.
    """
    deadline = time.monotonic() + settings.seconds
    running = {os.pidfd_open(judge): judge, os.pidfd_open(candidate): candidate}
    ended = select.poll()
    for descriptor in running:
        ended.register(descriptor, select.POLLIN)
    status = 0
    while running:
        # In a pid namespace the judge cannot end before the candidate has been waited for.
        for descriptor, _ in ended.poll(TICK_MILLISECONDS):
            code = os.waitid(os.P_PIDFD, descriptor, os.WEXITED)
            ended.unregister(descriptor)
            if running.pop(descriptor) == judge and (code.si_code, code.si_status) == (os.CLD_EXITED, BROKEN):
                status = BROKEN
        if not status and time.monotonic() > deadline:
            status = TIMEOUT
        elif not status and _full(settings):
            status = FULL
        if status or judge not in running.values():
            for descriptor in running:
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    return status


def _full(settings: Settings) -> bool:
    """Whether the working folder holds more than it may.

    Only a file system of its own can refuse to.
    """
    size = files = 0
    # There are no folders in it: no call that makes one is allowed.
    with os.scandir(".") as entries:
        for entry in entries:
            files += 1
            with suppress(FileNotFoundError):  # removed since it was seen
                size += entry.stat(follow_symlinks=False).st_size
            if size > settings.scratch_bytes or files > settings.scratch_files:
                return True
    return False


def _give_up(error: Exception) -> None:
    os.write(2, f"{type(error).__name__}: {error}\n".encode())
    os._exit(BROKEN)


if __name__ == "__main__":
    main()
