"""What this process measures with. Looking it up never fails a run: what is not found is None."""

import hashlib
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from pathlib import Path

import torch

from bench import INSTALLED, ROOT
from bench.measure.provenance import Checkout, Environment, Session, Times, Warmup
from decoding.errors import UserError

LIBRARIES: tuple[str, ...] = (
    "torch", "transformers", "tokenizers", "numpy", "hydra-core", "omegaconf", "datasets", "safetensors",
)  # fmt: skip
# Of an installed harness the version tells the code; of a checkout, the commit.
LIBRARIES += ("ouroboros-bench",) if INSTALLED else ()


def environment(device: str) -> Environment:
    """What is measured with here.

    Args:
        device: as in torch.
    """
    return Environment(
        python=platform.python_version(),
        versions={name: _version(name) for name in LIBRARIES},
        git=_checkout(None if INSTALLED else ROOT),
        device=_device_name(device),
        cpu=cpu_name(),
        threads=torch.get_num_threads(),
    )


def session(
    identifier: str,
    warmup: Warmup,
    hardware: list[str],
    neighbours: int,
    warnings: Sequence[str] = (),
    left_out: Mapping[str, str] | None = None,
    probe: Times | None = None,
) -> Session:
    """This process, as one that measures.

    Args:
        identifier: what its records call it.
        warmup: what it decodes first.
        hardware: the cores or the GPU it runs on.
        neighbours: other runs on them, at most at a time.
        warnings: see bench/report/warnings.py.
        left_out: labels of the panel's cases that could not run, with the reasons.
        probe: see bench/measure/probe.py; None where the engine was given.
    """
    return Session(
        session=identifier,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=["python", "-m", "bench", *sys.argv[1:]],
        folder=str(Path.cwd()),
        platform=platform.platform(),
        warmup=warmup,
        hardware=hardware,
        neighbours=neighbours,
        warnings=list(warnings),
        left_out=dict(left_out or {}),
        probe=probe,
    )


def require_same(earlier: Environment, now: Environment, folder: Path) -> None:
    """Raise UserError, naming the first difference, if records cannot be continued.

    Args:
        earlier: what they were measured with.
        now: what more would be measured with.
        folder: where they lie.
    """
    recorded = asdict(earlier)
    for key, value in asdict(now).items():
        before = recorded[key]
        if before == value:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            name = next(name for name in {**value, **before} if value.get(name) != before.get(name))
            key, before, value = f"{key}.{name}", before.get(name), value.get(name)
        raise UserError(
            f"{folder} was measured with {key} {before}, now it is {value}: figures of both cannot stand in one file; "
            "measure again with overwrite=true, or elsewhere with output=FOLDER"
        )


@cache
def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


@cache
def _checkout(root: Path | None) -> Checkout:
    """The commit, and SHA-256 of the tracked files' changes since.

    Two different dirty trees are not the same code.

    Reports below results/ are no code: writing them again does not make a run one of another tree.
    An installed harness (None) has no commit: a repository around it holds other code. Looked up
    once: a process runs what it has loaded, whatever becomes of the files.
    """
    if root is None:
        return Checkout(None)
    commit = _git(root, "rev-parse", "HEAD")
    changes = _git(root, "diff", "HEAD", "--full-index", "--no-ext-diff", "--", ".", ":(exclude)results")
    return Checkout(
        commit=commit.decode().strip() if commit else None,
        dirty=None if changes is None else bool(changes),
        changes=hashlib.sha256(changes).hexdigest() if changes else None,
    )


def _git(root: Path, *arguments: str) -> bytes | None:
    try:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def _device_name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else "cpu"


def cpu_name() -> str | None:
    """The processor's name as the machine tells it; None where it does not."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), None)
