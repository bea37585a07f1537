"""The process that runs the generated program, and calls for the judge what it defined.

Nothing here can be trusted once the program runs: it shares the interpreter and may have replaced
any of it. So nothing here knows anything worth having. The judge sends the program and later the
arguments of calls; the tests, what they expect and the secret never come into this process.
"""

import operator
import sys
import types
from collections.abc import Sequence

from .wire import Channel, decode, encode

REASON_CHARACTERS = 200


def run_module(code: str, names: Sequence[str]) -> dict[str, object]:
    """Run the program as a module that is imported; those of its globals that are among `names`.

    Not as the main one: a program may end with what it does when it is called itself, such as
    `unittest.main()`.
    """
    module = types.ModuleType("program")
    # Where dataclasses and pickle look a class up.
    sys.modules["program"] = module
    exec(compile(code, "program.py", "exec"), module.__dict__)
    return {name: module.__dict__[name] for name in names if name in module.__dict__}


def call(function, arguments: Sequence[object], keywords: dict[str, object]) -> object:
    """Call a function of the program."""
    return function(*arguments, **keywords)


# What the judge may ask for, by name.
OPERATIONS = {
    "run": run_module,
    "call": call,
    "getattr": getattr,
    "setattr": setattr,
    "iter": iter,
    "next": next,
    "len": len,
    "bool": bool,
    "str": str,
    "getitem": operator.getitem,
}


def text_of(error: BaseException) -> str:
    """What the exception says, cut short; its own `str` may raise too."""
    try:
        return str(error)[:REASON_CHARACTERS]
    except BaseException as other:
        return f"(no text: its str raises {type(other).__name__})"


def serve(channel: Channel, site_packages: Sequence[str]) -> None:
    """Say that the candidate is shut in, then answer requests until the judge is gone."""
    sys.path.extend(site_packages)
    objects: list[object] = []

    def hold(value: object) -> int:
        objects.append(value)
        return len(objects) - 1

    channel.send("ready")
    while True:
        operation, *arguments = channel.receive()
        try:
            values = [decode(each, objects.__getitem__) for each in arguments]
            channel.send(["value", encode(OPERATIONS[operation](*values), hold)])
        except BaseException as error:
            # Whatever the program raises is an answer, and so is a message too long.
            channel.send(["error", type(error).__name__, text_of(error)])
