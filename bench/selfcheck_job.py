"""python -m bench.selfcheck [FOLDER ...]: can the figures and the verdicts be believed?

Of A/A cases, greedy decoding over greedy decoding, in some folders or in a short run of its own: do
intervals hold 1.0, and is a method that is 3% slower told from it? And are planted faults caught?
One line a check; the exit status is 1 if one fails.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tqdm import tqdm

from bench.console.terminal import complain, say
from bench.measure.planted import PLANTED, planted
from bench.plan.methods import REFERENCE_METHOD
from bench.report.case_records import CaseRecords, flat
from bench.report.collection import collect
from bench.report.markdown import estimate
from bench.report.metrics.noise import (
    FEWEST_PAIRS,
    PANELS,
    enough,
    fewest_holding,
    fewest_telling,
    holding,
    noise_of,
    telling,
)
from decoding.errors import UserError

# A method's seconds times this is what should be told from 1.0.
SLOWER = 1.03
# Its own run: a minute on one core.
OWN_RUN = ("method=greedy", "task=gsm8k", "limit=20", "repeats=3", "max_new_tokens=64", "settings=paper")
OK, FAILED, USER_ERROR = 0, 1, 2
SEED = 0


@dataclass(frozen=True)
class Check:
    """One line: whether it holds, and what was seen."""

    holds: bool
    said: str


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status: 0, 1 for a check that fails, 2 for something the user can put right."""
    parser = argparse.ArgumentParser(prog="python -m bench.selfcheck", description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", metavar="FOLDER", help="with finished runs; none: a short run of its own")
    given = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as own:
            cases = same_cases(given.folders or [_own_run(Path(own))])
        return _said([*noise_checks(cases), *fault_checks()])
    except UserError as error:
        complain(str(error))
        return USER_ERROR


def _own_run(folder: Path) -> Path:
    """Greedy decoding beside greedy decoding on the bundled pair, in a process of its own.

    Raises:
        UserError: it failed.
    """
    command = [sys.executable, "-m", "bench", *OWN_RUN, f"output={folder}"]
    # Its progress bar is on stderr, and nothing but the checks belongs on stdout.
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if ended.returncode:
        sys.stderr.write(ended.stdout)
        raise UserError(f"the run of its own failed: python -m bench {' '.join(OWN_RUN)}")
    return folder


def same_cases(folders: Sequence[str | Path]) -> dict[str, CaseRecords]:
    """The A/A cases with enough pairs below some folders, by what they are called.

    Raises:
        UserError: there is none, or a folder holds no finished run.
    """
    runs = [run for run in collect(folders)[0] if run.summary.method == REFERENCE_METHOD]
    found = {f"{run.summary.task}, {run.summary.model}, {run.folder.name}": run.records() for run in runs}
    enough_pairs = {name: each for name, each in found.items() if len(flat(each.method)) >= FEWEST_PAIRS}
    if not enough_pairs:
        raise UserError(
            f"no A/A case with {FEWEST_PAIRS} pairs of generations or more in {', '.join(map(str, folders))}: measure "
            "one, such as python -m bench method=greedy limit=20 repeats=3"
        )
    return enough_pairs


def noise_checks(cases: Mapping[str, CaseRecords]) -> list[Callable[[], Check]]:
    """What A/A cases tell of the machine and of the intervals.

    Args:
        cases: their records by name.
    """
    each = [partial(check, name, same) for name, same in cases.items() for check in (_intervals_hold, _slower_is_told)]
    return [partial(_cases_hold, cases), *each]


def _cases_hold(cases: Mapping[str, CaseRecords]) -> Check:
    """The cases as they were measured: a bias that no interval covers shows here.

    One case alone never fails: even without a bias it misses 1.0 once in twenty.
    """
    found = [noise_of(same, SEED) for same in cases.values()]
    held, least = sum(not each.too_noisy for each in found), fewest_holding(len(found))
    said = f"A/A as measured: {held} of {len(found)} intervals hold 1.0, {least} or more must"
    return Check(held >= least, said + (f": {estimate(found[0].decode, 3)}" if len(found) == 1 else ""))


def _intervals_hold(name: str, same: CaseRecords) -> Check:
    """The procedure with this machine's noise: a 95% interval holds the truth in 95 of 100."""
    held, least = holding(same, SEED), fewest_holding()
    said = f"A/A resampled ({name}): {held} of {PANELS} intervals hold 1.0, {least} or more must"
    return Check(held >= least, said)


def _slower_is_told(name: str, same: CaseRecords) -> Check:
    """A small slowdown is told where the panel is large enough for this machine's noise."""
    slower, size = f"{100 * (SLOWER - 1):.0f}% slower", enough(same, SLOWER)
    prompts, repeats = len(same.method), len(same.method[0])
    told, least = telling(same, SLOWER, SEED), fewest_telling()
    said = f"{slower} ({name}): told from 1.0 in {told} of {PANELS}"
    if size is not None and size.prompts <= prompts:
        return Check(told >= least, f"{said}, {least} or more must")
    said += f": {prompts} prompts x {repeats} are too few here"
    if size is None:
        return Check(True, said)
    more = [f"{size.prompts} prompts x {repeats}"]
    more += [f"{prompts} prompts x {size.repeats}"] if size.repeats else []
    return Check(True, f"{said}, it takes about {' or '.join(more)}")


def fault_checks() -> list[Callable[[], Check]]:
    """Each planted fault, decoded and judged when its turn comes."""
    outcomes = planted()

    def check() -> Check:
        found = next(outcomes)
        return Check(found.caught, f"planted: {found.name}: {found.said}")

    return [check] * PLANTED


def _said(checks: Sequence[Callable[[], Check]]) -> int:
    """A line for each check; the exit status."""
    failed = 0
    with tqdm(checks, desc="selfcheck", unit="check", file=sys.stderr, leave=False) as bar:
        for check in bar:
            done = check()
            failed += not done.holds
            bar.write(f"{'ok     ' if done.holds else 'FAILED '} {done.said}", file=sys.stdout)
    say(f"{len(checks) - failed} of {len(checks)} checks hold")
    return FAILED if failed else OK
