"""python -m bench.report FOLDER...: the finished runs below some folders as one tidy table.

report.csv holds one row a run in full precision; report.md and report.tex show the same rows, one
table for each set of comparable ones: same task and prompts, same model, data, dtype, device and
machine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.console.terminal import say
from bench.report.arguments import over_runs
from bench.report.collection import Run, grouped, names, overlapping
from bench.report.figure_types import Estimate
from bench.report.latex import latex_table
from bench.report.markdown import (
    OVER_FASTEST,
    csv_text,
    estimate,
    legends,
    markdown,
    number,
    quality,
    verdicts,
)
from bench.report.marks import NOISY, RUNAWAY, marked, runaways_decide, too_noisy
from bench.report.summary import Summary
from decoding import draws
from decoding.figures import percent

# Figures of which the largest of a table is marked, with their digits; a tie goes by what is shown.
MARKED = ("decode_speedup", "end_to_end_speedup", "tokens_per_target_forward")
HEADINGS = (
    "method", "tokens/s (greedy)", "decode speedup", "geomean", "end-to-end speedup", "tokens/forward", "per prompt",
    "accepted", "verdict", "quality (method / greedy)",
)  # fmt: skip
# How tokens are drawn, by the names of summary.json.
DRAWING = ("temperature", "top_k", "top_p", "min_p", "draft_noise", "accepted_by")
SHARED = "*"
LEGEND = (
    "Speedups are total tokens / total seconds over greedy decoding of the same engine measured beside each run, with "
    "95% bootstrap intervals over prompts and their repeats; geomean is the geometric mean of the prompts' own decode "
    "speedups. "
    "tokens/forward is all tokens / all forwards of the target, per prompt the mean of the prompts' own. The best of a "
    "table is bold (of runs without a mismatch, bounds left out)."
)
SHARED_LEGEND = (
    f"{SHARED} measured while another run was, on the same cores or on a machine of this kind: cores may be shared."
)


def row(run: Run, name: str, best: Sequence[str], shared: bool | None, drawing: Sequence[str]) -> dict[str, object]:
    """One line of report.csv: plain values, None where there is no such figure.

    Args:
        run: the run.
        name: its own in its table.
        best: see `best_figures`.
        shared: see `overlapping`.
        drawing: see `drawing_columns`.
    """
    summary = run.summary
    speed, speedup, lossless = summary.tokens_per_second.decode, summary.speedup, summary.lossless
    return {
        "task": summary.task,
        "prompt_version": summary.prompt_version,
        "model": summary.model,
        "data": summary.data,
        "split": summary.split,
        "dtype": summary.dtype,
        "engine": summary.engine,
        "device": summary.device,
        "machine": run.machine,
        "prompts": summary.prompts,
        "repeats": summary.repeats,
        "max_new_tokens": summary.max_new_tokens,
        "name": name,
        "label": summary.label,
        "method": summary.method,
        "history": summary.history,
        "history_of": run.history_of,
        "settings": " ".join(f"{key}={value}" for key, value in run.settings_as_written.items()),
        **{column: _drawn(summary, column) for column in drawing},
        "tokens_per_second": speed.method,
        "greedy_tokens_per_second": speed.greedy,
        **_interval("decode_speedup", speedup.decode),
        **_interval("geomean_speedup", speedup.geomean),
        **_interval("end_to_end_speedup", speedup.end_to_end),
        **_interval("decode_speedup_over_fastest_greedy", speedup.decode_over_fastest_greedy),
        "tokens_per_target_forward": summary.tokens_per_target_forward,
        "tokens_per_target_forward_mean": summary.tokens_per_target_forward_mean,
        "acceptance_rate": summary.acceptance.rate,
        "cut_steps": summary.acceptance.cut_steps,
        "runaway_share": summary.runaways and summary.runaways.share,
        "identical": lossless.identical,
        "tie": lossless.tie,
        "mismatch": lossless.mismatch,
        "verdict": lossless.verdict,
        "quality": quality(summary.quality),
        "best": " ".join(best),
        **({"machine_too_noisy": summary.noise.too_noisy} if summary.noise else {}),
        "warnings": " | ".join(summary.warnings) or None,
        "cores_may_be_shared": shared,
        "commit": run.commit,
        "torch": run.torch,
        "started": run.started or None,
        "folder": str(run.folder),
    }


def drawing_columns(runs: Sequence[Run]) -> list[str]:
    """Those of DRAWING in which some run has another value than the usual: of greedy runs none."""
    return [name for name in DRAWING if any(getattr(run.summary, name) != getattr(Summary, name) for run in runs)]


def _drawn(summary: Summary, name: str) -> object:
    """One of DRAWING; None for the usual noise or rule where it was not in force.

    Nothing is drawn at temperature 0, and what is right in distribution alone shared no noise.
    """
    value = getattr(summary, name)
    idle = not summary.temperature or summary.lossless.distribution
    return None if idle and value in (draws.SHARED, draws.KEYED) else value


def _interval(name: str, figure: Estimate) -> dict[str, float | None]:
    return {name: figure.value, f"{name}_low": figure.low, f"{name}_high": figure.high}


def best_figures(runs: Sequence[Run]) -> dict[Run, list[str]]:
    """Which of MARKED a run has the largest of.

    Nothing is best in a table of one run, and no mismatch is.
    """
    values = {
        "decode_speedup": lambda run: run.summary.speedup.decode.value,
        "end_to_end_speedup": lambda run: run.summary.speedup.end_to_end.value,
        "tokens_per_target_forward": lambda run: run.summary.tokens_per_target_forward,
    }
    found: dict[Run, list[str]] = {run: [] for run in runs}
    eligible = [run for run in runs if run.competes and not run.mismatch]
    for name in MARKED:
        shown = {run: round(value, 2) for run in eligible if (value := values[name](run)) is not None}
        if len(shown) > 1:
            for run, value in shown.items():
                if value == max(shown.values()):
                    found[run].append(name)
    return found


def cells(run: Run, name: str, best: Sequence[str], shared: bool | None) -> list[tuple[str, bool]]:
    """A line under HEADINGS: (text, whether it is the best)."""
    summary = run.summary
    speed, speedup = summary.tokens_per_second.decode, summary.speedup
    marks = SHARED if shared else "", RUNAWAY * runaways_decide(summary.runaways), NOISY * too_noisy(summary.noise)
    return [
        (marked(name, *marks), False),
        (f"{number(speed.method, 1)} ({number(speed.greedy, 1)})", False),
        (estimate(speedup.decode), "decode_speedup" in best),
        (number(speedup.geomean.value), False),
        (estimate(speedup.end_to_end), "end_to_end_speedup" in best),
        (number(summary.tokens_per_target_forward), "tokens_per_target_forward" in best),
        (number(summary.tokens_per_target_forward_mean), False),
        (percent(summary.acceptance.rate), False),
        (verdicts(summary.lossless), False),
        (quality(summary.quality), False),
    ]


def table_of(lines: Sequence[list[tuple[str, bool]]], runs: Sequence[Run]) -> list[list[tuple[str, bool]]]:
    """Headings and lines.

    With a column for the speed over the fastest greedy where there is such a figure.
    """
    table = [[(heading, False) for heading in HEADINGS], *lines]
    fastest = [run.summary.speedup.decode_over_fastest_greedy for run in runs]
    if any(figure.value is not None for figure in fastest):
        at = HEADINGS.index("decode speedup") + 1
        for line, text in zip(table, [OVER_FASTEST, *map(estimate, fastest)], strict=True):
            line.insert(at, (text, False))
    return table


def caption(runs: Sequence[Run]) -> str:
    """What the rows of a table have in common, and what else a reader must know of them."""
    first = runs[0]
    passes = sorted({run.summary.repeats for run in runs})
    words = f"{first.summary.task}: {first.title}, {first.summary.prompts} prompts x {'/'.join(map(str, passes))}"
    for what, seen in (
        ("commit", {(run.commit or "unknown")[:7] for run in runs}),
        ("torch", {str(run.torch) for run in runs}),
    ):
        words += f"; {what}s {', '.join(sorted(seen))}" if len(seen) > 1 else ""
    return words


@dataclass(frozen=True)
class Table:
    """Comparable runs.

    Attributes:
        runs: its rows, the fastest first.
        called: their names.
        best: which of MARKED each has the largest of.
        lines: headings, then a line a run: (text, whether it is the best).
        warnings: each with the names of the rows that it is about.
    """

    runs: list[Run]
    called: dict[Run, str]
    best: dict[Run, list[str]]
    lines: list[list[tuple[str, bool]]]
    warnings: dict[str, list[str]]


def tables(runs: Sequence[Run], shared: Mapping[Run, bool | None]) -> list[Table]:
    """A table for each set of comparable runs.

    Args:
        runs: of any conditions.
        shared: see `overlapping`.
    """
    found = []
    in_order = sorted(runs, key=lambda run: (run.summary.task, run.title))
    for group in grouped(in_order, lambda run: run.conditions).values():
        called, best = names(group), best_figures(group)
        # As they do: the fastest first.
        group.sort(key=lambda run: -(run.summary.speedup.decode.value or 0.0))
        lines = table_of([cells(run, called[run], best[run], shared[run]) for run in group], group)
        found.append(Table(group, called, best, lines, _warnings(group, called)))
    return found


def legend(runs: Sequence[Run], shared: Mapping[Run, bool | None]) -> list[str]:
    """What figures and marks in the tables of these runs mean, a paragraph each."""
    notes = [SHARED_LEGEND] if any(shared[run] for run in runs) else []
    return [LEGEND, *notes, *legends([run.summary for run in runs])]


def write_report(runs: Sequence[Run], folder: Path) -> None:
    """report.csv, report.md and report.tex in `folder`, and a line for each."""
    shared = overlapping(runs)
    found = tables(runs, shared)
    drawing = drawing_columns(runs)
    rows = [row(run, each.called[run], each.best[run], shared[run], drawing) for each in found for run in each.runs]
    sections, latex = [], []
    for each in found:
        lines = markdown([[_bold(cell) for cell in line] for line in each.lines])
        warned = [f"Warning, {', '.join(names)}: {warning}" for warning, names in each.warnings.items()]
        listed = ["\n".join(f"- {line}" for line in warned)] if warned else []
        sections.append("\n\n".join([f"## {caption(each.runs)}", lines, *listed]))
        latex.append(latex_table(each.lines, caption(each.runs), [*legend(each.runs, shared), *warned]))
    told = " ".join(legend(runs, shared))
    texts = {
        "report.csv": csv_text(rows),
        "report.md": "\n\n".join(["# Runs", told, *sections]) + "\n",
        "report.tex": "\n".join(["% Needs booktabs and graphicx.", *latex]),
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
        say(f"written: {folder / name}")
    say(f"{len(rows)} runs in {len(found)} tables")


def _warnings(runs: Sequence[Run], called: dict[Run, str]) -> dict[str, list[str]]:
    rows: dict[str, list[str]] = {}
    for run in runs:
        for warning in run.summary.warnings:
            rows.setdefault(warning, []).append(called[run])
    return rows


def _bold(cell: tuple[str, bool]) -> str:
    text = cell[0].replace("|", "\\|")
    return f"**{text}**" if cell[1] else text


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, or 2 for something the user can put right."""
    purpose = "The finished runs below some folders as one tidy table: csv, markdown and LaTeX."
    return over_runs("bench.report", purpose, "results/report", arguments, write_report)
