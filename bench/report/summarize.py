"""The summary of a case that has been measured."""

from collections.abc import Mapping, Sequence

from bench import CONF
from bench.measure.provenance import Provenance, Session, Warmup
from bench.plan.case import Case
from bench.plan.prompts import Prompts, prompt_overlap
from bench.plan.settings import Plan
from bench.plan.tuned import PAPER, TUNED
from bench.report.case_records import CaseRecords, flat
from bench.report.categories import Quality, by_category
from bench.report.figure_types import Noise
from bench.report.metrics.case import figures
from bench.report.metrics.outputs import nonfinite_prompts, peak_memory_bytes, undrafted_prompts
from bench.report.summary import Conditions, SettingsOrigin, Summary
from bench.report.warnings import warnings_of
from tasks import Scores


def summarize(
    case: Case,
    plan: Plan,
    prompts: Prompts,
    records: CaseRecords,
    quality: tuple[Scores, Scores],
    provenance: Provenance,
    left_out: Mapping[str, str],
    noise: Noise | None = None,
) -> Summary:
    """The summary of one case.

    Args:
        case: the one that was measured.
        plan: its job's.
        prompts: all that the job decodes.
        records: of the case.
        quality: scores of the method's outputs and of greedy's.
        provenance: of the case's folder.
        left_out: labels of the panel's cases that cannot run, with the reasons.
        noise: of the panel's A/A case, None in a panel without one.
    """
    identity, seed = case.identity, plan.settings.seed
    undrafted = undrafted_prompts(records.method)
    sessions = provenance.sessions_of({record.session for record in flat(records.method)})
    conditions = Conditions(
        schema_version=Summary.SCHEMA_VERSION,
        label=case.label,
        method=case.method.name,
        method_config=identity.method,
        settings=_origin(case),
        ours=case.method.ours,
        task=plan.task.name,
        prompt_version=plan.task.version,
        model=plan.model.label,
        data=plan.data.source if not plan.data.path else plan.data.path,
        split=prompts.rows.split,
        device=identity.device,
        dtype=identity.dtype,
        draft_dtype=identity.draft_dtype,
        draft_vocabulary=identity.draft_vocabulary,
        engine=identity.engine,
        seed=seed,
        temperature=identity.temperature,
        top_k=identity.top_k,
        top_p=identity.top_p,
        min_p=identity.min_p,
        draft_noise=identity.draft_noise,
        accepted_by=identity.acceptance,
        max_new_tokens=plan.max_new_tokens,
        history=case.history,
        prompts=len(records.prompts),
        repeats=plan.settings.repeats,
    )
    return Summary(
        **vars(conditions),
        **vars(figures(records, seed)),
        undrafted_prompts=undrafted and undrafted[0],
        partly_undrafted_prompts=undrafted and undrafted[1],
        nonfinite_draft_prompts=nonfinite_prompts(records.method),
        quality=Quality(quality[0].means, quality[1].means),
        quality_notes=quality[0].notes,
        peak_memory_bytes=peak_memory_bytes(records.method),
        peak_memory_of="the device, in this method's generations"
        if identity.device.startswith("cuda")
        else "the whole process, all cases together",
        folder=str(case.folder),
        later_turns=sum(example.follows is not None for example in prompts.examples),
        categories=by_category(records, [plan.task.category(each.row) for each in prompts.examples], quality, seed),
        warmup=_warmup(sessions),
        neighbours=_neighbours(sessions),
        nearby=list(dict.fromkeys(name for each in sessions for name in each.nearby)),
        prompt_overlap=prompt_overlap(plan.task, plan.data, prompts.rows.split),
        left_out=dict(left_out),
        warnings=warnings_of(sessions, records, left_out, noise),
        noise=noise,
        probe=next((each.probe for each in reversed(sessions) if each.probe), None),
    )


def _origin(case: Case) -> SettingsOrigin | None:
    """None where nobody asked."""
    origin = case.origin
    if origin is None:
        return None
    whole = not origin.given and (CONF / "search" / f"{case.method.name}.yaml").is_file()
    shown = origin.kind if whole and origin.kind in (TUNED, PAPER) else None
    return SettingsOrigin(origin.kind, origin.file, list(origin.given), origin.why, str(origin), shown)


def _warmup(sessions: Sequence[Session]) -> Warmup:
    """The warm-up before these records; where several processes measured them, the shortest."""
    return min((each.warmup for each in sessions), key=lambda warmup: warmup.prompts)


def _neighbours(sessions: Sequence[Session]) -> int | None:
    """The most other runs that were on the same cores or GPU meanwhile.

    None where an older process did not look.
    """
    counts = [each.neighbours for each in sessions]
    known = [count for count in counts if count is not None]
    return max(known) if len(known) == len(counts) else None
