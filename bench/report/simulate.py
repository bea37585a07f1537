"""python -m bench.simulate FOLDER...: from one run of speculative decoding, which gamma?

Of each pair, task and setup the run with the longest drafts is replayed with all shorter ones;
runs that were measured with these stand beside.
"""

from collections.abc import Sequence
from dataclasses import replace

from bench.console.terminal import say
from bench.report.collection import Run, collected, grouped
from bench.report.markdown import number
from bench.report.metrics.replay import Replayed, replay
from bench.report.terminal import show_lines
from decoding.errors import UserError

METHOD = "speculative"


def simulate(folders: Sequence[str]) -> int:
    """Show a table for each setup below some folders; the exit status.

    Raises:
        UserError: there is no finished run that can be replayed, or its records cannot be read.
    """
    chains = [run for run in collected(folders) if _is_chain(run)]
    if not chains:
        raise UserError(
            f"no run in {', '.join(map(str, folders))} can be replayed: it takes one of method={METHOD} with "
            "method.confidence=0 at temperature 0, best with a large gamma"
        )
    for group in grouped(chains, _setup).values():
        longest = max(group, key=_gamma)
        found = replay(longest.records(), _gamma(longest))
        summary = longest.summary
        say(f"{summary.task} ({summary.prompts} prompts), {longest.title}: replayed from {longest.folder}")
        show_lines(table(found, {_gamma(run): run for run in group}))
        say("")
    return 0


def table(found: Sequence[Replayed], measured: dict[int, Run]) -> list[list[str]]:
    """A line a gamma, headings first.

    Args:
        found: replayed.
        measured: runs of the same setup by their gamma.
    """
    lines = [["gamma", "tokens/forward", "at least", "at most", "measured", "speedup", "measured"]]
    for each in found:
        run = measured.get(each.gamma)
        forwards = run.summary.tokens_per_target_forward if run else None
        speed = run.summary.speedup.decode.value if run else None
        own = [each.tokens_per_target_forward, each.low, each.high, forwards, each.speedup, speed]
        lines.append([str(each.gamma), *map(number, own)])
    return lines


def _is_chain(run: Run) -> bool:
    """Whether a run's drafts are plain chains of the draft model's own choices."""
    summary = run.summary
    plain = not summary.temperature and run.identity is not None and _gamma(run) > 0
    return summary.method == METHOD and plain and not run.settings.get("confidence")


def _gamma(run: Run) -> int:
    return int(run.settings.get("gamma") or 0)


def _setup(run: Run) -> object:
    """What runs that differ in gamma alone have in common."""
    assert run.identity is not None  # _is_chain has seen to it
    return replace(run.identity, method={}).digits, run.machine, run.summary.prompts
