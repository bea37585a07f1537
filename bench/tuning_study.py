"""The search for settings itself: an optuna study in a folder, no two trials of which say the same, and finalists."""

import math
import random
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState
from tqdm import tqdm

from bench.registry import method_config
from bench.tuning_objective import Objective
from decoding.errors import UserError

SEED = 0
# Trials whose settings need no other.
TRIED = (TrialState.COMPLETE, TrialState.PRUNED)


def open_study(folder: Path, identity: dict[str, Any]) -> optuna.Study:
    """The study in `folder`, which goes on, or a new one.

    identity: what its trials must share. Raises UserError where the study that is there was made with another.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Lists, such as the shape of a tree, go through the journal unharmed: it is JSON.
    warnings.filterwarnings("ignore", "Choices for a categorical distribution", UserWarning)
    file = str(folder / "journal.log")
    storage = JournalStorage(JournalFileBackend(file, lock_obj=JournalFileOpenLock(file)))
    study = optuna.create_study(storage=storage, study_name="tune", direction="maximize", load_if_exists=True)
    # With one seed for all, a search that goes on would begin with the same random proposals again.
    study.sampler = optuna.samplers.TPESampler(seed=SEED + len(study.trials), n_startup_trials=8, multivariate=True)
    known = study.user_attrs
    for name, value in identity.items():
        if known.get(name) != value and (name in known or study.trials):
            raise UserError(f"{folder} holds a search with another {name}: remove it, or set tune.study=FOLDER")
        if name not in known:
            study.set_user_attr(name, value)
    return study


def search(
    study: optuna.Study,
    count: int,
    space: dict[str, list[Any]],
    present: dict[str, Any],
    objective: Callable[[], Objective],
    title: str,
) -> None:
    """Measure until `count` settings of `space` are measured, or all that can stand together are.

    present: the method's settings, of which the space replaces some. objective: makes what measures a setting, once it
    is needed. Raises UserError if no values of the space can stand together.
    """
    measured = len(trials_of(study, TrialState.COMPLETE))
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
    tried = [trial.params for trial in trials_of(study, *TRIED)]
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


def trials_of(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    """The study's trials in some states, in order."""
    return study.get_trials(deepcopy=False, states=states)


def measure_finalists(study: optuna.Study, count: int, objective: Callable[[], Objective]) -> dict[int, float]:
    """Trial numbers of the best `count` settings and their speed on prompts that the search has not seen."""
    finalists = sorted(trials_of(study, TrialState.COMPLETE), key=lambda trial: -trial.value)[:count]
    known = {int(number): value for number, value in study.user_attrs.get("finals", {}).items()}
    lacking = [trial for trial in finalists if trial.number not in known]
    if lacking:
        measure = objective()
        for trial in tqdm(lacking, desc="finalists", unit="setting", file=sys.stderr):
            known[trial.number] = measure(trial.params)
            study.set_user_attr("finals", known)
    return {trial.number: known[trial.number] for trial in finalists}
