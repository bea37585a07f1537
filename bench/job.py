"""One job from its config to its reports: measure what is missing, then judge, write and show.

Every case of a panel has its own folder, with the greedy generations that were measured beside it,
so that a case can be continued, reported or compared by itself; only comparison.csv concerns the
panel, and lies with the chosen method.
"""

import sys
import uuid
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import fields, replace
from pathlib import Path
from typing import cast

import torch
from omegaconf import DictConfig

from bench.console.terminal import say, warn
from bench.measure.check import before_loading, check
from bench.measure.cores import Company
from bench.measure.drafting import context_warnings
from bench.measure.entrants import make_entrant, make_entrants, make_race
from bench.measure.environment import environment, require_same, session
from bench.measure.float32 import load_float32, roles
from bench.measure.probe import probe
from bench.measure.provenance import Provenance, Times, Warmup
from bench.measure.record import METHOD, Record
from bench.measure.runner import Entrant, Race, drafts, unfinished
from bench.measure.store import RunFolder, require_one_encoding
from bench.models.config import AUTO
from bench.models.encoding import encoding_warnings
from bench.models.loading import LoadedPair, load_pair, load_tokenizers
from bench.models.location import weights_digests, weights_here
from bench.models.place import Place, resolve_place
from bench.plan.case import Case
from bench.plan.cases import labels, make_cases
from bench.plan.histories import is_saved, require_savable, save_history
from bench.plan.methods import METHODS
from bench.plan.prompts import Prompts, load_prompts
from bench.plan.settings import Plan, read_plan
from bench.plan.tuned import searched_elsewhere
from bench.report.probed import in_words, slower
from bench.report.progress import Bar
from bench.report.sample import sample
from bench.report.warnings import said_of_left_out
from bench.report.writing import json_text, report_job, write_config
from decoding.decoder import StatefulDecoder
from decoding.errors import UserError
from decoding.session import ModelSession
from decoding.state_file import StateFile
from tasks.sources import DataConfig


def run_job(config: DictConfig) -> int:
    """Exit status: 0, or 1 for a mismatch of one of our methods.

    Raises:
        UserError: anything the user can put right.
    """
    plan = read_plan(config)
    settings = plan.settings
    place = resolve_place(settings.device, settings.dtype, settings.engine)
    say_settings(plan)
    if settings.check:
        return _check(plan, place)
    prompts = load_prompts(plan.task, plan.data, settings.warmup, settings.limit, settings.samples)
    cases = make_cases(plan, place, weights_digests(plan.model), prompts)
    with ExitStack() as stack:
        # One order for all processes, so that two panels never wait for each other's folders.
        ordered = sorted(cases, key=lambda case: case.folder)
        opened = {
            case: stack.enter_context(RunFolder(case.folder, read=not settings.overwrite)) for case in ordered
        }
        folders = {case: opened[case] for case in cases}
        ids = [example.id for example in prompts.examples]
        wanted = roles(place)
        missing = {
            case: folder for case, folder in folders.items() if unfinished(folder, ids, settings.repeats, wanted)
        }
        company = stack.enter_context(Company(place.device, settings.cores)) if missing else None
        _require_one_environment(folders.values(), place, bool(missing))
        require_one_encoding(folders.values())
        if settings.save_history:
            require_savable(settings.save_history, cases[0])
            if cases[0] not in missing and not is_saved(settings.save_history, cases[0], settings.repeats):
                raise UserError(
                    f"{cases[0].folder} is complete, but {settings.save_history} does not hold what it learned: "
                    "measure again, overwrite=true"
                )
        left_out: dict[str, str] = {}
        said: list[str] = []
        if company:
            standing, left_out, said = _measure(plan, place, missing, prompts, cases[0], company, opened.values())
            folders = {case: folder for case, folder in folders.items() if case in standing or case not in missing}
            if not folders:
                raise UserError("; ".join(said_of_left_out(left_out)))
            missing = standing
        return report_job(plan, prompts, folders, wanted, bool(missing), left_out, said)


def say_settings(plan: Plan) -> None:
    """A line for each method that has settings: which, and why."""
    for each in plan.methods:
        if each.origin and len(fields(each.config)) > 1:
            say(f"settings of {each.label or each.config.name}: {each.origin}")


def _require_one_environment(folders: Iterable[RunFolder], place: Place, measuring: bool) -> None:
    """Raise UserError if a panel's records were not all measured alike.

    If this process is going to measure, they must have been measured as it would.
    """
    measured = {folder.path: folder.provenance().environment for folder in folders if folder.records}
    if measured:
        wanted = environment(place.device) if measuring else next(iter(measured.values()))
        for path, earlier in measured.items():
            require_same(earlier, wanted, path)


def _load(plan: Plan, place: Place) -> LoadedPair:
    torch.manual_seed(plan.settings.seed)
    return load_pair(plan.model, place, plan.settings.seed, plan.settings.sampling)


# Of every pair and place that this process has probed: the jobs of a sweep need not each do it.
_PROBED: dict[str, Times | None] = {}


def _probe(plan: Plan, place: Place, loaded: LoadedPair) -> Times | None:
    """What engines take here, where nobody chose one.

    A warning if the pair's is not the fastest.
    """
    if plan.settings.engine != AUTO:
        return None
    pair = f"{plan.model} {place}"
    if pair not in _PROBED:
        _PROBED[pair] = probe(loaded)
    probed = _PROBED[pair]
    if probed and (said := slower(loaded.engine, probed)):
        loaded.warnings.append(said)
    return probed


def _searched_elsewhere(plan: Plan, place: Place) -> list[str]:
    """Warnings of tuned settings that were searched where other things pay."""
    found = [
        line
        for each in plan.methods
        if each.origin
        for line in searched_elsewhere(each.origin, str(place), plan.conditions(each, place.dtype))
    ]
    return list(dict.fromkeys(found))


def _check(plan: Plan, place: Place) -> int:
    data, task = plan.data, plan.task
    if data.source == "hub" and task.hub:
        # Whether the pair will run does not hang on a data set that may have to be fetched first,
        # for an hour.
        data, shots = DataConfig(), task.shots("hub")
        task = type(task)(replace(task.config, shots=shots))
        say(f"prompt lengths are those of the bundled data after {shots} worked examples: the hub's is not fetched")
    prompts = load_prompts(task, data, plan.settings.warmup, plan.settings.limit)
    for line in before_loading(plan, place, prompts.examples):
        say(line)
    model = plan.model
    revisions = {model.target: model.revision, model.draft: model.draft_revision}
    absent = [name for name, revision in revisions.items() if name and not weights_here(name, revision)]
    if absent:
        tokenizer = load_tokenizers(model).tokenizer
        warn(encoding_warnings(task, tokenizer, [task.encode(each, tokenizer) for each in prompts.examples]))
        say(f"not fetched yet, so nothing is decoded: the weights of {' and '.join(absent)}")
        return 0
    loaded = _load(plan, place)
    if probed := _probe(plan, place, loaded):
        say(f"engines: {in_words(probed)}")
    race = make_race(plan, loaded, prompts, "check")
    warn(loaded.warnings)
    entrants = []
    methods = dict(zip(labels(plan.methods), plan.methods, strict=True))
    ours = {label: METHODS[each.config.name].ours for label, each in methods.items()}
    for label, planned in methods.items():
        with race.leaving_out(label, ours[label], collect=True):
            entrants.append(make_entrant(label, planned, loaded, None))
    warn(_short_contexts(plan, race, entrants, prompts, known=loaded.pair.draft))
    seen, fine = check(loaded, race, entrants, prompts.examples[0])
    for line in [*seen, *said_of_left_out(race.left_out)]:
        say(line)
    failed = [f"{label}: {reason}" for label, reason in race.left_out.items() if ours[label] or not fine]
    if failed:
        raise UserError("; ".join(failed))
    return 0 if all(fine[label] for label in fine if ours[label]) else 1


def _short_contexts(
    plan: Plan, race: Race, entrants: Sequence[Entrant], prompts: Prompts, known: ModelSession | None = None
) -> list[str]:
    """Warnings about drafts whose context is short for the prompts, but for one that is known."""
    lengths = [len(race.encode(example)[0]) for example in prompts.examples]
    contexts = [each.context for each in drafts(race.loaded.pair, entrants) if each is not known]
    return [line for context in contexts for line in context_warnings(lengths, plan.max_new_tokens, context)]


def _measure(
    plan: Plan, place: Place, folders: dict[Case, RunFolder], prompts: Prompts, chosen: Case, company: Company,
    panel: Iterable[RunFolder],
) -> tuple[dict[Case, RunFolder], dict[str, str], list[str]]:  # fmt: skip
    """Fill the folders, and write down what the chosen case learned if that is wanted.

    panel: all folders, those that lack nothing too.

    Returns the folders without those of rivals that cannot run; the reason by the label of each of
    these; and the warnings that the terminal has had.
    """
    loaded = _load(plan, place)
    probed = _probe(plan, place, loaded)
    float32 = load_float32(plan.model, place, plan.settings.seed)
    loaded.warnings += _searched_elsewhere(plan, place)
    identifier = uuid.uuid4().hex[:12]
    race = make_race(plan, loaded, prompts, identifier, float32)
    if not plan.settings.overwrite:
        # The prompt of a later turn is known when the turn before it is answered.
        race.require_same_prompts(panel, [example for example in prompts.examples if not example.follows])
    entrants = make_entrants(folders, loaded, race)
    # Growing a cache takes time that belongs to no prompt.
    length = race.longest([*prompts.warmup, *prompts.examples])
    for each in [loaded.pair.target, *drafts(loaded.pair, entrants), *([float32.pair.target] if float32 else [])]:
        each.reserve(length)
    warn(loaded.warnings)
    warn(_short_contexts(plan, race, entrants, prompts))
    race.warm_up(entrants, prompts.warmup)
    # Only now are records dropped: what cannot be loaded, built or warmed up costs none, and leaves
    # nothing.
    ids = [example.id for example in prompts.examples]
    warmup = Warmup(len(prompts.warmup), prompts.warmup_from)
    now = session(identifier, warmup, company.hardware, company.most, loaded.warnings, race.left_out, probed)
    now.nearby = list(company.nearby)
    said = [*loaded.warnings, *said_of_left_out(race.left_out)]
    warn(said_of_left_out(race.left_out))
    provenances: dict[Case, Provenance] = {}

    def standing() -> dict[Case, RunFolder]:
        return {case: folder for case, folder in folders.items() if case.label not in race.left_out}

    def note() -> None:
        for case in standing():
            folders[case].write("provenance.json", json_text(provenances[case].to_json()))

    for case, folder in standing().items():
        if plan.settings.overwrite:
            folder.clear()
        elif case.history == "warm":
            folder.restart_unfinished_pass(ids, plan.settings.repeats, roles(place))
        earlier = folder.provenance().sessions if folder.records else []
        loaded_state = StateFile.load(Path(str(case.history_file))) if case.history == "file" else None
        provenances[case] = Provenance(
            **vars(environment(place.device)),
            case=case,
            sessions=[*earlier, now],
            history_made_by=loaded_state.made_by if loaded_state else None,
        )
        write_config(plan, case, folder)
    note()
    total = race.count(race.standing(entrants), prompts.examples, plan.settings.repeats)
    with Bar(total, f"{plan.task.name} {plan.model.label}") as bar:

        def report(record: Record) -> None:
            bar.add(record)
            if company.look():
                now.neighbours, now.nearby = company.most, list(company.nearby)
                note()

        race.run(race.standing(entrants), prompts.examples, plan.settings.repeats, report)
    for case, folder in folders.items():
        if case not in standing() and case in provenances:
            _forget_unmeasured(folder)
    if now.left_out != race.left_out:
        now.left_out = dict(race.left_out)
        note()
    if plan.settings.save_history and chosen in folders:
        decoder = next(each.decoder for each in entrants if each.folder is folders[chosen])
        stateful = cast(StatefulDecoder, decoder)  # require_savable has seen to it
        save_history(plan.settings.save_history, chosen, stateful, loaded.tokenizer, plan, prompts)
    if chosen in standing():
        _show(plan.settings.show, folders[chosen], race, prompts)
    return standing(), race.left_out, said


def _show(count: int, folder: RunFolder, race: Race, prompts: Prompts) -> None:
    """The first `count` answers as a reader sees them; a turn within a conversation is left out."""
    openings = [example for example in prompts.examples if not example.follows]
    for example in openings[:count]:
        record = folder.records.get((example.id, 0, METHOD))
        if record is not None:
            prompt, _ = race.encode(example)
            say(sample(record, race.loaded.tokenizer, prompt, colours=sys.stdout.isatty()) + "\n")


def _forget_unmeasured(folder: RunFolder) -> None:
    """Nothing is left of a rival that could run on no prompt.

    What it did measure goes on with fewer prompts.
    """
    if not any(role == METHOD for *_, role in folder.records):
        folder.clear()
