"""One job from its config to its reports: measure what is missing, judge, write, show.

Every case of a panel has its own folder, with the greedy generations that were measured beside it, so that a case can
be continued, reported or compared by itself; only comparison.csv concerns the panel, and lies with the chosen method.
"""

import json
import uuid
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from bench.cases import Case, make_cases
from bench.check import check
from bench.fold import Fold, flat
from bench.lossless import noise_floor
from bench.models import LoadedPair, Place, load_pair, resolve_place, weights_digests
from bench.page import csv_text, flattened, report
from bench.progress import Bar
from bench.prompts import Prompts, load_prompts, prompt_overlap
from bench.provenance import environment, require_same, session
from bench.registry import METHODS
from bench.runner import Entrant, Race, unfinished
from bench.settings import Plan, read_plan
from bench.store import RunFolder
from bench.summary import compare, summarize
from bench.terminal import say, show_table
from decoding.session import check_masks
from tasks import Scores

NOISE_TEXTS = 2


def run_job(config: DictConfig) -> int:
    """Exit status: 0, or 1 for a mismatch of one of our methods.

    Raises:
        UserError: anything the user can put right.
    """
    plan = read_plan(config)
    settings = plan.settings
    place = resolve_place(settings.device, settings.dtype)
    prompts = load_prompts(plan.task, plan.data, settings.warmup, settings.limit)
    cases = make_cases(plan, place, weights_digests(plan.model), prompts)
    if settings.check:
        return _check(plan, place, cases[0], prompts)
    with ExitStack() as stack:
        # One order for all processes, so that two panels never wait for each other's folders.
        ordered = sorted(cases, key=lambda case: case.folder)
        folders = {case: stack.enter_context(RunFolder(case.folder)) for case in ordered}
        ids = [example.id for example in prompts.examples]
        for case, folder in folders.items():
            if case.history == "warm" and not settings.overwrite:
                folder.restart_unfinished_pass(ids, settings.repeats)
        missing = {
            case: settings.overwrite or unfinished(folders[case], ids, settings.repeats) > 0 for case in cases
        }
        if any(missing.values()):
            _measure(plan, place, {case: folders[case] for case in cases if missing[case]}, prompts)
        return _report(plan, prompts, {case: folders[case] for case in cases}, any(missing.values()))


def _load(plan: Plan, place: Place) -> LoadedPair:
    torch.manual_seed(plan.settings.seed)
    return load_pair(plan.model, place, plan.settings.seed)


def _race(plan: Plan, loaded: LoadedPair, prompts: Prompts, identifier: str) -> Race:
    """Checks that the target follows tree masks, and sets the tolerance by its noise on real prompts."""
    target = loaded.pair.target
    check_masks(target)
    examples = (prompts.warmup or prompts.examples)[:NOISE_TEXTS]
    texts = [plan.task.encode(example, loaded.tokenizer) for example in examples]
    texts.append([(7 * place + 3) % target.vocabulary for place in range(96)])
    noise = noise_floor(target.model, target.vocabulary, [text[: target.context] for text in texts if len(text) > 1])
    greedy = METHODS["greedy"].load()
    return Race(
        loaded, plan.task, plan.max_new_tokens, 2 * noise, identifier, greedy.build(greedy.Config(), loaded.pair)
    )


def _entrant(case: Case, loaded: LoadedPair, folder: RunFolder | None) -> Entrant:
    return Entrant(case.label, case.method.load().build(case.config, loaded.pair), case.history, folder)


def _check(plan: Plan, place: Place, case: Case, prompts: Prompts) -> int:
    loaded = _load(plan, place)
    race = _race(plan, loaded, prompts, "check")
    seen, fine = check(loaded, case, race, _entrant(case, loaded, None), prompts.examples[0])
    for line in seen:
        say(line)
    return 0 if fine or not case.method.ours else 1


def _measure(plan: Plan, place: Place, folders: dict[Case, RunFolder], prompts: Prompts) -> None:
    """Fill the folders. Those that hold records already must have been measured as this process would."""
    here = environment(place.device)
    for folder in folders.values():
        if folder.records and not plan.settings.overwrite:
            require_same(_provenance(folder), here, folder.path)
    loaded = _load(plan, place)
    identifier = uuid.uuid4().hex[:12]
    race = _race(plan, loaded, prompts, identifier)
    entrants = [_entrant(case, loaded, folder) for case, folder in folders.items()]
    for case, folder in folders.items():
        if plan.settings.overwrite:
            # Only now: a pair that cannot be loaded costs no records.
            folder.clear()
        sessions = _provenance(folder).get("sessions", []) if folder.records else []
        provenance = {**here, "identity": case.identity, "sessions": [*sessions, session(identifier)]}
        folder.write("provenance.json", _json(provenance))
        folder.write("config.yaml", OmegaConf.to_yaml({**plan.resolved, "method": asdict(case.config)}))
    race.warm_up(entrants, prompts.warmup)
    total = race.count(entrants, prompts.examples, plan.settings.repeats)
    with Bar(total, f"{plan.task.name} {plan.model.label}") as bar:
        race.run(entrants, prompts.examples, plan.settings.repeats, bar.hear)


def _report(plan: Plan, prompts: Prompts, folders: dict[Case, RunFolder], measured: bool) -> int:
    ids = [example.id for example in prompts.examples]
    folds = {case: Fold.of(folder, ids, plan.settings.repeats) for case, folder in folders.items()}
    scored: dict[tuple[str, ...], Scores] = {}
    overlap = prompt_overlap(plan.task, plan.data, prompts.examples)
    summaries = {}
    for case, fold in folds.items():
        quality = (_scores(plan, prompts, fold.method, scored), _scores(plan, prompts, fold.reference, scored))
        summaries[case] = {**summarize(case, plan, prompts, fold, quality), "prompt_overlap": overlap}
    chosen = next(iter(folders))
    comparison = compare({case.label: fold for case, fold in folds.items()}, plan.settings.seed)
    for case, folder in folders.items():
        rows = [row for row in comparison if row["method"] == case.label]
        folder.write("summary.json", _json(summaries[case]))
        folder.write("summary.csv", csv_text([flattened(summaries[case])]))
        folder.write("report.md", report(summaries[case], _provenance(folder), rows))
    if comparison:
        folders[chosen].write("comparison.csv", csv_text(comparison))
    title = f"{plan.task.name} ({prompts.rows.split}, {len(ids)} prompts x {plan.settings.repeats}), {plan.model.label}"
    done = "nothing was left to measure; " if not measured else ""
    show_table(title, list(summaries.values()), f"{done}reports in {folders[chosen].path}")
    faults = [
        summary["lossless"]["reference_mismatch"] or (summary["ours"] and summary["lossless"]["mismatch"])
        for summary in summaries.values()
    ]
    return 1 if any(faults) else 0


def _scores(
    plan: Plan, prompts: Prompts, records: list[list[dict[str, Any]]], scored: dict[tuple[str, ...], Scores]
) -> Scores:
    """Quality of the first repeat's outputs (the others are the same, or mismatches); equal outputs are scored once."""
    texts = tuple(record["text"] for record in flat([repeats[:1] for repeats in records]))
    if texts not in scored:
        scored[texts] = plan.task.score(prompts.examples, texts)
    return scored[texts]


def _provenance(folder: RunFolder) -> dict[str, Any]:
    file = folder.path / "provenance.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"
