"""The settings a method runs with.

Those tuned for this pair, task and history where they exist, else the published ones.

conf/method/<method>.yaml holds what was published. python -m bench.tune writes
generated/method/tuned/MODEL/TASK/METHOD.yaml (METHOD_warm.yaml for a history that is kept), and its
head names the weights it was chosen for: another pair of the same name takes the published
settings. What the command line, a preset or a case gives wins over both.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from bench.plan import methods as registry
from bench.plan.methods import (
    METHODS,
    TUNED_NAMES,
    WARM,
    method_config,
    method_file,
    settings_file,
)
from bench.plan.nesting import flat, merged, nested
from decoding.errors import UserError

TUNED, PAPER, FILE = "tuned", "paper", "file"
MODES = (TUNED, PAPER)
# What the head of a tuned file says of the pair it was chosen for (see pair_digits), of where and
# with what it was measured (a Place; a Plan's conditions), on how many threads, and of a search
# that beat nothing.
PAIR = re.compile(r"^# pair: (.*)$", re.MULTILINE)
PLACE = re.compile(r"^# place: (.*)$", re.MULTILINE)
CONDITIONS = re.compile(r"^# with: (.*)$", re.MULTILINE)
THREADS = re.compile(r"^# \w+, cpu, (\d+) threads?$", re.MULTILINE)
KEPT = "the published setting was kept"
DIGITS = 12


@dataclass(frozen=True)
class Origin:
    """Where a method's settings come from.

    Attributes:
        kind: "tuned", "paper" (the published ones), or "file" for another file of conf/method that
            was named.
        file: its name, such as ouroboros or tuned/tiny/gsm8k/ouroboros.
        given: settings that the command line, a preset or a case gave in place of the file's.
        why: why the tuned ones were not taken, or on how many threads they were searched and
            whether that beat nothing; "" where there is nothing to say.
    """

    kind: str
    file: str
    given: tuple[str, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        words = {TUNED: "tuned", PAPER: "published", FILE: "from a file"}[self.kind]
        folder = "generated" if self.kind == TUNED else "conf"
        words += f" ({folder}/method/{self.file}.yaml{'; ' + self.why if self.why else ''})"
        return words + (f", but {', '.join(self.given)} as given" if self.given else "")


@dataclass(frozen=True)
class Wanted:
    """What settings are looked for.

    Attributes:
        mode: how, one of MODES.
        model: the typed model settings.
        task: its name.
    """

    mode: str
    model: Any
    task: str


def settle(given: Mapping[str, Any], group: str, wanted: Wanted, history: str) -> tuple[Any, Origin]:
    """The typed config of a method, and where its settings come from.

    Args:
        given: `name`, a method's or that of a file of settings, and the settings that were given.
        group: what the user set, for messages.
        wanted: the mode, the pair and the task.
        history: "cold", "warm" or "file"; a saved state is a warm one.

    Raises:
        UserError: an unknown method or file, or a setting that is unknown, of the wrong type or out
            of range.
    """
    name, own = str(given.get("name")), {key: value for key, value in given.items() if key != "name"}
    defaults = method_file(name, group)
    method = defaults.get("name")
    if name.startswith(TUNED_NAMES):
        _require_pair(name, wanted.model)
        origin = Origin(TUNED, name, tuple(flat(own)), _found(name))
    elif name != method:
        origin = Origin(FILE, name, tuple(flat(own)))
    elif wanted.mode == PAPER:
        origin = Origin(PAPER, name, tuple(flat(own)), "settings=paper")
    else:
        kept = history != "cold" and METHODS[method].keeps_history
        file = f"{TUNED_NAMES}{wanted.model.label}/{wanted.task}/{method}{WARM if kept else ''}"
        why = _refused(file, method, own, wanted)
        if not why:
            defaults = method_file(file, group)
        names = tuple(flat(own))
        origin = Origin(PAPER, name, names, why) if why else Origin(TUNED, file, names, _found(file))
    return method_config(merged(defaults, {**own, "name": method}), group), origin


def _refused(file: str, method: str, own: Mapping[str, Any], wanted: Wanted) -> str:
    """Why the tuned file does not serve; "" if it does."""
    path = settings_file(file)
    if not path.is_file():
        return f"nothing is tuned for {file.removeprefix(TUNED_NAMES)}"
    tuned = cast(DictConfig, OmegaConf.load(path))
    for name in METHODS[method].within:
        if name in own and own[name] != tuned.get(name):
            return f"{file} was tuned with another {name}"
    return "" if _of_these_weights(path, wanted.model) else f"{file} was tuned for other weights of that name"


def _require_pair(name: str, model: Any) -> None:
    """Raise UserError for a tuned file of this pair's name that was chosen for other weights."""
    if name.split("/")[1] == model.label and not _of_these_weights(settings_file(name), model):
        raise UserError(
            f"{name} was tuned for other weights than those of {model.label} here: tune again, or give the pair "
            "another model.name"
        )


def _of_these_weights(file: Path, model: Any) -> bool:
    """Whether a tuned file was chosen for the weights that `model` names.

    A file that does not say fits all.
    """
    chosen_for = pair_of(file)
    return chosen_for is None or chosen_for == pair_digits(model)


def _found(name: str) -> str:
    """What to know of the search that wrote the tuned file `name`.

    On how many threads it was made, and whether it beat nothing.
    """
    head = settings_file(name).read_text(encoding="utf-8")
    threads = THREADS.search(head)
    said = [f"searched on {threads[1]} thread{'s' * (threads[1] != '1')}"] if threads else []
    return "; ".join([*said, *([KEPT] if KEPT in head else [])])


def searched_elsewhere(origin: Origin, place: str, conditions: str) -> list[str]:
    """Warnings where tuned settings were searched where, or with what, other settings may pay.

    What a row and a draft cost decides that, and what is accepted. None where all is as here, or
    where their file does not say.

    Args:
        origin: of the settings.
        place: a Place in words: device, dtype, engine.
        conditions: as a Plan's.
    """
    if origin.kind != TUNED:
        return []
    head = settings_file(origin.file).read_text(encoding="utf-8")
    warnings = []
    for what, word, here in ((PLACE, "on", place), (CONDITIONS, "with", conditions)):
        found = what.search(head)
        if found and (there := found[1].strip()) != here:
            warnings.append(
                f"{origin.file} was searched {word} {there}, and this runs {word} {here}: others may be faster here"
            )
    return warnings


def pair_of(file: Path) -> str | None:
    """What a tuned file says of the pair it was chosen for, None where it says nothing."""
    found = PAIR.search(file.read_text(encoding="utf-8"))
    return found[1].strip() if found else None


def pair_digits(model: Any) -> str:
    """The same of the pair that `model` names.

    Raises:
        UserError: the model cannot be found.
    """
    # Here, because telling where a model lies takes transformers.
    from bench.models.location import weights_digests

    return in_digits(weights_digests(model))


def in_digits(digests: Mapping[str, str | None]) -> str:
    """The weights' digests in short.

    Those of a folder are sums already; a commit on the hub becomes one.
    """

    def short(digest: str | None) -> str:
        if digest is None:
            return "none"
        hexadecimal = re.fullmatch(r"[0-9a-f]{64}", digest)
        return (digest if hexadecimal else hashlib.sha256(digest.encode()).hexdigest())[:DIGITS]

    return f"target {short(digests['target'])}, draft {short(digests['draft'])}"


def chosen_entry(config: DictConfig, resolved: Mapping[str, Any]) -> dict[str, Any]:
    """The method that was chosen as group `method`, as an entry of a panel.

    That is its file's name and what was given.

    Given is what differs from the file, and what the command line or the preset names, even if it
    is the file's value.
    """
    hydra = _hydra(config)
    method = dict(resolved["method"])
    choice = (OmegaConf.select(hydra, "runtime.choices.method") if hydra else None) or method.get("name")
    try:
        defaults = method_file(choice, "method")
    except UserError:
        choice, defaults = method.get("name"), {}
    named = {name for override in _overrides(hydra) for name in _named(override)}
    named |= {f"method.{key}" for key in _of_presets(hydra)}
    usual = flat(defaults)
    own = {
        key: value
        for key, value in flat(method).items()
        if key != "name" and (key not in usual or value != usual[key] or f"method.{key}" in named)
    }
    return {"name": choice, **nested(own)}


def _named(override: str) -> set[str]:
    """What an override names; of a part in braces the settings within it."""
    parsed = OverridesParser.create().parse_override(override)
    return set(flat({parsed.key_or_group: parsed.value()}))


def _hydra(config: DictConfig) -> DictConfig | None:
    """What Hydra knows of the job, None for a config that was composed without it."""
    if "hydra" in config:
        return cast(DictConfig, config.hydra)
    return cast(DictConfig, HydraConfig.get()) if HydraConfig.initialized() else None


def _overrides(hydra: DictConfig | None) -> list[str]:
    return list(OmegaConf.select(hydra, "overrides.task") or []) if hydra else []


def _of_presets(hydra: DictConfig | None) -> set[str]:
    """The method's settings that the chosen experiment names, or one that it builds on."""
    choice = OmegaConf.select(hydra, "runtime.choices.experiment") if hydra else None
    folders = [Path(each.path) for each in (OmegaConf.select(hydra, "runtime.config_sources") or [])] if hydra else []
    found, waiting = set(), [str(choice)] if choice else []
    while waiting:
        name = waiting.pop()
        files = [folder / "experiment" / f"{name}.yaml" for folder in [registry.CONF, *folders]]
        loaded = next((OmegaConf.load(file) for file in files if file.is_file()), OmegaConf.create())
        content = cast(DictConfig, loaded)
        found |= set(flat(cast(dict[str, Any], OmegaConf.to_container(content)).get("method") or {}))
        waiting += [each for each in content.get("defaults", []) if isinstance(each, str) and each != "_self_"]
    return found
