"""How every `python -m` command of this package begins: an interrupt is one line even while it still imports."""

import sys
from importlib import import_module
from typing import NoReturn

INTERRUPTED = 130


def enter(function: str, *arguments: object) -> NoReturn:
    """End the process with the exit status that `function` ("module:name") returns for `arguments`.

    The module is imported here, so that whoever calls this needs to import nothing else.
    """
    try:
        sys.exit(find(function)(*arguments))
    except KeyboardInterrupt:
        # Not through bench.terminal: that may be what was being imported.
        sys.stderr.write("error: interrupted\n")
        sys.exit(INTERRUPTED)


def find(function: str):
    """The function "module:name", its module imported now."""
    module, name = function.split(":")
    return getattr(import_module(module), name)


def console() -> NoReturn:
    """The command `ouroboros-bench`, the same as `python -m bench`."""
    enter("bench.cli:main")
