"""`make paper`: the commands of generated/paper/MODEL/SIZE.yaml, with one progress bar for all.

Each is a command that a reader can type. Their jobs run in processes of their own, for records hold
the process' largest memory; a small pair's two side by side, each on a core. A command that
measures nothing waits for all before it, and is waited for. What is complete is not measured again,
so the same call goes on where it was stopped.
"""

if __name__ == "__main__":
    # First of all: nothing below is to be imported before an interrupt is caught, or for --help.
    from bench.console.entry import enter

    enter("bench.paper:main")

import argparse
import ctypes
import itertools
import shlex
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from tqdm import tqdm

from bench import CONF, GENERATED, INSTALLED, ROOT
from bench.cli import MISMATCH, USER_ERROR
from bench.console.entry import INTERRUPTED
from bench.console.sweep import single_jobs
from bench.console.terminal import complain, say
from bench.plan.settings import read_plan
from decoding.errors import UserError

LISTS = GENERATED / "paper"
# Commands that measure, and the config they compose.
MEASURING = {"bench": "config", "bench.tune": "tune"}


@dataclass(frozen=True)
class Programme:
    """A file of generated/paper.

    Attributes:
        seconds: of one generation, the mean over methods and tasks, with its part of start and
            warm-up.
        side_by_side: jobs that run at once.
        commands: in order.
    """

    seconds: float
    side_by_side: int
    commands: list[str]


@dataclass
class Step:
    """A command, or one job of a multirun.

    Attributes:
        generations: how many it measures if none is done yet.
    """

    command: str
    generations: int

    @property
    def arguments(self) -> list[str]:
        """Its words after `python`."""
        return shlex.split(self.command)[1:]


def read_programme(model: str, size: str) -> Programme:
    """The list for a model, by its name in conf/model.

    Raises:
        UserError: there is none.
    """
    file = LISTS / model / f"{size}.yaml"
    if not file.is_file():
        found = ", ".join(sorted(f"{each.stem} of {each.parent.name}" for each in LISTS.glob("*/*.yaml")))
        raise UserError(f"there is no list {size} of {model}: choose one of {found}")
    return Programme(**cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(file))))


def read_steps(commands: list[str]) -> list[Step]:
    """Their jobs, and what makes their tables.

    Every preset and setting in them is checked.

    Raises:
        UserError: tuned settings that are not there yet, or a setting that is wrong.
    """
    return [step for command in [*commands, *_reports(commands)] for step in _jobs(command)]


def _reports(commands: list[str]) -> list[str]:
    """What follows from RESULT/runs/PRESET, the outputs of commands.

    RESULT's tables and figures, and its runs packed.
    """
    outputs = [word.removeprefix("output=") for each in commands for word in each.split() if word.startswith("output=")]
    runs = [Path(output) for output in dict.fromkeys(outputs) if Path(output).parent != Path("results/runs")]
    wholes = dict.fromkeys(run.parent for run in runs)
    made = [f"python -m bench.study {whole.parent}" for whole in wholes]
    return made + [f"python -m bench.archive pack {whole} {whole}.tar.xz" for whole in wholes]


def _jobs(command: str) -> list[Step]:
    words = shlex.split(command)
    module = words[2] if words[:2] == ["python", "-m"] else None
    if module not in MEASURING:
        return [Step(command, 0)]
    jobs = single_jobs(words[3:], MEASURING[module])
    return [Step(shlex.join([*words[:3], *job]), _generations(MEASURING[module], job)) for job in jobs]


def _generations(name: str, arguments: list[str]) -> int:
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            composed = compose(name, arguments, return_hydra_config=True)
            resolved = cast(dict[str, Any], OmegaConf.to_container(composed))
    except HydraException as error:
        raise UserError(f"{' '.join(arguments)}: {error}") from error
    tune = resolved.pop("tune", {"trials": 1, "finalists": 0})
    trials: int = tune["trials"] + tune["finalists"]
    plan = read_plan(OmegaConf.create(resolved))
    return trials * (plan.settings.limit or 0) * plan.settings.repeats * (len(plan.methods) + 1)


def minutes(steps: list[Step], programme: Programme) -> float:
    """How long all of them take, about."""
    return sum(step.generations for step in steps) * programme.seconds / programme.side_by_side / 60


def run(steps: list[Step], title: str, side_by_side: int) -> int:
    """Run them all, whatever fails; the worst exit status."""
    from bench.measure.cores import affinity

    worst = 0
    failed = []
    # What needs a core of its own finds one, if this process may use fewer.
    bar = tqdm(total=sum(step.generations for step in steps), desc=title, unit="gen", file=sys.stderr)
    with bar, ThreadPoolExecutor(min(side_by_side, len(affinity()))) as jobs:
        try:
            for _, group in itertools.groupby(steps, lambda step: step.generations > 0):
                waiting = {jobs.submit(_run, step): step for step in group}
                for done in as_completed(waiting):
                    step, ended = waiting[done], done.result()
                    if ended.returncode == INTERRUPTED:
                        raise KeyboardInterrupt
                    # Whole, because the lines of two jobs would mix; of a job that went well
                    # without its warnings.
                    bar.write(f"\n$ {step.command}\n{ended.stdout}", file=sys.stdout)
                    if ended.returncode:
                        bar.write(ended.stderr, file=sys.stderr)
                        failed.append(step.command)
                        # Below zero: killed by a signal.
                        worst = max(worst, ended.returncode if ended.returncode > 0 else MISMATCH)
                    bar.update(step.generations)
        except KeyboardInterrupt:
            jobs.shutdown(wait=False, cancel_futures=True)
            raise
    for command in failed:
        complain(f"failed: {command}")
    return worst


def _run(step: Step) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *step.arguments], cwd=ROOT, capture_output=True, text=True, errors="replace",
        preexec_fn=_end_with_the_driver if sys.platform == "linux" else None,
    )  # fmt: skip


def _end_with_the_driver() -> None:
    """A job whose driver was killed would hold its core and its folders against the next call."""
    set_death_signal = 1
    ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.paper", description=__doc__.splitlines()[0])
    parser.add_argument("size", help="which list of generated/paper/MODEL")
    parser.add_argument("--model", default="tiny", help="whose lists (tiny)")
    given = parser.parse_args(arguments)
    if INSTALLED:
        complain("the paper's list runs in a checkout of the project: an installed harness has no scripts/")
        return USER_ERROR
    try:
        programme = read_programme(given.model, given.size)
        steps = read_steps(programme.commands)
    except UserError as error:
        complain(str(error))
        return USER_ERROR
    total = sum(step.generations for step in steps)
    takes = f"{minutes(steps, programme):.0f} minutes on 2 CPU cores"
    say(f"{len(steps)} jobs, {total} generations: {takes} if none is done")
    try:
        return run(steps, f"paper {given.size}", programme.side_by_side)
    except KeyboardInterrupt:
        complain("interrupted; what is measured is kept, and the same command goes on")
        return INTERRUPTED
