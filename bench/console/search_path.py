"""Where Hydra looks for settings beside conf/: what bench.tune wrote."""

from pathlib import Path

from hydra.core.config_search_path import ConfigSearchPath
from hydra.core.plugins import Plugins
from hydra.plugins.search_path_plugin import SearchPathPlugin

from bench import GENERATED, INSTALLED


class GeneratedSettings(SearchPathPlugin):
    """Adds generated/, so that method=tuned/MODEL/TASK/METHOD finds its file.

    See bench.plan.methods.settings_file.
    """

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Append the folders to Hydra's search path."""
        for folder in generated_folders():
            search_path.append("bench", f"file://{folder}")


def generated_folders() -> list[Path]:
    """Where tuned settings lie: an installed harness's own before those it was shipped with."""
    return [*([Path("generated").resolve()] if INSTALLED else []), GENERATED]


Plugins.instance().register(GeneratedSettings)
