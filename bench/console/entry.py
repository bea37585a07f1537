"""How every `python -m` command of this package begins.

An interrupt is one line, even while it still imports.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NoReturn

INTERRUPTED = 130
USER_ERROR = 2


def enter(function: str, *arguments: object) -> NoReturn:
    """End the process with the exit status that `function` ("module:name") returns for `arguments`.

    The module is imported here, so that whoever calls this needs to import nothing else.
    """
    try:
        sys.exit(_found(function)(*arguments))
    except KeyboardInterrupt:
        # Not through bench.terminal: that may be what was being imported.
        sys.stderr.write("error: interrupted\n")
        sys.exit(INTERRUPTED)


def _found(function: str) -> Callable[..., Any]:
    """The same as `find`.

    Where the harness's own dependencies are missing, one line says how to have them.
    """
    try:
        return find(function)
    except ModuleNotFoundError as error:
        if find_spec("hydra") and find_spec("omegaconf"):
            raise
        sys.stderr.write(f"error: {error}: the harness needs its extra, pip install 'ouroboros-bench[bench]'\n")
        sys.exit(USER_ERROR)


def find(function: str) -> Callable[..., Any]:
    """The function "module:name", its module imported now."""
    module, name = function.split(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def console() -> NoReturn:
    """The command `ouroboros-bench`, the same as `python -m bench`."""
    enter("bench.cli:main")
