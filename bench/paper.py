"""`make paper`: the commands of conf/paper/<size>.yaml one after the other, with one progress bar over all of them.

Each is a command that a reader can type. What is complete is not measured again, so the same call goes on where it was
stopped. Each runs in a process of its own, because records hold the process' largest memory.
"""

import argparse
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from tqdm import tqdm

from bench.cli import INTERRUPTED, MISMATCH, USER_ERROR, single_jobs
from bench.registry import CONF
from bench.settings import read_plan
from bench.terminal import complain, say
from decoding.errors import UserError

ROOT = CONF.parent
# One generation of the bundled pair on 2 CPU cores, the mean over tasks and methods, start and scoring included.
SECONDS = 0.8
# Commands that measure, and the config they compose.
MEASURING = {"bench": "config", "bench.tune": "tune"}


@dataclass
class Step:
    """A command, and how many generations it measures where none is done yet."""

    command: str
    generations: int

    @property
    def arguments(self) -> list[str]:
        """Its words behind `python`."""
        return shlex.split(self.command)[1:]


def read_steps(size: str) -> list[Step]:
    """The commands of conf/paper/<size>.yaml, every preset and setting in them checked, and what makes their tables.

    Raises:
        UserError: tuned settings that are not there yet, or a setting that is wrong.
    """
    commands = OmegaConf.to_container(OmegaConf.load(CONF / "paper" / f"{size}.yaml"))
    return [Step(command, _generations(command)) for command in [*commands, *_reports(commands)]]


def _reports(commands: list[str]) -> list[str]:
    """Tables and figures of every RESULT/runs/PRESET that is the output of a command, and each RESULT's runs packed."""
    outputs = [word.removeprefix("output=") for each in commands for word in each.split() if word.startswith("output=")]
    runs = [Path(output) for output in dict.fromkeys(outputs) if Path(output).parent != Path("results/runs")]
    made = {"report": "tables", "figures": "figures"}
    reports = [
        f"python -m bench.{module} {run} --output {run.parent.parent / kind / run.name}"
        for run in runs
        for module, kind in made.items()
    ]
    wholes = dict.fromkeys(run.parent for run in runs)
    return reports + [f"python -m bench.archive pack {whole} {whole}.tar.xz" for whole in wholes]


def _generations(command: str) -> int:
    words = shlex.split(command)
    if words[:2] != ["python", "-m"] or words[2] not in MEASURING:
        return 0
    return sum(_of_job(MEASURING[words[2]], arguments) for arguments in single_jobs(words[3:]))


def _of_job(name: str, arguments: list[str]) -> int:
    try:
        with initialize_config_dir(str(CONF), version_base="1.3"):
            resolved = OmegaConf.to_container(compose(name, arguments))
    except HydraException as error:
        raise UserError(f"{' '.join(arguments)}: {error}") from error
    trials = resolved.pop("tune", {"trials": 1})["trials"]
    plan = read_plan(OmegaConf.create(resolved))
    return trials * (plan.settings.limit or 0) * plan.settings.repeats * (len(plan.methods) + 1)


def run(steps: list[Step], title: str) -> int:
    """Run them all, whatever fails; the worst exit status."""
    worst = 0
    failed = []
    with tqdm(total=sum(step.generations for step in steps), desc=title, unit="gen", file=sys.stderr) as bar:
        for number, step in enumerate(steps, 1):
            bar.write(f"\n[{number}/{len(steps)}] {step.command}", file=sys.stderr)
            status = subprocess.run([sys.executable, *step.arguments], cwd=ROOT).returncode
            if status == INTERRUPTED:
                raise KeyboardInterrupt
            if status:
                failed.append(step.command)
                # Below zero: killed by a signal.
                worst = max(worst, status if status > 0 else MISMATCH)
            bar.update(step.generations)
    for command in failed:
        complain(f"failed: {command}")
    return worst


def main(arguments: list[str] | None = None) -> int:
    """The exit status."""
    sizes = sorted(file.stem for file in Path(CONF / "paper").glob("*.yaml"))
    parser = argparse.ArgumentParser(prog="python -m bench.paper", description=__doc__.splitlines()[0])
    parser.add_argument("size", choices=sizes, help="which list of conf/paper")
    size = parser.parse_args(arguments).size
    try:
        steps = read_steps(size)
    except UserError as error:
        complain(str(error))
        return USER_ERROR
    total = sum(step.generations for step in steps)
    minutes = total * SECONDS / 60
    say(f"{len(steps)} commands, {total} generations: {minutes:.0f} minutes on 2 CPU cores if none is done")
    try:
        return run(steps, f"paper {size}")
    except KeyboardInterrupt:
        complain("interrupted; what is measured is kept, and the same command goes on")
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
