"""The search for a skip set of Draft & Verify (arXiv 2309.08168) on validation prompts.

Bayesian optimisation (a tree-structured Parzen estimator) over two booleans a layer: skip its
attention, skip its MLP.
"""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import optuna
from tqdm import tqdm

from baselines import greedy
from baselines.layer_skipping import LayerSkipper
from baselines.self_speculative import AdaptiveExit
from baselines.skip_set import SkipSet
from bench.console.terminal import say, warn
from bench.models.config import ModelConfig
from bench.models.loading import LoadedPair, load_pair
from bench.models.location import weights_digests
from bench.models.place import Place, resolve_place
from bench.report.skip_search import CHECK, NAME, NOTHING, finished, storage_of
from decoding.errors import UserError
from decoding.stopping import Stopping
from tasks import TASKS
from tasks.settings import typed
from tasks.sources import DataConfig, load_rows
from training.skip_config import SkipSearchConfig
from training.skip_objective import CostModel, Costs, Layers, Measured, Objective, Text, Worth, measure_costs
from training.skip_report import note_end, note_session, write_report

# How many trials the sampler draws at random, the first ones, which are given, counted in.
RANDOM_TRIALS = 10


def run(config: SkipSearchConfig) -> int:
    """The search, and what it found; the exit status."""
    found = search_skip_set(config)
    say(f"skip attention {found.attention}, MLP {found.mlp} of {found.layers} layers")
    say(f"in {config.output}/{config.name}: skip_set.json for method.skip, summary.json, trials.csv, convergence.png")
    return 0


def search_skip_set(config: SkipSearchConfig) -> SkipSet:
    """Search, or go on with a search that was stopped.

    It writes the set, its log and its plot to output/name; of a search that is complete they are
    written anew from its journal, and nothing is measured. Raises UserError for settings that do
    not fit, and for a folder that holds a search with other settings.
    """
    folder = Path(config.output) / config.name
    model = typed(ModelConfig, config.model, "model")
    place = resolve_place(config.device, config.dtype)
    settings = {**asdict(config), "model": weights_digests(model)["target"], **place.identity()}
    del settings["trials"], settings["output"]
    folder.mkdir(parents=True, exist_ok=True)
    study = _study(folder, config.seed)
    _require_same_settings(study, settings, folder)
    if len(finished(study)) < config.trials or CHECK not in study.user_attrs:
        _search(study, config, model, place, settings)
    attention, mlp = layers_of(study.best_trial)
    layers = len(study.best_trial.params) // 2
    source = f"scripts/search_skip_layers.py name={config.name}: {config.trials} trials, objective {config.objective}"
    found = SkipSet(model.target, layers, list(attention), list(mlp), source)
    found.save(folder / "skip_set.json")
    write_report(folder, study)
    return found


def _search(
    study: optuna.Study, config: SkipSearchConfig, model: ModelConfig, place: Place, settings: dict[str, Any]
) -> None:
    """Bring the study to its trials, and decode with the best set beside greedy."""
    alone = replace(model, draft=None, draft_revision=None, draft_device=None, draft_dtype=None)
    loaded = load_pair(alone, place, config.seed)
    warn(loaded.warnings)
    method, skipper = config.method(), LayerSkipper(loaded.pair.target.model)
    texts = _texts(config, loaded)
    early_exit = AdaptiveExit(method.threshold, method.acceptance, method.threshold_step)
    measured = Measured(loaded.pair, skipper, texts, early_exit, method.max_draft)
    # Not before what is wrong with them has been said.
    study.set_user_attr("settings", settings)
    note_session(study, place.device)
    costs = _costs(study, loaded, skipper, texts, method.max_draft)
    objective: Objective = measured
    if config.objective == "cost_model":
        objective = CostModel(loaded.pair, skipper, texts, early_exit, method.max_draft, costs)
    _run(study, objective, skipper.layers, config.trials)
    check = measured.beside_greedy({NOTHING: ((), ()), "skip set": layers_of(study.best_trial)})
    study.set_user_attr(CHECK, {name: asdict(worth) for name, worth in check.items()})
    note_end(study)


def _texts(config: SkipSearchConfig, loaded: LoadedPair) -> list[Text]:
    """Greedy's outputs on the first prompts of every task's split.

    Raises UserError for a test split.
    """
    pair, texts = loaded.pair, []
    decoder = greedy.build(greedy.Config(), pair)
    data = typed(DataConfig, config.data, "data")
    for name, count in config.tasks.items():
        if count < 1:
            continue
        if name not in TASKS:
            raise UserError(f"tasks.{name} is no task: choose among {', '.join(TASKS)}")
        task = TASKS[name]()
        rows = load_rows(task, data, first=count)
        if rows.split.startswith("test") or rows.split == task.aliases.get("test"):
            raise UserError(f"tasks.{name}: a skip set is searched on validation prompts, not on {rows.split}")
        # Later turns follow answers, which are not there.
        first_turns = [example for example in rows.examples(task) if not example.follows]
        for example in tqdm(first_turns, desc=f"greedy on {name}", leave=False):
            strings = task.stop + example.stop
            prompt = task.encode(example, loaded.tokenizer)
            stopping = Stopping(pair.eos, config.max_new_tokens, strings, pair.decode, tuple(prompt))
            output = decoder.generate(prompt, stopping).tokens
            if len(output) > 1:
                texts.append(Text(prompt, output, stopping))
    if not texts:
        raise UserError("no output of these prompts is longer than one token: choose other tasks")
    return texts


def _study(folder: Path, seed: int) -> optuna.Study:
    """The folder's study.

    One line of its journal a change, so that a stop at any moment costs one trial at most.
    """
    study = optuna.create_study(
        storage=storage_of(folder), study_name=NAME, direction="maximize", load_if_exists=True
    )
    for trial in study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(trial.number, state=optuna.trial.TrialState.FAIL)
        # What was asked for is asked again: the first trial is the one that skips nothing.
        if asked := trial.system_attrs.get("fixed_params"):
            study.enqueue_trial(asked)
    # Another seed after every stop: the same one would draw the same sets again.
    study.sampler = optuna.samplers.TPESampler(
        n_startup_trials=RANDOM_TRIALS, multivariate=True, seed=seed + len(study.trials)
    )
    return study


def _require_same_settings(study: optuna.Study, settings: dict[str, Any], folder: Path) -> None:
    """Raise UserError, naming the first difference, for a study of other settings."""
    before = study.user_attrs.get("settings")
    for key, value in settings.items():
        if before is not None and before.get(key) != value:
            raise UserError(
                f"{folder} holds a search with {key}={before.get(key)}, not {value}: give another name, or remove it"
            )


def _costs(
    study: optuna.Study, loaded: LoadedPair, skipper: LayerSkipper, texts: list[Text], max_draft: int
) -> Costs:
    """The costs, measured when the study is new, and the same for all its trials.

    The prompt is one of middling length.
    """
    if "costs" not in study.user_attrs:
        text = sorted(texts, key=lambda each: len(each.prompt))[len(texts) // 2]
        study.set_user_attr("costs", asdict(measure_costs(loaded.pair.target, skipper, text, max_draft)))
    return Costs(**study.user_attrs["costs"])


def _run(study: optuna.Study, objective: Objective, layers: int, trials: int) -> None:
    """Bring the study to `trials` trials.

    It skips nothing at first, then one sub-layer at a time, then what the sampler asks.
    """
    if not study.trials:
        names = [f"{kind}.{layer}" for kind in ("attention", "mlp") for layer in range(layers)]
        for skipped in [None, *names]:
            study.enqueue_trial({name: name == skipped for name in names})
    known = {layers_of(trial): Worth(**trial.user_attrs["worth"]) for trial in finished(study)}
    done = len(finished(study))
    with tqdm(total=trials, initial=min(done, trials), desc="skip sets", unit="trial") as bar:
        for _ in range(done, trials):
            trial = study.ask()
            for kind in ("attention", "mlp"):
                for layer in range(layers):
                    trial.suggest_categorical(f"{kind}.{layer}", [False, True])
            chosen = layers_of(trial)
            worth = known[chosen] if chosen in known else objective(*chosen)
            known[chosen] = worth
            trial.set_user_attr("worth", asdict(worth))
            study.tell(trial, worth.tokens_per_second)
            bar.set_postfix(best=f"{study.best_value:.1f} tokens/s", refresh=False)
            bar.update()


def layers_of(trial: optuna.Trial | optuna.trial.FrozenTrial) -> tuple[Layers, Layers]:
    """The layers whose attention, and those whose MLP, a trial skips."""
    skipped = [name.split(".") for name, on in trial.params.items() if on]
    attention, mlp = (tuple(sorted(int(n) for k, n in skipped if k == kind)) for kind in ("attention", "mlp"))
    return attention, mlp
