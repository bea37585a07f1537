"""Train the bundled pair: tokenizer, target, draft, model card.

Run it again to continue where it stopped.
"""

import sys
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from training.config import TrainConfig
from training.pair import train_pair

ConfigStore.instance().store("train_schema", TrainConfig)


@hydra.main(config_path="../conf", config_name="train_pair", version_base="1.3")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    train_pair(OmegaConf.to_object(config))


if __name__ == "__main__":
    main()
