"""One job of `python -m bench.agreement`: how good a draft is, from one forward a text.

The texts are greedy's, decoded here or taken from a run. What the draft said of each token is kept
in texts.jsonl, from which bench/report/metrics/agreement.py makes every figure.
"""

import sys
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from bench.console.naming import naming_pair
from bench.console.terminal import say, warn
from bench.measure.agreement import ReadText, opinions
from bench.measure.environment import environment
from bench.measure.runner import Race
from bench.measure.token_class import token_classes
from bench.models.encoding import prompt_digest
from bench.models.loading import LoadedPair, load_pair
from bench.models.location import weights_digests
from bench.models.place import resolve_place
from bench.plan.case import Identity
from bench.plan.cases import make_cases
from bench.plan.methods import METHODS, REFERENCE_METHOD
from bench.plan.prompts import load_prompts
from bench.plan.settings import Plan, read_plan
from bench.report.agreement import REPORT, TABLE, AgreementReport, tables, write
from bench.report.case_records import CaseRecords
from bench.report.collection import Run, collect
from bench.report.metrics.agreement import agreement_figures
from bench.report.terminal import show_lines
from decoding.errors import UserError
from tasks import Example
from tasks.settings import require_text

# What of an identity says nothing about the target's greedy text: greedy's own settings, and the
# draft's.
OTHERS = {"method", "weights", "draft_device", "draft_dtype", "draft_vocabulary", "draft_noise", "acceptance", "seed"}
OTHERS |= {"history", "history_file", "prompts", "top_k", "top_p", "min_p"}


def run(config: DictConfig) -> int:
    """Read the texts, write and show what follows; the exit status.

    Raises:
        UserError: anything the user can put right.
    """
    given = cast("dict[str, Any]", OmegaConf.to_container(config, resolve=True))
    of_run = given.pop("run")
    require_text("run", of_run)
    plan = read_plan(OmegaConf.create({**given, "method": {"name": REFERENCE_METHOD}}))
    if not plan.settings.sampling.greedy:
        raise UserError("agreement is with the target's greedy text: temperature must be 0")
    if plan.model.draft is None:
        raise UserError("agreement needs a draft model: set model.draft")
    settings = plan.settings
    place = resolve_place(settings.device, settings.dtype, settings.engine)
    prompts = load_prompts(plan.task, plan.data, settings.warmup, settings.limit)
    [case] = make_cases(plan, place, weights_digests(plan.model), prompts)
    examples = [example for example in prompts.examples if not example.follows]
    records = _records(of_run, case.identity) if of_run else None
    if records:
        examples = [example for example in examples if example.id in records.prompts]
        if not examples:
            raise UserError(f"run={of_run} holds none of these prompts")
    torch.manual_seed(settings.seed)
    texts = _read_texts(plan, load_pair(plan.model, place, settings.seed), examples, records)
    report = AgreementReport(
        model=plan.model.label,
        task=plan.task.name,
        prompts=[text.prompt for text in texts],
        source=of_run or "decoded",
        identity=case.identity,
        environment=environment(place.device),
        command=["python", "-m", "bench.agreement", *sys.argv[1:]],
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        figures=agreement_figures(texts),
    )
    folder = case.folder.with_name(f"agreement-{case.identity.digits}")
    write(report, texts, folder)
    source = f"of {of_run}" if of_run else "decoded here"
    say(f"{plan.task.name} ({prompts.rows.split}), {plan.model.label}, {len(texts)} greedy texts {source}")
    for table in tables(report.figures):
        say("")
        show_lines(table)
    say(f"written: {folder}/{REPORT}, {TABLE}")
    return 0


def _records(folder: str, wanted: Identity) -> CaseRecords:
    """The records of a run, whose greedy reference stands for decoding here.

    Raises:
        UserError: there is no such run, or its greedy text is another target's.
    """
    runs, _ = collect([folder])
    if len(runs) > 1:
        raise UserError(f"run={folder} holds {len(runs)} runs: give the folder of one")
    found: Run = runs[0]
    if found.identity is None:
        raise UserError(f"run={folder} has no provenance.json any more: nobody knows whose text it is")
    own, other = vars(wanted), vars(found.identity)
    names = [each.name for each in fields(Identity) if each.name not in OTHERS]
    differing = [name for name in names if own[name] != other[name]]
    if wanted.weights["target"] != found.identity.weights.get("target"):
        differing.append("weights of the target")
    if differing:
        raise UserError(f"run={folder} was made with another {', '.join(differing)}: give the same settings here")
    return found.records()


def _read_texts(plan: Plan, loaded: LoadedPair, examples: list[Example], records: CaseRecords | None) -> list[ReadText]:
    """What the draft says of each text, prompt by prompt."""
    warn(loaded.warnings)
    pair, draft = loaded.pair, loaded.pair.draft
    assert draft is not None  # run has seen to it
    greedy = METHODS[REFERENCE_METHOD].load()
    decoder = greedy.build(greedy.Config(), pair)
    race = Race(loaded, plan.task, plan.max_new_tokens, 0.0, "agreement", [])
    special = pair.eos | set(loaded.tokenizer.all_special_ids)
    texts = []
    for example in tqdm(examples, desc="texts", unit="text", leave=False):
        prompt, _ = race.encode(example)
        if records is None:
            output = decoder.generate(prompt, race.stopping(example, prompt)).tokens
        else:
            record = records.reference[records.prompts.index(example.id)][0]
            if record.prompt_digest not in (None, prompt_digest(prompt)):
                raise UserError(f"prompt {example.id} has other token ids here than in the run: decode anew, run=null")
            output = record.tokens
        with naming_pair("draft"):
            ranks, chances = opinions(draft, prompt, output)
        texts.append(
            ReadText(
                prompt=example.id,
                prompt_tokens=len(prompt),
                tokens=output,
                ranks=ranks,
                chances=chances,
                classes=token_classes(pair.decode, prompt, output, special),
            )
        )
    return texts
