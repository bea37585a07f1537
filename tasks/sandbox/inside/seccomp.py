"""The system calls a program may make, as a seccomp filter (seccomp(2)).

The filter is a list of what is allowed. Everything else does not exist for the program (ENOSYS): no
new process or thread, no program to execute, no socket, no signal to anyone, no tracing, no mount,
no change of owner or mode, no link, no folder, no shared memory, no io_uring. C libraries know
ENOSYS and fall back on older calls.
"""

import ctypes
import struct

from . import kernel

# Each name with its number on x86-64 and on 64-bit ARM; - where the architecture lacks it.
ALLOWED = """
read 0 63  write 1 64  readv 19 65  writev 20 66  pread64 17 67  pwrite64 18 68  lseek 8 62  open 2 -  openat 257 56
close 3 57  close_range 436 436  stat 4 -  fstat 5 80  lstat 6 -  newfstatat 262 79  statx 332 291  access 21 -
faccessat 269 48  faccessat2 439 439  readlink 89 -  readlinkat 267 78  getdents64 217 61  getcwd 79 17  chdir 80 49
unlink 87 -  unlinkat 263 35  rename 82 -  renameat 264 38  renameat2 316 276
truncate 76 45  ftruncate 77 46  dup 32 23  dup2 33 -  dup3 292 24  pipe 22 -  pipe2 293 59  umask 95 166
poll 7 -  ppoll 271 73  select 23 -  pselect6 270 72
mmap 9 222  munmap 11 215  mprotect 10 226  mremap 25 216  madvise 28 233  brk 12 214
rt_sigaction 13 134  rt_sigprocmask 14 135  rt_sigreturn 15 139  sigaltstack 131 132  restart_syscall 219 128
futex 202 98  set_robust_list 273 99  rseq 334 293  sched_yield 24 124  sched_getaffinity 204 123
nanosleep 35 101  clock_nanosleep 230 115  clock_gettime 228 113  clock_getres 229 114  gettimeofday 96 169
time 201 -  times 100 153  getrusage 98 165  getrandom 318 278  uname 63 160  sysinfo 99 179
getpid 39 172  gettid 186 178  getppid 110 173  getuid 102 174  geteuid 107 175  getgid 104 176  getegid 108 177
getgroups 115 158  alarm 37 -  setitimer 38 103  getitimer 36 102  exit 60 93  exit_group 231 94
"""
# These two do a hundred things, so only some of their commands are allowed. fcntl could otherwise
# name any process of the user as the owner of a pipe and SIGKILL as the signal it gets.
COMMANDS = {
    # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC.
    "fcntl 72 25": (0, 1, 2, 3, 4, 1030),
    # TCGETS, TIOCGWINSZ, FIONREAD, FIONCLEX, FIOCLEX.
    "ioctl 16 29": (0x5401, 0x5413, 0x541B, 0x5450, 0x5451),
}
# The column in the tables, and the kernel's name for the architecture (AUDIT_ARCH_*, all
# little-endian 64-bit).
ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
# SECCOMP_RET_ALLOW, _KILL_PROCESS, _ERRNO with ENOSYS.
ALLOW, KILL, MISSING = 0x7FFF0000, 0x80000000, 0x00050000 | 38
NUMBER, ARCHITECTURE, SECOND_ARGUMENT = 0, 4, 24  # offsets in struct seccomp_data


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def numbers(column: int) -> dict[str, int]:
    """Name to number of the plainly allowed calls, for a column of the table."""
    words = ALLOWED.split()
    rows = zip(words[::3], zip(words[1::3], words[2::3], strict=True), strict=True)
    return {name: int(row[column]) for name, row in rows if row[column] != "-"}


def filter_code(machine: str) -> bytes:
    """The filter for an architecture, as struct sock_filter instructions.

    Raises:
        OSError: there is no table for the architecture.
    """
    if machine not in ARCHITECTURES:
        raise OSError(f"no seccomp filter for {machine}")
    column, architecture = ARCHITECTURES[machine]
    code = [(LOAD, 0, 0, ARCHITECTURE), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER)]
    # A pair each, so that no jump gets longer than its one byte can say.
    for number in numbers(column).values():
        code += [(EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    for entry, commands in COMMANDS.items():
        code += [(EQUAL, 0, 2 * len(commands) + 2, int(entry.split()[1 + column])), (LOAD, 0, 0, SECOND_ARGUMENT)]
        for command in commands:
            code += [(EQUAL, 0, 1, command), (RETURN, 0, 0, ALLOW)]
        code.append((RETURN, 0, 0, MISSING))
    code.append((RETURN, 0, 0, MISSING))
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def restrict() -> str:
    """Put this process under the filter, for good; the layer's name.

    Raises:
        OSError: the kernel or the architecture has no such filter.
    """
    code = filter_code(kernel.MACHINE)
    program = _Program(len(code) // 8, code)
    kernel.call("prctl", kernel.PR_SET_SECCOMP, 2, ctypes.addressof(program), 0, 0)
    return "seccomp"
