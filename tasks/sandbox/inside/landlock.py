"""Which files a process may reach, by Landlock (landlock(7)).

Needs no privilege, and cannot be undone.
"""

import os
import stat
import struct
from collections.abc import Sequence

from . import kernel

# Rights by bit, and the first version of the interface that knows them.
WRITE_FILE, READ_FILE, READ_DIRECTORY, TRUNCATE = 1 << 1, 1 << 2, 1 << 3, 1 << 14
REMOVE_FILE, MAKE_FILE = 1 << 5, 1 << 8
RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 5: 16}  # how many of the bits exist
READ = READ_FILE | READ_DIRECTORY
WRITE = WRITE_FILE | TRUNCATE | REMOVE_FILE | MAKE_FILE
OF_A_FILE = WRITE_FILE | READ_FILE | TRUNCATE
PATH_BENEATH = 1
CREATE_VERSION = 1
# Before version 3 nothing stops a program from truncating files that it may not write to.
ENOUGH_ALONE = 3


def version() -> int:
    """The kernel's Landlock version; 0 where there is none."""
    try:
        return kernel.system_call(kernel.LANDLOCK_CREATE_RULESET, None, 0, CREATE_VERSION)
    except OSError:
        return 0


def restrict(readable: Sequence[str], writable: Sequence[str]) -> str | None:
    """Confine this process to these paths and what lies under them; the layer's name.

    None where there is no Landlock. TCP, other processes' abstract sockets and signals to processes
    outside are closed too, where the version can.

    Raises:
        OSError: the kernel refused.
    """
    current = version()
    if not current:
        return None
    handled = (1 << max(bits for first, bits in RIGHTS_OF_VERSION.items() if first <= current)) - 1
    network = 0b11 if current >= 4 else 0  # bind and connect
    scoped = 0b11 if current >= 6 else 0  # abstract sockets and signals
    # Older kernels take the longer structure as long as what they do not know is zero.
    attributes = struct.pack("=QQQ", handled, network, scoped)
    ruleset = kernel.system_call(kernel.LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for path in readable:
            _allow(ruleset, path, READ & handled)
        for path in writable:
            _allow(ruleset, path, (READ | WRITE) & handled)
        kernel.system_call(kernel.LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return f"Landlock {current}"


def _allow(ruleset: int, path: str, rights: int) -> None:
    opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(opened).st_mode):
            rights &= OF_A_FILE
        kernel.system_call(kernel.LANDLOCK_ADD_RULE, ruleset, PATH_BENEATH, struct.pack("=Qi", rights, opened), 0)
    finally:
        os.close(opened)
