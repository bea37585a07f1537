"""What a search for a skip set leaves behind: trials as CSV, a plot, a summary, provenance."""

import csv
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path

import matplotlib.pyplot as plt
import optuna

from bench.measure.environment import environment
from training.skip_objective import Costs, Worth

COLUMNS = (
    "trial", "tokens_per_second", "best", "attention", "mlp", "tokens", "steps", "drafted", "accepted", "seconds"
)  # fmt: skip


# What greedy, skipping nothing and the set found are worth, measured after the search.
CHECK = "check"


def write_report(folder: Path, study: optuna.Study) -> None:
    """Write trials.csv, convergence.png, summary.json and provenance.json of a complete search to
    `folder`."""
    trials, settings = finished(study), study.user_attrs["settings"]
    costs = Costs(**study.user_attrs["costs"])
    check = {name: Worth(**each) for name, each in study.user_attrs[CHECK].items()}
    values = [trial.value for trial in trials]
    best = list(accumulate(values, max))
    with (folder / "trials.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for trial, value, record in zip(trials, values, best, strict=True):
            worth = trial.user_attrs["worth"]
            skipped = [name.split(".") for name, on in trial.params.items() if on]
            layers = [" ".join(number for kind, number in skipped if kind == each) for each in ("attention", "mlp")]
            rest = [f"{x:.4f}" if isinstance(x, float) else x for x in (worth[name] for name in COLUMNS[5:])]
            writer.writerow([trial.number, f"{value:.2f}", f"{record:.2f}", *layers, *rest])
    # The first, but where the search was stopped in it: then it is asked for again after the
    # others.
    bare = [value for trial, value in zip(trials, values, strict=True) if not any(trial.params.values())]
    nothing = bare[0] if bare else None
    estimated = settings["objective"] == "cost_model"
    greedy = 1 / costs.steps[0] if estimated else check["greedy"].tokens_per_second
    _plot(values, best, greedy, nothing, estimated, folder / "convergence.png")
    summary = {
        "objective": settings["objective"],
        "trials": len(trials),
        "objective_values": {"greedy": greedy, "nothing skipped": nothing, "skip set": study.best_value},
        "measured": {name: _shown(worth) for name, worth in check.items()},
        "costs_in_seconds": asdict(costs),
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


def finished(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """The trials that have a value, in order."""
    return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))


def _shown(worth: Worth) -> dict[str, float | None]:
    return {
        "tokens_per_second": worth.tokens_per_second,
        "tokens_per_target_forward": worth.tokens / worth.steps,
        "accepted": worth.accepted / worth.drafted if worth.drafted else None,
    }


def _plot(
    values: list[float], best: list[float], greedy: float, nothing: float | None, estimated: bool, file: Path
) -> None:
    """Every trial's value, the best so far, and what it is to beat."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.plot(values, ".", color="tab:gray", markersize=3, label="trial")
    axes.step(range(len(best)), best, where="post", color="tab:blue", label="best so far")
    axes.axhline(greedy, color="tab:orange", linestyle="--", label="greedy")
    if nothing is not None:
        axes.axhline(nothing, color="tab:red", linestyle=":", label="nothing skipped")
    axes.set_xlabel("trial")
    axes.set_ylabel(f"tokens per second, {'estimated' if estimated else 'measured'}")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize="small")
    figure.savefig(file, dpi=150)
    plt.close(figure)


def _write(file: Path, content: dict) -> None:
    file.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
