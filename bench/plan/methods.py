"""The methods the command line knows, and how their settings become a typed config."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

from omegaconf import OmegaConf

from bench import CONF, GENERATED, INSTALLED
from decoding.errors import UserError
from tasks.settings import typed


@dataclass(frozen=True)
class Method:
    """One method: its module, which exposes `Config` and `build(config, pair)`, and what must be known before loading.

    Attributes:
        module: import path.
        keeps_history: whether anything learned on one prompt can serve the next.
        keeps_pool: whether that is a phrase pool, which can be saved and loaded.
        ours: whether a mismatch is our fault (exit status 1) or only reported.
    """

    module: str
    keeps_history: bool = False
    keeps_pool: bool = False
    ours: bool = True

    def load(self) -> ModuleType:
        """The module; imported on demand, because methods import torch."""
        return importlib.import_module(self.module)


METHODS: dict[str, Method] = {
    "greedy": Method("baselines.greedy"),
    "speculative": Method("baselines.speculative"),
    "lookahead": Method("baselines.lookahead", keeps_history=True, keeps_pool=True),
    "self_speculative": Method("baselines.self_speculative", keeps_history=True),
    "token_recycling": Method("baselines.token_recycling", keeps_history=True),
    "multi_candidate": Method("baselines.multi_candidate"),
    "cascade": Method("baselines.cascade"),
    "ouroboros": Method("ouroboros.method", keeps_history=True, keeps_pool=True),
    "prompt_lookup": Method("baselines.prompt_lookup"),
    "suffix": Method("baselines.suffix", keeps_history=True),
    "hybrid": Method("baselines.hybrid", keeps_history=True),
    "oracle": Method("baselines.oracle"),
    "hf_generate": Method("baselines.hf_generate", ours=False),
    "hf_assisted": Method("baselines.hf_assisted", ours=False),
    "hf_prompt_lookup": Method("baselines.hf_prompt_lookup", ours=False),
}

# Settings that hold another method: its name, or a mapping with `name` and settings.
METHODS_WITHIN = ("fallback", "drafter")
# What the name of tuned settings begins with, and what it ends with where they are for a history that is kept.
TUNED_NAMES = "tuned/"
WARM = "_warm"


def method_config(settings: Mapping[str, object], group: str = "method") -> object:
    """The typed config of the method `settings["name"]`; a setting in METHODS_WITHIN is another method.

    Raises:
        UserError: an unknown method, or a setting that is unknown, of the wrong type or out of range.
    """
    name = settings.get("name")
    if name not in METHODS:
        raise UserError(f"{group}={name} is unknown: choose one of {', '.join(METHODS)}")
    kind = METHODS[name].load().Config
    given = dict(settings)
    others = {}
    for field in fields(kind):
        if field.name in METHODS_WITHIN and given.get(field.name, field.default) != field.default:
            others[field.name] = panel_config(given.pop(field.name), f"{group}.{field.name}")
    return replace(typed(kind, given, group), **others)


def panel_config(entry: object, group: str) -> object:
    """The typed config of an entry of `compare` or `cases`, or of a method within another: a method's name, or a
    mapping with `name` and settings.

    Settings that are not given come from conf/method/<name>.yaml; a name may also be that of tuned settings, such as
    tuned/tiny/gsm8k/speculative, whose file says itself whose settings it holds.
    """
    given = {"name": entry} if isinstance(entry, str) else entry
    name = given.get("name") if isinstance(given, Mapping) else None
    defaults = method_file(name, group, entry)
    return method_config({**defaults, **given, "name": defaults.get("name")}, group)


def method_file(name: object, group: str, entry: object = None) -> dict[str, object]:
    """The settings in the file of that name (see `settings_file`), `name` among them: whose they are.

    Args:
        name: a method, or tuned settings such as tuned/tiny/gsm8k/speculative.
        group: what the user set, and `entry`: how, for messages.

    Raises:
        UserError: there is no such file.
    """
    inside = isinstance(name, str) and not Path(name).is_absolute() and ".." not in Path(name).parts
    there = inside and settings_file(name).is_file()
    if inside and name.startswith(TUNED_NAMES) and not there:
        raise UserError(f"{group}: {name} is not tuned yet: {_tuning(name)} writes generated/method/{name}.yaml")
    if not there:
        shown = name if entry is None else entry
        raise UserError(f"{group}: {shown!r} is no method: give one of {', '.join(METHODS)}, or {{name: NAME, ...}}")
    return dict(OmegaConf.to_container(OmegaConf.load(settings_file(name))))


def settings_file(name: str) -> Path:
    """Where a method's settings lie: conf/method/<name>.yaml, of tuned ones generated/method/<name>.yaml.

    Those that an installed harness has tuned itself, below the current folder, come before those it was shipped with.
    """
    if not name.startswith(TUNED_NAMES):
        return CONF / "method" / f"{name}.yaml"
    own = written_file(name)
    return own if own.is_file() else GENERATED / "method" / f"{name}.yaml"


def written_file(name: str) -> Path:
    """Where bench.tune writes the tuned settings `name`: an installed harness below the current folder."""
    return (Path("generated") if INSTALLED else GENERATED) / "method" / f"{name}.yaml"


def for_target(config: Any, target: str) -> Any:
    """The typed config, and those within it, with what only the target decides filled in: a skip set, where it is auto.

    Args:
        config: of a method.
        target: model.target.

    Raises:
        UserError: nothing fits the target.
    """
    parts = {name: getattr(config, name, None) for name in METHODS_WITHIN}
    within = {name: for_target(part, target) for name, part in parts.items() if is_dataclass(part)}
    config = replace(config, **within)
    return config.for_target(target) if hasattr(config, "for_target") else config


def _tuning(name: str) -> str:
    """The command that writes the settings `name`, tuned/MODEL/TASK/METHOD."""
    model, task, method = [*name.split("/")[1:], "", "", ""][:3]
    history = " history=warm" if method.endswith(WARM) else ""
    return f"python -m bench.tune method={method.removesuffix(WARM)} task={task} model={model}{history}"
