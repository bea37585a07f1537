"""From Hydra's composed config to typed settings.

Every group is checked, so that no wrong key or value passes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.models.config import AUTO, ENGINES, ModelConfig, require_dtype
from bench.plan.methods import METHODS, for_target
from bench.plan.naming import naming_settings
from bench.plan.nesting import flat_config
from bench.plan.tuned import MODES, TUNED, Origin, Wanted, chosen_entry, settle
from decoding.draws import ACCEPTANCES, DRAFT_NOISES, KEYED, SHARED, Sampling
from decoding.errors import UserError
from decoding.settings import require_at_least
from decoding.state_file import StateFile
from tasks import Task, make_task
from tasks.settings import require_text, typed
from tasks.sources import DataConfig

HISTORIES = ("cold", "warm", "file")
# What an entry of compare or cases may say beside the method's settings.
CASE_KEYS = ("history", "history_file", "label", "settings", "draft_noise", "acceptance")
# How samples are drawn with drafts: the known ways, and the usual one.
WAYS = {"draft_noise": (DRAFT_NOISES, SHARED), "acceptance": (ACCEPTANCES, KEYED)}


@dataclass
class Settings:
    """The root fields, as conf/config.yaml explains them."""

    limit: int | None = None
    repeats: int = 1
    warmup: int = 3
    max_new_tokens: int | None = None
    temperature: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    draft_noise: str = SHARED
    acceptance: str = KEYED
    samples: int = 1
    seed: int = 0
    settings: str = TUNED
    history: str = "cold"
    history_file: str | None = None
    save_history: str | None = None
    compare: list[Any] = field(default_factory=list)
    cases: list[Any] = field(default_factory=list)
    device: str | None = None
    dtype: str | None = None
    engine: str = AUTO
    cores: int | None = None
    output: str = "results/runs"
    check: bool = False
    overwrite: bool = False
    show: int = 0
    debug: bool = False

    def __post_init__(self) -> None:
        at_least_one = ("limit", "repeats", "samples", "max_new_tokens", "cores")
        lowest_values = {**dict.fromkeys(at_least_one, 1), **dict.fromkeys(("warmup", "top_k", "seed", "show"), 0)}
        for name, lowest in lowest_values.items():
            value = getattr(self, name)
            if value is not None:
                require_at_least(name, value, lowest)
        for name, (known, usual) in WAYS.items():
            value = getattr(self, name)
            require_way(name, value, known)
            if value != usual and self.sampling.greedy:
                raise UserError(f"{name}={value} says nothing at temperature 0: leave it out")
        if self.samples > 1 and self.sampling.greedy:
            raise UserError(f"samples={self.samples} are all one at temperature 0: set a temperature, or leave it out")
        if self.settings not in MODES:
            raise UserError(f"settings={self.settings} is unknown: choose one of {', '.join(MODES)}")
        if self.history not in HISTORIES:
            raise UserError(f"history={self.history} is unknown: choose one of {', '.join(HISTORIES)}")
        if (self.history == "file") != bool(self.history_file):
            raise UserError("history=file and history_file=FILE go together: the saved state serves every prompt")
        if self.save_history and self.history != "warm":
            raise UserError("save_history=FILE needs history=warm: otherwise nothing learned outlives its prompt")
        require_dtype("dtype", self.dtype)
        if self.engine not in ENGINES:
            raise UserError(f"engine={self.engine} is unknown: choose one of {', '.join(ENGINES)}")
        if self.compare and self.cases:
            raise UserError("compare and cases say the same thing: give one of them")
        if not self.output:
            raise UserError("output is empty: name the folder for run folders")


    @property
    def sampling(self) -> Sampling:
        """How the target's logits become tokens.

        Raises:
            UserError: a value is out of range, or says nothing at temperature 0.
        """
        return Sampling(self.temperature, self.top_k, self.top_p, self.min_p)


def require_way(name: str, value: str, known: Sequence[str]) -> None:
    """Raise UserError for a value that is unknown."""
    if value not in known:
        raise UserError(f"{name}={value} is unknown: choose one of {', '.join(known)}")


@dataclass(frozen=True, eq=False)
class MethodPlan:
    """A method as a command names it, before it is known on what it runs.

    bench.plan.case.Case is what becomes of it.

    Attributes:
        config: the method's typed config.
        history: "cold", "warm" or "file" (then history_file is the saved state); what learns
            nothing is always cold.
        label: a name of its own, None where it has none.
        origin: where its settings come from; None where nobody asks.
        draft_noise, acceptance: what draft models draw with, and how draws are accepted: see
            decoding.sampling.make_sampler.
        group: what the user set to have it: method, compare or cases.
    """

    config: Any
    history: str
    label: str | None = None
    history_file: str | None = None
    origin: Origin | None = None
    group: str = "method"
    draft_noise: str = SHARED
    acceptance: str = KEYED

    @property
    def run(self) -> tuple[Any, str, str | None, str, str]:
        """What tells its run from another's."""
        return self.config, self.history, self.history_file, self.draft_noise, self.acceptance


@dataclass
class Plan:
    """One job, fully checked but with nothing loaded.

    Attributes:
        methods: the chosen one first (of `cases` alone, with method=null, the first of them).
        resolved: the composed config as plain containers.
    """

    settings: Settings
    methods: list[MethodPlan]
    task: Task
    model: ModelConfig
    data: DataConfig
    resolved: dict[str, Any]

    @property
    def max_new_tokens(self) -> int:
        """Longest output in tokens: the run's own, else the task's."""
        return self.settings.max_new_tokens or self.task.max_new_tokens

    def conditions(self, planned: MethodPlan, dtype: str) -> str:
        """What a method's settings are chosen for, beside the pair and where it runs, in words.

        The prompt, how tokens are drawn, and what the draft is but for its weights: such as
        "gsm8k-base-1, 3 shots, greedy".

        Args:
            planned: the method.
            dtype: of the target; a draft's own is named where it is another.
        """
        task, sampling = self.task, self.settings.sampling
        usual = {**asdict(type(task.config)()), "variant": task.config.variant, **asdict(Sampling())}
        usual |= {name: value for name, (_, value) in WAYS.items()}
        usual |= {"draft_vocabulary": None, "draft_dtype": dtype}
        prompt = {**task.output_settings(self.data.source)}
        shots = prompt.pop("shots")
        drawn = {**asdict(sampling), **{name: getattr(planned, name) for name in WAYS}}
        draft = {"draft_vocabulary": self.model.draft_vocabulary, "draft_dtype": self.model.draft_dtype or dtype}

        def unusual(part: Mapping[str, object]) -> list[str]:
            return [f"{name} {value}" for name, value in part.items() if value != usual[name]]

        how = unusual(drawn) or ["greedy"]
        return ", ".join([task.version, f"{shots} shots", *unusual(prompt), *how, *unusual(draft)])


GROUPS = ("method", "task", "model", "data")


def read_plan(config: DictConfig) -> Plan:
    """The job that a composed config describes.

    Raises:
        UserError: a key or value that is unknown, of the wrong type or out of range.
    """
    try:
        own = without(config, "hydra")
        resolved = cast(dict[str, Any], OmegaConf.to_container(own, resolve=True, throw_on_missing=True))
    except OmegaConfBaseException as error:
        raise UserError(str(error).splitlines()[0]) from error
    unchosen = resolved.get("method") is None and bool(resolved.get("cases"))
    groups = {name: group_of(resolved, name) for name in GROUPS if not (unchosen and name == "method")}
    root = {key: value for key, value in resolved.items() if key not in (*GROUPS, "experiment")}
    settings = typed(Settings, root, "")
    source = "compare" if settings.compare else "cases"
    task, model = make_task(groups["task"]), typed(ModelConfig, groups["model"], "model")
    wanted = Wanted(settings.settings, model, task.name)
    methods = [] if unchosen else [_chosen(chosen_entry(config, resolved), settings, wanted)]
    for entry in settings.compare or settings.cases:
        planned = _entry(entry, source, settings, wanted)
        if all(planned.run != each.run for each in methods):
            methods.append(planned)
    return Plan(
        settings=settings,
        methods=[_on_target(each, str(model.target)) for each in methods],
        task=task,
        model=model,
        data=typed(DataConfig, groups["data"], "data"),
        resolved=resolved,
    )


def _on_target(planned: MethodPlan, target: str) -> MethodPlan:
    """With what only the target decides."""
    with naming_settings(planned.config, planned.group):
        return replace(planned, config=for_target(planned.config, target))


def without(config: DictConfig, group: str) -> DictConfig:
    """The config but for one of its groups."""
    return OmegaConf.masked_copy(config, [cast(str, key) for key in config if key != group])


def _chosen(entry: Mapping[str, Any], settings: Settings, wanted: Wanted) -> MethodPlan:
    """The method of the group `method`, with the job's history."""
    config, origin = _settled(entry, "method", wanted, settings.history, settings.history_file)
    _require_history(config, settings.history)
    ways = {name: getattr(settings, name) for name in WAYS}
    return MethodPlan(config, settings.history, None, settings.history_file, origin, **ways)


def _entry(entry: Any, source: str, settings: Settings, wanted: Wanted) -> MethodPlan:
    """An entry of compare or cases.

    A method's settings, and if wanted a history, a label and `settings` of its own.
    """
    given = {"name": entry} if isinstance(entry, str) else entry
    if not isinstance(given, Mapping) or not isinstance(given.get("name"), str):
        raise UserError(f"{source}: {entry!r} is no method: give one of {', '.join(METHODS)}, or {{name: NAME, ...}}")
    own, file, label, mode = (given.get(name) for name in CASE_KEYS if name not in WAYS)
    for name in CASE_KEYS:
        require_text(f"{name} of a case in {source}", given.get(name))
    if own not in (None, *HISTORIES) or (own == "file") != bool(file):
        raise UserError(f"{source}: the history of a case is cold or warm, or file with its history_file, not {own}")
    if mode not in (None, *MODES):
        raise UserError(f"{source}: the settings of a case are one of {', '.join(MODES)}, not {mode}")
    ways = {name: given.get(name) or getattr(settings, name) for name in WAYS}
    for name, (known, usual) in WAYS.items():
        require_way(f"{source}: {name}", ways[name], known)
        # A preset with cases of several ways is also run at temperature 0, where they are one case.
        ways[name] = usual if settings.sampling.greedy else ways[name]
    rest = {key: value for key, value in given.items() if key not in CASE_KEYS}
    history = own or settings.history
    state = file if own else settings.history_file
    config, origin = _settled(rest, source, replace(wanted, mode=mode or wanted.mode), history, state)
    if own is not None:
        _require_history(config, own)
        return MethodPlan(config, own, label, file, origin, source, **ways)
    if not METHODS[config.name].keeps_history:
        return MethodPlan(config, "cold", label, None, origin, source, **ways)
    return MethodPlan(config, history, label, settings.history_file, origin, source, **ways)


def _settled(
    entry: Mapping[str, Any], group: str, wanted: Wanted, history: str, file: str | None
) -> tuple[Any, Origin]:
    """As `settle`, with what a loaded state prescribes and was not given."""
    config, origin = settle(entry, group, wanted, history)
    if history != "file" or not hasattr(config, "for_state"):
        return config, origin
    try:
        adapted = config.for_state(StateFile.load(Path(str(file))).state, origin.given)
    except UserError:
        return config, origin  # said where the state is loaded
    before = flat_config(config)
    changed = [name for name, value in flat_config(adapted).items() if value != before[name]]
    return adapted, replace(origin, given=tuple(dict.fromkeys([*origin.given, *changed])))


def _require_history(config: Any, history: str) -> None:
    """Raise UserError for a history other than cold of a method that keeps nothing."""
    if history != "cold" and not METHODS[config.name].keeps_history:
        raise UserError(f"method={config.name} keeps nothing between prompts: use history=cold instead of {history}")


def group_of(resolved: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The settings of a group.

    Raises:
        UserError: the group is left out, or holds no settings.
    """
    group = resolved.get(name)
    if isinstance(group, Mapping):
        return group
    if name == "method" and group is None:
        raise UserError("no method is chosen: give method=OPTION, or methods in cases=[...]")
    raise UserError(f"{name} holds settings: it cannot be {group}, or left out")
