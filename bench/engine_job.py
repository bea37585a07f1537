"""One job of `python -m bench.engine`: measure forwards of every engine, then write and show them.

They are kept in forwards.jsonl, all of which bench/report/engines.py makes figures from.
"""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from omegaconf import DictConfig, OmegaConf
from tqdm import tqdm

from bench.console.terminal import say
from bench.measure.cores import Company
from bench.measure.engines import ENGINES, FORWARDS, Measurement, Shape, available, machine_limits, measure, prepared
from bench.measure.environment import environment
from bench.models.config import ModelConfig, require_dtype
from bench.models.loading import load_pair
from bench.models.place import Place, resolve_place
from bench.report.engines import PLOT, PROVENANCE, TABLE, told, write
from decoding.session import context_of
from decoding.settings import require_at_least
from tasks.settings import typed


@dataclass
class EngineConfig:
    """As conf/engine.yaml explains them."""

    engines: list[str] = field(default_factory=lambda: [*ENGINES])
    rows: list[int] = field(default_factory=lambda: [1, 8])
    contexts: list[int] = field(default_factory=lambda: [512])
    repeats: int = 15
    shape: Any = None
    device: str | None = None
    dtype: str | None = None
    seed: int = 0
    output: str = "results/engine/runs"
    debug: bool = False

    def __post_init__(self) -> None:
        require_at_least("repeats", self.repeats, 1)
        for name in ("rows", "contexts"):
            for value in getattr(self, name):
                require_at_least(name, value, 1)
        require_dtype("dtype", self.dtype)


def run(config: DictConfig) -> int:
    """Measure, write the table, the plot and where they come from; the exit status."""
    given = cast("dict[str, Any]", OmegaConf.to_container(config, resolve=True))
    model = given.pop("model")
    wanted = typed(EngineConfig, given, "")
    place = resolve_place(wanted.device, wanted.dtype)
    torch.manual_seed(wanted.seed)
    models = _models(wanted, model, place)
    name = model.get("name") or ("shape" if wanted.shape else Path(str(model["target"])).name)
    folder = Path(wanted.output) / name
    folder.mkdir(parents=True, exist_ok=True)
    dtype, device = getattr(torch, place.dtype), torch.device(place.device)
    measured: list[Measurement] = []
    with Company(place.device, None):
        for role, loaded in models.items():
            engines = available(wanted.engines, place)
            contexts = [each for each in wanted.contexts if each + max(wanted.rows) < context_of(loaded.config)]
            ready = {engine: prepared(engine, deepcopy(loaded)) for engine in engines}
            limits = machine_limits([each.work for each in ready.values()], dtype, device)
            machines = dict(zip(ready, limits, strict=True))
            steps = measure(ready, contexts, wanted.rows, wanted.repeats)
            layers = loaded.config.num_hidden_layers
            for found in tqdm(steps, total=len(contexts), desc=role, unit="context"):
                measured += [
                    Measurement(model=name, role=role, layers=layers, machine=machines[each.engine], forwards=each)
                    for each in found
                ]
    here = environment(place.device)
    provenance = {**here.to_json(), "settings": given | {"model": model}}
    (folder / PROVENANCE).write_text(json.dumps(provenance, indent=2, default=str) + "\n")
    (folder / FORWARDS).write_text("".join(json.dumps(each.to_json()) + "\n" for each in measured))
    for line in told(write(folder)):
        say(line)
    say(f"written: {folder}/{TABLE}, {PLOT}, {FORWARDS}, {PROVENANCE}")
    return 0


def _models(wanted: EngineConfig, model: dict[str, Any], place: Place) -> dict[str, Any]:
    """The models to measure by their roles."""
    if wanted.shape is not None:
        shaped: torch.nn.Module = typed(Shape, wanted.shape, "shape").model(getattr(torch, place.dtype))
        return {"target": shaped.to(place.device)}
    pair = load_pair(typed(ModelConfig, model, "model"), place, wanted.seed).pair
    return {"target": pair.target.model, **({"draft": pair.draft.model} if pair.draft else {})}
