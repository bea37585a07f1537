"""The command line.

Hydra composes, every job ends in an exit status, a multirun goes on and ends with the worst.

0: well. 1: a mismatch of one of our methods (or a bug, with its traceback). 2: a user's error, in
one line.
"""

import os
import platform
import sys
import traceback
from collections.abc import Callable

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from bench.console import composing
from bench.console.completion import script, shorten_line, tuned_names
from bench.console.entry import INTERRUPTED, find
from bench.console.hydra_errors import in_words
from bench.console.overrides import require_sound
from bench.console.sweep import read_flags, single_jobs
from bench.console.terminal import complain, say
from decoding.errors import UserError

MISMATCH, USER_ERROR = 1, 2
# A job, or where to find it ("module:name"): its imports take seconds, which no help and no typing
# error waits for.
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
        return _user_error(in_words(error, _renamed), "debug=true" in given)
    finally:
        sys.argv = given
    return worst


def _composed(run: Job, name: str) -> int:
    """Compose the job of sys.argv and run it; the exit status.

    Of jobs in other processes the first bad one.
    """
    completion = script(sys.argv)
    if completion is not None:
        say(completion)
        return 0
    shorten_line()
    for name in tuned_names(sys.argv):
        say(name)
    statuses: list[int] = []
    here = _process()

    def job(config: DictConfig) -> None:
        status = guarded(config, run)
        if status and _process() != here:
            raise BadStatus(status)
        statuses.append(status)

    try:
        given = read_flags(sys.argv[1:])
        require_sound(given.overrides)
        composing.run(job, name, given)
    except BadStatus as error:
        return error.status
    except SystemExit as ended:
        # Hydra has said why.
        return USER_ERROR if ended.code else 0
    except (HydraException, OmegaConfBaseException, UserError, OSError, ValueError) as error:
        return _user_error(in_words(error, _renamed), "debug=true" in sys.argv)
    return max(statuses, default=0)


def _process() -> tuple[str, int]:
    """Tells this process from those of a launcher, on this machine or another."""
    return platform.node(), os.getpid()


class BadStatus(Exception):
    """A launched job's exit status, if it is not 0.

    What a job returns stays in its process; only an exception leaves it.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def guarded(config: DictConfig, run: Job) -> int:
    """One job's exit status.

    Only an interrupt leaves it as an exception, so that a multirun goes on.
    """
    debug = bool(OmegaConf.select(config, "debug", default=False))
    try:
        job = find(run) if isinstance(run, str) else run
        _quiet()
        return job(config)
    except UserError as error:
        return _user_error(str(error), debug)
    except OSError as error:
        # A full disk, a folder that may not be written: the machine's, not ours. A full disk names
        # no file.
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


def _renamed(setting: str) -> list[str]:
    """The new name of a method's setting that had another one once; [] for any other."""
    from bench.plan.methods import METHODS

    group, _, name = setting.partition(".")
    return [
        f"method.{name} is now method.{method.renamed[name]} of {method.name}"
        for method in METHODS.values()
        if group == "method" and name in method.renamed
    ]
