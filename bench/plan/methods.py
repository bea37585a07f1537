"""The methods the command line knows, and how their settings become a typed config."""

import importlib
from collections.abc import Container, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from omegaconf import OmegaConf

from bench import CONF as CONF  # bench.plan.tuned looks where this module does
from bench import GENERATED, INSTALLED
from bench.plan.nesting import merged
from decoding.errors import SettingError, UserError
from decoding.method import Spec, read_spec, require_new_names
from tasks.settings import typed


@dataclass(frozen=True, kw_only=True)
class Method(Spec):
    """What a module declares of its method.

    Attributes:
        module: holds `Config` and `build(config, pair)` too.
    """

    module: str

    def load(self) -> ModuleType:
        """The module; imported on demand, because methods import torch."""
        return importlib.import_module(self.module)


# One line a method, in the order in which messages, tables and figures show them: the paper's
# method after the others.
MODULES = (
    "baselines.greedy",
    "baselines.hf_generate",
    "baselines.speculative",
    "baselines.lookahead",
    "baselines.cascade",
    "baselines.clasp",
    "baselines.eagle",
    "baselines.glide",
    "baselines.hf_assisted",
    "baselines.hf_prompt_lookup",
    "baselines.hybrid",
    "baselines.multi_candidate",
    "baselines.parallel",
    "baselines.prompt_lookup",
    "baselines.racer",
    "baselines.sam",
    "baselines.self_speculative",
    "baselines.spectr",
    "baselines.suffix",
    "baselines.superposed",
    "baselines.tapout",
    "baselines.token_recycling",
    "ouroboros.method",
    "baselines.synthetic",
    "baselines.oracle",
)
# Beside which every method is measured. As a method of a panel it is the panel's A/A case.
REFERENCE_METHOD = "greedy"
METHODS = {spec.name: Method(**vars(spec), module=module) for module in MODULES for spec in [read_spec(module)]}

# What the name of tuned settings begins with, and what it ends with where they are for a history
# that is kept.
TUNED_NAMES = "tuned/"
WARM = "_warm"


def of_today(name: str, settings: Container[str]) -> str:
    """The name today of the method that a run of any age measured.

    Args:
        name: the method's, as the run wrote it.
        settings: the names of its settings.
    """
    for method in METHODS.values():
        if name in method.formerly and method.formerly[name] in settings:
            return method.name
    return name


def method_config(settings: Mapping[str, object], group: str = "method") -> object:
    """The typed config of the method `settings["name"]`.

    A setting that the method's spec names in `within` is another method.

    Raises:
        UserError: an unknown method, or a setting that is unknown, of the wrong type or out of
            range.
    """
    name = str(settings.get("name"))
    if name not in METHODS:
        raise UserError(f"{group}={name} is unknown: choose one of {', '.join(METHODS)}")
    if (today := of_today(name, settings)) != name:
        setting = METHODS[today].formerly[name]
        raise UserError(f"{group}.{setting} is a setting of {today}, which was named {name} once: choose {today}")
    require_new_names(METHODS[name], settings, f"{group}.")
    kind = METHODS[name].load().Config
    given = dict(settings)
    others = {}
    for field in fields(kind):
        if field.name in METHODS[name].within and given.get(field.name, field.default) != field.default:
            others[field.name] = panel_config(given.pop(field.name), f"{group}.{field.name}")
    try:
        return replace(typed(kind, given, group), **others)
    except SettingError as error:
        raise UserError(f"{group}.{error}") from error


def panel_config(entry: object, group: str) -> object:
    """The typed config of an entry of `compare` or `cases`, or of a method within another.

    An entry is a method's name, or a mapping with `name` and settings. Settings that are not given
    come from conf/method/<name>.yaml; a name may also be that of tuned settings, such as
    tuned/tiny/gsm8k/speculative, whose file says itself whose settings it holds.
    """
    settings = {"name": entry} if isinstance(entry, str) else entry
    given: Mapping[str, Any] = settings if isinstance(settings, Mapping) else {}
    defaults = method_file(given.get("name"), group, entry)
    return method_config(merged(defaults, {**given, "name": defaults.get("name")}), group)


def method_file(name: object, group: str, entry: object = None) -> dict[str, object]:
    """The settings in the file of that name (see `settings_file`), the method's `name` among them.

    Args:
        name: a method, or tuned settings such as tuned/tiny/gsm8k/speculative.
        group: what the user set, for messages.
        entry: how the user set it, for messages.

    Raises:
        UserError: there is no such file, or it has a setting under an old name.
    """
    text = str(name)
    inside = isinstance(name, str) and not Path(text).is_absolute() and ".." not in Path(text).parts
    there = inside and settings_file(text).is_file()
    if inside and text.startswith(TUNED_NAMES) and not there:
        raise UserError(f"{group}: {text} is not tuned yet: {_tuning(text)} writes generated/method/{text}.yaml")
    if not there:
        shown = name if entry is None else entry
        raise UserError(f"{group}: {shown!r} is no method: give one of {', '.join(METHODS)}, or {{name: NAME, ...}}")
    settings = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(settings_file(text))))
    if settings.get("name") in METHODS:
        require_new_names(METHODS[settings["name"]], settings, where=f"{settings_file(text)}: ")
    return settings


def settings_file(name: str) -> Path:
    """Where a method's settings lie.

    In conf/method/<name>.yaml, tuned ones in generated/method/<name>.yaml.

    Those that an installed harness has tuned itself, below the current folder, come before those it
    was shipped with.
    """
    if not name.startswith(TUNED_NAMES):
        return CONF / "method" / f"{name}.yaml"
    own = written_file(name)
    return own if own.is_file() else GENERATED / "method" / f"{name}.yaml"


def written_file(name: str) -> Path:
    """Where bench.tune writes the tuned settings `name`.

    An installed harness writes below the current folder.
    """
    return (Path("generated") if INSTALLED else GENERATED) / "method" / f"{name}.yaml"


def for_target(config: Any, target: str) -> Any:
    """The typed config, and those within it, with what only the target decides.

    That is a skip set, where it is auto.

    Args:
        config: of a method.
        target: model.target.

    Raises:
        UserError: nothing fits the target.
    """
    parts = {name: getattr(config, name) for name in METHODS[config.name].within}
    within = {name: for_target(part, target) for name, part in parts.items() if is_dataclass(part)}
    config = replace(config, **within)
    return config.for_target(target) if hasattr(config, "for_target") else config


def _tuning(name: str) -> str:
    """The command that writes the settings `name`, tuned/MODEL/TASK/METHOD."""
    model, task, method = [*name.split("/")[1:], "", "", ""][:3]
    history = " history=warm" if method.endswith(WARM) else ""
    return f"python -m bench.tune method={method.removesuffix(WARM)} task={task} model={model}{history}"
