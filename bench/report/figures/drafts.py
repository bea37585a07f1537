"""Drafts of several sizes for one target.

What a costlier draft gains in tokens, and what is left of it in speed.
"""

from collections.abc import Sequence
from statistics import median

from bench.report.collection import Run, grouped
from bench.report.figures.lines import Axis, speed_and_tokens
from bench.report.figures.style import Drawing, entitle

FEWEST = 3


def of_several_drafts(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs of an experiment that tries several draft models on one target.

    Of each at least one tells its cost.
    """
    alike = grouped(runs, lambda run: (run.experiment, run.setup._replace(weights="")))
    drafts = {key: {run.draft for run in those if run.summary.draft_cost is not None} for key, those in alike.items()}
    return [[run for run in alike[key] if run.draft in found] for key, found in drafts.items() if len(found) >= FEWEST]


def draft_size(runs: Sequence[Run]) -> Drawing:
    """A row for each task, a line for each case.

    Speed, and tokens per target forward, over drafts by their cost.
    """
    of_draft = grouped(runs, lambda run: run.draft)
    # Where drafts were not worth it, automatic lengths took none.
    told = {draft: [run.summary.draft_cost for run in those] for draft, those in of_draft.items()}
    costs = {draft: median(filter(None, those)) for draft, those in told.items()}
    drafts = sorted(costs, key=costs.__getitem__)
    ticks = {draft: (place, f"{draft}\n{costs[draft]:.2f}") for place, draft in enumerate(drafts)}
    axis = Axis(lambda run: run.draft, ticks, "draft model; time of its forward / greedy step")
    by_name = sorted(runs, key=lambda run: (run.summary.label, run.started))
    cases = grouped(by_name, lambda run: (run.summary.label, run.summary.history))
    figure = speed_and_tokens(runs, cases, axis, "greedy's decode speed", 2.3)
    title = runs[0].title_of(runs[0].summary.model)
    note = "bars on the left: 95% bootstrap intervals over prompts and repeats"
    entitle(figure, "Draft models of several sizes", title, note)
    return Drawing("draft_size", figure)
