"""The settings a method runs with: tuned for this pair, task and history where they exist, else the published ones.

conf/method/<method>.yaml holds what was published. python -m bench.tune writes
conf/method/tuned/MODEL/TASK/METHOD.yaml (METHOD_warm.yaml for a history that is kept), and its head names the weights
it was chosen for: another pair of the same name takes the published settings. What the command line, a preset or a case
gives wins over both.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from bench import registry
from bench.registry import METHODS, METHODS_WITHIN, WARM, method_config, method_file
from decoding.errors import UserError

TUNED, PAPER, FILE = "tuned", "paper", "file"
MODES = (TUNED, PAPER)
# What the head of a tuned file says of the pair it was chosen for: the first digits of the weights' digests.
PAIR = re.compile(r"^# pair: target (\w+), draft (\w+)$", re.MULTILINE)
DIGITS = 12


@dataclass(frozen=True)
class Origin:
    """Where a method's settings come from.

    Attributes:
        kind: "tuned", "paper" (the published ones), or "file" for another file of conf/method that was named.
        file: the file below conf/method, without its ending.
        given: settings that the command line, a preset or a case gave in place of the file's.
        why: why the tuned ones were not taken; "" where they were, or where another file was named.
    """

    kind: str
    file: str
    given: tuple[str, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        words = {TUNED: "tuned", PAPER: "published", FILE: "from a file"}[self.kind]
        words += f" (conf/method/{self.file}.yaml{'; ' + self.why if self.why else ''})"
        return words + (f", but {', '.join(self.given)} as given" if self.given else "")


@dataclass(frozen=True)
class Wanted:
    """What settings are looked for: how (one of MODES), and for which pair and task.

    model: the typed model settings. task: its name.
    """

    mode: str
    model: Any
    task: str


def settle(given: Mapping[str, Any], group: str, wanted: Wanted, history: str) -> tuple[Any, Origin]:
    """The typed config of a method, and where its settings come from.

    Args:
        given: `name`, a method's or that of a file below conf/method, and the settings that were given.
        group: what the user set, for messages.
        wanted: the mode, the pair and the task.
        history: "cold", "warm" or "file"; a saved pool is a warm one.

    Raises:
        UserError: an unknown method or file, or a setting that is unknown, of the wrong type or out of range.
    """
    name, own = str(given.get("name")), {key: value for key, value in given.items() if key != "name"}
    defaults = method_file(name, group)
    method = defaults.get("name")
    if name != method:
        origin = Origin(TUNED if name.startswith("tuned/") else FILE, name, tuple(own))
    elif wanted.mode == PAPER:
        origin = Origin(PAPER, name, tuple(own), "settings=paper")
    else:
        kept = history != "cold" and METHODS[method].keeps_history
        file = f"tuned/{wanted.model.label}/{wanted.task}/{method}{WARM if kept else ''}"
        why = _refused(file, own, wanted)
        if not why:
            defaults = method_file(file, group)
        origin = Origin(PAPER if why else TUNED, name if why else file, tuple(own), why)
    return method_config({**defaults, **own, "name": method}, group), origin


def _refused(file: str, own: Mapping[str, Any], wanted: Wanted) -> str:
    """Why the tuned file does not serve; "" if it does."""
    path = registry.CONF / "method" / f"{file}.yaml"
    if not path.is_file():
        return f"nothing is tuned for {file.removeprefix('tuned/')}"
    tuned = OmegaConf.load(path)
    for name in METHODS_WITHIN:
        if name in own and own[name] != tuned.get(name):
            return f"{file} was tuned with another {name}"
    chosen_for = pair_of(path)
    if chosen_for and chosen_for != pair_digits(wanted.model):
        return f"{file} was tuned for other weights of that name"
    return ""


def pair_of(file: Path) -> tuple[str, str] | None:
    """The digits of (target, draft) that a tuned file was chosen for; None where it does not say."""
    found = PAIR.search(file.read_text(encoding="utf-8"))
    return (found[1], found[2]) if found else None


def pair_digits(model: Any) -> tuple[str, str]:
    """The same of the pair that `model` names. Raises UserError for a model that cannot be found."""
    # Here, because telling where a model lies takes transformers.
    from bench.weights import weights_digests

    digests = weights_digests(model)
    return str(digests["target"])[:DIGITS], str(digests["draft"])[:DIGITS].lower()


def chosen_entry(config: DictConfig, resolved: Mapping[str, Any]) -> dict[str, Any]:
    """The method that was chosen as group `method`, as an entry of a panel: its file's name and what was given.

    Given is what differs from the file, and what the command line or the preset names, even if it is the file's value.
    """
    hydra = _hydra(config)
    method = dict(resolved["method"])
    choice = (OmegaConf.select(hydra, "runtime.choices.method") if hydra else None) or method.get("name")
    try:
        defaults = method_file(choice, "method")
    except UserError:
        choice, defaults = method.get("name"), {}
    named = {override.lstrip("+~").split("=")[0] for override in _overrides(hydra)}
    named |= {f"method.{key}" for key in _of_preset(hydra)}
    own = {
        key: value
        for key, value in method.items()
        if key != "name" and (key not in defaults or value != defaults[key] or f"method.{key}" in named)
    }
    return {"name": choice, **own}


def _hydra(config: DictConfig) -> DictConfig | None:
    """What Hydra knows of the job, None for a config that was composed without it."""
    if "hydra" in config:
        return config.hydra
    return HydraConfig.get() if HydraConfig.initialized() else None


def _overrides(hydra: DictConfig | None) -> list[str]:
    return list(OmegaConf.select(hydra, "overrides.task") or []) if hydra else []


def _of_preset(hydra: DictConfig | None) -> list[str]:
    """The method's settings that the chosen experiment names."""
    choice = OmegaConf.select(hydra, "runtime.choices.experiment") if hydra else None
    file = registry.CONF / "experiment" / f"{choice}.yaml"
    content = OmegaConf.load(file) if choice and file.is_file() else {}
    return list(content.get("method") or {})
