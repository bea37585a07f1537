"""The sandbox: hostile programs are stopped by every isolation this machine has, honest ones are
judged fairly."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import psutil
import pytest
from hostile_programs import HOSTILE, WRONG, Surroundings, descendants, run_hostile, stopped

from tasks.sandbox import Limits, Outcome, SandboxError, Submission, isolation, run_submissions, runner
from tasks.sandbox.inside import kernel, landlock, seccomp
from tasks.sandbox.isolation import BACKENDS, Backend
from tasks.sandbox.runner import run_submission, strongest, try_backend

ROOT = Path(__file__).parents[1]
LIMITS = Limits(seconds=30.0, memory_mib=256)
# What is not left to seccomp and the judge, which are the same everywhere.
DIFFERENT = ("endless sleep", "writing outside", "damaging files", "reading files", "filling the disk", "devices")


@cache
def unavailable(backend):
    """Why a backend is not available here; None if it is."""
    try:
        try_backend(backend)
    except SandboxError as error:
        return str(error)
    return None


@pytest.fixture(params=BACKENDS, ids=lambda backend: backend.name)
def backend(request):
    if reason := unavailable(request.param):
        pytest.skip(reason)
    return request.param


@pytest.fixture(scope="module")
def best():
    try:
        return strongest()
    except SandboxError as error:
        pytest.skip(str(error))


@pytest.fixture
def around(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_SECRET", "s3cret")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "secret").write_text("s3cret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield Surroundings(tmp_path / "home", server.getsockname()[1])


def hostile_is_stopped(hostile, backend, around):
    outcome, seconds, left = run_hostile(hostile, backend, around)
    assert stopped(hostile, outcome), outcome
    assert not left and around.intact() and seconds < hostile.limits.seconds + 30


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_the_strongest_isolation_stops_every_hostile_program(hostile, best, around):
    hostile_is_stopped(hostile, best, around)


@pytest.mark.parametrize("name", DIFFERENT)
def test_every_isolation_stops_what_each_stops_in_its_own_way(name, backend, around):
    hostile_is_stopped(next(each for each in HOSTILE if each.name == name), backend, around)


@pytest.mark.slow
@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_weaker_isolation_stops_every_hostile_program_too(hostile, backend, best, around):
    if backend == best:
        pytest.skip("the strongest: tested above")
    hostile_is_stopped(hostile, backend, around)


def test_there_is_an_isolation_on_linux():
    """A kernel of the last years has at least Landlock and seccomp, whoever asks."""
    if sys.platform != "linux" or kernel.MACHINE not in seccomp.ARCHITECTURES:
        pytest.skip("needs Linux on x86-64 or 64-bit ARM")
    expected = {
        "namespaces": ["unshare", "--mount", "--pid", "--net", "--fork", "mount", "--make-rprivate", "/"],
        "bubblewrap": ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "true"],
    }
    for backend in BACKENDS:
        if backend.name == "landlock":
            there = landlock.version() >= landlock.ENOUGH_ALONE
        else:
            command = expected[backend.name]
            there = shutil.which(command[0]) and subprocess.run(command, capture_output=True).returncode == 0
        assert not there or unavailable(backend) is None, unavailable(backend)
    reasons = [unavailable(backend) for backend in BACKENDS]
    if all(reasons):
        pytest.skip("; ".join(reasons))
    assert strongest().name == BACKENDS[reasons.index(None)].name


def test_the_search_for_the_tests_would_find_what_is_there(best, around):
    """A control: the same search does find a text that is in the candidate's process."""
    search = next(each for each in HOSTILE if each.name == "reading the tests")
    leak = "\n        leak = 'only_in_the_tests'"
    outcome, _, _ = run_hostile(replace(search, code=leak + search.code), best, around)
    assert outcome.reason == "AssertionError: found it" and not stopped(search, outcome)


def test_a_user_who_may_not_mount_gets_a_user_namespace():
    """The way of ordinary users, and of root in a container: here root that keeps CAP_SETFCAP
    alone, to map itself."""
    namespaces = next(each for each in BACKENDS if each.namespaces)
    program = (
        "import os, struct\n"
        "from tasks.sandbox.inside import kernel\n"
        "from tasks.sandbox.isolation import BACKENDS\n"
        "from tasks.sandbox.runner import SandboxError, try_backend\n"
        "kept = struct.pack('=6I', 1 << 31, 1 << 31, 0, 0, 0, 0)\n"
        "if os.geteuid() == 0:\n"
        "    kernel.call('capset', struct.pack('=Ii', 0x20080522, 0), kept)\n"
        "kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)  # else root has them back when it starts a program\n"
        "try:\n"
        f"    print(try_backend(next(each for each in BACKENDS if each.name == {namespaces.name!r})))\n"
        "except SandboxError as error:\n"
        "    print('none:', error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    if done.stdout.startswith("none:"):
        pytest.skip(done.stdout)
    assert done.stdout.startswith("namespaces (user,"), done.stdout + done.stderr


@pytest.mark.parametrize("victim", ["harness", "sandbox"])
def test_nothing_lives_on_when_a_parent_is_killed(victim, backend):
    program = (
        "from tasks.sandbox import Limits, Submission\n"
        "from tasks.sandbox.isolation import BACKENDS\n"
        "from tasks.sandbox.runner import run_submission\n"
        "submission = Submission('import time\\ntime.sleep(90)', (), '')\n"
        f"backend = next(each for each in BACKENDS if each.name == {backend.name!r})\n"
        "run_submission(submission, Limits(seconds=90), backend)\n"  # longer than the waits below
    )

    before = descendants()

    def processes():
        return descendants(harness.pid) - before

    def wait_until(condition):
        deadline = time.monotonic() + 30
        while not condition() and time.monotonic() < deadline:
            time.sleep(0.05)
        return condition()

    harness = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    try:
        # Supervisor, judge and candidate; bubblewrap has two more of its own.
        assert wait_until(lambda: len(processes()) >= 3)
        if victim == "sandbox":
            psutil.Process(harness.pid).children()[0].kill()
            assert wait_until(lambda: not processes())
            assert harness.wait(60) == 1  # by a SandboxError
    finally:
        harness.kill()
        harness.wait()
    assert wait_until(lambda: not processes())


# Honest programs


def test_a_strict_umask_takes_no_isolation_away(backend):
    before = os.umask(0o077)
    try:
        assert try_backend(backend)
    finally:
        os.umask(before)


def outcome_of(backend, code, tests, names=("f",), limits=LIMITS, preamble=""):
    return run_submission(Submission(code, names, tests, preamble), limits, backend)


HONEST = {
    "numbers": ("def f(x):\n    return x + 1", "assert f(1) == 2 and f(2.5) == 3.5 and f(True) == 2"),
    "containers": (
        "def f(*xs, **named):\n    return xs, named",
        "assert f(1, a={(1, 'é'): [None]}) == ((1,), {'a': {(1, 'é'): [None]}})",
    ),
    "collections": (
        "from collections import *\ndef f():\n    return Counter('aab'), deque([1])",
        "a, b = f()\nassert a == {'a': 2, 'b': 1} and list(b) == [1]",
    ),
    "exact numbers": (
        "from fractions import *\nfrom decimal import *\ndef f():\n    return Fraction(1, 2), Decimal('0.5')",
        "assert f() == (0.5, 0.5)",
    ),
    "long numbers": (
        "import math\ndef f(n):\n    return math.factorial(n)",
        "import math\nassert f(5000) == math.factorial(5000)",
    ),
    "generators": (
        "def f(n):\n    yield from range(n)",
        "assert list(f(3)) == [0, 1, 2] and next(f(1)) == 0 and 2 in f(3)",
    ),
    "closures": ("def f(n):\n    return lambda m: n + m", "assert f(1)(2) == 3"),
    "exceptions": (
        "def f(n):\n    raise KeyError(n)",
        "try:\n    f(1)\nexcept KeyError:\n    pass\nelse:\n    raise ValueError",
    ),
    "classes": (
        "import dataclasses\n@dataclasses.dataclass\nclass f:\n    x: 'int'",
        "node = f(1)\nnode.x = [node.x]\nassert node.x == [1] and bool(node) and str(node) == 'f(x=[1])'",
    ),
    "state": (
        "calls = 0\ndef f():\n    global calls\n    calls += 1\n    return calls",
        "assert (f(), f(), f()) == (1, 2, 3)",
    ),
    "numpy": (
        "import numpy\ndef f(x):\n    return numpy.array(x).sum()",
        "assert f([1, 2]) == 3 and f([0.5]) == 0.5",
    ),
    "files": (
        "import tempfile\ndef f(x):\n    with tempfile.TemporaryFile('w+') as t:\n"
        "        t.write(x)\n        t.seek(0)\n        return t.read()",
        "assert f('x') == 'x'",
    ),
    "output": (
        "import os\nassert os.listdir() == []\nprint('é')\ndef f():\n    return __name__",
        "print('x')\nassert f() == 'program'",
    ),
    "order of sets": (
        "def f():\n    return list({'a', 'b', 'c', 'd', 'e'})",
        "assert f() == list({'a', 'b', 'c', 'd', 'e'})",
    ),
}


@pytest.mark.parametrize(("code", "tests"), HONEST.values(), ids=HONEST)
def test_an_honest_program_passes(best, code, tests):
    assert outcome_of(best, code, tests).verdict == "passed"


@pytest.mark.parametrize(
    ("code", "tests", "reason"),
    [
        ("def f(:", "", "SyntaxError"),
        ("def g():\n    pass", "f()", "NameError"),
        ("def f():\n    return 1", "assert f() == 2, f'{f()} is not 2'", "AssertionError: 1 is not 2"),
        ("def f():\n    return object()", "assert f() == 1", WRONG),
        ("def f():\n    return f()", "f()", "RecursionError"),
        ("def f(g):\n    return g(1)", "f(lambda x: x)", "TypeError: the tests pass a function"),
        ("f = 1", "f()", "TypeError"),
        ("def f():\n    import ctypes\n    ctypes.string_at(0)", "f()", "EOFError"),
        ("class Own(Exception):\n    pass\ndef f():\n    raise Own('why')", "f()", "CandidateError: Own: why"),
        ("class f:\n    def __str__(self):\n        return 1 / 0", "assert False, f()", "its str raises ZeroDivision"),
        (
            "class Own(Exception):\n    def __str__(self):\n        raise SystemExit\ndef f():\n    raise Own",
            "f()",
            "CandidateError: Own: .no text: its str raises SystemExit",
        ),
    ],
)
def test_a_wrong_program_fails_with_a_reason(best, code, tests, reason):
    outcome = outcome_of(best, code, tests)
    assert outcome.verdict == "failed" and re.search(reason, outcome.reason), outcome


def test_only_the_judge_is_believed():
    assert runner._outcome(b'["right", "passed", "", ["seccomp"]]', "right") == Outcome("passed", "", "seccomp")
    wrong = (b'["wrong", "passed", "", []]', b'["right", "passed", "", []] x', b'"passed"', b"passed", b"\xff", b"")
    for forged in wrong:
        assert runner._outcome(forged, "right").verdict == "failed"


def test_outcomes_keep_the_order_of_the_programs(best):
    submissions = [Submission(code, (), "") for code in ("pass", "1 / 0", "import time\ntime.sleep(0.3)", "x")]
    outcomes = run_submissions(submissions, LIMITS)
    assert [outcome.passed for outcome in outcomes] == [True, False, True, False]
    assert all(outcome.isolation.endswith("seccomp + rlimits") for outcome in outcomes)
    assert run_submissions([], LIMITS) == []


def test_little_memory_is_enough_for_python(best):
    assert outcome_of(best, "def f():\n    return 1", "assert f() == 1", limits=Limits(30.0, 64)).passed


# Isolation that is not available


def test_a_sandbox_that_breaks_is_an_error_and_no_failure(best, monkeypatch):
    monkeypatch.setattr(isolation, "readable_paths", lambda: ["/nowhere"])
    with pytest.raises(SandboxError):
        outcome_of(best, "pass", "")


@pytest.mark.parametrize("breaks", [1, 2])
def test_a_sandbox_that_breaks_is_tried_once_more(best, monkeypatch, breaks):
    tries = []

    def flaky(submission, limits, backend):
        tries.append(submission.code)
        if submission.code == "1" and tries.count("1") <= breaks:
            raise SandboxError("BlockingIOError: Resource temporarily unavailable")
        return Outcome("passed", submission.code)

    monkeypatch.setattr(runner, "run_submission", flaky)
    submissions = [Submission(code, (), "") for code in "012"]
    if breaks == 1:
        assert [outcome.reason for outcome in run_submissions(submissions, LIMITS)] == ["0", "1", "2"]
    else:
        with pytest.raises(SandboxError, match="temporarily unavailable"):
            run_submissions(submissions, LIMITS)
    assert tries.count("1") == 2


def test_without_any_isolation_every_reason_is_named(monkeypatch):
    missing = (Backend("bubblewrap", wrapper="no-such-program"), Backend("other", wrapper="nor-this"))
    monkeypatch.setattr(runner, "BACKENDS", missing)
    strongest.cache_clear()
    try:
        with pytest.raises(SandboxError, match=r"no-such-program is not installed; nor-this is not installed"):
            run_submissions([Submission("pass", (), "")], LIMITS)
    finally:
        strongest.cache_clear()


def test_a_backend_that_leaks_is_not_used(monkeypatch, best):
    leaky = replace(runner.PROBE, code=runner.PROBE.code + "\nleaks = lambda: ['reads files']")
    monkeypatch.setattr(runner, "PROBE", leaky)
    with pytest.raises(SandboxError, match="a program there reads files"):
        try_backend(best)
