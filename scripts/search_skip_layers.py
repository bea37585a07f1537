"""Search the layers that Draft & Verify skips (method=self_speculative). Run it again to continue where it stopped."""

import sys
from pathlib import Path

import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf
from transformers.utils import logging as transformers_logging

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.terminal import complain, say
from decoding.errors import UserError
from training.skip_search import SkipSearchConfig, search_skip_set

ConfigStore.instance().store("skip_search_schema", SkipSearchConfig)


@hydra.main(config_path="../conf", config_name="search_skip_layers", version_base="1.3")
def main(config: DictConfig) -> None:
    """Hydra's entry."""
    transformers_logging.disable_progress_bar()
    try:
        found = search_skip_set(OmegaConf.to_object(config))
    except UserError as error:
        complain(str(error))
        sys.exit(2)
    say(f"skip attention {found.attention}, MLP {found.mlp} of {found.layers} layers")
    say(f"in {config.output}/{config.name}: skip_set.json for method.skip, summary.json, trials.csv, convergence.png")


if __name__ == "__main__":
    main()
