"""A search drawn: every setting in the first round and as a finalist, by its values."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib
import pandas

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

COLUMNS = 4


def draw_study(
    table: pandas.DataFrame, values: Mapping[str, list[Any]], winner: str, file: Path, title: str
) -> None:
    """Draw a search.

    The first panel goes by trial, with the best so far; then there is one for every setting.

    Args:
        table: a row a setting, the published one first; `round_0` and `final` are speeds over
            greedy's.
        values: what the search chose from.
        winner: the `number` of the row that was chosen.
        file: the picture.
        title: of the figure.
    """
    rows = -(-(len(values) + 1) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(3 * COLUMNS, 2.6 * rows), sharey=True, layout="constrained")
    panels = grid.flatten()
    chosen = table["number"] == winner
    finalists = table["final"].notna()
    _scatter(panels[0], table.index, table, finalists, chosen)
    panels[0].step(table.index, table["round_0"].cummax(), where="post", color="tab:blue", linewidth=1)
    panels[0].set_xlabel("setting (0: published; line: best so far)")
    for (name, choices), panel in zip(values.items(), panels[1:], strict=False):
        # The published value need not be among those that are searched.
        seen = [*choices, *(each for each in table[f"params_{name}"][:1] if each not in choices)]
        _scatter(panel, [seen.index(each) for each in table[f"params_{name}"]], table, finalists, chosen)
        labels = [json.dumps(choice, separators=(",", ":")).strip('"') for choice in seen]
        slanted = {"rotation": 40, "ha": "right"} if max(map(len, labels)) > 6 else {}
        panel.set_xticks(range(len(seen)), labels, **slanted)
        panel.set_xlabel(name)
    for panel in panels:
        panel.axhline(1.0, color="tab:orange", linestyle="--", linewidth=1)
        panel.grid(alpha=0.3)
    for panel in panels[len(values) + 1 :]:
        panel.set_visible(False)
    for row in grid.reshape(rows, COLUMNS):
        row[0].set_ylabel("times greedy's speed")
    legend = "dots: first round; circles: finalists on unseen prompts, filled: chosen; dashed: greedy"
    figure.suptitle(f"{title}: decode speed on validation prompts\n({legend})")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    plt.close(figure)


def _scatter(panel: Any, positions: Any, table: pandas.DataFrame, finalists: Any, chosen: Any) -> None:
    """First-round speeds as dots, finalists' as circles, the chosen one's filled.

    `positions` are their x values.
    """
    where = pandas.Series(list(positions), index=table.index)
    panel.plot(where, table["round_0"], ".", color="tab:gray")
    panel.plot(where[finalists], table["final"][finalists], "o", color="tab:blue", fillstyle="none")
    panel.plot(where[chosen], table["final"][chosen], "o", color="tab:blue")
