"""Who else measures on the same cores or the same GPU.

A run that shares them is slower than it would be alone. A last-level cache and a memory node's
bandwidth are shared by more than one core.

Every measuring process leaves a file that says what it runs on. Runs side by side (cores=N, with a
launcher) take cores that no other run holds; runs that share are labelled in their provenance and
reports.
"""

import json
import os
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil
import torch
from filelock import FileLock

from bench.console.disk import writing
from decoding.errors import UserError

FOLDER = Path(tempfile.gettempdir()) / f"ouroboros-bench-{os.getuid()}"
# Where Linux tells of caches and memory nodes; elsewhere nobody does.
SYSTEM = Path("/sys/devices/system")
# Seconds that a run waits for others to leave the cores it needs.
PATIENCE = 900.0


class Company:
    """What this process measures on, and how many other runs of this user and machine do too.

    A context manager.

    Args:
        device: as in torch.
        cores: on a CPU, how many cores to take for this run alone; all threads of the process move
            there until the end; while too few are free it waits. None: all that the process may
            use, shared or not.

    Attributes:
        hardware: what the run is on, such as ["core 0", "core 1"].
        most: the largest number of other runs seen on one of them.
        nearby: the last-level caches and memory nodes of its cores that another run was seen on.

    Raises:
        UserError: fewer cores are free for a long while, or this system cannot bind a process to
            cores.
    """

    def __init__(self, device: str, cores: int | None) -> None:
        self.device = device
        self.cores = cores if device.startswith("cpu") else None
        self.hardware: list[str] = []
        self.most = 0
        self.nearby: list[str] = []
        self._domains: dict[str, set[int]] = {}
        self._file = FOLDER / f"{os.getpid()}.json"

    def __enter__(self) -> "Company":
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._before = (affinity(), torch.get_num_threads())
        deadline = time.monotonic() + (PATIENCE if (self.cores or 0) <= len(affinity()) else 0)
        while not self._claimed(last=time.monotonic() >= deadline):
            time.sleep(1)
        self.look()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.unlink(missing_ok=True)
        if self.cores:
            _bind(self._before[0])
            torch.set_num_threads(self._before[1])

    def look(self) -> bool:
        """Whether more other runs are there now than ever before, or nearby for the first time."""
        others = self._others()
        here = sum(not set(self.hardware).isdisjoint(theirs) for theirs in others)
        taken = {name for theirs in others for name in theirs}
        seen = [name for name, cores in self._domains.items() if not taken.isdisjoint(_names(cores))]
        new = [name for name in seen if name not in self.nearby]
        grown, self.most = here > self.most or bool(new), max(here, self.most)
        self.nearby += new
        return grown

    def _claimed(self, last: bool) -> bool:
        """Take the cores and say so to others, if enough are free.

        What is not free the last time is an error.
        """
        with FileLock(FOLDER / "claiming.lock"):
            if self.cores:
                taken = {core for theirs in self._others() for core in theirs}
                free = [core for core in sorted(affinity()) if f"core {core}" not in taken]
                if len(free) < self.cores:
                    if not last:
                        return False
                    raise UserError(
                        f"cores={self.cores}: other runs hold all but {len(free)} of the cores; run fewer side by side "
                        "(hydra.launcher.n_jobs), or set cores=null to share them and have the run labelled"
                    )
                _bind(set(free[: self.cores]))
                torch.set_num_threads(self.cores)
            if self.device.startswith("cuda"):
                self.hardware = [_gpu(self.device)]
            else:
                self.hardware, self._domains = _names(affinity()), domains(affinity())
            process = {"started": started(psutil.Process()), "hardware": self.hardware}
            partial = self._file.with_suffix(".partial")
            with writing(self._file):
                partial.write_text(json.dumps(process))
                partial.replace(self._file)  # whole or not at all: others look without the lock
        return True

    def _others(self) -> list[list[str]]:
        """What every other process that measures now runs on.

        What a killed one left behind is swept away.
        """
        found = []
        for file in FOLDER.glob("*.json"):
            if file == self._file:
                continue
            try:
                process = json.loads(file.read_text())
                if started(psutil.Process(int(file.stem))) == process["started"]:
                    found.append(process["hardware"])
                    continue
            except (OSError, ValueError, KeyError, psutil.Error):
                pass  # it ended just now, or it was killed
            file.unlink(missing_ok=True)
        return found


def affinity() -> set[int]:
    """The cores that this process may use."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def domains(cores: set[int]) -> dict[str, set[int]]:
    """The last-level caches and memory nodes of some cores by name, with all cores of each."""
    found = {}
    for core in sorted(cores):
        levels = {_text(cache / "level"): cache for cache in (SYSTEM / "cpu" / f"cpu{core}" / "cache").glob("index*")}
        if levels:
            listed = _text(levels[max(levels)] / "shared_cpu_list")
            found[f"last-level cache of cores {listed}"] = _listed(listed)
    for node in sorted((SYSTEM / "node").glob("node[0-9]*")):
        if cores & (members := _listed(_text(node / "cpulist"))):
            found[f"memory node {node.name.removeprefix('node')}"] = members
    return found


def _text(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


def _listed(text: str) -> set[int]:
    """The numbers of a list such as 0-3,8."""
    spans = [span.partition("-") for span in text.split(",") if span]
    return {number for low, _, high in spans for number in range(int(low), int(high or low) + 1)}


def started(process: psutil.Process) -> float:
    """Seconds from the machine's start to the process's.

    A change of the wall clock does not change them.
    """
    seconds: float = process.create_time() - psutil.boot_time()
    return round(seconds, 2)


def _bind(cores: set[int]) -> None:
    """Every thread of this process, torch's own too."""
    if not hasattr(os, "sched_setaffinity"):
        raise UserError("cores=N needs Linux: elsewhere a process cannot be bound to cores; set cores=null")
    for thread in psutil.Process().threads():
        with suppress(ProcessLookupError):  # it has just ended
            os.sched_setaffinity(thread.id, cores)


def _names(cores: set[int]) -> list[str]:
    return [f"core {core}" for core in sorted(cores)]


def _gpu(device: str) -> str:
    return f"gpu {torch.cuda.get_device_properties(device).uuid}"
