"""Linux calls that Python 3.11 has no function for, through the C library."""

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)

MACHINE = os.uname().machine
# The same numbers on every architecture that got its table after 2011, and on x86-64.
MOUNT_SETATTR = 442
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}.get(MACHINE, -1)

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38


def call(function: str, *arguments: int | bytes | None) -> int:
    """Call a function of the C library.

    Raises:
        OSError: it returned -1.
    """
    return _checked(getattr(_libc, function), arguments)


def system_call(number: int, *arguments: int | bytes | ctypes.Structure | None) -> int:
    """Make the system call `number`.

    Raises:
        OSError: it returned -1.
    """
    return _checked(_libc.syscall, (number, *arguments))


def prctl(option: int, value: int) -> None:
    """Set an attribute of this process.

    The arguments that the option does not use are zero, as some demand.
    """
    call("prctl", option, value, 0, 0, 0)


def _checked(function, arguments) -> int:
    # Without a type a Python int would be passed as 32 bits.
    result = function(*(ctypes.c_long(each) if isinstance(each, int) else each for each in arguments))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{os.strerror(number)}: {getattr(function, '__name__', function)}")
    return result
