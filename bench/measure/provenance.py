"""What a figure was measured with. Looking it up never fails a run: what cannot be found is None."""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from bench import INSTALLED, ROOT
from decoding.errors import UserError

LIBRARIES: tuple[str, ...] = (
    "torch", "transformers", "tokenizers", "numpy", "hydra-core", "omegaconf", "datasets", "safetensors",
)  # fmt: skip
# Of an installed harness the version tells the code; of a checkout, the commit.
LIBRARIES += ("ouroboros-bench",) if INSTALLED else ()


def environment(device: str) -> dict[str, Any]:
    """Everything that must be equal for records to stand in one file: libraries, commit and machine."""
    return {
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in LIBRARIES},
        "git": _checkout(),
        "device": _device_name(device),
        "cpu": _cpu_model(),
        "threads": torch.get_num_threads(),
    }


def session(
    identifier: str,
    warmup: dict[str, Any],
    hardware: list[str],
    neighbours: int,
    warnings: Sequence[str] = (),
    left_out: Mapping[str, str] | None = None,
    probe: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One process that measured: when, by which command, and after which warm-up ({"prompts": int, "from": split}).

    hardware: the cores or the GPU it ran on. neighbours: other runs on them, at most at a time.
    warnings: see bench/report/warnings.py. left_out: labels of the panel's cases that could not run, with the reasons.
    probe: see bench/measure/probe.py; None where the engine was given.
    """
    return {
        "session": identifier,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": ["python", "-m", "bench", *sys.argv[1:]],
        "folder": os.getcwd(),  # noqa: PTH109 (a string for JSON)
        "platform": platform.platform(),
        "warmup": warmup,
        "places": hardware,
        "neighbours": neighbours,
        "warnings": list(warnings),
        "left_out": dict(left_out or {}),
        "probe": probe,
    }


def sessions_of(provenance: Mapping[str, Any], identifiers: Collection[str]) -> list[dict[str, Any]]:
    """The processes that are named so, in their order."""
    return [each for each in provenance["sessions"] if each["session"] in identifiers]


def require_same(earlier: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    """Raise UserError, naming the first difference, if records measured `earlier` cannot be continued `now`."""
    for key, value in now.items():
        before = earlier.get(key)
        if before == value:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            name = next(name for name in {**value, **before} if value.get(name) != before.get(name))
            key, before, value = f"{key}.{name}", before.get(name), value.get(name)
        raise UserError(
            f"{folder} was measured with {key} {before}, now it is {value}: figures of both cannot stand in one file; "
            "measure anew with overwrite=true, or elsewhere with output=FOLDER"
        )


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _checkout() -> dict[str, Any]:
    """The commit, and SHA-256 of the tracked files' changes since: two different dirty trees are not the same code.

    Reports below results/ are no code: writing them anew does not make a run one of another tree. An installed harness
    has no commit: a repository around it holds other code.
    """
    if INSTALLED:
        return {"commit": None, "dirty": None, "changes": None}
    commit = _git("rev-parse", "HEAD")
    changes = _git("diff", "HEAD", "--full-index", "--no-ext-diff", "--", ".", ":(exclude)results")
    return {
        "commit": commit.decode().strip() if commit else None,
        "dirty": None if changes is None else bool(changes),
        "changes": hashlib.sha256(changes).hexdigest() if changes else None,
    }


def _git(*arguments: str) -> bytes | None:
    try:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"


def _cpu_model() -> str | None:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)
