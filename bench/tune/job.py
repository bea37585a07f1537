"""Settings chosen on validation prompts: `python -m bench.tune method=M task=T`.

optuna proposes, the engine measures token rates over greedy's, prompt by prompt in shuffled order,
and every output is judged. Successive halving spends most time on the best settings; the last few
and the published one are measured several times on validation prompts that the search has not seen,
and the published setting stays unless it is beaten beyond the noise of a repeat. The study is kept,
so that the same command goes on where it was stopped.
"""

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, cast

import optuna
import pandas
import torch
from omegaconf import DictConfig, OmegaConf

from bench.console.disk import writing
from bench.console.terminal import say, warn
from bench.measure.cores import Company
from bench.measure.entrants import make_race
from bench.measure.environment import environment
from bench.measure.provenance import Environment
from bench.models.loading import load_pair
from bench.models.location import weights_digests
from bench.models.place import Place, resolve_place
from bench.plan.methods import TUNED_NAMES, WARM, written_file
from bench.plan.nesting import flat
from bench.plan.prompts import Prompts, load_prompts
from bench.plan.settings import Plan, group_of, read_plan, without
from bench.plan.tuned import KEPT, TUNED, in_digits
from bench.tune.objective import Objective
from bench.tune.report import TABLE, write_search
from bench.tune.space import Space, read_space
from bench.tune.study import (
    PUBLISHED,
    Final,
    measure_finalists,
    noise_of,
    open_study,
    rounds,
    search,
    winner_of,
)
from decoding.errors import UserError
from decoding.settings import require_at_least
from tasks.settings import typed

FEWEST_REPEATS = 3
# Raised where a search is no longer what it was: studies of two rules do not go on as one.
RULES = 3


@dataclass
class TuneConfig:
    """As conf/tune.yaml explains them."""

    trials: int = 20
    finalists: int = 4
    repeats: int = 3
    space: str | None = None
    save: str | None = None
    study: str | None = None

    def __post_init__(self) -> None:
        require_at_least("tune.trials", self.trials, 1)
        require_at_least("tune.finalists", self.finalists, 1)
        require_at_least("tune.repeats", self.repeats, FEWEST_REPEATS)
        if self.save and (not self.save.startswith(TUNED_NAMES) or ".." in Path(self.save).parts):
            raise UserError(f"tune.save={self.save}: give a name that begins with {TUNED_NAMES}, as method= takes it")


def tune(config: DictConfig) -> int:
    """Search, then write the best settings; the exit status.

    Raises:
        UserError: a wrong setting, or a split that is not for tuning.
    """
    resolved = cast(dict[str, Any], OmegaConf.to_container(without(config, "hydra"), resolve=True))
    wanted = typed(TuneConfig, group_of(resolved, "tune"), "tune")
    plan = read_plan(without(config, "tune"))
    if plan.data.split in (None, "test", "test_unseen"):
        raise UserError("tuning happens on validation or training prompts: set data.split=validation")
    if plan.settings.history == "file" or plan.settings.save_history or len(plan.methods) > 1:
        raise UserError("tuning takes one method, history cold or warm, and no saved states: leave the rest out")
    name, history, origin = plan.methods[0].config.name, plan.methods[0].history, plan.methods[0].origin
    if origin and origin.kind == TUNED:
        raise UserError("a search begins with the published settings: name the method itself, and set settings=paper")
    space = Space(read_space(wanted.space or name, name), asdict(plan.methods[0].config))
    place = resolve_place(plan.settings.device, plan.settings.dtype, plan.settings.engine)
    prompts, count = _prompts(plan)
    searched, kept = prompts.examples[:count], prompts.examples[count:]
    if plan.model.name is None and None in (wanted.save, wanted.study):
        raise UserError("a pair without a name has no place for its settings: set model.name=NAME")
    default = f"{TUNED_NAMES}{plan.model.name}/{plan.task.name}/{name}{WARM if history == 'warm' else ''}"
    wanted = replace(wanted, save=wanted.save or default, study=wanted.study or f"results/{default}")
    here = environment(place.device)
    base = flat(space.base)
    fixed = {key: value for key, value in base.items() if key not in space.values}
    published = {key: base[key] for key in space.values}
    identity = {"rules": RULES, "space": space.values, "fixed": fixed, "published setting": published}
    identity |= _identity(plan, place, prompts, here)
    folder = Path(str(wanted.study))
    with writing(folder):
        study = open_study(folder, identity)

    @cache
    def objective() -> Objective:
        # What a later call did not measure with is not said to have been used.
        now = f"{here.cpu}, torch {torch.__version__}, commit {here.git.commit}"
        study.set_user_attr("sittings", list(dict.fromkeys([*study.user_attrs.get("sittings", []), now])))
        torch.manual_seed(plan.settings.seed)
        loaded = load_pair(plan.model, place, plan.settings.seed, plan.settings.sampling)
        race = make_race(plan, loaded, prompts, "tune")
        warn(loaded.warnings)
        length = race.longest([*prompts.warmup, *prompts.examples])
        for session in filter(None, (loaded.pair.target, loaded.pair.draft)):
            session.reserve(length)
        return Objective(race, history, prompts.warmup)

    with writing(folder):
        with Company(place.device, plan.settings.cores):
            course = rounds(wanted.trials, wanted.finalists, len(searched))
            left = search(study, course, space, objective, searched, f"{name} on {plan.task.name}")
            final = measure_finalists(study, left[: wanted.finalists], space, objective, kept, wanted.repeats)
        _write(wanted, study, space, course, final, plan, place, len(kept))
    return 0


def _prompts(plan: Plan) -> tuple[Prompts, int]:
    """Prompts of the search and of the finalists, and how many are the search's.

    First turns alone.

    Raises UserError for too few.
    """
    limit = plan.settings.limit
    prompts = load_prompts(plan.task, plan.data, plan.settings.warmup, None)
    first_turns = [example for example in prompts.examples if example.follows is None]
    count = limit or len(first_turns) // 2
    if not 0 < count < len(first_turns):
        raise UserError(
            f"the search takes {count} prompts and the finalists others, but there are {len(first_turns)} in all: "
            "set a smaller limit"
        )
    return replace(prompts, examples=first_turns[: 2 * count]), count


def _identity(plan: Plan, place: Place, prompts: Prompts, here: Environment) -> dict[str, Any]:
    """What trials of one study must share, beside the values they choose from."""
    return {
        "method": plan.methods[0].config.name,
        "history": plan.methods[0].history,
        "task": {"version": plan.task.version, **plan.task.output_settings(plan.data.source)},
        "sampling": {**asdict(plan.settings.sampling), "seed": plan.settings.seed},
        "way of drawing": [plan.methods[0].draft_noise, plan.methods[0].acceptance],
        "draft": [plan.model.draft_dtype or place.dtype, plan.model.draft_vocabulary, plan.model.draft_ranking],
        "attention": plan.model.attn_implementation,
        "devices": [plan.model.device_map, plan.model.draft_device],
        "data": prompts.rows.digest,
        "prompts": [example.id for example in prompts.examples],
        "weights": weights_digests(plan.model),
        "place": place.identity(),
        "device": here.device,
        "threads": plan.settings.cores or here.threads,
        "max_new_tokens": plan.max_new_tokens,
    }


def _write(
    wanted: TuneConfig,
    study: optuna.Study,
    space: Space,
    course: Sequence[tuple[int, int, int]],
    finals: dict[str, Final],
    plan: Plan,
    place: Place,
    unseen: int,
) -> None:
    """Write the winner as a method's yaml, and the study's table and plots.

    unseen: prompts that the finalists decoded.
    """
    winner, noise = winner_of(finals)
    study.set_user_attr("noise", {"search": noise_of([study.user_attrs[PUBLISHED]["by_repeat"]]), "finals": noise})
    folder = Path(str(wanted.study))
    table = write_search(study, folder, f"{space.base['name']} on {plan.task.name}, {plan.model.label}")
    best, published = finals[winner], finals[PUBLISHED]
    searched = table.loc[table["number"] == winner].iloc[0]
    last = max(number for number in range(len(course)) if pandas.notna(searched[f"round_{number}"]))
    measured, digests, threads = len(table), study.user_attrs["weights"], study.user_attrs["threads"]
    origin = plan.methods[0].origin
    begun = "given" if origin and origin.given else "published"
    kept = " (kept: nothing beats it beyond noise)" if winner == PUBLISHED else ""
    header = [
        f"Chosen by python -m bench.tune {' '.join(sys.argv[1:])}",
        f"{best.speed:.3f} times greedy's decode speed on {unseen} prompts that the search has not seen x "
        f"{wanted.repeats} repeats (geometric mean; pooled {best.pooled:.3f}), the best of {len(finals)} there",
        f"the {begun} setting there: {published.speed:.3f}{kept}; a repeat's noise: {100 * noise:.1f}%",
        f"of {measured} settings in {len(course)} rounds; in the search {searched[f'round_{last}']:.3f} (round {last})",
        f"{plan.methods[0].history}, {study.user_attrs['device']}, {threads} thread{'s' * (threads > 1)}",
        *study.user_attrs["sittings"],
        f"pair: {in_digits(digests)}",
        f"place: {place}",
        f"with: {plan.conditions(plan.methods[0], place.dtype)}",
        *([KEPT] if winner == PUBLISHED and begun == "published" else []),
    ]
    choice = {} if winner == PUBLISHED else study.trials[int(winner)].params
    file = written_file(str(wanted.save))
    file.parent.mkdir(parents=True, exist_ok=True)
    # The published setting as it is, so that a run with it is the very run of settings=paper.
    settings = asdict(space.config(choice)) if choice else dict(space.base)
    with writing(file):
        file.write_text("".join(f"# {line}\n" for line in header) + OmegaConf.to_yaml(OmegaConf.create(settings)))
    say(f"{best.speed:.2f} times greedy with {choice or f'the {begun} setting'}{kept}")
    say(f"on the same prompts the {begun} setting: {published.speed:.2f}; a repeat's noise: {100 * noise:.1f}%")
    say(f"written: {file} (method={wanted.save}), {folder}/{TABLE}")
