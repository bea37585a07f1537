"""`make portability` means what it says."""

import os
import subprocess
import sys

from portability import environment

LOOK = """
import torch
from portability import cpu
on = [name for name in cpu.__cpu_dispatch__ if cpu.__cpu_features__.get(name)]
assert not on and torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "NO AVX"), on
"""


def test_nothing_optional_is_left_on():
    paths = {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", LOOK], env={**os.environ, **paths, **environment()}, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
