"""A world of its own for the process, by namespaces(7).

It has a small read-only file system, no network and no other processes.
"""

import os
import struct
from collections.abc import Sequence

from . import kernel

NEW_MOUNTS, NEW_USER, NEW_PIDS, NEW_NETWORK = 0x00020000, 0x10000000, 0x20000000, 0x40000000
NEW_CGROUP, NEW_UTS, NEW_IPC = 0x02000000, 0x04000000, 0x08000000
NAMESPACES = NEW_MOUNTS | NEW_PIDS | NEW_NETWORK | NEW_CGROUP | NEW_UTS | NEW_IPC

READ_ONLY, NO_SUID, NO_DEVICES, BIND, RECURSIVE, PRIVATE = 1, 2, 4, 4096, 16384, 1 << 18
DETACH = 2
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
NOBODY = 65534
SCRATCH = "/scratch"


def enter(root: str, readable: Sequence[str], scratch_bytes: int, scratch_files: int) -> str:
    """Move this process into namespaces of its own; the layer's name.

    Its files are then `readable`, read-only, and an empty working folder, /scratch. Children are in
    a pid namespace of their own: its first process is the init of all others, and when it ends the
    kernel kills the rest.

    Args:
        root: an empty folder, mounted over in the new namespace only.
        readable: paths that stay visible, none below another.
        scratch_bytes: room in the working folder.
        scratch_files: files and folders it may hold.

    Raises:
        OSError: the kernel or this container does not allow it.
    """
    uid, gid = os.getuid(), os.getgid()
    try:
        # Real root needs no user namespace, and gives root up below.
        kernel.call("unshare", NAMESPACES)
        uid, gid, name = NOBODY, NOBODY, "namespaces (mount, pid, net, ipc, uts, cgroup; user nobody)"
    except PermissionError:
        kernel.call("unshare", NAMESPACES | NEW_USER)
        maps = {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}
        for file, text in maps.items():
            with open(f"/proc/self/{file}", "w") as opened:
                opened.write(text)
        name = "namespaces (user, mount, pid, net, ipc, uts, cgroup)"
    _build(root, readable)
    scratch = f"size={scratch_bytes},nr_inodes={scratch_files},mode=700,uid={uid},gid={gid}"
    kernel.call("mount", b"tmpfs", SCRATCH.encode(), b"tmpfs", NO_SUID | NO_DEVICES, scratch.encode())
    os.chdir(SCRATCH)
    if os.getuid() != uid:
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    return name


def _build(root: str, readable: Sequence[str]) -> None:
    """Make a read-only tree of `readable` at `root`, and turn it into /.

    It has a place for the scratch folder.
    """
    # The folders made here are root's, and whoever root becomes must find a way through them.
    os.umask(0o022)
    kernel.call("mount", None, b"/", None, RECURSIVE | PRIVATE, None)
    kernel.call("mount", b"tmpfs", root.encode(), b"tmpfs", NO_SUID | NO_DEVICES, b"size=1m,mode=755")
    for path in readable:
        target = root + path
        if os.path.isdir(path):
            os.makedirs(target)
        else:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.mknod(target)
        kernel.call("mount", path.encode(), target.encode(), None, BIND | RECURSIVE, None)
    os.mkdir(root + SCRATCH)
    os.chdir(root)
    # Both the old and the new root are then mounted at the same place, the old one on top
    # (pivot_root(2)).
    kernel.system_call(kernel.PIVOT_ROOT, b".", b".")
    kernel.call("umount2", b".", DETACH)
    os.chdir("/")
    # Unlike a remount it reaches the mounts below too and keeps what a user namespace may not
    # change.
    attributes = struct.pack("=QQQQ", READ_ONLY | NO_SUID, 0, 0, 0)
    kernel.system_call(kernel.MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, attributes, len(attributes))
