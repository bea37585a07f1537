"""What engines take for a forward, as a table and a roofline plot.

All follows from forwards.jsonl and provenance.json, which lie beside them.
"""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path

import matplotlib
import pandas

from bench.measure.engines import FORWARDS, Measurement

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import StrMethodFormatter  # noqa: E402

from bench.report.figures.style import BLACK, PALETTE, STYLE  # noqa: E402
from bench.report.study import collect  # noqa: E402

TABLE = "table.csv"
PLOT = "roofline.png"
PROVENANCE = "provenance.json"


def write(folder: Path) -> pandas.DataFrame:
    """Write the table and the plot of what `folder` holds of a measurement; the table."""
    measured = [Measurement.from_json(json.loads(line)) for line in (folder / FORWARDS).read_text().splitlines()]
    table = pandas.DataFrame([_row(each) for each in measured])
    table.to_csv(folder / TABLE, index=False, float_format="%.6g")
    here = json.loads((folder / PROVENANCE).read_text())
    draw(table, folder / PLOT, f"{measured[0].model}: {here['cpu']}, {here['threads']} threads")
    return table


def rebuild(runs: Path, study: Path) -> int:
    """Write what follows from the measurements below `runs`; the exit status.

    Args:
        runs: a folder for each model.
        study: where the common table and a figure for each model go.
    """
    tables = {}
    for folder in sorted(file.parent for file in runs.rglob(FORWARDS)):
        write(folder)
        tables[folder.name] = (folder / TABLE, folder / PLOT)
    collect(study, "model", tables)
    return 0


def _row(measured: Measurement) -> dict[str, object]:
    """A line of the table.

    Median, minimum, and what the machine allows with this engine's weights.
    """
    each, machine = measured.forwards, measured.machine
    limit, least = machine.limit(each.work, each.rows), min(each.seconds)
    return {
        "model": measured.model,
        "role": measured.role,
        "engine": each.engine,
        "context": each.context,
        "rows": each.rows,
        "milliseconds": 1e3 * statistics.median(each.seconds),
        "least_milliseconds": 1e3 * least,
        "limit_milliseconds": 1e3 * limit,
        "of_limit": limit / least,
        "above_limit_a_layer_milliseconds": 1e3 * (least - limit) / measured.layers,
        "weights_mib": each.work.bytes / 2**20,
        "bandwidth_gib_s": machine.bandwidth / 2**30,
        "gflop_s": machine.flops / 1e9,
        "prepared_seconds": each.prepared_seconds,
    }


def told(table: pandas.DataFrame) -> list[str]:
    """What matters most, one line for each role and engine.

    Milliseconds by rows, and how near the limit the fewest are.
    """
    lines = []
    for (role, engine), part in table.groupby(["role", "engine"], sort=False):
        part = part[part.context == part.context.min()].set_index("rows")
        shown = ", ".join(f"{rows}: {part.milliseconds[rows]:.2f}" for rows in part.index)
        first = part.iloc[0]
        share = f"{100 * first.of_limit:.0f}% of the limit"
        lines.append(f"{role} {engine}: ms by rows after {first.context} tokens {shown}; {share}")
    return lines


def draw(table: pandas.DataFrame, file: Path, title: str) -> None:
    """One panel for each role and context.

    Milliseconds by rows, every engine a line, its limit dashed.
    """
    kinds: Sequence[tuple[str, int]] = list(table.groupby(["role", "context"], sort=False).groups)
    columns = max(len({context for _, context in kinds}), 1)
    roles = list(dict.fromkeys(role for role, _ in kinds))
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            len(roles), columns, figsize=(3.4 * columns, 3.1 * len(roles)), squeeze=False, layout="constrained"
        )
        for panel in grid.flatten():
            panel.set_visible(False)
        for line, role in enumerate(roles):
            for column, context in enumerate(context for each, context in kinds if each == role):
                panel = grid[line][column]
                panel.set_visible(True)
                part = table[(table.role == role) & (table.context == context)]
                for number, (engine, own) in enumerate(part.groupby("engine", sort=False)):
                    colour = PALETTE[number]
                    panel.plot(own.rows, own.milliseconds, "o-", color=colour, label=engine, markersize=3)
                    if engine in ("packed", part.engine.iloc[0]):
                        panel.plot(own.rows, own.limit_milliseconds, "--", color=colour, linewidth=0.9)
                panel.plot([], [], "--", color=BLACK, linewidth=0.9, label="the machine's limit")
                panel.set_xscale("log", base=2)
                panel.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
                panel.set_yscale("log")
                panel.set_title(f"{role}, {context} tokens before")
                panel.set_xlabel("rows of a forward")
                if not column:
                    panel.set_ylabel("milliseconds")
        lines, names = grid[0][0].get_legend_handles_labels()
        figure.legend(lines, names, loc="outside lower center", ncols=columns if columns > 2 else 3, fontsize="small")
        figure.suptitle(title)
        figure.savefig(file, dpi=120)
        plt.close(figure)
