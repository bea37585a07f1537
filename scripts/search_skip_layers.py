"""Search the layers that Draft & Verify skips (method=self_speculative).

Run it again to continue where it stopped.
"""

import sys
from pathlib import Path

from hydra.core.config_store import ConfigStore
from omegaconf import DictConfig, OmegaConf

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.cli import main
from bench.console.terminal import say
from training.skip_search import SkipSearchConfig, search_skip_set

ConfigStore.instance().store("skip_search_schema", SkipSearchConfig)


def search(config: DictConfig) -> int:
    """The search, and what it found; the exit status."""
    found = search_skip_set(OmegaConf.to_object(config))
    say(f"skip attention {found.attention}, MLP {found.mlp} of {found.layers} layers")
    say(f"in {config.output}/{config.name}: skip_set.json for method.skip, summary.json, trials.csv, convergence.png")
    return 0


if __name__ == "__main__":
    sys.exit(main(search, "search_skip_layers"))
