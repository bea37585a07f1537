"""Which runs stand for a method in figures over several tasks."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.plan.methods import METHODS
from bench.report.collection import Run, grouped
from bench.report.figures.style import MISMATCH

# So many settings under one label, all on as many tasks, are a sweep.
SWEEP = 3
PAPER = ("humaneval", "mbpp", "gsm8k", "cnndm", "wmt16")


@dataclass(frozen=True)
class Series:
    """A method, or a case with a label of its own, cold or warm.

    One run for each task it was measured on.
    """

    name: str
    method: str
    runs: dict[str, Run]

    @property
    def competes(self) -> bool:
        """As of its runs, which are of one method."""
        return next(iter(self.runs.values())).competes

    @property
    def legend(self) -> str:
        """The name, with the tasks on which its outputs are not the target's."""
        wrong = [task for task, run in self.runs.items() if run.mismatch]
        if not wrong:
            return self.name
        return f"{self.name} ({MISMATCH}{'' if len(wrong) == len(self.runs) else ': ' + ', '.join(in_order(wrong))})"


def all_series(runs: Sequence[Run]) -> list[Series]:
    """The series among runs of one setup, greedy and saved histories left out.

    Where a series has several runs on a task, that which says most stands for it, never the
    fastest: the setting that most tasks have, then the newest. Runs on fewer prompts, or with
    another wording, than most of a task are left out.
    """
    runs = [run for run in _same_prompts(runs) if run.summary.method != "greedy"]
    saved = [run for run in runs if run.summary.history == "file"]
    runs = [run for run in runs if run.summary.history != "file"]
    found = []
    for (label, history), alike in grouped(runs, lambda run: (run.summary.label, run.summary.history)).items():
        common = Counter(settings for settings, _ in {(_settings(run), run.summary.task) for run in alike})
        chosen = {}
        for task, those in grouped(alike, lambda run: run.summary.task).items():
            most = max(common[_settings(run)] for run in those)
            fitting = [run for run in those if common[_settings(run)] == most]
            # Of a sweep none stands for the method; it has a figure of its own.
            if len({_settings(run) for run in fitting}) < SWEEP:
                chosen[task] = max(fitting, key=lambda run: (run.started, str(run.folder)))
        if not chosen:
            continue
        name = label if history == "cold" or label.endswith(history) else f"{label} {history}"
        found.append(Series(name, next(iter(chosen.values())).summary.method, chosen))
    # One alone beside saved histories is what those are compared with, in a figure of their own.
    return [] if saved and len(found) == 1 else sorted(found, key=_order)


def _same_prompts(runs: Sequence[Run]) -> list[Run]:
    """Of every task the runs of the conditions under which most cases were measured."""

    def says(alike: Sequence[Run]) -> tuple[int, int]:
        return len({(run.summary.label, run.summary.history) for run in alike}), alike[0].summary.prompts

    kept = []
    for of_task in grouped(runs, lambda run: run.summary.task).values():
        most = max(grouped(of_task, lambda run: run.conditions).values(), key=says)
        kept += most
    return kept


def _settings(run: Run) -> str:
    return str(sorted(run.settings.items()))


def _order(series: Series) -> tuple[int, str, int, list[tuple[float, str]]]:
    method = series.method
    rank = list(METHODS).index(method) if method in METHODS else len(METHODS)
    # Numbers by their size: gamma=8 stands before gamma=12.
    words = re.findall(r"\d+(?:\.\d+)?|\D+", series.name)
    named = [(float(word), "") if word[0].isdigit() else (0.0, word) for word in words]
    return rank, method, min(run.panel_index for run in series.runs.values()), named


def tasks_of(series: Sequence[Series]) -> list[str]:
    """Every task that a series has."""
    return in_order({task for each in series for task in each.runs})


def in_order(tasks: Iterable[str]) -> list[str]:
    """The paper's five in its order, then the others."""
    found = set(tasks)
    return [task for task in PAPER if task in found] + sorted(found.difference(PAPER))


def title_of(series: Sequence[Series]) -> str:
    """The setup that all of them share."""
    return next(run for each in series for run in each.runs.values()).title


def with_prompts(series: Sequence[Series], task: str) -> str:
    """The task with how many prompts were measured."""
    run = next(each.runs[task] for each in series if task in each.runs)
    return f"{task}\n{run.summary.prompts} prompts" + (f" x {run.summary.repeats}" if run.summary.repeats > 1 else "")
