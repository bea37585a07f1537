"""From the records of a job's folders to its reports: files in every folder, and the table on the terminal."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from omegaconf import OmegaConf

from bench.measure.store import RunFolder
from bench.plan.cases import Case
from bench.plan.prompts import Prompts, prompt_overlap
from bench.plan.settings import Plan
from bench.report.categories import by_category
from bench.report.fold import Fold, flat
from bench.report.markdown import csv_text, flattened, report
from bench.report.summary import compare, summarize
from bench.report.terminal import show_table
from bench.report.warnings import warnings_of
from tasks import Scores


def report_job(
    plan: Plan,
    prompts: Prompts,
    folders: dict[Case, RunFolder],
    roles: Sequence[str],
    measured: bool,
    left_out: Mapping[str, str],
    said: Collection[str],
) -> int:
    """Write and show the reports of a panel.

    Args:
        plan: the job.
        prompts: what was measured.
        folders: of the panel's cases, the chosen method first.
        roles: of the records that are there.
        measured: whether this process measured anything.
        left_out: labels of the panel's cases that cannot run, with the reasons.
        said: warnings that the terminal has had from this job.

    Returns:
        The exit status: 1 for a mismatch of one of our methods or of greedy itself, else 0.
    """
    ids = [example.id for example in prompts.examples]
    folds = {case: Fold.of(folder, ids, plan.settings.repeats, roles) for case, folder in folders.items()}
    provenances = {case: folder.provenance() for case, folder in folders.items()}
    scored: dict[tuple[str, ...], Scores] = {}
    overlap = prompt_overlap(plan.task, plan.data, prompts.rows.split)
    categories = [plan.task.category(example.row) for example in prompts.examples]
    later_turns = sum(example.follows is not None for example in prompts.examples)
    summaries = {}
    for case, fold in folds.items():
        quality = (_scores(plan, prompts, fold.method, scored), _scores(plan, prompts, fold.reference, scored))
        summary = summarize(case, plan, prompts, fold, quality)
        warmup = _warmup(provenances[case], fold)
        summaries[case] = {
            **summary,
            "later_turns": later_turns,
            "categories": by_category(fold, categories, quality, plan.settings.seed),
            "warmup": warmup,
            "neighbours": _neighbours(provenances[case], fold),
            "prompt_overlap": overlap,
            "left_out": dict(left_out),
            "warnings": warnings_of(sessions_of(provenances[case], fold), fold, left_out),
        }
    chosen = next(iter(folders))
    comparison = compare({case.label: fold for case, fold in folds.items()}, plan.settings.seed)
    for case, folder in folders.items():
        rows = [row for row in comparison if row["method"] == case.label]
        write_config(plan, case, folder)
        folder.write("summary.json", json_text(summaries[case]))
        folder.write("summary.csv", csv_text([flattened(summaries[case])]))
        folder.write("report.md", report(summaries[case], provenances[case], rows))
        if case is chosen and comparison:
            folder.write("comparison.csv", csv_text(comparison))
        else:
            folder.remove("comparison.csv")
    title = (
        f"{plan.task.name} ({prompts.rows.split}, {len(ids)} prompts x {plan.settings.repeats}), "
        f"{plan.model.label}, batch size 1"
    )
    lines = [_apart(chosen.label, comparison), "" if measured else "nothing was left to measure"]
    shared = max((summary["neighbours"] or 0 for summary in summaries.values()), default=0)
    if shared:
        lines.append(f"measured beside up to {shared} other runs on the same cores or GPU: no timing to rely on")
    lines.append(f"reports in {folders[chosen].path}")
    show_table(title, list(summaries.values()), "\n".join(line for line in lines if line), said)
    faults = [
        summary["lossless"]["reference_mismatch"] or (summary["ours"] and summary["lossless"]["mismatch"])
        for summary in summaries.values()
    ]
    return 1 if any(faults) else 0


def write_config(plan: Plan, case: Case, folder: RunFolder) -> None:
    """config.yaml: the whole command as composed, with the case's own method and history."""
    own = {"method": asdict(case.config), "history": case.history, "history_file": case.history_file}
    folder.write("config.yaml", OmegaConf.to_yaml({**plan.resolved, **own}))


def json_text(value: object) -> str:
    """Valid JSON: a number that JSON cannot write is null."""
    return json.dumps(_finite(value), indent=2, ensure_ascii=False, default=str, allow_nan=False) + "\n"


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _apart(chosen: str, comparison: Sequence[dict[str, Any]]) -> str:
    """A line that names the cases that did not run beside the chosen one, "" if all did."""
    labels = [row["over"] for row in comparison if row["method"] == chosen and not row["paired"]]
    if not labels:
        return ""
    return (
        f"not measured side by side with {chosen}, but earlier or later: {', '.join(labels)}; each is compared through "
        "the greedy beside it, and overwrite=true measures all side by side"
    )


def sessions_of(provenance: dict[str, Any], fold: Fold) -> list[dict[str, Any]]:
    """The processes that measured these records."""
    used = {record["session"] for record in flat(fold.method)}
    return [each for each in provenance["sessions"] if each["session"] in used]


def _warmup(provenance: dict[str, Any], fold: Fold) -> dict[str, Any]:
    """The warm-up before these records; where several processes measured them, the shortest."""
    return min((each["warmup"] for each in sessions_of(provenance, fold)), key=lambda warmup: warmup["prompts"])


def _neighbours(provenance: dict[str, Any], fold: Fold) -> int | None:
    """The most other runs that were on the same cores or GPU meanwhile; None where an older process did not look."""
    counts = [each.get("neighbours") for each in sessions_of(provenance, fold)]
    return None if None in counts else max(counts)


def _scores(
    plan: Plan, prompts: Prompts, records: list[list[dict[str, Any]]], scored: dict[tuple[str, ...], Scores]
) -> Scores:
    """Quality of the first repeat's outputs (the others are the same, or mismatches); equal outputs are scored once."""
    texts = tuple(record["text"] for record in flat([repeats[:1] for repeats in records]))
    if texts not in scored:
        scored[texts] = plan.task.score(prompts.examples, texts)
    return scored[texts]
