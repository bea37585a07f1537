"""Train a draft for a target, on the target's own text.

Run it again to continue where it stopped.
"""

import sys
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cli import main
from bench.console.terminal import say
from training.drafter.config import DraftConfig

ConfigStore.instance().store("train_draft_schema", DraftConfig)


def train(config: DictConfig) -> int:
    """All stages, and where the draft lies; the exit status."""
    from training.drafter.run import train_draft

    train_draft(OmegaConf.to_object(config))
    say(f"in {config.output}: the draft's layers, README.md with its agreement, token_ranking.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(train, "train_draft"))
