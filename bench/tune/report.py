"""What a search leaves behind, from its journal alone: a table and a plot."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
import pandas
from optuna.trial import TrialState

from bench.report.study import collect
from bench.tune.plot import draw_study
from bench.tune.study import JOURNAL, PUBLISHED, finals_of, read_study, trials_of, value_of, winner_of

TABLE = "trials.csv"
PLOT = "study.png"


def write_search(study: optuna.Study, folder: Path, title: str) -> pandas.DataFrame:
    """Write the table and the plot of a search that has measured its finalists; the table."""
    table = table_of(study)
    table.to_csv(folder / TABLE, index=False)
    draw_study(table, study.user_attrs["space"], winner_of(finals_of(study))[0], folder / PLOT, title)
    return table


def table_of(study: optuna.Study) -> pandas.DataFrame:
    """One row a setting.

    Its values, its speed in each round and as a finalist, and the finalists' repeats.
    """
    finals, space = finals_of(study), study.user_attrs["space"]
    later = sorted(name for name in study.user_attrs if name.startswith("round "))

    def row(label: str, speed: float, choice: Mapping[str, Any]) -> dict[str, Any]:
        final = finals.get(label)
        return {
            "number": label,
            "round_0": speed,
            **{name.replace(" ", "_"): study.user_attrs[name].get(label) for name in later},
            "final": final and final.speed,
            "final_pooled": final and final.pooled,
            "final_repeats": " ".join(f"{each:.4f}" for each in final.by_repeat) if final else None,
            **{f"params_{key}": choice[key] for key in space},
        }

    rows = [row(PUBLISHED, study.user_attrs[PUBLISHED]["speed"], study.user_attrs["published setting"])]
    rows += [row(str(each.number), value_of(each), each.params) for each in trials_of(study, TrialState.COMPLETE)]
    # As objects: of null and numbers in one column pandas would make floats and no number.
    table = pandas.DataFrame(rows, dtype=object)
    figures = [name for name in table if name.startswith("round_") or name in ("final", "final_pooled")]
    return table.astype(dict.fromkeys(figures, float))


def rebuild(runs: Path, study: Path) -> int:
    """Write what follows from the journals below `runs`; the exit status.

    Args:
        runs: a folder for each search, at any depth, named after what was searched.
        study: where the common table and a figure for each search go.
    """
    tables: dict[str, Sequence[Path]] = {}
    for journal in sorted(runs.rglob(JOURNAL)):
        folder = journal.parent
        name = folder.relative_to(runs).as_posix()
        write_search(read_study(folder), folder, name)
        tables[name] = (folder / TABLE, folder / PLOT)
    collect(study, "search", tables)
    return 0
