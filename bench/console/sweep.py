"""Which jobs a command line asks for.

One, or with -m one for each combination of comma-separated values.
"""

import argparse
from collections.abc import Sequence
from itertools import product
from typing import Any, NoReturn, cast

from hydra._internal.utils import get_args_parser
from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.console.composing import opened
from decoding.errors import UserError

SWITCHES = ("help", "hydra_help", "shell_completion", "resolve", "run")
VALUED = ("cfg", "info", "package", "config_path", "config_name", "config_dir", "experimental_rerun")
# What asks for Hydra's own sweep, which composes all jobs before the first one runs.
LAUNCHER = "hydra/launcher"
OWN_SWEEP = (LAUNCHER, "hydra/sweeper", "hydra.launcher.", "hydra.sweep.", "hydra.sweeper.")
PARAMS = "hydra.sweeper.params"
BASIC = {"launcher": "basic_launcher.BasicLauncher", "sweeper": "basic_sweeper.BasicSweeper"}


def single_jobs(arguments: Sequence[str], name: str = "config") -> list[list[str]]:
    """The arguments of every job, flags first.

    Hydra's own sweep composes all jobs before the first one runs, so that one wrong combination
    would cost them all; it is taken only where a launcher or a setting of the sweep itself is
    given.

    Args:
        arguments: those of the command line.
        name: of the config that they are composed with.

    Raises:
        UserError: flags that do not go together, or a sweep over nothing.
        HydraException: an override that cannot be read.
    """
    given = read_flags(arguments)
    flags = [f"--{each.replace('_', '-')}" for each in SWITCHES if getattr(given, each)]
    flags += [f"--{each.replace('_', '-')}={value}" for each in VALUED if (value := getattr(given, each)) is not None]
    sweeping = given.multirun or "hydra.mode=MULTIRUN" in given.overrides
    if not sweeping or given.help or given.hydra_help:
        return [[*flags, *given.overrides]]
    with opened(given.config_dir) as composer:
        loader = composer.config_loader
        if any(each.lstrip("+~").startswith(PARAMS) for each in given.overrides):
            raise UserError(f"{PARAMS} stands in config files: here give the sweep itself, -m KEY=VALUE,VALUE")
        parser = OverridesParser.create(config_loader=loader)
        overrides = parser.parse_overrides(given.overrides)
        settings, basic = _sweep_settings(loader, given.config_name or name, given.overrides)
        overrides = [*parser.parse_overrides([f"{key}={value}" for key, value in settings.items()]), *overrides]
        own = not basic or given.config_path is not None
        own = own or any(each.lstrip("+~").startswith(OWN_SWEEP) for each in given.overrides)
        # As in Hydra's own sweep, what is said last of a key holds: the command line over a preset.
        choices = {each.get_key_element(): _choices(each) for each in overrides if not (own and _continuous(each))}
    if own:
        return [["-m", *flags, *given.overrides]]
    choices.pop("hydra.mode", None)
    return [[*flags, *combination] for combination in product(*choices.values())]


def read_flags(arguments: Sequence[str]) -> argparse.Namespace:
    """Hydra's flags and the overrides, wherever they stand.

    Raises:
        UserError: something that Hydra would refuse, or ignore.
    """
    parser = get_args_parser()
    # Its own method would end the process.
    vars(parser)["error"] = _refuse
    given = parser.parse_intermixed_args(list(arguments))
    if given.help or given.hydra_help:
        return given
    wanted = {
        "-m": given.multirun, "--run": given.run, "--cfg": given.cfg, "--info": given.info,
        "--shell-completion": given.shell_completion,
    }  # fmt: skip
    commands = [flag for flag, value in wanted.items() if value]
    if len(commands) > 1:
        more = ", with one value for each setting" if "-m" in commands else ""
        raise UserError(f"{' and '.join(commands)} do not go together: give one of them{more}")
    if given.resolve and not given.cfg:
        raise UserError("--resolve says how a config is shown: give --cfg job or --help with it")
    if given.package and not given.cfg:
        raise UserError("--package says which part of a config is shown: give --cfg job with it")
    return given


def _refuse(message: str) -> NoReturn:
    raise UserError(f"{message}; see --help, and --hydra-help for Hydra's own flags")


def _sweep_settings(loader: ConfigLoader, name: str, overrides: list[str]) -> tuple[dict[str, str], bool]:
    """(hydra.sweeper.params, whether launcher and sweeper are Hydra's plain ones).

    Of a config that cannot be composed nothing is known: each job will say why.
    """
    try:
        config = loader.load_configuration(name, overrides, RunMode.MULTIRUN, validate_sweep_overrides=False).hydra
    except (HydraException, OmegaConfBaseException):
        return {}, True
    sweeper = cast(dict[str, Any], OmegaConf.to_container(config.sweeper, resolve=False))
    settings = sweeper.get("params") or {}
    return settings, all(str(config[part].get("_target_")).endswith(kind) for part, kind in BASIC.items())


def _continuous(override: Override) -> bool:
    """An interval, which only some sweepers can take values from."""
    return override.is_sweep_override() and not override.is_discrete_sweep()


def _choices(override: Override) -> list[str]:
    """The overrides that one over several values stands for."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    found = [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
    if not found:
        raise UserError(f"{override.input_line} stands for no value at all, so nothing would run")
    return found
