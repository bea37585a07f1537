"""Programs that try to do harm or to cheat, what stops each, and how to run one.

A program's `attack()` says what it got: "did it: ..." or the error. The tests fail with what it
says, so that the judge's reason is the evidence. Programs that cheat are given tests that they do
not pass honestly.
"""

import os
import re
import textwrap
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tasks.sandbox.inside import kernel
from tasks.sandbox.inside.seccomp import ARCHITECTURES, COMMANDS, numbers
from tasks.sandbox.isolation import Backend, Limits, Submission
from tasks.sandbox.runner import Outcome, run_submission

PRELUDE = """
import builtins, ctypes, fcntl, gc, inspect, os, signal, socket, subprocess, sys, threading

def attempt(function, *arguments):
    try:
        return f"did it: {function(*arguments)!r}"[:60]
    except BaseException as error:
        return f"{type(error).__name__} {getattr(error, 'errno', None) or error}"[:60]

def attempts(*functions):
    return "; ".join(dict.fromkeys(attempt(function) for function in functions))

def call(number, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), *(ctypes.c_long(each) for each in arguments)) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "allowed"
"""
SAYS = "raise AssertionError(attack())"
CHEATS = "assert attack(1) == 2"

NO_CALL = "OSError 38"  # ENOSYS
NO_FILE = "FileNotFoundError 2|PermissionError 13|OSError 30"  # ENOENT, EACCES, EROFS
GONE = r"EOFError|Broken pipe"
WRONG = r"^AssertionError: $"

SET_CHILD_SUBREAPER = 36
PF_EXITING = 0x4
COLUMN = ARCHITECTURES.get(kernel.MACHINE, (0, 0))[0]
# uretprobe and uprobe (335 and 336) are the kernel's own and pass every filter; called by a program
# they end it.
ALLOWED = {*numbers(COLUMN).values(), *(int(entry.split()[1 + COLUMN]) for entry in COMMANDS), 335, 336}


@dataclass(frozen=True)
class Hostile:
    """One program.

    Attributes:
        name: short, unique.
        tried: what it tries, for the table.
        stopped: what stops it, for the table.
        evidence: every part of the reason, split at "; ", must match this.
        code: the program; {home}, {pid} and {port} are the harness's secret folder, process and
            open port.
        tests: what judges it.
        limits: what it may take.
        verdict: how it ends.
    """

    name: str
    tried: str
    stopped: str
    evidence: str
    code: str
    tests: str = SAYS
    limits: Limits = Limits(seconds=60.0, memory_mib=256)
    verdict: str = "failed"


SHORT = Limits(seconds=1.0, memory_mib=256)

HOSTILE = (
    Hostile("endless loop", "run forever", "wall-clock limit", "longer than", """
        def attack():
            while True:
                pass
        """, limits=SHORT, verdict="timeout"),
    Hostile("endless sleep", "wait forever, deaf to signals", "wall-clock limit", "longer than", """
        import time
        for number in range(1, 32):
            attempt(lambda: signal.signal(number, signal.SIG_IGN))
        time.sleep(3600)
        """, limits=SHORT, verdict="timeout"),
    Hostile("fork bomb", "fork without end", "seccomp: no call makes a process", NO_CALL, """
        def attack():
            return attempts(*[os.fork] * 1000)
        """),
    Hostile("thread bomb", "start threads without end", "seccomp: no call makes a thread", "can't start new thread", """
        def attack():
            return attempts(*[threading.Thread(target=lambda: None).start] * 100)
        """),
    Hostile("other programs", "run a shell, replace itself by one", "seccomp: no call executes", NO_CALL, """
        def attack():
            return attempts(lambda: subprocess.run(["/bin/sh", "-c", "id"]), lambda: os.system("id") and call(59, 0),
                            lambda: os.execv("/bin/sh", ["sh"]))
        """),
    Hostile("memory hog", "allocate without end", "RLIMIT_AS", "MemoryError", """
        def attack():
            return attempt(lambda: [bytearray(1 << 24) for _ in range(1000)])
        """),
    Hostile("hidden memory", "memory outside its address space: memfd, shared memory, message queues", "seccomp",
        NO_CALL, """
        def attack():
            return attempts(lambda: os.memfd_create("x"), lambda: call(29, 0, 1 << 30, 0o1600),
                            lambda: call(68, 0, 0o1600), lambda: call(248, 0, 0, 0, 0, 0))
        """),
    Hostile("writing outside", "write to home, /tmp, the packages, the folder above",
        "read-only mounts, or Landlock", NO_FILE, """
        import json
        def attack():
            places = ["{home}/planted", "/tmp/planted", "../planted", "/planted", json.__file__ + ".planted",
                      "/dev/shm/planted"]
            return attempts(*(lambda place=place: open(place, "w") for place in places))
        """),
    Hostile("damaging files", "truncate, rename and remove files outside", "read-only mounts, or Landlock",
        NO_FILE, """
        import json
        def attack():
            return attempts(lambda: os.truncate("{home}/secret", 0), lambda: os.remove("{home}/secret"),
                            lambda: os.rename("{home}/secret", "{home}/moved"), lambda: os.truncate(json.__file__, 0),
                            lambda: os.open("{home}/secret", os.O_RDONLY | os.O_TRUNC))
        """),
    Hostile("reading files", "read a secret file of the user's, the harness's folder, /etc/shadow",
        "not mounted, or Landlock", NO_FILE, """
        def attack():
            return attempts(lambda: open("{home}/secret").read(), lambda: os.listdir("{home}"),
                            lambda: os.listdir("{project}"), lambda: open("/etc/shadow").read())
        """),
    Hostile("parent's environment", "read /proc/PID/environ of the parent, the harness and the judge",
        "no /proc, or Landlock", NO_FILE, """
        def attack():
            return attempts(lambda: open("/proc/{pid}/environ").read(), lambda: os.listdir("/proc"),
                            lambda: open(f"/proc/{{os.getppid()}}/environ").read(),
                            lambda: open(f"/proc/{{os.getppid()}}/mem", "rb").read(1), lambda: os.listdir("/proc/1/fd"))
        """),
    Hostile("own environment", "find the harness's environment in its own", "an environment of three constants",
        r"environment: \[\]$", """
        def attack():
            libc = ctypes.CDLL(None)
            libc.getenv.restype = ctypes.c_char_p
            names = [name for name in os.environ if not name.endswith("_NUM_THREADS")]
            return f"environment: {{names}}{{libc.getenv(b'HARNESS_SECRET') or ''}}"
        """),
    Hostile("killing", "kill the harness, the judge, its group, everybody", "seccomp: no call sends a signal",
        NO_CALL, """
        def attack():
            victims = ({pid}, os.getppid(), 0, -1)
            return attempts(*(lambda victim=victim: os.kill(victim, signal.SIGKILL) for victim in victims))
        """),
    Hostile("killing through a pipe", "name the harness as owner of a pipe and SIGKILL as its signal",
        "seccomp: fcntl's other commands", NO_CALL, """
        def attack():
            reader, writer = os.pipe()
            return attempts(lambda: fcntl.fcntl(reader, 10, signal.SIGKILL), lambda: fcntl.fcntl(reader, 8, {pid}))
        """),
    Hostile("lowering limits", "set the harness's CPU limit to nothing, raise its own", "seccomp",
        NO_CALL, """
        import resource
        def attack():
            return attempts(lambda: resource.prlimit({pid}, resource.RLIMIT_CPU, (0, 0)),
                            lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)))
        """),
    Hostile("sockets", "TCP, UDP, Unix, abstract and netlink sockets, and raw system calls for them",
        "seccomp: no call makes a socket", NO_CALL, """
        def attack():
            kinds = [(socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM),
                     (socket.AF_INET6, socket.SOCK_STREAM), (socket.AF_UNIX, socket.SOCK_STREAM), (16, socket.SOCK_RAW)]
            return attempts(*(lambda kind=kind: socket.socket(*kind) for kind in kinds), socket.socketpair,
                            lambda: socket.create_connection(("127.0.0.1", {port})), lambda: call(41, 2, 1, 0))
        """),
    Hostile("printing gigabytes", "fill the harness's memory or log through standard output and error",
        "output goes nowhere", "wrote 1 GiB to nobody", """
        def attack():
            for _ in range(512):
                os.write(1, bytes(1 << 20))
                os.write(2, bytes(1 << 20))
            return "wrote 1 GiB to nobody"
        """),
    Hostile("sys.exit(0)", "end well before the tests", "the judge, another process", "SystemExit",
        "sys.exit(0)"),
    Hostile("os._exit(0)", "end well before the tests, past Python", "the judge, another process", GONE,
        "os._exit(0)"),
    Hostile("os._exit(0) in a test", "end well in the middle of the tests", "the judge, another process", GONE, """
        def attack():
            os._exit(0)
        """),
    Hostile("forged result", "write a result to every file descriptor and leave",
        "no descriptor leads to the harness; the secret is unknown", rf"{GONE}|ValueError", """
        import json
        text = json.dumps(["0" * 32, "passed", "", []]).encode()
        for descriptor in range(1024):
            attempt(os.write, descriptor, text)
        os._exit(0)
        """, CHEATS),
    Hostile("forged answers", "answer the judge before it asks, with functions for its builtins",
        "the judge takes only the names it asked for", WRONG, """
        import json
        text = json.dumps(["value", ["dict", [[name, ["object", 0]] for name in ("len", "attack")]]]).encode()
        for descriptor in range(3, 64):
            attempt(os.write, descriptor, len(text).to_bytes(4, "big") + text)
        """, "assert len([]) == 0, 'len was replaced'\n" + CHEATS),
    Hostile("always equal", "answer with an object that equals everything", "the judge compares plain data", WRONG, """
        class Yes:
            __eq__ = __le__ = __ge__ = __contains__ = lambda self, other: True
            __ne__ = lambda self, other: False
            __hash__ = lambda self: hash(2)
        def attack(number):
            return Yes()
        """, CHEATS),
    Hostile("holding everything", "answer with an object that says it contains whatever is looked for",
            "the judge compares the elements", WRONG, """
        class Everything:
            __contains__ = lambda self, other: True
            __iter__ = lambda self: iter([1, 3])
        def attack(number):
            return Everything()
        """, "if 3 in attack(1):\n    assert 2 in attack(1)"),
    Hostile("an int that lies", "answer with an int whose `==` says yes", "the judge rebuilds plain data", WRONG, """
        class Lie(int):
            __eq__ = lambda self, other: True
            __hash__ = int.__hash__
        def attack(number):
            return [Lie(7)]
        """, "assert attack(1) == [2]"),
    Hostile("monkey-patching", "replace builtins, AssertionError and the import machinery",
        "the judge has builtins of its own", WRONG, """
        builtins.abs = builtins.sum = lambda *_: 0
        builtins.all = lambda *_: True
        builtins.AssertionError = type("Nothing", (BaseException,), {{}})
        sys.modules["math"] = sys
        def attack(number):
            return 7
        """, "import math\nassert abs(attack(1) - 2) < 1e-6 and all([False])"),
    Hostile("shadowed names", "define the names that the tests use", "the judge has a namespace of its own", WRONG, """
        def check(candidate):
            pass
        def abs(number):
            return 0
        def attack(number):
            return 7
        """, "def check(candidate):\n    assert abs(candidate(1) - 2) < 1e-6\ncheck(attack)"),
    Hostile("ending the tests' loop", "raise StopIteration, which ends a map without a trace",
        "the judge raises something else", "CandidateError", """
        def attack(number):
            raise StopIteration
        """, "assert all(map(lambda case: attack(case) == 2, [1, 1]))"),
    Hostile("reading the tests", "find the tests or the secret: frames, gc, modules, hooks, files, memory of the judge",
        "they never come into its process", "nothing found", """
        seen = []
        sys.addaudithook(lambda event, arguments: seen.append(str(arguments)) if event in ("exec", "compile") else None)
        sys.settrace(lambda frame, event, argument: seen.append(str(frame.f_locals)))
        def attack():
            sys.settrace(None)
            frame = sys._getframe()
            while frame:
                seen.append(str(frame.f_locals) + str(list(frame.f_globals)))
                frame = frame.f_back
            texts = seen + [each for each in gc.get_objects() if isinstance(each, (str, bytes))]
            for each in gc.get_objects():
                texts += [str(part) for part in gc.get_referents(each) if isinstance(part, (str, bytes))]
            attempt(lambda: texts.append(open("tests.py").read()))
            attempt(lambda: texts.extend(inspect.getsource(frame[0]) for frame in inspect.stack()))
            mark = "_".join(["only", "in", "the", "tests"])
            return "found it" if any(mark in text for text in texts) else "nothing found"
        """, f"only_in_the_tests = 1\n{SAYS}"),
    Hostile("flooding the judge", "answer with more than the judge can hold", "limit on a message", "too long", """
        def attack():
            return "x" * (20 << 20)
        """),
    Hostile("bottomless answer", "answer with data nested without end", "limit on recursion", "RecursionError", """
        def attack():
            data = []
            for _ in range(100000):
                data = [data]
            return data
        """),
    Hostile("daemon", "leave a process behind: setsid, double fork, outlive the parent",
        "seccomp: no call makes a process or a session", NO_CALL, """
        def attack():
            return attempts(os.setsid, os.fork, lambda: call(157, 1, 0, 0, 0, 0), lambda: call(56, 0x8000, 0, 0, 0, 0))
        """),
    Hostile("filling the disk", "make files without end",
        "size and number of files: its own file system, or the supervisor", "OSError 28|wrote more than", """
        import time
        def attack():
            def fill():
                for number in range(2000):
                    with open(f"file{{number}}", "wb") as opened:
                        opened.write(bytes(1 << 16))
            said = attempt(fill)
            time.sleep(1)
            return said
        """),
    Hostile("big file", "write one big file", "RLIMIT_FSIZE", "OSError 27", """
        def attack():
            with open("big", "wb", buffering=0) as opened:
                return attempts(*[lambda: opened.write(bytes(1 << 20)) and opened.write(bytes(1 << 20)) and None] )
        """),
    Hostile("ptrace", "trace the judge and itself, read and write the judge's memory", "seccomp", NO_CALL, """
        def attack():
            parent = os.getppid()
            return attempts(lambda: call(101, 16, parent, 0, 0), lambda: call(101, 0, 0, 0, 0),
                            lambda: call(310, parent, 0, 0, 0, 0, 0), lambda: call(311, parent, 0, 0, 0, 0, 0))
        """),
    Hostile("chmod", "open the scratch folder to all, set-user-id files, change owners", "seccomp", NO_CALL, """
        def attack():
            open("file", "w").close()
            return attempts(lambda: os.chmod(".", 0o777), lambda: os.chmod("file", 0o4755),
                            lambda: os.chown("file", 0, 0), lambda: os.fchmod(os.open("file", 0), 0o777))
        """),
    Hostile("links", "symbolic and hard links out of the scratch folder, for whoever cleans up", "seccomp",
        NO_CALL, """
        def attack():
            return attempts(lambda: os.symlink("{home}", "link"), lambda: os.link("{home}/secret", "hard"),
                            lambda: os.mkfifo("fifo"), lambda: os.mkdir("folder"))
        """),
    Hostile("breaking out", "new namespaces, mounts, another root", "seccomp, no capabilities", NO_CALL, """
        def attack():
            return attempts(lambda: call(272, 0x10000000), lambda: call(165, 0, 0, 0, 0, 0), lambda: os.chroot("."),
                            lambda: call(155, 0, 0), lambda: call(308, 0, 0), lambda: call(105, 0))
        """),
    Hostile("devices", "read the disk, the kernel's log and settings", "not mounted, or Landlock", NO_FILE, """
        def attack():
            return attempts(*(lambda path=path: open(path, "rb").read(1) for path in (
                "/dev/mem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/tty", "/proc/sys/kernel/core_pattern",
                "/sys/kernel/notes", "/proc/self/mem")))
        """),
    Hostile("every other system call", "all 470 that are not on the list, past the C library", "seccomp", NO_CALL, """
        def attack():
            return attempts(*(lambda number=number: call(number, 0, 0, 0, 0, 0, 0)
                              for number in range(470) if number not in {allowed}))
        """),
    Hostile("32-bit system calls", "the same kernel through another table of calls", "seccomp ends the process",
        GONE, """
        import mmap
        def attack():
            page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
            page.write(bytes.fromhex("b814000000cd80c3"))  # mov eax, 20; int 0x80; ret
            address = ctypes.addressof(ctypes.c_char.from_buffer(page))
            return f"did it: {{ctypes.CFUNCTYPE(ctypes.c_int)(address)()}}"
        """),
)  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What a hostile program would like to reach: a folder with a secret, and an open port."""

    home: Path
    port: int

    def intact(self) -> bool:
        """Whether the folder is as it was made."""
        names = [each.name for each in self.home.iterdir()]
        return names == ["secret"] and (self.home / "secret").read_text() == "s3cret"


def run_hostile(hostile: Hostile, backend: Backend, around: Surroundings) -> tuple[Outcome, float, list[int]]:
    """Run one program: what became of it, in how many seconds, and processes of it that are left.
    """
    code = PRELUDE + textwrap.dedent(hostile.code).format(
        home=around.home, project=Path(__file__).parents[1], pid=os.getpid(), port=around.port, allowed=ALLOWED
    )
    submission = Submission(code, ("attack",), hostile.tests)
    before = descendants()
    start = time.monotonic()
    outcome = run_submission(submission, hostile.limits, backend)
    seconds = time.monotonic() - start
    # bubblewrap's own first process may be a moment late.
    while (left := descendants() - before) and time.monotonic() < start + seconds + 1:
        time.sleep(0.01)
    return outcome, seconds, sorted(left)


def descendants(own: int | None = None) -> set[int]:
    """Living processes below this one but `own`.

    Those that lost their parent are adopted, and buried when they end.
    """
    kernel.prctl(SET_CHILD_SUBREAPER, 1)
    found = set()
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess, ChildProcessError):
            if process.pid == own:
                continue
            if process.status() == psutil.STATUS_ZOMBIE:
                os.waitpid(process.pid, os.WNOHANG)
            elif not exiting(process.pid):
                found.add(process.pid)
    return found


def exiting(pid: int) -> bool:
    """Whether nothing of a process runs any more, though the kernel is still taking it and its
    namespaces down.

    On a busy machine that takes the kernel many seconds. From the flags in /proc/PID/stat. Raises
    psutil.NoSuchProcess.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        raise psutil.NoSuchProcess(pid) from None
    return bool(int(fields[6]) & PF_EXITING)


def stopped(hostile: Hostile, outcome: Outcome) -> bool:
    """Whether the program ended as it must, and every part of its evidence is what it must be."""
    reason = outcome.reason.removeprefix("AssertionError: ") or outcome.reason
    parts = reason.split("; ")
    return outcome.verdict == hostile.verdict and all(re.search(hostile.evidence, part) for part in parts)
