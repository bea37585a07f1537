"""The process that runs the tests, on a program that lives in another process.

A name of the program is a `Remote` here: calling it sends the arguments over and rebuilds the
answer from plain data. So `==`, `assert` and every builtin that decides are this process's own, and
all a program can do is to answer.
"""

import builtins
import json
import os
import sys
import types

from .candidate import REASON_CHARACTERS, text_of
from .job import Job
from .wire import Channel, decode, encode


class CandidateError(Exception):
    """The program raised something that the judge does not raise as it is."""


class Remote:
    """An object of the program's that is no plain data: function, class, instance, iterator.

    It equals nothing but itself: a program that answers with an object whose `__eq__` says yes
    gains nothing.
    """

    def __init__(self, candidate: "Candidate", number: int) -> None:
        object.__setattr__(self, "_candidate", candidate)
        object.__setattr__(self, "_number", number)

    def _ask(self, operation: str, *arguments: object) -> object:
        return self._candidate.ask(operation, self, *arguments)

    def __call__(self, *arguments: object, **keywords: object) -> object:
        """Let the candidate call it."""
        return self._ask("call", arguments, keywords)

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)  # protocols that are not served
        return self._ask("getattr", name)

    def __setattr__(self, name: str, value: object) -> None:
        self._ask("setattr", name, value)

    def __iter__(self) -> object:
        return self._ask("iter")

    def __next__(self) -> object:
        return self._ask("next")

    def __len__(self) -> object:
        return self._ask("len")

    def __bool__(self) -> object:
        return self._ask("bool")

    def __str__(self) -> object:
        return self._ask("str")

    # No __contains__: `in` goes through the elements, which the judge compares itself.
    def __getitem__(self, key: object) -> object:
        return self._ask("getitem", key)


class Candidate:
    """The judge's end of the conversation."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def wait_until_ready(self) -> None:
        """Wait until the other process is shut in; before that it runs nothing that is not ours.

        Raises:
            OSError: it could not be shut in.
        """
        try:
            if self._channel.receive() != "ready":
                raise OSError("the candidate's process did not start")
        except EOFError:
            raise OSError("the candidate's process could not be locked down") from None

    def ask(self, operation: str, *arguments: object) -> object:
        """Have the other process do one thing; the plain value it answers with.

        Raises:
            Exception: what the program raised, if that is a builtin exception, else CandidateError.
            EOFError, ValueError, TypeError, LookupError: it is gone, or what it sent is no answer.
        """
        self._channel.send([operation, *(encode(each, self._number) for each in arguments)])
        kind, *content = self._channel.receive()
        if kind == "value":
            return decode(content[0], lambda number: Remote(self, number))
        name, text = content
        raise _exception(operation, str(name), str(text))

    def _number(self, value: object) -> int:
        if isinstance(value, Remote):
            return value._number
        raise TypeError(f"the tests pass a {type(value).__name__}, which cannot be sent to the program")


def _exception(operation: str, name: str, text: str) -> Exception:
    """The exception to raise for one of the program's."""
    kind = getattr(builtins, name, None)
    if operation == "next" and kind is StopIteration:
        return StopIteration()
    # A StopIteration out of a call would end a loop of the tests early and without a trace.
    silent = (StopIteration, StopAsyncIteration)
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, silent):
        try:
            return kind(text)
        except TypeError:
            pass  # one that is not made from a text alone
    return CandidateError(f"{name}: {text}")


def verdict(job: Job, candidate: Candidate) -> tuple[str, str]:
    """Whether it "passed" or "failed", and the last line of the traceback if it failed."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    try:
        exec(compile(job.preamble, "preamble.py", "exec"), module.__dict__)
        defined = candidate.ask("run", job.code, job.names)
        # No more than was asked for: a program must not fill in the builtins that the tests use.
        module.__dict__.update({name: defined[name] for name in job.names if name in defined})
        exec(compile(job.tests, "tests.py", "exec"), module.__dict__)
    except BaseException as error:  # SystemExit and KeyboardInterrupt are failures too
        return "failed", f"{type(error).__name__}: {text_of(error)}"[:REASON_CHARACTERS]
    return "passed", ""


def report(descriptor: int, job: Job, outcome: tuple[str, str], layers: list[str]) -> None:
    """Tell the harness, and prove by the secret who says so."""
    os.write(descriptor, json.dumps([job.secret, *outcome, layers]).encode())
