"""Settings chosen on validation prompts: `python -m bench.tune method=M task=T`.

optuna proposes, the engine measures decode speed over greedy's, prompt by prompt in turn, and every output is compared
with greedy's. The best of many noisy figures is flattered by its own noise, so the best few settings are measured once
more, on validation prompts that the search has not seen, and the best of these wins. The study is kept, so that the
same command goes on where it was stopped.
"""

if __name__ == "__main__":
    # First of all: nothing below is to be imported before an interrupt is caught, or for --help.
    from bench.entry import enter

    enter("bench.cli:main", "bench.tune:tune", "tune")

import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import optuna
import torch
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.trial import TrialState
from yaml import YAMLError

from bench.company import Company
from bench.models import LoadedPair, Place, load_pair, resolve_place
from bench.prompts import Prompts, load_prompts
from bench.provenance import environment
from bench.registry import CONF, METHODS, WARM
from bench.settings import Plan, read_plan
from bench.terminal import say
from bench.tuning_objective import Objective
from bench.tuning_plot import draw_study
from bench.tuning_study import TRIED, measure_finalists, open_study, search, trials_of
from bench.weights import weights_digests
from decoding.errors import UserError
from decoding.settings import require_at_least
from tasks.base import Example
from tasks.settings import typed


@dataclass
class TuneConfig:
    """As conf/tune.yaml explains them."""

    trials: int = 20
    finalists: int = 4
    space: str | None = None
    save: str | None = None
    study: str | None = None

    def __post_init__(self) -> None:
        require_at_least("tune.trials", self.trials, 1)
        require_at_least("tune.finalists", self.finalists, 1)


def tune(config: DictConfig) -> int:
    """Search, then write the best settings; the exit status.

    Raises UserError for a wrong setting, or a split that is not for tuning.
    """
    resolved = OmegaConf.to_container(config, resolve=True)
    wanted = typed(TuneConfig, resolved.pop("tune"), "tune")
    plan = read_plan(OmegaConf.create(resolved))
    if plan.data.split in (None, "test", "test_unseen"):
        raise UserError("tuning happens on validation or training prompts: set data.split=validation")
    if plan.settings.history == "file" or plan.settings.save_history or len(plan.methods) > 1:
        raise UserError("tuning takes one method, history cold or warm, and no pool files: leave the rest out")
    name = plan.methods[0].config.name
    space = _space(wanted.space or name, name)
    place = resolve_place(plan.settings.device, plan.settings.dtype)
    limit = plan.settings.limit
    prompts = load_prompts(plan.task, plan.data, plan.settings.warmup, 2 * limit if limit else None)
    count = limit or len(prompts.examples) // 2
    searched, kept = prompts.examples[:count], prompts.examples[count:]
    if not searched or not kept:
        raise UserError(
            f"the search takes {count} prompts and the finalists others, but there are {len(prompts.examples)} in all: "
            "set a smaller limit"
        )
    if plan.model.name is None and None in (wanted.save, wanted.study):
        raise UserError("a pair without a name has no place for its settings: set model.name=NAME")
    default = f"tuned/{plan.model.name}/{plan.task.name}/{name}"
    if plan.methods[0].history == "warm":
        default += WARM
    wanted = replace(wanted, save=wanted.save or default, study=wanted.study or f"results/{default}")
    here = environment(place.device)
    present = resolved["method"]
    fixed = {key: value for key, value in present.items() if key not in space}
    study = open_study(Path(wanted.study), {"space": space, "fixed": fixed, **_identity(plan, place, prompts, here)})
    # Also where the search was stopped in its first trial.
    if not trials_of(study, *TRIED) and all(present.get(key) in values for key, values in space.items()):
        study.enqueue_trial({key: present[key] for key in space})

    @cache
    def loaded() -> LoadedPair:
        return load_pair(plan.model, place, plan.settings.seed)

    def objective(examples: Sequence[Example]) -> Objective:
        # What a later call did not measure with is not said to have been used.
        now = f"{here['cpu']}, torch {torch.__version__}, commit {here['git']['commit']}"
        study.set_user_attr("sittings", list(dict.fromkeys([*study.user_attrs.get("sittings", []), now])))
        return Objective(plan, loaded(), examples, prompts.warmup, present)

    with Company(place.device, plan.settings.cores):
        search(study, wanted.trials, space, present, lambda: objective(searched), f"{name} on {plan.task.name}")
        final = measure_finalists(study, wanted.finalists, lambda: objective(kept))
    _write(wanted, study, final, plan, present, (len(searched), len(kept)))
    return 0


def _identity(plan: Plan, place: Place, prompts: Prompts, here: dict[str, Any]) -> dict[str, Any]:
    """What trials of one study must share, beside the values they choose from."""
    return {
        "method": plan.methods[0].config.name,
        "history": plan.methods[0].history,
        "task": plan.task.version,
        "data": prompts.rows.digest,
        "prompts": [example.id for example in prompts.examples],
        "weights": weights_digests(plan.model),
        "place": asdict(place),
        "device": here["device"],
        "threads": plan.settings.cores or here["threads"],
        "max_new_tokens": plan.max_new_tokens,
    }


def _space(name: str, method: str) -> dict[str, list[Any]]:
    """The values to choose from, by setting of the method. Raises UserError where the file does not hold such."""
    file = CONF / "search" / f"{name}.yaml"
    if not file.exists():
        known = ", ".join(sorted(each.stem for each in file.parent.glob("*.yaml")))
        raise UserError(f"there is no search space {name}: choose among {known}, or write {file}")
    try:
        space = OmegaConf.to_container(OmegaConf.load(file))
    except (YAMLError, OmegaConfBaseException) as error:
        raise UserError(f"{file} cannot be read: {str(error).splitlines()[0]}") from error
    settings = [field.name for field in fields(METHODS[method].load().Config)]
    for key, values in space.items() if isinstance(space, dict) else [(None, space)]:
        if key not in settings:
            raise UserError(f"{file}: {key} is no setting of {method}; they are {', '.join(settings)}")
        distinct = isinstance(values, list) and all(value not in values[:place] for place, value in enumerate(values))
        if not distinct or not values:
            raise UserError(f"{file}: {key} must be a list of different values, not {values}")
    return space


def _write(
    wanted: TuneConfig,
    study: optuna.Study,
    final: dict[int, float],
    plan: Plan,
    present: dict[str, Any],
    prompts: tuple[int, int],
) -> None:
    """The winner as a method's yaml, and the study's table and plots. prompts: of the search, and of the finalists."""
    winner = study.trials[max(final, key=final.__getitem__)]
    measured = len(trials_of(study, TrialState.COMPLETE))
    speed = final[winner.number]
    header = [
        f"Chosen by python -m bench.tune {' '.join(sys.argv[1:])}",
        f"{speed:.3f} times greedy's decode speed, median of {prompts[1]} prompts, the best of {len(final)} finalists",
        f"of {measured} trials ({winner.value:.3f} in the search, {prompts[0]} others)",
        f"{plan.methods[0].history}, {study.user_attrs['device']}, {study.user_attrs['threads']} threads",
        *study.user_attrs["sittings"],
    ]
    file = CONF / "method" / f"{wanted.save}.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    best = {**present, **winner.params}
    file.write_text("".join(f"# {line}\n" for line in header) + OmegaConf.to_yaml(OmegaConf.create(best)))
    folder = Path(wanted.study)
    table = study.trials_dataframe(attrs=("number", "value", "params", "state", "duration"))
    table = table[table["state"].isin([state.name for state in TRIED])].copy()
    table.insert(2, "final", table["number"].map(final))
    table.to_csv(folder / "trials.csv", index=False)
    draw_study(study, final, folder, f"{present['name']} on {plan.task.name}, {plan.model.label}")
    say(f"{speed:.2f} times greedy with {winner.params}")
    say(f"written: {file} (method={wanted.save}), {folder}/trials.csv")
