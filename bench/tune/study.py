"""The search for settings itself.

Successive halving over settings that an optuna study proposes, then finalists.

Every round doubles the work a setting gets (more prompts, then more repeats) and keeps the better
half. The finalists, the published setting among them, are measured on prompts that the search has
not seen, several times in shuffled order; what one repeat differs from another is the noise, and
the published setting stays unless it is beaten beyond it.
"""

import math
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState
from tqdm import tqdm

from bench.tune.objective import Objective, Passes, pooled_speed_of, speed_of
from bench.tune.space import Space
from decoding.errors import UserError
from tasks.base import Example

SEED = 0
# Passes of the published setting in the first round, which tell the noise of the search.
REPLICATES = 3
# Student's t at 97.5%, by degrees of freedom: standard errors of a difference by which the
# published setting is beaten.
T_975 = {
    1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228, 12: 2.179,
    15: 2.131, 20: 2.086, 30: 2.042,
}  # fmt: skip
# Proposals of the sampler in a row that were tried already, before one is drawn at random.
PATIENCE = 20

PUBLISHED = "published"
# Marks a trial whose setting a rival could not run.
FAILED = "failed"

JOURNAL = "journal.log"
NAME = "tune"


@dataclass(frozen=True)
class Final:
    """What a finalist reached on prompts that the search has not seen.

    Attributes:
        by_repeat: speed over greedy's in every repeat, geometric mean over prompts.
        speed: the same of all repeats together. pooled: total tokens / total seconds over greedy's.
    """

    by_repeat: list[float]
    speed: float
    pooled: float | None


def open_study(folder: Path, identity: dict[str, Any]) -> optuna.Study:
    """The study in `folder`, which is continued, or a new one.

    Args:
        folder: of the study's journal.
        identity: what its trials must share.

    Raises:
        UserError: the study that is there was made with another identity.
    """
    folder.mkdir(parents=True, exist_ok=True)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Lists, such as the shape of a tree, go through the journal unharmed: it is JSON.
    warnings.filterwarnings("ignore", "Choices for a categorical distribution", UserWarning)
    study = optuna.create_study(
        storage=_storage(folder), study_name=NAME, direction="maximize", load_if_exists=True
    )
    # With one seed for all, a search that goes on would begin with the same random proposals again.
    study.sampler = optuna.samplers.TPESampler(seed=SEED + len(study.trials), n_startup_trials=8, multivariate=True)
    known = study.user_attrs
    for name, value in identity.items():
        if known.get(name) != value and (name in known or study.trials):
            raise UserError(f"{folder} holds a search with another {name}: remove it, or set tune.study=FOLDER")
        if name not in known:
            study.set_user_attr(name, value)
    return study


def read_study(folder: Path) -> optuna.Study:
    """The study that `folder` holds, to be read alone."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.load_study(storage=_storage(folder), study_name=NAME)


def _storage(folder: Path) -> JournalStorage:
    file = str(folder / JOURNAL)
    return JournalStorage(JournalFileBackend(file, lock_obj=JournalFileOpenLock(file)))


def rounds(trials: int, finalists: int, prompts: int) -> list[tuple[int, int, int]]:
    """(settings, prompts, repeats) of every round.

    The settings halve, prompts times repeats double.

    The first round takes half of the prompts, once; as soon as a round takes all, repeats grow.
    """
    found: list[tuple[int, int, int]] = []
    settings, work = trials, max(math.ceil(prompts / 2), 1)
    while not found or settings > finalists:
        found.append((settings, min(work, prompts), max(work // prompts, 1)))
        settings, work = max(math.ceil(settings / 2), min(finalists, settings)), 2 * work
    return found


def search(
    study: optuna.Study,
    plan: Sequence[tuple[int, int, int]],
    space: Space,
    objective: Callable[[], Objective],
    examples: Sequence[Example],
    title: str,
) -> list[FrozenTrial]:
    """Run the rounds of `plan`; the trials that are left, the best first.

    Args:
        study: keeps the trials; one that has some goes on.
        plan: (settings, prompts, repeats) of every round, as `rounds` gives them.
        space: what may be chosen.
        objective: makes what measures settings, once it is needed. A setting that cannot run counts
            as tried, and goes no further.
        examples: the prompts, of which a round takes the first.
        title: of the progress bar.

    Raises:
        UserError: no values of the space can stand together, or the published setting cannot run.
    """
    count, prompts, repeats = plan[0]
    failed = [trial for trial in trials_of(study, TrialState.PRUNED) if FAILED in trial.user_attrs]
    known = [*trials_of(study, TrialState.COMPLETE), *failed]
    tried = {space.key({})} | {space.key(trial.params) for trial in known}
    measured = len(tried) - 1
    # The published setting is one of the count. It is no trial, because its values need not be in
    # the space.
    with tqdm(total=max(count - 1 - measured, 0), desc=title, unit="trial", file=sys.stderr) as bar:
        if PUBLISHED not in study.user_attrs:
            own = _published(objective()([space.config({})], examples[:prompts], REPLICATES)[0])
            values = [speed_of([each]) for each in own]
            study.set_user_attr(PUBLISHED, {"by_repeat": values, "speed": speed_of(own[:repeats])})
        while measured < count - 1 and (trial := _proposal(study, space, tried)) is not None:
            (passes,) = objective()([space.config(trial.params)], examples[:prompts], repeats)
            if passes is None:
                trial.set_user_attr(FAILED, True)
                study.tell(trial, state=TrialState.PRUNED)
            else:
                study.tell(trial, speed_of(passes))
                bar.set_postfix_str(f"best {study.best_value:.2f}x", refresh=False)
            tried.add(space.key(trial.params))
            measured += 1
            bar.update()
    if not measured and not _stands(space):
        raise UserError(f"no values of the search space can stand together: {', '.join(space.values)}")
    return _halve(study, plan, space, objective, examples, title)


def _published(passes: Passes | None) -> Passes:
    """What the published setting measured. Raises UserError if it cannot run."""
    if passes is None:
        raise UserError("the published setting cannot run here: there is nothing to compare others with")
    return passes


def _stands(space: Space) -> bool:
    """Whether the space holds any setting that can stand, be it the published one."""
    return space.other((), SEED) is not None


def _halve(
    study: optuna.Study,
    plan: Sequence[tuple[int, int, int]],
    space: Space,
    objective: Callable[[], Objective],
    examples: Sequence[Example],
    title: str,
) -> list[FrozenTrial]:
    """The rounds after the first; what a round measured is kept in the study.

    A setting that cannot run is kept as null, and is out.
    """
    ranked = sorted(trials_of(study, TrialState.COMPLETE), key=lambda trial: -value_of(trial))
    for number, (count, prompts, repeats) in enumerate(plan[1:], start=1):
        left = ranked[:count]
        known = {int(trial): speed for trial, speed in study.user_attrs.get(f"round {number}", {}).items()}
        if not left or known.keys() != {trial.number for trial in left}:
            configs = [space.config(trial.params) for trial in left]
            passes = objective()(configs, examples[:prompts], repeats) if left else []
            known = {trial.number: each and speed_of(each) for trial, each in zip(left, passes, strict=True)}
            study.set_user_attr(f"round {number}", known)
            tqdm.write(f"{title}: round {number}, {len(left)} settings on {prompts} prompts x {repeats}", sys.stderr)
        ran = {number: speed for number, speed in known.items() if speed is not None}
        ranked = sorted((trial for trial in left if trial.number in ran), key=lambda trial: -ran[trial.number])
    return ranked


def _proposal(study: optuna.Study, space: Space, tried: set[str]) -> Trial | None:
    """Settings that were not tried before: the sampler's, or any where it repeats itself.

    None if there are none.
    """
    for _ in range(PATIENCE):
        trial = study.ask()
        choice = {key: trial.suggest_categorical(key, values) for key, values in space.values.items()}
        try:
            if space.key(choice) not in tried:
                return trial
            study.tell(trial, state=TrialState.FAIL)
        except UserError:
            study.tell(trial, state=TrialState.PRUNED)
    other = space.other(tried, len(study.trials))
    if other is None:
        return None
    study.enqueue_trial(other)
    trial = study.ask()
    for key, values in space.values.items():
        trial.suggest_categorical(key, values)
    return trial


def trials_of(study: optuna.Study, *states: TrialState) -> list[FrozenTrial]:
    """The study's trials in some states, in order."""
    return study.get_trials(deepcopy=False, states=states)


def value_of(trial: FrozenTrial) -> float:
    """The speed of a complete trial."""
    assert trial.value is not None
    return trial.value


def measure_finalists(
    study: optuna.Study,
    finalists: Sequence[FrozenTrial],
    space: Space,
    objective: Callable[[], Objective],
    examples: Sequence[Example],
    repeats: int,
) -> dict[str, Final]:
    """What each finalist and the PUBLISHED setting reached on `examples`, by trial number.

    All are measured side by side. One that cannot run has nothing there.

    Raises:
        UserError: the published setting cannot run.
    """
    labels = [PUBLISHED, *(str(trial.number) for trial in finalists)]
    kept = study.user_attrs.get("finals", {})
    if list(kept) != labels or any(each and len(each["by_repeat"]) != repeats for each in kept.values()):
        configs = [space.config({}), *(space.config(trial.params) for trial in finalists)]
        passes = objective()(configs, examples, repeats)
        _published(passes[0])
        kept = {label: own and asdict(_final(own)) for label, own in zip(labels, passes, strict=True)}
        study.set_user_attr("finals", kept)
    return finals_of(study)


def _final(passes: Passes) -> Final:
    return Final([speed_of([each]) for each in passes], speed_of(passes), pooled_speed_of(passes))


def finals_of(study: optuna.Study) -> dict[str, Final]:
    """What `measure_finalists` kept in the study."""
    return {label: Final(**values) for label, values in study.user_attrs["finals"].items() if values}


def noise_of(finals: Sequence[Sequence[float]]) -> float:
    """Standard deviation of one repeat's log speed, [setting][repeat], at least 2 repeats.

    What all settings of a repeat have in common (another load on the machine) is no noise of their
    comparison and is taken out: the residual of a table with an effect for each setting and each
    repeat. Of a single setting nothing can be taken out.
    """
    logs = np.log(np.array(finals))
    if len(logs) == 1:
        return float(logs.std(ddof=1))
    residual = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=0, keepdims=True) + logs.mean()
    return float(np.sqrt((residual**2).sum() / ((logs.shape[0] - 1) * (logs.shape[1] - 1))))


def winner_of(finals: dict[str, Final]) -> tuple[str, float]:
    """(who wins, the noise of one repeat's log speed).

    The best wins, or PUBLISHED where that is not beaten beyond noise.
    """
    noise = noise_of([final.by_repeat for final in finals.values()])
    best = max(finals, key=lambda label: finals[label].speed)
    repeats = len(finals[PUBLISHED].by_repeat)
    freedom = max(len(finals) - 1, 1) * (repeats - 1)
    # The next lower: rather too strict.
    errors = T_975[max(known for known in T_975 if known <= freedom)]
    margin = math.log(finals[best].speed / finals[PUBLISHED].speed)
    return (best if margin > errors * noise * math.sqrt(2 / repeats) else PUBLISHED), noise
