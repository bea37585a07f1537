"""Run folders written by hand: summaries with made-up figures, for reports and figures over many
runs."""

import json
from pathlib import Path
from typing import Any

import yaml
from made_records import made_record

SETTINGS = {"gamma": 4, "k": 3, "window": 5, "ngram": 4, "learn": True}
# What tells a case from others, in a file of the first version.
IDENTITY = {
    "method": {"name": "ouroboros", **SETTINGS}, "task": "humaneval-base-1", "task_config": {"variant": "base"},
    "data": "d", "split": "test", "weights": {"target": "t", "draft": "d"}, "attn_implementation": None,
    "device_map": None, "draft_device": None, "device": "cpu", "dtype": "float32", "max_new_tokens": 512,
    "temperature": 0.0, "seed": 0, "history": "cold",
}  # fmt: skip


def interval(value: float | None, half: float = 0.1) -> dict[str, float | None]:
    if value is None:
        return {"value": None, "low": None, "high": None}
    return {"value": value, "low": value - half, "high": value + half}


def summary_of(method: str = "ouroboros", speed: float = 1.5, **changes: Any) -> dict[str, Any]:
    """A summary as the harness writes it; changes: its keys, and `settings` over SETTINGS."""
    settings = {**SETTINGS, **changes.pop("settings", {})}
    parts = {"prefill": 1.0, "draft": 3.0, "verify": 4.0, "other": 1.0, "observe": 0.5, "decode": 8.0}
    alone = {"prefill": 1.0, "draft": 0.0, "verify": 11.0, "other": 1.0, "observe": 0.0, "decode": 12.0}
    summary = {
        "schema_version": 1, "label": method, "method": method, "method_config": {"name": method, **settings},
        "ours": True, "task": "humaneval", "prompt_version": "humaneval-base-1", "model": "tiny", "data": "bundled",
        "split": "test", "device": "cpu", "dtype": "float32", "seed": 0, "temperature": 0.0, "max_new_tokens": 512,
        "history": "cold", "prompts": 50, "repeats": 1,
        "tokens_per_second": {
            "decode": {"method": 80 * speed, "greedy": 80.0}, "end_to_end": {"method": 70 * speed, "greedy": 70.0},
        },
        "speedup": {
            "decode": interval(speed), "end_to_end": interval(0.95 * speed), "geomean": interval(speed),
            "decode_over_fastest_greedy": interval(None),
        },
        "tokens_per_target_forward": 1 + speed, "target_forwards": 400, "draft_forwards": 900,
        "acceptance": {
            "drafted": 1600, "accepted": 800, "rate": 0.5, "marginal": [0.8, 0.5, 0.04], "conditional": [0.8, 0.6, 0.1],
            "histogram": {"0": 80, "1": 120, "2": 184, "3": 16},
        },
        "seconds": parts, "greedy_seconds": alone,
        "lossless": {"identical": 50, "tie": 0, "mismatch": 0, "verdict": "identical", "reference_mismatch": 0},
        "quality": {"method": {"pass@1": 0.5}, "greedy": {"pass@1": 0.5}},
    }  # fmt: skip
    return summary | changes


def write_run(
    root: Path,
    summary: dict[str, Any],
    provenance: dict[str, Any] | None = None,
    config: dict[str, Any] | None = None,
    times: tuple[str, float] | None = None,
) -> Path:
    """A run folder below root.

    times: (begin as ISO text, end in seconds) of the one process that measured it.
    """
    number = sum(1 for _ in root.rglob("summary.json"))
    folder = root / summary["task"] / summary["model"] / f"{summary['method']}-{number:04d}"
    folder.mkdir(parents=True)
    started = times[0] if times else f"2026-01-01T{number // 60:02d}:{number % 60:02d}:00+00:00"
    session = {
        "session": folder.name, "platform": "Linux", "started": started, "command": ["python", "-m", "bench"],
        "folder": "/home", "warmup": {"prompts": 3, "from": "train"},
    }  # fmt: skip
    here = {
        "python": "3.11", "device": "cpu", "cpu": "Some CPU", "threads": 2, "versions": {"torch": "2.13"},
        "git": {"commit": "a" * 40}, "identity": IDENTITY, "sessions": [session],
    }  # fmt: skip
    (folder / "summary.json").write_text(json.dumps(summary))
    (folder / "provenance.json").write_text(json.dumps({**here, **(provenance or {})}))
    (folder / "config.yaml").write_text(yaml.safe_dump(config or {}))
    if times:
        record = made_record(session=folder.name, finished=times[1])
        (folder / "records.jsonl").write_text(json.dumps(record.to_json()) + "\n")
    return folder
