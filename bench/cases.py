"""A case: one method with its settings on one task, model and data, and the folder its records live in."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bench.models import Place
from bench.prompts import Prompts
from bench.registry import METHODS, Method
from bench.settings import Plan


@dataclass(frozen=True, eq=False)
class Case:
    """One line of the final table.

    label: the method's name, with the settings that tell it from the panel's other cases.
    config: the method's typed config. history: "cold" or "warm"; what keeps nothing is always cold.
    identity: everything that changes results; its hash names the folder.
    """

    label: str
    config: Any
    method: Method
    history: str
    identity: dict[str, Any]
    folder: Path


def make_cases(plan: Plan, place: Place, digests: dict[str, str | None], prompts: Prompts) -> list[Case]:
    """The cases of a job, the chosen method first."""
    labels = _labels(plan.methods)
    shared = {
        "task": plan.task.version,
        "task_config": plan.task.output_settings(plan.data.source),
        "data": prompts.rows.digest,
        "split": prompts.rows.split,
        "weights": digests,
        "attn_implementation": plan.model.attn_implementation,
        "device_map": plan.model.device_map,
        "draft_device": plan.model.draft_device,
        **asdict(place),
        "max_new_tokens": plan.max_new_tokens,
        "temperature": plan.settings.temperature,
        "seed": plan.settings.seed,
    }
    cases = []
    for config, label in zip(plan.methods, labels, strict=True):
        method = METHODS[config.name]
        history = plan.settings.history if method.keeps_history else "cold"
        identity = {"method": asdict(config), **shared, "history": history}
        if history == "warm":
            # What was learned depends on all prompts before, so another limit is another run.
            identity["prompts"] = [example.id for example in prompts.examples]
        name = f"{config.name}-{config_hash(identity)}"
        folder = Path(plan.settings.output) / plan.task.name / _slug(plan.model.label) / name
        cases.append(Case(label, config, method, history, identity, folder))
    return cases


def config_hash(identity: dict[str, Any]) -> str:
    """Ten hexadecimal digits for everything that changes results."""
    text = json.dumps(identity, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _labels(configs: list[Any]) -> list[str]:
    """Names, with the settings in which cases of one name differ; lists only where nothing else tells them apart."""
    labels = []
    for config in configs:
        peers = [other for other in configs if other.name == config.name]
        differing = [
            item.name for item in fields(config) if len({str(getattr(other, item.name)) for other in peers}) > 1
        ]
        short = [name for name in differing if not isinstance(getattr(config, name), list)]
        if len({tuple(str(getattr(other, name)) for name in short) for other in peers}) == len(peers):
            differing = short
        labels.append(" ".join([config.name, *(f"{name}={_short(getattr(config, name))}" for name in differing)]))
    return labels


def _short(value: object) -> str:
    """As it is written on the command line."""
    if isinstance(value, list):
        return str(value).replace(" ", "")
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
