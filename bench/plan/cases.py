"""The cases of a job: what each is called, what tells its results from others', and its folder."""

import hashlib
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from bench.models.place import Place
from bench.plan.case import Case, Identity
from bench.plan.nesting import flat_config, written
from bench.plan.prompts import Prompts
from bench.plan.settings import MethodPlan, Plan
from decoding.errors import UserError


def make_cases(plan: Plan, place: Place, digests: dict[str, str | None], prompts: Prompts) -> list[Case]:
    """The cases of a job, the chosen method first."""
    own = plan.model.draft_dtype
    cases = []
    for planned, label in zip(plan.methods, labels(plan.methods), strict=True):
        history = planned.history
        identity = Identity(
            method=asdict(planned.config),
            task=plan.task.version,
            task_config=plan.task.output_settings(plan.data.source),
            data=prompts.rows.digest,
            split=prompts.rows.split,
            weights=digests,
            attn_implementation=plan.model.attn_implementation,
            device_map=plan.model.device_map,
            draft_device=plan.model.draft_device,
            device=place.device,
            dtype=place.dtype,
            engine=place.engine,
            # Named only where it differs.
            draft_dtype=own if own != place.dtype else None,
            draft_vocabulary=plan.model.draft_vocabulary,
            max_new_tokens=plan.max_new_tokens,
            temperature=plan.settings.temperature,
            top_k=plan.settings.top_k,
            top_p=plan.settings.top_p,
            min_p=plan.settings.min_p,
            draft_noise=planned.draft_noise,
            acceptance=planned.acceptance,
            seed=plan.settings.seed,
            history=history,
            history_file=_file_digest(str(planned.history_file)) if history == "file" else None,
            prompts=[example.id for example in prompts.examples] if history == "warm" else None,
        )
        name = f"{planned.config.name}-{identity.digits}"
        cases.append(
            Case(
                label=label,
                group=planned.group,
                origin=planned.origin,
                identity=identity,
                history_file=planned.history_file,
                folder=Path(plan.settings.output) / plan.task.name / _slug(plan.model.label) / name,
            )
        )
    return cases


def _file_digest(path: str) -> str:
    """Ten hexadecimal digits for the content of a history_file."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]
    except OSError as error:
        raise UserError(f"cannot read history_file={path}: {error.strerror}") from error


def labels(methods: list[MethodPlan]) -> list[str]:
    """Names, with the settings in which cases of one name differ, or their own labels.

    No two are equal.

    Lists are named only where nothing else tells the cases apart. Beside "tuned" or "paper" stands
    what was given in place of theirs.
    """
    found: list[str] = []
    for planned in methods:
        named = [other for other in methods if other.config.name == planned.config.name]
        peers = [other for other in named if _kind(other) == _kind(planned)]
        theirs = [{name: _short(value) for name, value in flat_config(other.config).items()} for other in peers]
        settings = flat_config(planned.config)
        differing = [name for name in settings if len({other[name] for other in theirs}) > 1]
        short = [name for name in differing if not isinstance(settings[name], list)]
        if len({tuple(other[name] for name in short) for other in theirs}) == len(peers):
            differing = short
        kind = [_kind(planned)] if len(peers) < len(named) else []
        given = [name for name in settings if kind and planned.origin and name in planned.origin.given]
        alone = [name for name in differing if name not in given]
        words = [planned.config.name, *kind, *(f"{name}={_short(settings[name])}" for name in alone)]
        words += [*(["with"] if given else []), *(f"{name}={_short(settings[name])}" for name in given)]
        if len({other.history for other in peers}) > 1:
            words.append(planned.history)
        if len({other.history_file for other in peers}) > 1 and planned.history_file:
            words.append(Path(planned.history_file).stem)
        if len({other.draft_noise for other in peers}) > 1:
            words.append(f"{planned.draft_noise} noise")
        if len({other.acceptance for other in peers}) > 1:
            words.append(planned.acceptance)
        label = planned.label or " ".join(words)
        if label in found:
            raise UserError(f"two cases are called {label!r}: give each its own label")
        found.append(label)
    return found


def _kind(planned: MethodPlan) -> str:
    """Whether its settings are "tuned" or the "paper"'s; "" where nobody asked."""
    return planned.origin.kind if planned.origin else ""


def _short(value: object) -> str:
    """A setting as a user writes it; a method within another with what is not its default."""
    if is_dataclass(value):
        config: Any = value
        usual = flat_config(type(config)())
        changed = " ".join(f"{name}={_short(own)}" for name, own in flat_config(config).items() if own != usual[name])
        return f"{config.name}({changed})" if changed else config.name
    return written(value)


def _slug(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)
