"""What a process gives up before it runs a line that is not ours; none of it comes back."""

import os
import resource
import select
import signal
import struct

from . import kernel, landlock, seccomp
from .job import Settings

CAPABILITY_VERSION = 0x20080522
FILE_BYTES = 1 << 20
OPEN_FILES = 64
OPEN_FILES_EVER = 1 << 20


def lock_down(settings: Settings, alive: int) -> list[str]:
    """Limits, no capabilities, Landlock, seccomp, death with the parent; the names of the layers.

    Args:
        settings: what is allowed, and what is required.
        alive: the end of a pipe whose other end is open in the parent alone. In a pid namespace
            nothing else tells whether the parent died before its death was made ours.

    Raises:
        OSError: one of them, or one that `settings` requires, is not available.
    """
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    hung_up = select.poll()
    hung_up.register(alive, 0)
    if hung_up.poll(0):
        raise OSError("the parent process is gone")
    # No other process of this user may look into this one or trace it.
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    for kind, value in (
        (resource.RLIMIT_CPU, int(settings.seconds) + 1),
        (resource.RLIMIT_AS, settings.memory_mib << 20),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (value, value))
    # Root without capabilities is bound by the limits that root is otherwise free of.
    kernel.call("capset", struct.pack("=Ii", CAPABILITY_VERSION, 0), bytes(24))
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    files = landlock.restrict(settings.readable, [os.getcwd(), os.devnull])
    if settings.landlock_alone and landlock.version() < landlock.ENOUGH_ALONE:
        raise OSError(f"Landlock {landlock.ENOUGH_ALONE} or newer is needed (Linux 6.2)")
    return [*([files] if files else []), seccomp.restrict(), "rlimits"]


def keep_only(*kept: int) -> None:
    """Close every file but `kept`.

    Of the standard ones those not kept are empty and lead nowhere.
    """
    null = os.open(os.devnull, os.O_RDWR)
    for standard in {0, 1, 2}.difference(kept):
        os.dup2(null, standard)
    first = 3
    for descriptor in sorted(each for each in kept if each > 2):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, OPEN_FILES_EVER)
