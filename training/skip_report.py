"""What a search for a skip set leaves behind: trials and a plot, a summary, provenance."""

import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import optuna

from bench.measure.environment import environment
from bench.report.skip_search import CHECK, finished, to_beat, write_search
from training.skip_objective import Costs, Worth


def write_report(folder: Path, study: optuna.Study) -> None:
    """Write trials.csv, convergence.png, summary.json and provenance.json of a complete search to
    `folder`."""
    write_search(study, folder)
    settings = study.user_attrs["settings"]
    check = {name: Worth(**each) for name, each in study.user_attrs[CHECK].items()}
    summary = {
        "objective": settings["objective"],
        "trials": len(finished(study)),
        "objective_values": {**to_beat(study), "skip set": study.best_value},
        "measured": {name: _shown(worth) for name, worth in check.items()},
        "costs_in_seconds": asdict(Costs(**study.user_attrs["costs"])),
    }
    _write(folder / "summary.json", summary)
    provenance = {"settings": settings, "sessions": study.user_attrs["sessions"]}
    _write(folder / "provenance.json", provenance)


def note_session(study: optuna.Study, device: str) -> None:
    """Note in the study who goes on with it: when, by which command, code, libraries, machine."""
    now = {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": ["python", *sys.argv],
        "finished_trials": len(finished(study)),
        **environment(device).to_json(),
    }
    now["versions"] |= {name: version(name) for name in ("optuna", "matplotlib")}
    study.set_user_attr("sessions", [*study.user_attrs.get("sessions", []), now])


def note_end(study: optuna.Study) -> None:
    """Note when the last session ended."""
    sessions = study.user_attrs["sessions"]
    sessions[-1]["ended"] = datetime.now(UTC).isoformat(timespec="seconds")
    study.set_user_attr("sessions", sessions)


def _shown(worth: Worth) -> dict[str, float | None]:
    return {
        "tokens_per_second": worth.tokens_per_second,
        "tokens_per_target_forward": worth.tokens / worth.steps,
        "accepted": worth.accepted / worth.drafted if worth.drafted else None,
    }


def _write(file: Path, content: dict) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
