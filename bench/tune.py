"""Settings chosen on validation prompts: `python -m bench.tune method=M task=T`.

optuna proposes, the engine measures decode speed over greedy's, prompt by prompt in turn, and every output is compared
with greedy's. The best of many noisy figures is flattered by its own noise, so the best few settings are measured once
more, on validation prompts that the search has not seen, and the best of these wins. The study is kept, so that the
same command goes on where it was stopped.
"""

import math
import random
import statistics
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import optuna
import torch
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState
from tqdm import tqdm
from yaml import YAMLError

from bench.cli import main
from bench.company import Company
from bench.models import LoadedPair, Place, load_pair, resolve_place
from bench.prompts import Prompts, load_prompts
from bench.provenance import environment
from bench.registry import CONF, METHODS, WARM, method_config
from bench.runner import Race
from bench.settings import Plan, read_plan
from bench.terminal import say
from bench.tuning_plot import draw_study
from bench.weights import weights_digests
from decoding.decoder import Decoder
from decoding.errors import UserError
from decoding.settings import require_at_least
from tasks.base import Example
from tasks.settings import typed

SEED = 0
# Trials whose settings need no other.
TRIED = (TrialState.COMPLETE, TrialState.PRUNED)


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


class Objective:
    """Decode speed over greedy's on `examples`, for one method's settings.

    Raises UserError if an output is not greedy's: a speed is worth nothing then.
    """

    def __init__(
        self,
        plan: Plan,
        loaded: LoadedPair,
        examples: Sequence[Example],
        warmup: Sequence[Example],
        defaults: dict[str, Any],
    ) -> None:
        self.plan = plan
        self.loaded = loaded
        self.defaults = defaults
        self.exact = next(loaded.pair.target.model.parameters()).dtype in (torch.float32, torch.float64)
        self.history = plan.methods[0].history
        self.race = Race(loaded, plan.task, plan.max_new_tokens, 0.0, "tune", [])
        self.greedy = METHODS["greedy"].load().build(METHODS["greedy"].load().Config(), loaded.pair)
        self.prompts = [(each.id, self.race.encode(each)[0], self.race.stopping(each)) for each in examples]
        self.warmup = [(self.race.encode(each)[0], self.race.stopping(each)) for each in warmup]
        self._warm(self.greedy)

    def __call__(self, settings: dict[str, Any]) -> float:
        """The median over prompts of greedy's decode seconds over the method's with `settings`.

        The median, because a search takes the best of many noisy figures: a burst of other work on the machine, which
        hits a prompt or two, must not crown a setting.
        """
        config = method_config({**self.defaults, **settings})
        decoder = METHODS[config.name].load().build(config, self.loaded.pair)
        self._warm(decoder)
        decoder.forget()
        ratios = []
        for number, (name, ids, stopping) in enumerate(self.prompts):
            if self.history == "cold":
                decoder.forget()
            racers = [("method", decoder), ("greedy", self.greedy)]
            seconds, outputs = {}, {}
            for who, each in racers[:: -1 if number % 2 else 1]:
                generation = each.generate(ids, stopping)
                seconds[who] = generation.decode_seconds
                outputs[who] = generation.tokens
            if outputs["method"] != outputs["greedy"] and self.exact:
                raise UserError(f"the output of {config} on prompt {name} is not greedy's: look into it before tuning")
            if seconds["method"] > 0:  # an output of one token has no decode time
                ratios.append(seconds["greedy"] / seconds["method"])
        if not ratios:
            raise UserError("no validation prompt was answered with more than one token: there is nothing to time")
        return statistics.median(ratios)

    def _warm(self, decoder: Decoder) -> None:
        for ids, stopping in self.warmup:
            decoder.generate(ids, stopping)


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
    folder = Path(wanted.study)
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Lists, such as the shape of a tree, go through the journal unharmed: it is JSON.
    warnings.filterwarnings("ignore", "Choices for a categorical distribution", UserWarning)
    here = environment(place.device)
    study = _study(folder, {"space": space, **_identity(plan, place, prompts, here)})
    present = resolved["method"]
    # Also where the search was stopped in its first trial.
    if not _trials(study, *TRIED) and all(present.get(key) in values for key, values in space.items()):
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
        _search(study, wanted.trials, space, present, lambda: objective(searched), f"{name} on {plan.task.name}")
        final = _final(study, wanted.finalists, lambda: objective(kept))
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


def _study(folder: Path, identity: dict[str, Any]) -> optuna.Study:
    file = str(folder / "journal.log")
    storage = JournalStorage(JournalFileBackend(file, lock_obj=JournalFileOpenLock(file)))
    study = optuna.create_study(storage=storage, study_name="tune", direction="maximize", load_if_exists=True)
    # With one seed for all, a search that goes on would begin with the same random proposals again.
    study.sampler = optuna.samplers.TPESampler(seed=SEED + len(study.trials), n_startup_trials=8, multivariate=True)
    for name, value in identity.items():
        if study.user_attrs.get(name, value) != value:
            raise UserError(f"{folder} holds a search with another {name}: remove it, or set tune.study=FOLDER")
        study.set_user_attr(name, value)
    return study


def _search(
    study: optuna.Study,
    count: int,
    space: dict[str, list[Any]],
    present: dict[str, Any],
    objective: Callable[[], Objective],
    title: str,
) -> None:
    """Measure until `count` settings of `space` are measured, or all that can stand together are."""
    measured = len(_trials(study, TrialState.COMPLETE))
    if measured >= count:
        return
    measure = None
    with tqdm(total=count - measured, desc=title, unit="trial", file=sys.stderr) as bar:
        while measured < count and (trial := _proposal(study, space)) is not None:
            try:
                method_config({**present, **trial.params})
            except UserError:
                study.tell(trial, state=TrialState.PRUNED)
                continue
            measure = measure or objective()
            study.tell(trial, measure(trial.params))
            measured += 1
            bar.set_postfix_str(f"best {study.best_value:.2f}x", refresh=False)
            bar.update()
    if not measured:
        raise UserError(f"no values of the search space can stand together: {', '.join(space)}")


def _proposal(study: optuna.Study, space: dict[str, list[Any]]) -> Trial | None:
    """Settings that were not tried before: the sampler's, or any where it repeats itself; None if there are none."""
    tried = [trial.params for trial in _trials(study, *TRIED)]
    if len(tried) == math.prod(len(values) for values in space.values()):
        return None
    while True:
        trial = study.ask()
        settings = {key: trial.suggest_categorical(key, values) for key, values in space.items()}
        if settings not in tried:
            return trial
        study.tell(trial, state=TrialState.FAIL)
        choose = random.Random(len(study.trials)).choice
        while settings in tried:
            settings = {key: choose(values) for key, values in space.items()}
        study.enqueue_trial(settings)


def _trials(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=states)


def _final(study: optuna.Study, count: int, objective: Callable[[], Objective]) -> dict[int, float]:
    """Trial numbers of the best `count` settings and their speed on prompts that the search has not seen."""
    finalists = sorted(_trials(study, TrialState.COMPLETE), key=lambda trial: -trial.value)[:count]
    known = {int(number): value for number, value in study.user_attrs.get("finals", {}).items()}
    lacking = [trial for trial in finalists if trial.number not in known]
    if lacking:
        measure = objective()
        for trial in tqdm(lacking, desc="finalists", unit="setting", file=sys.stderr):
            known[trial.number] = measure(trial.params)
            study.set_user_attr("finals", known)
    return {trial.number: known[trial.number] for trial in finalists}


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
    speed = final[winner.number]
    header = [
        f"Chosen by python -m bench.tune {' '.join(sys.argv[1:])}",
        f"{speed:.3f} times greedy's decode speed, median of {prompts[1]} prompts, the best of {len(final)} finalists",
        f"of {len(_trials(study, TrialState.COMPLETE))} trials ({winner.value:.3f} in the search, {prompts[0]} others)",
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


if __name__ == "__main__":
    sys.exit(main(tune, "tune"))
