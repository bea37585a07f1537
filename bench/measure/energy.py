"""Energy that the hardware counts: RAPL's packages on a CPU, the driver's counter of a GPU.

It is the whole package's or device's, whoever uses it, idle power included.
"""

import ctypes
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import torch

POWERCAP = Path("/sys/class/powercap")


class EnergyMeter:
    """Joules between two readings; a context manager.

    Args:
        device: as in torch.

    Attributes:
        joules: since it was entered, once it is left; None where the machine does not tell.
    """

    def __init__(self, device: torch.device) -> None:
        self.joules: float | None = None
        self._counters = _gpu_counters(device.index or 0) if device.type == "cuda" else _packages()

    def __enter__(self) -> "EnergyMeter":
        self._before = [counter() for counter, _ in self._counters]
        return self

    def __exit__(self, *_: object) -> None:
        spent = []
        for (counter, size), before in zip(self._counters, self._before, strict=True):
            now = counter()
            if before is None or now is None:
                return
            # A counter that is full begins again.
            spent.append(now - before if now >= before else now - before + size)
        self.joules = sum(spent) if spent else None


# Reads joules, None where that fails; and after how many the counter begins again.
Counter = tuple[Callable[[], float | None], float]


def _packages() -> list[Counter]:
    """One for each processor package. Zones within a package are parts of it, and left out."""
    found = []
    for zone in sorted(POWERCAP.glob("intel-rapl:*")):
        with suppress(OSError, ValueError):
            name = (zone / "name").read_text().strip()
            if name.startswith("package") and zone.name.count(":") == 1:
                size = int((zone / "max_energy_range_uj").read_text()) / 1e6
                found.append((_reader(zone / "energy_uj"), size))
    return found


def _reader(file: Path) -> Callable[[], float | None]:
    """Joules of a file of microjoules. Most systems let only root read it."""

    def read() -> float | None:
        try:
            return int(file.read_text()) / 1e6
        except (OSError, ValueError):
            return None

    return read


def _gpu_counters(index: int) -> list[Counter]:
    """The device's, since the driver was loaded; none where NVML or the device has no such count.

    index: as torch counts devices.
    """
    library = _nvml()
    if library is None:
        return []
    handle = ctypes.c_void_p()
    uuid = f"GPU-{torch.cuda.get_device_properties(index).uuid}".encode()
    if library.nvmlDeviceGetHandleByUUID(uuid, ctypes.byref(handle)):
        return []

    def read() -> float | None:
        millijoules = ctypes.c_ulonglong()
        failed = library.nvmlDeviceGetTotalEnergyConsumption(handle, ctypes.byref(millijoules))
        return None if failed else millijoules.value / 1e3

    return [(read, 2**64 / 1e3)]


@cache
def _nvml() -> ctypes.CDLL | None:
    """The driver's library, initialised; None without one."""
    try:
        library = ctypes.CDLL("libnvidia-ml.so.1")
        return None if library.nvmlInit_v2() else library
    except (OSError, AttributeError):
        return None
