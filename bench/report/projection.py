"""python -m bench.project FOLDER...: what speedup the same acceptance gives elsewhere.

The steps of finished runs are replayed through a roofline of other GPUs and larger models, or,
with --engine, through forwards measured alone. --validate predicts runs that were measured.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.console.terminal import say
from bench.plan.methods import METHODS, REFERENCE_METHOD
from bench.report import published
from bench.report.case_records import CaseRecords
from bench.report.collection import Run, differing, grouped
from bench.report.markdown import csv_text, number
from bench.report.metrics.costs import (
    BANDWIDTH_REACHED,
    FLOPS_REACHED,
    LAYER_SECONDS,
    Costs,
    Curve,
    Roofline,
)
from bench.report.metrics.hardware import BATCHES, GPUS, PAIRS, Pair
from bench.report.metrics.projection import (
    Prediction,
    Replay,
    costs_of,
    mean_error,
    predict,
    projected_speedup,
    replay_of,
    verified_rows,
    with_forwards,
)
from bench.report.terminal import show_lines
from decoding.errors import UserError

TABLE = "projection.csv"
# The hardware of forwards that bench.engine measured.
ALONE = "bench.engine"
# A prediction this near to what was measured is a good one.
NEAR = 0.1
# So many settings at most name a run of a sweep; where more differ, its label does.
FEW = 3
ASSUMED = (
    "drafts, acceptance and tokens are those recorded; a pair of other models would have its own",
    f"a forward: the larger of reading all weights once (16 bits) and the batch's caches at {BANDWIDTH_REACHED:.0%} of "
    f"the datasheet's bandwidth, and 2 operations a parameter and row, attention's scores left out, at "
    f"{FLOPS_REACHED:.0%} of its dense bfloat16; and {1e6 * LAYER_SECONDS:g} microseconds a layer",
    "the three numbers are assumed, not measured; on the fewest GPUs (a power of two) that hold the weights, which "
    "share all work perfectly and need no time to talk",
    "a batch: so many sequences like the recorded one, in step; caches as long as the recorded texts",
    "outside of forwards a step takes what was recorded here, once for the whole batch; nothing where it is marked 0",
)


@dataclass(frozen=True)
class Projected:
    """A run at the costs of one hardware, pair and batch size: a line of TABLE.

    Attributes:
        speedup: decode speed over greedy's, both projected.
        measured: what the run itself measured, on its own machine with its own models.
        published: speedups of the method on this task with such a target, "" where there is none.
        outside: seconds of a step outside of forwards: "recorded", or "0" where they are not known.
    """

    task: str
    method: str
    run: str
    hardware: str
    gpus: int | None
    pair: str
    batch: int
    speedup: float
    measured: float | None
    published: str
    outside: str
    folder: str


@dataclass(frozen=True, eq=False)
class Source:
    """A run that can be replayed, with its steps and greedy's."""

    run: Run
    name: str
    records: CaseRecords
    method: Replay
    greedy: Replay

    @property
    def outside(self) -> bool:
        """Whether its time outside of forwards is known: on a GPU they are only launched."""
        return self.run.summary.device == "cpu" and None not in (self.method.outside, self.greedy.outside)


def project(runs: Sequence[Run], engine: Path | None, output: Path) -> None:
    """Show and write what the runs' speedups would be elsewhere.

    Args:
        runs: finished ones.
        engine: a table of bench.engine, for a line of this machine's own forwards.
        output: the folder of TABLE and the figures.

    Raises:
        UserError: no run can be replayed, or the table fits none.
    """
    sources = _sources(runs)
    forwards = _read_engine(engine) if engine else []
    known = published.speedups(published.rows())
    found: dict[Source, list[Projected]] = {}
    for source in sources:
        found[source] = [
            _line(source, gpu.name, pair.name, batch, projected_speedup(
                source.method, source.greedy, roofline, batch, source.outside
            ), _published(known, source.run, pair), roofline.gpus)
            for gpu in GPUS
            for pair in PAIRS
            for roofline in [Roofline(gpu, pair)]
            for batch in BATCHES
        ]  # fmt: skip
        if engine and (costs := _alone(source, forwards)) and (prediction := predict(costs, source.records)):
            found[source].append(_line(source, ALONE, source.run.summary.model, 1, prediction.predicted))
    if engine and not any(each.hardware == ALONE for lines in found.values() for each in lines):
        raise UserError(f"{engine} has no forwards of these runs' models and engines")
    for line in ASSUMED:
        say(f"assumed: {line}")
    for setup in grouped((source.run for source in found), lambda run: (run.summary.task, run.setup)).values():
        own = {source: lines for source, lines in found.items() if source.run in setup}
        say(f"\n{setup[0].summary.task}, steps from {setup[0].title}: speedup over greedy by batch size")
        show_lines(_table(own))
    rows = [line for lines in found.values() for line in lines]
    (output / TABLE).write_text(csv_text([asdict(row) for row in rows]), encoding="utf-8")
    say(f"\nwritten: {output / TABLE}, {len(rows)} rows")
    # matplotlib is slow to import.
    from bench.report.figures.projection import draw

    for file in draw(rows, output):
        say(f"drawn: {file}")


def _sources(runs: Sequence[Run]) -> list[Source]:
    """Those that can be replayed; a line for each other one.

    Raises:
        UserError: there is none.
    """
    found = []
    words = _names(runs)
    for run in runs:
        if run.summary.method == REFERENCE_METHOD:
            continue
        if _drafts_itself(run.summary.method_config):
            say(f"left out: {run.folder}: what drafts is not the pair's draft, and of no known size elsewhere")
            continue
        if run.mismatch:
            say(f"left out: {run.folder}: its outputs are not the target's")
            continue
        records = run.records()
        method, greedy = replay_of(records.method), replay_of(records.reference)
        if method is None or greedy is None:
            say(f"left out: {run.folder}: it does not tell its steps")
            continue
        found.append(Source(run, words[run], records, method, greedy))
    if not found:
        raise UserError("no run can be replayed: it takes a method of ours, whose records tell its steps")
    return found


def _drafts_itself(settings: Mapping[str, object]) -> bool:
    """Whether the method, or one within it, has a draft of its own."""
    method = METHODS.get(str(settings.get("name")))
    inner = [each for each in settings.values() if isinstance(each, Mapping)]
    return (method is not None and method.own_draft) or any(map(_drafts_itself, inner))


def _kin(run: Run) -> tuple[Any, ...]:
    """What runs have in common that differ in settings alone."""
    return run.summary.method, run.summary.history, run.experiment, run.conditions


def _names(runs: Sequence[Run]) -> dict[Run, str]:
    """A name for every run.

    The settings in which it differs from its kin, or its label where these are many.
    """
    found = {}
    for kin in grouped(runs, _kin).values():
        keys = differing(kin)
        for run in kin:
            words = " ".join(f"{key}={run.settings.get(key)}" for key in keys)
            label = run.summary.label.removeprefix(run.summary.method).strip() or run.summary.label
            found[run] = words if 0 < len(keys) <= FEW else label
    return found


def _line(
    source: Source, hardware: str, pair: str, batch: int, speedup: float, beside: str = "", gpus: int | None = None
) -> Projected:
    summary = source.run.summary
    outside = "recorded" if source.outside else "0"
    return Projected(
        summary.task, summary.method, source.name, hardware, gpus, pair, batch, speedup,
        summary.speedup.decode.value, beside, outside, str(source.run.folder),
    )  # fmt: skip


def _published(known: Iterable[published.Speedup], run: Run, pair: Pair) -> str:
    """Values of the method and task with the pair's target, each once, ascending."""
    summary = run.summary
    values = {
        each.value
        for each in known
        if pair.published and (each.method, each.task, each.target) == (summary.method, summary.task, pair.published)
    }
    return ", ".join(f"{value:.2f}" for value in sorted(values))


def _table(found: Mapping[Source, Sequence[Projected]]) -> list[list[str]]:
    """A line for each method, hardware and pair: the fastest of its settings by batch size."""
    table = [["method", "hardware", "pair", *map(str, BATCHES), "measured here", "published"]]
    for kin in grouped((source.run for source in found), _kin).values():
        lines = [line for source, own in found.items() if source.run in kin for line in own]
        places = dict.fromkeys((line.hardware, line.gpus, line.pair) for line in lines)
        here = max(lines, key=lambda line: line.measured or 0.0)
        for hardware, gpus, pair in places:
            there = [line for line in lines if (line.hardware, line.pair) == (hardware, pair)]
            cells = []
            for batch in BATCHES:
                own = [line for line in there if line.batch == batch]
                cells.append(_cell(max(own, key=lambda line: line.speedup), len(kin) > 1) if own else "-")
            where = f"{gpus} x {hardware}" if gpus else hardware
            measured = number(here.measured) + (f" {here.run}" if len(kin) > 1 else "")
            history = "" if kin[0].summary.history == "cold" else f" {kin[0].summary.history}"
            table.append([f"{here.method}{history}", where, pair, *cells, measured, there[0].published or "-"])
    return table


def _cell(line: Projected, several: bool) -> str:
    return number(line.speedup) + (f" {line.run}" if several else "")


@dataclass(frozen=True)
class _Forward:
    """A line of a table of bench.engine."""

    model: str
    role: str
    engine: str
    context: int
    rows: int
    seconds: float


def _read_engine(file: Path) -> list[_Forward]:
    """Raises UserError where the table is none of bench.engine's."""
    try:
        with file.open(encoding="utf-8", newline="") as stream:
            return [
                _Forward(
                    row["model"], row["role"], row["engine"], int(row["context"]), int(row["rows"]),
                    float(row["milliseconds"]) / 1e3,
                )
                for row in csv.DictReader(stream)
            ]  # fmt: skip
    except FileNotFoundError as error:
        raise UserError(f"{file} is not there: give a table.csv of bench.engine") from error
    except (KeyError, ValueError, TypeError) as error:
        raise UserError(f"{file} is no table of bench.engine ({' '.join(str(error).split())})") from error


def _alone(source: Source, forwards: Sequence[_Forward]) -> Costs | None:
    """The run's costs with forwards that were measured alone, at the context nearest to its own."""
    summary, costs = source.run.summary, costs_of(source.records)
    own = [each for each in forwards if (each.model, each.engine) == (summary.model, summary.engine)]
    if not own or costs is None:
        return None
    context = min({each.context for each in own}, key=lambda each: abs(each - source.method.mean_context))
    curves = {
        role: Curve({each.rows: each.seconds for each in own if (each.role, each.context) == (role, context)})
        for role in ("target", "draft")
    }
    if not curves["target"].seconds:
        return None
    return with_forwards(costs, source.records, curves["target"], curves["draft"] if curves["draft"].seconds else None)


def validate(runs: Sequence[Run], engine: Path | None) -> None:
    """Show what one setting of each sweep says of the others, and how wrong that is.

    Raises:
        UserError: there is no sweep, or the table fits none.
    """
    table = [["task", "settings", "predicted", "measured", "error", "rows free", "drafts free", "nothing outside"]]
    forwards = _read_engine(engine) if engine else []
    held_out: list[Prediction] = []
    sources = {source.run: source for source in _sources(runs)}
    for kin in grouped(sources, _kin).values():
        ordered = sorted((sources[run] for run in kin), key=lambda source: verified_rows(source.method))
        # The middle one's forwards are near to those of most others.
        base = ordered[len(ordered) // 2]
        costs = _alone(base, forwards) if engine else costs_of(base.records)
        if len(kin) == 1 or costs is None:
            continue
        summary = base.run.summary
        table.append([summary.task, f"{summary.method}, costs of {base.name}", *["" for _ in table[0][2:]]])
        for source in ordered:
            if source is not base and (found := predict(costs, source.records)):
                held_out.append(found)
                own = [number(found.predicted), number(found.measured), *map("{:+.1%}".format, found.errors.values())]
                table.append([summary.task, f"  {source.name}", *own])
    if not held_out:
        wanted = f", and {engine} forwards of their model and engine" if engine else ""
        raise UserError(f"nothing to predict: it takes runs that differ in settings alone{wanted}")
    show_lines(table)
    errors = [each.errors for each in held_out]
    near = sum(abs(each["predicted"]) <= NEAR for each in errors)
    mean = mean_error([each["predicted"] for each in errors])
    say(f"{near} of {len(errors)} within {NEAR:.0%}; mean error {mean:.1%}")
    for name, words in (
        ("flat", "a forward of many rows took what one of one row does"),
        ("undrafted", "drafting took nothing"),
        ("seamless", "nothing but drafting and verification took anything"),
    ):
        say(f"mean error if {words}: {mean_error([each[name] for each in errors]):.1%}")
