"""What follows from the journal of a search for a skip set: its trials as a table, and a plot.

The search itself is training's (scripts/search_skip_layers.py).
"""

import csv
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import matplotlib
import optuna
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from bench.report.study import collect
from decoding.errors import UserError

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

JOURNAL = "study.journal"
NAME = "skip"
TABLE = "trials.csv"
PLOT = "convergence.png"
# What greedy, skipping nothing and the set found are worth, measured after the search.
CHECK = "check"
GREEDY, NOTHING = "greedy", "nothing skipped"
COLUMNS = (
    "trial", "tokens_per_second", "best", "attention", "mlp", "tokens", "steps", "drafted", "accepted", "seconds"
)  # fmt: skip


def storage_of(folder: Path) -> optuna.storages.JournalStorage:
    """The journal in `folder`, one line a change."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.storages.JournalStorage(JournalFileBackend(str(folder / JOURNAL)))


def finished(study: optuna.Study) -> list[FrozenTrial]:
    """The trials that have a value, in order."""
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def estimated(study: optuna.Study) -> bool:
    """Whether values come from the cost model, not from the clock."""
    return bool(study.user_attrs["settings"]["objective"] == "cost_model")


def to_beat(study: optuna.Study) -> dict[str, float | None]:
    """Tokens per second, as the search counts them, of greedy and of skipping nothing.

    None where nothing skipped was not tried.
    """
    check = study.user_attrs[CHECK][GREEDY]
    greedy = 1 / study.user_attrs["costs"]["steps"][0] if estimated(study) else check["tokens"] / check["seconds"]
    # The first, but where the search was stopped in it: then it is asked for again after the
    # others.
    bare = [trial.value for trial in finished(study) if not any(trial.params.values())]
    return {GREEDY: greedy, NOTHING: bare[0] if bare else None}


def write_search(study: optuna.Study, folder: Path) -> None:
    """Write the table and the plot of a complete search."""
    trials = finished(study)
    values = [trial.value for trial in trials if trial.value is not None]
    best = list(accumulate(values, max))
    with (folder / TABLE).open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        for trial, value, record in zip(trials, values, best, strict=True):
            worth = trial.user_attrs["worth"]
            skipped = [name.split(".") for name, on in trial.params.items() if on]
            layers = [" ".join(number for kind, number in skipped if kind == each) for each in ("attention", "mlp")]
            rest = [f"{x:.4f}" if isinstance(x, float) else x for x in (worth[name] for name in COLUMNS[5:])]
            writer.writerow([trial.number, f"{value:.2f}", f"{record:.2f}", *layers, *rest])
    axis = f"tokens per second, {'estimated' if estimated(study) else 'measured'}"
    _plot(values, best, to_beat(study), axis, folder / PLOT)


def rebuild(runs: Path, study: Path) -> int:
    """Write what follows from the journals below `runs`; the exit status.

    Args:
        runs: a folder for each search, named after its set.
        study: where the common table and a figure for each search go.

    Raises:
        UserError: a search that is not complete.
    """
    tables: dict[str, Sequence[Path]] = {}
    for folder in sorted(file.parent for file in runs.rglob(JOURNAL)):
        search = optuna.load_study(storage=storage_of(folder), study_name=NAME)
        if CHECK not in search.user_attrs:
            raise UserError(f"{folder} holds a search that is not complete: the command that began it goes on with it")
        write_search(search, folder)
        tables[folder.relative_to(runs).as_posix()] = (folder / TABLE, folder / PLOT)
    collect(study, "search", tables)
    return 0


def _plot(values: list[float], best: list[float], others: dict[str, float | None], axis: str, file: Path) -> None:
    """Every trial's value, the best so far, and what it is to beat."""
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.plot(values, ".", color="tab:gray", markersize=3, label="trial")
    axes.step(range(len(best)), best, where="post", color="tab:blue", label="best so far")
    for (name, value), colour, style in zip(others.items(), ("tab:orange", "tab:red"), ("--", ":"), strict=True):
        if value is not None:
            axes.axhline(value, color=colour, linestyle=style, label=name)
    axes.set_xlabel("trial")
    axes.set_ylabel(axis)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize="small")
    figure.savefig(file, dpi=150)
    plt.close(figure)
