"""A run may end at any moment, by a kill, a signal, a full disk or a folder that may no longer be
written.

No record is lost, changed or doubled, and what is measured afterwards ends in the tables of a run
that nothing disturbed, but for times.
"""

import errno
import json
import os
import random
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bench_pair import run, start
from samples import thinned

RUNS = Path("runs")
PANEL = ["method=speculative", "compare=[lookahead,greedy]", "limit=5", "repeats=2"]
RECORDS = 3 * 5 * 2
# What a run is told of its end by, and with which status it may then end; 0: the end came first.
SIGNALS = {signal.SIGKILL: -signal.SIGKILL, signal.SIGTERM: -signal.SIGTERM, signal.SIGINT: 130}
USER_ERROR = 2
# Of a summary all that hangs on no clock.
LASTING = ("prompts", "repeats", "tokens_per_target_forward", "acceptance", "lossless", "quality", "warnings")


def disk_is_full() -> None:
    """No file can grow: writes end with an error of the kernel's, in the middle of a line too."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def folder_is_read_only() -> None:
    """Nothing below the runs is opened for writing, made or renamed, as on another mount."""

    def refuse(event: str, arguments: tuple) -> None:
        writes = event in ("os.mkdir", "os.rename") or (event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
        if writes and RUNS.name in str(arguments[0]):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(arguments[0]))

    sys.addaudithook(refuse)


def disturbed(arguments: list[str], harm: signal.Signals | Callable[[], None], after: float) -> tuple[int, str]:
    """(the exit status, the errors) of a run that is harmed `after` so many seconds."""
    said, says = os.pipe()

    def before() -> None:
        # A terminal is no file that could not grow.
        sys.stdout, sys.stderr = Path(os.devnull).open("w"), os.fdopen(says, "w", buffering=1)  # noqa: SIM115
        if not isinstance(harm, signal.Signals):
            threading.Timer(after, harm).start()

    process = start(*arguments, before=before)
    os.close(says)
    if isinstance(harm, signal.Signals):
        time.sleep(after)
        os.kill(process.pid, harm)
    with os.fdopen(said, errors="replace") as stream:
        errors = stream.read()
    process.join()
    return process.exitcode, errors


def whole_lines() -> dict[Path, bytes]:
    """Of every file of records what a reader could have seen of it."""
    files = {file: file.read_bytes() for file in RUNS.rglob("records.jsonl")}
    return {file: content[: content.rfind(b"\n") + 1] for file, content in files.items()}


def records() -> dict[tuple, tuple]:
    """What was decoded, by case, prompt, repeat and role."""
    found = {}
    for file, content in whole_lines().items():
        for line in content.splitlines():
            each = json.loads(line)
            key = (file, each["prompt"], each["repeat"], each["role"])
            assert key not in found, "measured twice"
            found[key] = each["tokens"], each["stop"], each["steps"]["emitted"]
    return found


def summaries() -> dict[Path, dict]:
    found = {file: json.loads(file.read_text()) for file in RUNS.rglob("summary.json")}
    for each in found.values():  # whether an A/A case missed 1.0 is the clock's
        each["warnings"] = [warning for warning in each["warnings"] if "too noisy" not in warning]
    return {file: {name: each[name] for name in LASTING} for file, each in found.items()}


@pytest.fixture(scope="module")
def undisturbed(pair, tmp_path_factory):
    """(its records, its summaries, its seconds) of a run that ends by itself."""
    from bench_pair import bench_arguments

    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("undisturbed"))
        began = time.monotonic()
        process = start(*bench_arguments(pair), *PANEL)
        process.join()
        assert process.exitcode == 0
        return records(), summaries(), time.monotonic() - began


HARMS = [*SIGNALS, disk_is_full, folder_is_read_only]


# Of 51 runs that are disturbed twice each, one always runs.
@pytest.mark.parametrize("number", thinned(range(51), 1))
def test_nothing_is_lost_changed_or_doubled(monkeypatch, capsys, arguments, undisturbed, number):
    expected, tables, seconds = undisturbed
    draw = random.Random(number)
    command = [*arguments, *PANEL]
    # Each harm once in five.
    for place in range(2):
        harm = HARMS[(2 * number + place) % len(HARMS)]
        before = whole_lines()
        status, errors = disturbed(command, harm, draw.uniform(0, seconds))
        assert status in (0, SIGNALS.get(harm, USER_ERROR)) and "Traceback" not in errors, (harm, errors)
        after = whole_lines()
        assert all(after[file].startswith(content) for file, content in before.items()), (harm, "a record is lost")
    assert run(monkeypatch, *command) == 0, capsys.readouterr().err
    assert records() == expected and len(expected) == RECORDS * 2
    assert summaries() == tables
