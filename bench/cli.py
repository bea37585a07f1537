"""The command line: Hydra composes, every job ends in an exit status, a multirun goes on and ends with the worst.

0: well. 1: a mismatch of one of our methods (or a bug, with its traceback). 2: a user's error, in one line.
"""

import os
import platform
import re
import sys
import traceback
from collections.abc import Callable

import hydra
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench import CONF
from bench.console.completion import script, shorten_line
from bench.console.entry import INTERRUPTED, find
from bench.console.quoting import advice
from bench.console.sweep import single_jobs
from bench.console.terminal import complain, say
from decoding.errors import UserError

MISMATCH, USER_ERROR = 1, 2
# A job, or where to find it ("module:name"): its imports take seconds, which no help and no typing error waits for.
Job = Callable[[DictConfig], int] | str


def main(run: Job = "bench.job:run_job", name: str = "config") -> int:
    """Run the job or the multirun of sys.argv, by `run` with conf/<name>.yaml; the exit status."""
    # Without it Hydra prints its own errors and exits with 1.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    given = sys.argv
    worst = 0
    try:
        for arguments in single_jobs(given[1:], name):
            sys.argv = [given[0], *arguments]
            worst = max(worst, _composed(run, name))
    except KeyboardInterrupt:
        complain("interrupted; what is measured is kept, and the same command goes on")
        return INTERRUPTED
    except (HydraException, OmegaConfBaseException, UserError) as error:
        return _user_error(_composition_message(error), "debug=true" in given)
    finally:
        sys.argv = given
    return worst


def _composed(run: Job, name: str) -> int:
    """Compose the job of sys.argv and run it; the exit status (of jobs in other processes the first bad one)."""
    completion = script(sys.argv)
    if completion is not None:
        say(completion)
        return 0
    shorten_line()
    statuses: list[int] = []
    here = _process()

    def job(config: DictConfig) -> None:
        status = guarded(config, run)
        if status and _process() != here:
            raise BadStatus(status)
        statuses.append(status)

    try:
        hydra.main(version_base="1.3", config_path=str(CONF), config_name=name)(job)()
    except BadStatus as error:
        return error.status
    except SystemExit as ended:
        # Hydra has said why.
        return USER_ERROR if ended.code else 0
    except (HydraException, OmegaConfBaseException, OSError, ValueError) as error:
        return _user_error(_composition_message(error), "debug=true" in sys.argv)
    return max(statuses, default=0)


def _process() -> tuple[str, int]:
    """Tells this process from those of a launcher, on this machine or another."""
    return platform.node(), os.getpid()


class BadStatus(Exception):
    """A launched job's exit status, if it is not 0: what a job returns stays in its process, only this leaves it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def guarded(config: DictConfig, run: Job) -> int:
    """One job's exit status; only an interrupt leaves it as an exception, so that a multirun goes on."""
    debug = bool(OmegaConf.select(config, "debug", default=False))
    try:
        job = find(run) if isinstance(run, str) else run
        _quiet()
        return job(config)
    except UserError as error:
        return _user_error(str(error), debug)
    except OSError as error:
        # A full disk, a folder that may not be written: the machine's, not ours. A full disk names no file.
        where = "" if error.filename else f" (output={OmegaConf.select(config, 'output')})"
        return _user_error(f"{error}{where}", debug)
    except Exception as error:
        from bench.models.loading import out_of_memory

        return _user_error(OUT_OF_MEMORY, debug) if out_of_memory(error) else _bug()


def _quiet() -> None:
    """Let transformers say nothing of its own."""
    from transformers.utils import logging

    # Neither has types.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


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
    unwanted = (
        "To append to your config", "full_key:", "object_type=", "reference_type=", "See https://", "provider=",
        "Config search path",
    )  # fmt: skip
    kept = [line.strip() for line in lines if line.strip() and not line.strip().startswith(unwanted)]
    if isinstance(error, OverrideParseException):
        # What the grammar says; the error itself draws an arrow below the override.
        reason = str(error.__context__ or error).splitlines()[0]
        kept = [f"cannot read the override {error.override!r}:", "; ".join([reason, *advice(error.override)])]
    elif several := re.match(r"Ambiguous value for argument '(.*)'$", lines[0] if lines else ""):
        kept = [f"{several[1]} holds several values: give -m to run one after the other, brackets for a list;"]
        kept += advice(several[1])
    elif moved := MISSING_SETTING.search(str(error.__cause__ or error)):
        kept = _renamed(moved["setting"]) or kept
    return " ".join(dict.fromkeys(kept)) or type(error).__name__


# What Hydra says of a method's setting that there is none of.
MISSING_SETTING = re.compile(r"full_key: method\.(?P<setting>\w+)$", re.MULTILINE)


def _renamed(setting: str) -> list[str]:
    """The new name of a method's setting that had another one once; [] for any other."""
    from bench.plan.methods import METHODS

    return [
        f"method.{setting} is now method.{method.renamed[setting]} of {method.name}"
        for method in METHODS.values()
        if setting in method.renamed
    ]
