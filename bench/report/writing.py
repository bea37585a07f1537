"""From the records of a job's folders to its reports.

Files in every folder, and the table on the terminal.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence

from omegaconf import OmegaConf

from bench.measure.store import RunFolder
from bench.plan.case import Case
from bench.plan.methods import REFERENCE_METHOD
from bench.plan.prompts import Prompts
from bench.plan.settings import Plan
from bench.report.case_records import CaseRecords, Grid
from bench.report.figure_types import Comparison
from bench.report.markdown import csv_text, flattened, report
from bench.report.metrics.noise import noise_of
from bench.report.metrics.rates import compare
from bench.report.summarize import summarize
from bench.report.summary import Summary
from bench.report.terminal import show_table
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
    repeats = plan.settings.repeats
    panel = {case: CaseRecords.of(folder.records, ids, repeats, roles) for case, folder in folders.items()}
    provenances = {case: folder.provenance() for case, folder in folders.items()}
    seed = plan.settings.seed
    same = next((records for case, records in panel.items() if case.method.name == REFERENCE_METHOD), None)
    noise = noise_of(same, seed) if same else None
    scored: dict[tuple[str, ...], Scores] = {}
    summaries = {}
    for case, records in panel.items():
        quality = (_scores(plan, prompts, records.method, scored), _scores(plan, prompts, records.reference, scored))
        summaries[case] = summarize(case, plan, prompts, records, quality, provenances[case], left_out, noise)
    chosen = next(iter(folders))
    comparison = compare({case.label: records for case, records in panel.items()}, seed)
    labelled = {case.label: summary for case, summary in summaries.items()}
    for case, folder in folders.items():
        own = [(each, labelled[each.over]) for each in comparison if each.method == case.label]
        write_config(plan, case, folder)
        write_reports(folder, summaries[case], report(summaries[case], provenances[case], own))
        if case is chosen and comparison:
            folder.write("comparison.csv", csv_text([each.row() for each in comparison]))
        else:
            folder.remove("comparison.csv")
    title = (
        f"{plan.task.name} ({prompts.rows.split}, {len(ids)} prompts x {plan.settings.repeats}), "
        f"{plan.model.label}, {summaries[chosen].decoding}"
    )
    lines = [_apart(chosen.label, comparison), "" if measured else "nothing was left to measure"]
    lines.append(_company(list(summaries.values())))
    lines.append(f"reports in {folders[chosen].path}")
    show_table(title, list(summaries.values()), "\n".join(line for line in lines if line), said)
    faults = [
        summary.lossless.reference_mismatch or (summary.ours and summary.lossless.mismatch)
        for summary in summaries.values()
    ]
    return 1 if any(faults) else 0


def _company(summaries: Sequence[Summary]) -> str:
    """A line on other runs beside these, "" where none was seen."""
    shared = max((summary.neighbours or 0 for summary in summaries), default=0)
    nearby = ", ".join(dict.fromkeys(name for summary in summaries for name in summary.nearby))
    if shared:
        also = f" (also shared: {nearby})" if nearby else ""
        return f"measured beside up to {shared} other runs on the same cores or GPU: no timing to rely on{also}"
    return f"measured beside other runs that share the {nearby}: timings may be slower for it" if nearby else ""


def write_reports(folder: RunFolder, summary: Summary, page: str) -> None:
    """summary.json, summary.csv, and the page as report.md."""
    folder.write("summary.json", json_text(summary.to_json()))
    folder.write("summary.csv", csv_text([flattened(summary)]))
    folder.write("report.md", page)


def write_config(plan: Plan, case: Case, folder: RunFolder) -> None:
    """config.yaml: the whole command as composed, with the case's own method and history."""
    own = {"method": case.identity.method, "history": case.history, "history_file": case.history_file}
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


def _apart(chosen: str, comparison: Sequence[Comparison]) -> str:
    """A line that names the cases that did not run beside the chosen one, "" if all did."""
    labels = [each.over for each in comparison if each.method == chosen and not each.paired]
    if not labels:
        return ""
    return (
        f"not measured side by side with {chosen}, but earlier or later: {', '.join(labels)}; each is compared through "
        "the greedy beside it, and overwrite=true measures all side by side"
    )


def _scores(plan: Plan, prompts: Prompts, grid: Grid, scored: dict[tuple[str, ...], Scores]) -> Scores:
    """Quality of the first repeat's outputs (the others are the same, or mismatches).

    Equal outputs are scored once.
    """
    texts = tuple(repeats[0].text for repeats in grid)
    if texts not in scored:
        scored[texts] = plan.task.score(prompts.examples, texts)
    return scored[texts]
