"""The commands below scripts/ that are configured as `python -m bench` is."""

from hydra.core.config_store import ConfigStore

from bench.cli import main as composed
from training.drafter.config import DraftConfig
from training.skip_config import SkipSearchConfig

# By the name of its file in conf/: what it runs, and the type of its settings.
COMMANDS = {
    "search_skip_layers": ("training.skip_search:run", SkipSearchConfig),
    "train_draft": ("training.drafter.run:run", DraftConfig),
}


def main(name: str) -> int:
    """Run the command; its exit status."""
    run, settings = COMMANDS[name]
    ConfigStore.instance().store(f"{name}_schema", settings)
    return composed(run, name)
