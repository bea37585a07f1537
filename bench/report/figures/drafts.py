"""Drafts of several sizes for one target.

What a costlier draft gains in tokens, and what is left of it in speed.
"""

from collections.abc import Sequence
from statistics import median

from bench.report.collection import Run, grouped
from bench.report.figures.series import in_order
from bench.report.figures.style import (
    DASHES,
    WRONG_LEGEND,
    Drawing,
    Handle,
    Keywords,
    canvas,
    cross_out,
    entitle,
    gaps,
    legend,
    looks,
    whiskers,
)

FEWEST = 3


def of_several_drafts(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs of an experiment that tries several draft models on one target.

    Of each at least one tells its cost.
    """
    alike = grouped(runs, lambda run: (run.experiment, run.summary.model, run.setup[2:]))
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
    tasks = in_order(run.summary.task for run in runs)
    by_name = sorted(runs, key=lambda run: (run.summary.label, run.started))
    cases = grouped(by_name, lambda run: (run.summary.label, run.summary.history))
    drawn = looks([those[0].summary.method for those in cases.values()])
    figure, grid = canvas(len(tasks), 2, 3.6, 2.3)
    handles: dict[str, Handle] = {}
    for (speed, tokens), task in zip(grid, tasks, strict=True):
        for those, look in zip(cases.values(), drawn, strict=True):
            found = {run.draft: run for run in those if run.summary.task == task}
            there = [draft for draft in drafts if draft in found]
            positions = [drafts.index(draft) for draft in there]
            style: Keywords = {"color": look.colour, "marker": look.marker, "linestyle": look.dash}
            figures = [found[draft].summary.speedup.decode for draft in there]
            values = gaps(each.value for each in figures)
            drawn_bars = speed.errorbar(positions, values, yerr=whiskers(figures), elinewidth=0.7, **style)
            handles[those[0].summary.label] = drawn_bars
            per_forward = gaps(found[draft].summary.tokens_per_target_forward for draft in there)
            tokens.plot(positions, per_forward, **style)
            for position, draft, value, count in zip(positions, there, values, per_forward, strict=True):
                if found[draft].mismatch:
                    handles[WRONG_LEGEND] = cross_out(speed, position, value)
                    cross_out(tokens, position, count)
        speed.axhline(1.0, color="0.3", linestyle=DASHES[1], linewidth=0.9)
        prompts = next(run.summary.prompts for run in runs if run.summary.task == task)
        for axes, what in ((speed, "times greedy's decode speed"), (tokens, "tokens per target forward")):
            axes.set_xticks(range(len(drafts)), [f"{draft}\n{costs[draft]:.2f}" for draft in drafts])
            axes.set_title(f"{task}, {prompts} prompts")
            axes.set_ylabel(what)
            axes.grid()
    for axes in grid[-1]:
        axes.set_xlabel("draft model; time of its forward / greedy step")
    legend(figure, list(handles.values()), list(handles))
    title = runs[0].title_of(runs[0].summary.model)
    note = "bars on the left: 95% bootstrap intervals over prompts and repeats"
    entitle(figure, "Draft models of several sizes", title, note)
    return Drawing("draft_size", figure)
