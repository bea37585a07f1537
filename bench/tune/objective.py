"""What a search for settings compares.

Decode speed over greedy's on validation prompts, every output judged.
"""

from collections.abc import Iterator, Sequence
from itertools import count, groupby
from typing import Any

from bench.console.terminal import warn
from bench.measure.entrants import make_entrant
from bench.measure.record import Record
from bench.measure.runner import Entrant, Race
from bench.measure.verdicts import MISMATCH, verdict
from bench.plan.methods import METHODS
from bench.plan.settings import MethodPlan
from bench.report.case_records import CaseRecords
from bench.report.metrics.rates import mean_speed, pooled_speed
from decoding.errors import UserError
from tasks.base import Example

# The generations of one setting by repeat; each a pass over all prompts from nothing learned.
Passes = list[CaseRecords]


class Objective:
    """Measures settings of one method beside greedy decoding, prompt by prompt, in shuffled order.

    Args:
        race: the measuring loop of the harness; its first reference is greedy.
        history: "cold" or "warm".
        warmup: prompts that every decoder decodes first, unmeasured.
    """

    def __init__(self, race: Race, history: str, warmup: Sequence[Example]) -> None:
        self.race = race
        self.history = history
        self.warmup = warmup
        self._numbers = count()
        self.race.warm_up([], warmup)

    def __call__(self, configs: Sequence[Any], examples: Sequence[Example], repeats: int) -> list[Passes | None]:
        """What every config measured; None, with a warning, for a rival's that cannot run.

        Raises:
            UserError: an output that is not the target's: a speed is worth nothing then. Or a
                method of ours cannot run.
        """
        race, greedy = self.race, self.race.references[0].label
        # Each label once for all calls: what failed is left out by its label.
        labelled = {f"{config.name} {next(self._numbers)}": config for config in configs}
        entrants = []
        for label, config in labelled.items():
            with race.leaving_out(label, METHODS[config.name].ours):
                entrants.append(make_entrant(label, MethodPlan(config, self.history), race.loaded, None))
        race.warm_up(entrants, self.warmup)
        records: dict[tuple[str, str, int], Record] = {}
        for own in self._beside_greedy(race.standing(entrants), examples, repeats):
            records |= {(label, record.prompt, record.repeat): record for label, record in own.items()}
            prompt = own[greedy].prompt
            for label, config in labelled.items():
                if label in own and verdict(own[label], own[greedy], records[label, prompt, 0]) == MISMATCH:
                    raise UserError(
                        f"the output of {config} on prompt {prompt} is not greedy's: look into it before tuning"
                    )
        warn(
            f"{config} cannot run here, and counts as tried without success: {race.left_out[label]}"
            for label, config in labelled.items()
            if label in race.left_out
        )
        prompts = [example.id for example in examples]

        def grid(label: str, repeat: int) -> list[list[Record]]:
            return [[records[label, prompt, repeat]] for prompt in prompts]

        return [
            None
            if label in race.left_out
            else [CaseRecords(prompts, grid(label, repeat), grid(greedy, repeat)) for repeat in range(repeats)]
            for label in labelled
        ]

    def _beside_greedy(
        self, entrants: Sequence[Entrant], examples: Sequence[Example], repeats: int
    ) -> Iterator[dict[str, Record]]:
        """The records of a prompt in a repeat by label, greedy's among them."""

        def turns(example: Example, repeat: int) -> list[Entrant]:
            everyone = [self.race.references[0], *self.race.standing(entrants)]
            return self.race.shuffled(everyone, example.id, repeat)

        found = self.race.generations(entrants, examples, repeats, turns)
        for _, beside in groupby(found, key=lambda each: (each[1].prompt, each[1].repeat)):
            yield {entrant.label: record for entrant, record in beside}


def together(passes: Sequence[CaseRecords]) -> CaseRecords:
    """Several passes over the same prompts as one."""
    sides = (
        [[record for each in repeats for record in each] for repeats in zip(*grids, strict=True)]
        for grids in ([each.method for each in passes], [each.reference for each in passes])
    )
    return CaseRecords(passes[0].prompts, *sides)


def speed_of(passes: Sequence[CaseRecords]) -> float:
    """Decode speed over greedy's of some passes.

    The geometric mean over prompts of the ratios of token rates.

    Not the pooled ratio of the reports: with a few prompts, one long output would choose the
    settings.

    Raises:
        UserError: no prompt was answered beyond its first forward.
    """
    value = mean_speed(together(passes))
    if value is None:
        raise UserError("no validation prompt was answered beyond its first forward: there is nothing to time")
    return value


def pooled_speed_of(passes: Sequence[CaseRecords]) -> float | None:
    """The same as reports have it: total tokens / total seconds over greedy's."""
    return pooled_speed(together(passes))
