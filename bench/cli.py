"""The command line: Hydra composes, every job ends in an exit status, a multirun goes on and ends with the worst.

0: well. 1: a mismatch of one of our methods (or a bug, with its traceback). 2: a user's error, in one line.
"""

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from itertools import product

import hydra
from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from transformers.utils import logging as transformers_logging

from bench.job import run_job
from bench.models import out_of_memory
from bench.registry import CONF
from bench.terminal import complain
from decoding.errors import UserError

MISMATCH, USER_ERROR, INTERRUPTED = 1, 2, 130
MULTIRUN = {"-m", "--multirun"}
LAUNCHER = "hydra/launcher="


def main(run: Callable[[DictConfig], int] | None = None, name: str = "config") -> int:
    """Run the job or the multirun of sys.argv, by `run` with conf/<name>.yaml; the exit status."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    # Without it Hydra prints its own errors and exits with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    given = sys.argv
    worst = 0
    try:
        for arguments in single_jobs(given[1:]):
            sys.argv = [given[0], *arguments]
            worst = max(worst, _composed(run or run_job, name))
    except KeyboardInterrupt:
        complain("interrupted; what is measured is kept, and the same command goes on")
        return INTERRUPTED
    except (HydraException, OmegaConfBaseException) as error:
        return _user_error(_composition_message(error), "debug=true" in given)
    finally:
        sys.argv = given
    return worst


def single_jobs(arguments: Sequence[str]) -> list[list[str]]:
    """The arguments of every job: themselves, or with -m one list for each combination of comma-separated values.

    Hydra's own sweep composes all jobs before the first one runs, so that one wrong combination would cost them all; it
    is taken only where a launcher spreads the jobs over processes or machines.

    Raises:
        HydraException: an override that cannot be read.
    """
    if not MULTIRUN.intersection(arguments) or any(each.startswith(LAUNCHER) for each in arguments):
        return [list(arguments)]
    flags = [each for each in arguments if each.startswith("-") and each not in MULTIRUN]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        parser = OverridesParser.create(config_loader=GlobalHydra.instance().config_loader())
        overrides = parser.parse_overrides([each for each in arguments if not each.startswith("-")])
        choices = [
            [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
            if override.is_sweep_override()
            else [override.input_line]
            for override in overrides
        ]
    return [[*flags, *combination] for combination in product(*choices)]


def _composed(run: Callable[[DictConfig], int], name: str) -> int:
    """Compose the job of sys.argv and run it; the exit status (of jobs under a launcher that of the first bad one)."""
    statuses: list[int] = []
    launched = any(each.startswith(LAUNCHER) for each in sys.argv)

    def job(config: DictConfig) -> None:
        status = guarded(config, run)
        if launched and status:
            raise BadStatus(status)
        statuses.append(status)

    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name=name)(job)()
    except BadStatus as error:
        return error.status
    except (HydraException, OmegaConfBaseException, OSError) as error:
        return _user_error(_composition_message(error), "debug=true" in sys.argv)
    return max(statuses, default=0)


class BadStatus(Exception):
    """A launched job's exit status, if it is not 0: what a job returns stays in its process, only this leaves it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def guarded(config: DictConfig, run: Callable[[DictConfig], int]) -> int:
    """One job's exit status; only an interrupt leaves it as an exception, so that a multirun goes on."""
    debug = bool(OmegaConf.select(config, "debug", default=False))
    try:
        return run(config)
    except UserError as error:
        return _user_error(str(error), debug)
    except OSError as error:
        # A full disk, a folder that may not be written: the machine's, not ours.
        return _user_error(str(error), debug)
    except Exception as error:
        return _user_error(OUT_OF_MEMORY, debug) if out_of_memory(error) else _bug()


OUT_OF_MEMORY = (
    "out of memory: set a smaller max_new_tokens, dtype=bfloat16, model.device_map=auto or a smaller model; what is "
    "measured is kept, and check=true shows what is needed"
)


def _user_error(message: str, debug: bool) -> int:
    if debug:
        traceback.print_exc()
    complain(message)
    return USER_ERROR


def _bug() -> int:
    traceback.print_exc()
    return MISMATCH


def _composition_message(error: Exception) -> str:
    """Hydra's message and its cause, without the advice to use `+key`, which the typed settings would refuse."""
    causes = [error, error.__cause__] if error.__cause__ else [error]
    lines = [line for cause in causes for line in str(cause).splitlines()]
    unwanted = ("To append to your config", "full_key:", "object_type=", "reference_type=", "See https://", "provider=")
    unwanted += ("Config search path",)
    kept = [line.strip() for line in lines if line.strip() and not line.strip().startswith(unwanted)]
    if isinstance(error, OverrideParseException):
        kept.insert(0, f"cannot read the override {error.override!r}:")
    return " ".join(dict.fromkeys(kept)) or type(error).__name__
