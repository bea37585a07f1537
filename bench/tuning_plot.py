"""A search drawn: what was measured trial by trial, and how each setting's values did."""

import json
from itertools import accumulate
from pathlib import Path

import matplotlib
import optuna

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLUMNS = 4


def draw_study(study: optuna.Study, final: dict[int, float], folder: Path, title: str) -> None:
    """Write study.png: the first panel by trial with the best so far, then one panel for every setting.

    final: what the finalists, trials by number, reached on other prompts.
    """
    winner = max(final, key=final.__getitem__)
    trials = [trial for trial in study.trials if trial.value is not None]
    names = list(study.user_attrs["space"])
    rows = -(-(len(names) + 1) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(3 * COLUMNS, 2.6 * rows), sharey=True, layout="constrained")
    panels = grid.flatten()
    values = [trial.value for trial in trials]
    panels[0].plot([trial.number for trial in trials], values, ".", color="tab:gray")
    panels[0].step([trial.number for trial in trials], list(accumulate(values, max)), where="post", color="tab:blue")
    panels[0].plot(list(final), list(final.values()), "o", color="tab:blue", fillstyle="none")
    panels[0].plot(winner, final[winner], "o", color="tab:blue")
    panels[0].set_xlabel("trial (line: best so far)")
    for name, panel in zip(names, panels[1:], strict=False):
        choices = study.user_attrs["space"][name]
        places = [choices.index(trial.params[name]) for trial in trials]
        panel.plot(places, values, ".", color="tab:gray")
        for number, value in final.items():
            place = choices.index(study.trials[number].params[name])
            panel.plot(place, value, "o", color="tab:blue", fillstyle="full" if number == winner else "none")
        labels = [json.dumps(choice, separators=(",", ":")).strip('"') for choice in choices]
        slanted = {"rotation": 40, "ha": "right"} if max(map(len, labels)) > 6 else {}
        panel.set_xticks(range(len(choices)), labels, **slanted)
        panel.set_xlabel(name)
    for panel in panels:
        panel.axhline(1.0, color="tab:orange", linestyle="--", linewidth=1)
        panel.grid(alpha=0.3)
    for panel in panels[len(names) + 1 :]:
        panel.set_visible(False)
    for row in grid.reshape(rows, COLUMNS):
        row[0].set_ylabel("times greedy's speed")
    legend = "dashed: greedy; circles: finalists on other prompts, filled: chosen"
    figure.suptitle(f"{title}: decode speed on validation prompts\n({legend})")
    figure.savefig(folder / "study.png", dpi=120)
    plt.close(figure)
