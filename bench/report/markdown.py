"""Files for people: the headline table, report.md and the CSV exports, all from summaries."""

import csv
import io
import math
from collections.abc import Mapping, Sequence

from bench.measure.provenance import Provenance
from bench.measure.verdicts import IDENTICAL
from bench.plan.nesting import flat
from bench.report.categories import Category, Quality
from bench.report.figure_types import (
    Acceptance,
    AcceptedPart,
    Comparison,
    Drafts,
    Estimate,
    Latency,
    Lossless,
    Percentiles,
    Runaways,
    Seconds,
    Verdicts,
)
from bench.report.marks import NOISY, NOISY_LEGEND, RUNAWAY, RUNAWAY_LEGEND, marked, runaways_decide, too_noisy
from bench.report.metrics.latency import STALL
from bench.report.own_figures import rows as own_rows
from bench.report.probed import in_words
from bench.report.summary import Summary
from decoding.figures import in_counts, percent
from tasks.overlap import WORDS

HEADINGS = (
    "method", "tokens/s", "greedy", "speedup decode", "geomean", "speedup end to end", "tokens/forward", "per prompt",
    "accepted", "verdict", "quality / greedy's",
)  # fmt: skip
HISTORIES = {
    "cold": "cold: forgotten before every prompt",
    "warm": "warm: whole passes in the data set's order, each from an empty history",
    "file": "file: a saved history, loaded again before every prompt",
}
OVER_FASTEST = "over the fastest greedy"
COMPARISON = "## Against the others of the panel"


def headline(summaries: Sequence[Summary]) -> list[list[str]]:
    """The table of a job, headings first."""
    table = [list(HEADINGS), *(_line(summary) for summary in summaries)]
    fastest = [summary.speedup.decode_over_fastest_greedy for summary in summaries]
    if any(figure.value is not None for figure in fastest):
        at = HEADINGS.index("speedup decode") + 1
        for row, cell in zip(table, [OVER_FASTEST, *map(estimate, fastest)], strict=True):
            row.insert(at, cell)
    return table


def named(label: str, kind: str | None, history: str) -> str:
    """The label with what it does not say itself: whose settings, and which history if any is kept.

    Args:
        label: of the case.
        kind: "tuned" or "paper", None where neither is true of all settings.
        history: in words; "cold" says nothing.
    """
    kept = "" if history == "cold" else history
    stem = label.removesuffix(f" {kept}") if kept else label
    known = stem.split()
    words = [stem, *([kind] if kind and kind not in known else []), *([kept] if kept and kept not in known else [])]
    return " ".join(words)


def legends(summaries: Sequence[Summary]) -> list[str]:
    """What the marks in the headline table of these mean, a line each."""
    notes = {
        RUNAWAY_LEGEND: any(runaways_decide(each.runaways) for each in summaries),
        NOISY_LEGEND: any(too_noisy(each.noise) for each in summaries),
    }
    return [note for note, needed in notes.items() if needed]


def _line(summary: Summary) -> list[str]:
    name = named(summary.label, summary.settings.shown if summary.settings else None, summary.history)
    return [_marked(name, summary), *_cells(summary)]


def _marked(name: str, summary: Summary) -> str:
    return marked(name, RUNAWAY * runaways_decide(summary.runaways), NOISY * too_noisy(summary.noise))


def _cells(figures: Summary | Category) -> list[str]:
    """What stands under HEADINGS[1:], of a case or of one of its categories."""
    speed = figures.tokens_per_second.decode
    return [
        number(speed.method, 1),
        number(speed.greedy, 1),
        estimate(figures.speedup.decode),
        number(figures.speedup.geomean.value),
        estimate(figures.speedup.end_to_end),
        number(figures.tokens_per_target_forward),
        number(figures.tokens_per_target_forward_mean),
        percent(figures.acceptance.rate),
        verdicts(figures.lossless),
        quality(figures.quality),
    ]


def number(value: float | None, digits: int = 2) -> str:
    """1.23, "-" where there is no figure."""
    return "-" if value is None else f"{value:.{digits}f}"


def estimate(figure: Estimate, digits: int = 2) -> str:
    """A figure with its interval, such as 1.23 [1.10, 1.35]; a dash for none."""
    if figure.value is None:
        return "-"
    return f"{number(figure.value, digits)} [{number(figure.low, digits)}, {number(figure.high, digits)}]"


def verdicts(lossless: Lossless | Verdicts) -> str:
    """The worst verdict, with counts where not all are identical."""
    if lossless.reference_mismatch:
        return f"GREEDY ITSELF IS WRONG ({lossless.reference_mismatch} outputs)"
    if lossless.verdict == IDENTICAL:
        return f"identical ({lossless.identical})"
    found = {
        "identical": lossless.identical, "tie": lossless.tie, "distribution": lossless.distribution,
        "MISMATCH": lossless.mismatch,
    }  # fmt: skip
    return ", ".join(f"{count} {name}" for name, count in found.items() if count)


def quality(scores: Quality) -> str:
    """Every metric, method / greedy."""
    shown = [
        f"{name} {number(value, 3)} / {number(scores.greedy.get(name), 3)}" for name, value in scores.method.items()
    ]
    return ", ".join(shown) or "-"


def markdown(table: Sequence[Sequence[object]]) -> str:
    """A table, headings first."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in table]
    return "\n".join([lines[0], "|" + " --- |" * len(table[0]), *lines[1:]])


def report(summary: Summary, provenance: Provenance, comparison: Sequence[tuple[Comparison, Summary]] = ()) -> str:
    """report.md of one case.

    Headline, how it was measured, verdicts, acceptance, where the time goes.

    Args:
        summary: of the case.
        provenance: of its folder.
        comparison: with each of its panel's others, and the other's summary.
    """
    parts = [
        f"# {summary.label} on {summary.task}, {summary.model}, {summary.decoding}",
        markdown(headline([summary])),
        *legends([summary]),
        *_warnings(summary.warnings),
        "Speedups are total tokens / total seconds over greedy decoding of the same engine, run beside it; brackets "
        "hold 95% bootstrap intervals over prompts and their repeats. Prefill and the tokens it gives are left out of "
        "tokens/s and of the decode speedup. Geometric mean of the prompts' decode ratios: "
        f"{estimate(summary.speedup.geomean)}. Per prompt: the mean of the prompts' own tokens per forward."
        + _over_fastest(summary.speedup.decode_over_fastest_greedy),
        "## How it was measured\n\n" + markdown(_conditions(summary, provenance)),
        "## Is the output the target's\n\n" + _lossless(summary.lossless),
        "## Drafts\n\n" + markdown(_work(summary)),
    ]
    if summary.acceptance.marginal:
        parts.append("Acceptance by depth of the accepted path:\n\n" + markdown(_depths(summary.acceptance)))
    if summary.drafts:
        parts.append("Acceptance by position in the output:\n\n" + markdown(_parts(summary.drafts.by_position)))
        parts.append("Acceptance by the prompt's length:\n\n" + markdown(_parts(summary.drafts.by_prompt_length)))
    parts.append("## Where the time goes\n\n" + markdown(_time(summary)))
    if summary.latency and summary.greedy_latency:
        parts.append("## Latency\n\n" + markdown(_latency(summary, summary.latency, summary.greedy_latency)))
    parts.append("## Quality\n\n" + markdown(_quality(summary)))
    if summary.categories:
        parts.append("## By category\n\n" + markdown(_categories(summary.categories)))
    if comparison:
        parts.append(f"{COMPARISON}\n\n" + markdown(_ratios(summary, comparison)))
        parts += legends([summary, *(other for _, other in comparison)])
    return "\n\n".join(parts) + "\n"


def _warnings(warnings: Sequence[str]) -> list[str]:
    return ["\n".join(f"- **Warning:** {warning}" for warning in warnings)] if warnings else []


def _over_fastest(figure: Estimate) -> str:
    if figure.value is None:
        return ""
    return (
        " bfloat16 may slow greedy down on a CPU, which flatters: decode speed over the faster of bfloat16 and float32 "
        f"greedy, both run beside the method, is {estimate(figure)}."
    )


def _conditions(summary: Summary, provenance: Provenance) -> list[list[object]]:
    settings = ", ".join(f"{key}={value}" for key, value in flat(summary.method_config).items() if key != "name")
    git, versions = provenance.git, provenance.versions
    commit = f"{(git.commit or 'unknown')[:12]}{' with changes' if git.dirty else ''}"
    warmup = summary.warmup
    return [
        ["", ""],
        ["settings", settings or "none"],
        ["which are", summary.settings.in_words if summary.settings else "-"],
        ["data", f"{summary.data}, {summary.split}: {summary.prompts} prompts x {summary.repeats}"],
        ["prompts shortened to fit the context", _shown(summary.shortened_prompts)],
        *_turns(summary.later_turns),
        ["warm-up", f"{warmup.prompts} prompts ({warmup.split})" if warmup else "-"],
        ["history", HISTORIES[summary.history]],
        ["at most", f"{summary.max_new_tokens} new tokens; stops: {in_counts(summary.stops)}"],
        ["device", f"{provenance.device}, {summary.dtype}, engine {summary.engine}"],
        ["probe of the engines", in_words(summary.probe) if summary.probe else "-"],
        ["processor", f"{provenance.cpu}, {provenance.threads} threads"],
        ["other runs on the same cores or GPU", _shown(summary.neighbours)],
        ["what other runs shared of caches and memory", ", ".join(summary.nearby) or "-"],
        ["libraries", f"torch {versions.get('torch')}, transformers {versions.get('transformers')}"],
        ["commit", commit],
        ["A/A: greedy over greedy, decode", estimate(summary.noise.decode, 3) if summary.noise else "not measured"],
        ["side by side with greedy", "yes" if summary.measured_side_by_side else "no: an interrupted run went on"],
        ["repeated 4-grams in the outputs", percent(summary.repetition)],
        ["tokens of outputs that ran to the limit repeating themselves", _runaways(summary.runaways)],
        [
            f"{WORDS}-word runs of the split's prompts that also occur in 2,000 training prompts of the generator",
            percent(summary.prompt_overlap),
        ],
    ]


def _runaways(found: Runaways | None) -> str:
    if found is None:
        return "-"
    return f"{percent(found.share)} ({found.outputs} outputs)" if found.outputs else "none"


def _turns(later: int | None) -> list[list[object]]:
    if not later:
        return []
    told = f"{later}, each after greedy's answers, prefilled again: no cache is kept"
    return [["later turns of conversations", told]]


def _lossless(lossless: Lossless) -> str:
    lines = [
        f"{verdicts(lossless)}. Every output went through the plain model once more, without a cache: its worst token "
        f"lies {_gap(lossless.largest_gap)} below its row's best; {_gap(lossless.tolerance)} is tolerated (twice the "
        "noise floor)."
    ]
    if lossless.divergences:
        table: list[list[object]] = [
            ["prompt", "repeat", "outcome", "first difference", "token / greedy's", "gap / greedy's", "stop"]
        ]
        for each in lossless.divergences:
            tokens = f"{_shown(each.token)} / {_shown(each.greedy_token)}"
            gaps = f"{_gap(each.gap)} / {_gap(each.greedy_gap)}"
            index = _shown(each.first_difference)
            table.append([each.prompt, each.repeat, each.outcome, index, tokens, gaps, each.stop_fault or "right"])
        lines.append(markdown(table))
    return "\n\n".join(lines)


def _gap(value: float | None) -> str:
    """Three digits; a gap that is infinite has become a null in a summary.json."""
    return f"{math.inf if value is None else value:.3g}"


def _shown(value: object) -> object:
    return "-" if value is None else value


def _work(summary: Summary) -> list[list[object]]:
    accepted = summary.acceptance
    return [
        ["", ""],
        ["target forwards", _shown(summary.target_forwards)],
        ["tokens per target forward", number(summary.tokens_per_target_forward)],
        ["the same per prompt, mean", number(summary.tokens_per_target_forward_mean)],
        ["the same with the prefill", number(summary.tokens_per_forward_with_prefill)],
        ["rows per target forward", number(summary.verified_rows_per_step)],
        ["draft forwards per target forward", number(summary.draft_forwards_per_step)],
        ["draft rows per target forward", number(summary.draft_rows_per_step)],
        ["tokens drafted / accepted", f"{_shown(accepted.drafted)} / {_shown(accepted.accepted)}"],
        ["steps cut: the output ended with a drafted token", _shown(accepted.cut_steps)],
        *_acceptance(summary.drafts),
        ["accepted, by who proposed them", in_counts(summary.accepted_by_source)],
        *own_rows(summary.own),
    ]


def _acceptance(drafts: Drafts | None) -> list[list[object]]:
    if drafts is None:
        return []
    lengths = f"{number(drafts.length)}, {number(drafts.length_by_request)}"
    return [
        ["drafts are", f"{drafts.shape}s"],
        ["acceptance length: of all steps, mean of requests", lengths],
        ["rows per target forward that confirmed nothing", number(drafts.wasted_rows_per_step)],
    ]


def _parts(parts: Mapping[str, AcceptedPart]) -> list[list[object]]:
    rows: list[list[object]] = [["tokens", "steps", "acceptance length"]]
    return [*rows, *([span, each.count, number(each.length)] for span, each in parts.items())]


def _depths(accepted: Acceptance) -> list[list[object]]:
    rows: list[list[object]] = [["depth", "of all steps", "of those that came this far", "steps that ended here"]]
    histogram = accepted.histogram or {}
    for depth, (share, given) in enumerate(zip(accepted.marginal or [], accepted.conditional or [], strict=True), 1):
        if given is None and not share:
            break  # nothing came this far
        rows.append([depth, percent(share), percent(given), histogram.get(str(depth), 0)])
    return rows


def _time(summary: Summary) -> list[list[object]]:
    sides = summary.seconds, summary.greedy_seconds
    figures = [{"prefill": each.prefill, **each.parts(), "decode": each.decode} for each in sides]
    rows: list[list[object]] = [["seconds", "method", "greedy"]]
    rows += [[name, *(number(each[name]) for each in figures)] for name in figures[0]]
    rows.append(["learning from verdicts, part of the above", *(number(each.observe) for each in sides)])
    if summary.sampling:
        rows.append(["drawing samples, part of the above", *(_share(each.sampling, each) for each in sides)])
    return [*rows, ["outside of models' forwards, part of the above", *(_share(each.outside, each) for each in sides)]]


def _latency(summary: Summary, method: Latency, greedy: Latency) -> list[list[object]]:
    sides = method, greedy
    rows: list[list[object]] = [["milliseconds: mean, p50, p90, p99", "method", "greedy"]]
    for name, figures in (
        ("first token", [each.first_token for each in sides]),
        ("step", [each.step for each in sides]),
        ("between tokens: a step's time / its tokens", [each.inter_token for each in sides]),
    ):
        rows.append([name, *map(_milliseconds, figures)])
    stalls = [f"{_shown(each.stalls)} ({percent(each.stalled)} of the time)" for each in sides]
    rows.append([f"stalls: steps longer than {STALL:g} times the median", *stalls])
    memory = "-" if summary.peak_memory_bytes is None else f"{summary.peak_memory_bytes / 2**20:.0f} MiB"
    rows.append([f"peak memory ({summary.peak_memory_of or 'of what is not known'})", memory, "-"])
    return [*rows, ["joules per token", *(number(each.joules_per_token, 3) for each in sides)]]


def _milliseconds(found: Percentiles | None) -> str:
    """The mean and the percentiles of seconds."""
    if found is None:
        return "-"
    return ", ".join(f"{1000 * value:.2f}" for value in (found.mean, found.p50, found.p90, found.p99))


def _share(part: float | None, whole: Seconds) -> str:
    """Seconds, and what part of decode they are."""
    if part is None:
        return number(None)
    return f"{number(part)} ({percent(part / whole.decode if whole.decode else None)})"


def _quality(summary: Summary) -> list[list[object]]:
    scores, notes = summary.quality, summary.quality_notes
    rows: list[list[object]] = [["metric", "method", "greedy", "note"]]
    for name, value in scores.method.items():
        rows.append([name, number(value, 3), number(scores.greedy.get(name), 3), notes.get(name, "")])
    return rows


def _categories(categories: Mapping[str, Category]) -> list[list[object]]:
    rows = [
        [marked(name, RUNAWAY * runaways_decide(figures.runaways)), figures.prompts, *_cells(figures)]
        for name, figures in categories.items()
    ]
    return [["category", "prompts", *HEADINGS[1:]], *rows]


def _ratios(summary: Summary, comparison: Sequence[tuple[Comparison, Summary]]) -> list[list[object]]:
    rows: list[list[object]] = [
        ["method", "over", "decode", "geomean", "end to end", "beside the same greedy", "verdict of the other"]
    ]
    for each, other in comparison:
        names = [_marked(each.method, summary), _marked(each.over, other)]
        figures = [estimate(figure) for figure in (each.decode, each.geomean, each.end_to_end)]
        rows.append([*names, *figures, "yes" if each.paired else "no", verdicts(other.lossless)])
    return rows


def csv_text(rows: Sequence[Mapping[str, object]]) -> str:
    """Rows of plain values as CSV, with the columns of all; an empty cell is a null."""
    stream = io.StringIO()
    columns = dict.fromkeys(column for row in rows for column in row)
    writer = csv.DictWriter(stream, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def flattened(summary: Summary) -> dict[str, object]:
    """A summary as one row: nested keys joined by dots, lists by spaces.

    Tables inside it are left to summary.json.
    """
    return _flattened(summary.to_json(), "")


def _flattened(content: Mapping[str, object], prefix: str) -> dict[str, object]:
    row: dict[str, object] = {}
    for key, value in content.items():
        if key in ("divergences", "categories", "left_out"):
            continue
        if isinstance(value, Mapping):
            row |= _flattened(value, f"{prefix}{key}.")
        else:
            row[prefix + key] = " ".join(map(str, value)) if isinstance(value, list) else value
    return row
