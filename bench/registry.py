"""The methods the command line knows, and how their settings become a typed config."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from omegaconf import OmegaConf

from decoding.errors import UserError
from tasks.settings import typed

CONF = Path(__file__).resolve().parent.parent / "conf"


@dataclass(frozen=True)
class Method:
    """One method: its module, which exposes `Config` and `build(config, pair)`, and what must be known before loading.

    Attributes:
        module: import path.
        keeps_history: whether anything learned on one prompt can serve the next.
        ours: whether a mismatch is our fault (exit status 1) or only reported.
    """

    module: str
    keeps_history: bool = False
    ours: bool = True

    def load(self) -> ModuleType:
        """The module; imported on demand, because methods import torch."""
        return importlib.import_module(self.module)


METHODS: dict[str, Method] = {
    "greedy": Method("baselines.greedy"),
    "speculative": Method("baselines.speculative"),
    "lookahead": Method("baselines.lookahead", keeps_history=True),
    "token_recycling": Method("baselines.token_recycling", keeps_history=True),
    "multi_candidate": Method("baselines.multi_candidate"),
    "cascade": Method("baselines.cascade"),
    "ouroboros": Method("ouroboros.method", keeps_history=True),
    "hf_generate": Method("baselines.hf_generate", ours=False),
}


def method_config(settings: Mapping[str, object], group: str = "method") -> object:
    """The typed config of the method `settings["name"]`.

    Raises:
        UserError: an unknown method, or a setting that is unknown, of the wrong type or out of range.
    """
    name = settings.get("name")
    if name not in METHODS:
        raise UserError(f"{group}={name} is unknown: choose one of {', '.join(METHODS)}")
    return typed(METHODS[name].load().Config, settings, group)


def panel_config(entry: object, group: str) -> object:
    """The typed config of an entry of `compare` or `cases`: a method's name, or a mapping with `name` and settings.

    Settings that are not given come from conf/method/<name>.yaml.
    """
    given = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(given, Mapping) or given.get("name") not in METHODS:
        raise UserError(f"{group}: {entry!r} is no method: give one of {', '.join(METHODS)}, or {{name: NAME, ...}}")
    defaults = OmegaConf.to_container(OmegaConf.load(CONF / "method" / f"{given['name']}.yaml"))
    return method_config({**defaults, **given}, group)
