"""The commands below scripts/ that are configured as `python -m bench` is."""

from functools import partial
from typing import Any, cast

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

from bench.cli import main as composed
from bench.console.entry import find
from tasks.settings import typed
from training.config import TrainConfig
from training.drafter.config import DraftConfig
from training.skip_config import SkipSearchConfig

# By the name of its file in conf/: what it runs, and the type of its settings.
COMMANDS: dict[str, tuple[str, type]] = {
    "search_skip_layers": ("training.skip_search:run", SkipSearchConfig),
    "train_draft": ("training.drafter.run:run", DraftConfig),
    "train_pair": ("training.pair:run", TrainConfig),
}


def main(name: str) -> int:
    """Run the command; its exit status."""
    run, settings = COMMANDS[name]
    # The defaults alone: by the types Hydra would make texts of numbers, 1.1 of target=1.10.
    defaults = OmegaConf.to_container(OmegaConf.structured(settings))
    ConfigStore.instance().store(f"{name}_schema", defaults)
    return composed(partial(_run, run, settings), name)


def _run(function: str, settings: type, config: DictConfig) -> int:
    """The exit status of `function` ("module:name") for the settings of a composed config."""
    given = cast(dict[str, Any], OmegaConf.to_container(config, resolve=True))
    settled = typed(settings, given, "")  # before what imports torch
    return cast(int, find(function)(settled))
