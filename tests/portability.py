"""For `env`: NumPy and torch take no more of a CPU than every one of them has (`python
tests/portability.py`).

Sums then come out as on an old machine, last digits and all.
"""

import sys

from numpy._core import _multiarray_umath as cpu


def environment() -> dict[str, str]:
    """NumPy refuses to switch off what its build rests on, and what the CPU does not have."""
    optional = [name for name in cpu.__cpu_dispatch__ if cpu.__cpu_features__.get(name)]
    return {"ATEN_CPU_CAPABILITY": "default", "NPY_DISABLE_CPU_FEATURES": ",".join(optional)}


if __name__ == "__main__":
    sys.stdout.write(" ".join(f"{name}={value}" for name, value in environment().items()) + "\n")
