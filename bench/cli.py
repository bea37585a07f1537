"""The command line: Hydra composes, every job ends in an exit status, a multirun goes on and ends with the worst.

0: well. 1: a mismatch of one of our methods (or a bug, with its traceback). 2: a user's error, in one line.
"""

import os
import sys
import traceback

import hydra
import torch
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from transformers.utils import logging as transformers_logging

from bench.job import run_job
from bench.registry import CONF
from bench.terminal import complain
from decoding.errors import UserError

MISMATCH, USER_ERROR, INTERRUPTED = 1, 2, 130


def main() -> int:
    """Run the job or the multirun of sys.argv; the exit status."""
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    # Without it Hydra prints its own errors and exits with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    statuses: list[int] = []

    def job(config: DictConfig) -> None:
        statuses.append(guarded(config))

    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")(job)()
    except (HydraException, OmegaConfBaseException, OSError) as error:
        statuses.append(_user_error(_composition_message(error), "debug=true" in sys.argv))
    except KeyboardInterrupt:
        complain("interrupted; what is measured is kept, and the same command goes on")
        return INTERRUPTED
    return max(statuses, default=0)


def guarded(config: DictConfig) -> int:
    """One job's exit status; only an interrupt leaves it as an exception, so that a multirun goes on."""
    debug = bool(OmegaConf.select(config, "debug", default=False))
    try:
        return run_job(config)
    except UserError as error:
        return _user_error(str(error), debug)
    except (MemoryError, torch.OutOfMemoryError):
        return _user_error(OUT_OF_MEMORY, debug)
    except RuntimeError as error:
        if "allocate memory" not in str(error) and "out of memory" not in str(error):
            return _bug()
        return _user_error(OUT_OF_MEMORY, debug)
    except OSError as error:
        # A full disk, a folder that may not be written: the machine's, not ours.
        return _user_error(str(error), debug)
    except Exception:
        return _bug()


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
