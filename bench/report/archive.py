"""Run folders as one small file that git can hold.

`python -m bench.archive pack results/runs results/runs.tar.xz`

Much of it repeats (every folder holds the greedy generations beside its own), so one archive for
all is smaller than folders compressed one by one. The same folders give the same bytes.
"""

import argparse
import tarfile
from pathlib import Path

from bench.console.terminal import complain, say


def pack(runs: Path, file: Path) -> None:
    """Pack what is below `runs`, but for hidden files (locks, a launcher's logs), as `file`."""
    names = sorted(each.relative_to(runs) for each in runs.rglob("*") if each.is_file())
    names = [name for name in names if not any(part.startswith(".") for part in name.parts)]
    if not names:
        raise FileNotFoundError(2, "no run folders there", str(runs))
    partial = file.with_name(f".{file.name}.partial")
    with tarfile.open(partial, "w:xz", preset=9) as archive:
        for name in names:
            archive.add(runs / name, name.as_posix(), filter=_plain)
    partial.replace(file)


def unpack(file: Path, runs: Path) -> None:
    """The run folders of `file` below `runs`; what lies there already is overwritten."""
    with tarfile.open(file) as archive:
        archive.extractall(runs, filter="data")


def _plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without what differs from machine to machine."""
    entry.mtime = entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o644
    return entry


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.archive", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("pack", "unpack"))
    parser.add_argument("source", type=Path, help="pack: the folder of the runs; unpack: the .tar.xz")
    parser.add_argument("destination", type=Path, help="pack: the .tar.xz; unpack: the folder")
    given = parser.parse_args(arguments)
    try:
        (pack if given.what == "pack" else unpack)(given.source, given.destination)
    except (OSError, tarfile.TarError) as error:
        complain(f"cannot {given.what} {given.source}: {getattr(error, 'strerror', None) or error}")
        return 2
    file = given.destination if given.what == "pack" else given.source
    say(f"{given.what}ed: {given.destination}, {file.stat().st_size / 2**20:.1f} MiB compressed")
    return 0
