"""Hydra over conf/ and a folder of the user's own.

A job is composed once; Hydra's own entry composes it twice.
"""

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
from hydra._internal.callbacks import Callbacks
from hydra._internal.hydra import Hydra
from hydra._internal.utils import create_config_search_path
from hydra.core.config_search_path import SearchPathQuery
from hydra.core.global_hydra import GlobalHydra
from hydra.core.utils import run_job
from hydra.types import HydraContext, RunMode
from hydra.version import setbase
from omegaconf import DictConfig

import bench.console.search_path  # noqa: F401 (it registers what Hydra finds there)
from bench import CONF
from decoding.errors import UserError

VERSION_BASE = "1.3"
# Flags with which Hydra does something else than run one job.
OTHERWISE = ("help", "hydra_help", "multirun", "cfg", "info", "shell_completion", "config_path", "experimental_rerun")


@contextmanager
def opened(config_dir: str | None) -> Iterator[Hydra]:
    """Hydra with the search path that its own entry makes.

    Args:
        config_dir: a folder of the user's own, searched after conf/; None for none.

    Raises:
        UserError: config_dir is no folder.
    """
    path = create_config_search_path(str(CONF))
    if config_dir is not None:
        if not Path(config_dir).is_dir():
            raise UserError(f"--config-dir={config_dir} is no folder")
        path.prepend("command-line", f"file://{Path(config_dir).resolve()}", SearchPathQuery(provider="schema"))
    try:
        yield Hydra.create_main_hydra2("bench", path)
    finally:
        GlobalHydra.instance().clear()


def run(job: Callable[[DictConfig], None], name: str, given: argparse.Namespace) -> None:
    """Do what the command line asks of Hydra.

    Hydra's own entry composes a job first to learn whether a config says hydra.mode=MULTIRUN, and
    then to run it. Here the config that tells is the one that runs.

    Args:
        job: what takes the composed config.
        name: of the config, without a flag that names another.
        given: the command line of sys.argv, parsed.
    """
    if not any(getattr(given, each) for each in OTHERWISE):
        setbase(VERSION_BASE)
        name = given.config_name or name
        with opened(given.config_dir) as composer:
            config = composer.compose_config(name, given.overrides, RunMode.RUN, with_log_configuration=True)
            if config.hydra.mode != RunMode.MULTIRUN:
                config.hydra.mode = RunMode.RUN
                _run(job, name, config, composer)
                return
    hydra.main(version_base=VERSION_BASE, config_path=str(CONF), config_name=name)(job)()


def _run(job: Callable[[DictConfig], None], name: str, config: DictConfig, composer: Hydra) -> None:
    """As Hydra.run does with a config that it has composed itself."""
    callbacks = Callbacks(config)
    callbacks.on_run_start(config=config, config_name=name)
    context = HydraContext(config_loader=composer.config_loader, callbacks=callbacks)
    done = run_job(job, config, "hydra.run.dir", None, context)
    callbacks.on_run_end(config=config, config_name=name, job_return=done)
    _ = done.return_value  # raises what the job has raised
