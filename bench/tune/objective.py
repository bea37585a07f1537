"""What a search for settings compares.

Decode speed over greedy's on validation prompts, every output judged.
"""

import random
from collections.abc import Sequence
from typing import Any

from bench.measure.entrants import make_entrant
from bench.measure.record import Record
from bench.measure.runner import Race
from bench.measure.verdicts import MISMATCH, verdict
from bench.plan.settings import MethodPlan
from bench.report.case_records import CaseRecords
from bench.report.metrics.rates import mean_speed, pooled_speed
from decoding.errors import UserError
from tasks.base import Example


class Objective:
    """Measures settings of one method beside greedy decoding, prompt by prompt, in shuffled order.

    Args:
        race: the measuring loop of the harness; its first reference is greedy.
        history: "cold" or "warm".
        warmup: prompts that every decoder decodes first, unmeasured.
        seed: of the shuffled orders.
    """

    def __init__(self, race: Race, history: str, warmup: Sequence[Example], seed: int) -> None:
        self.race = race
        self.history = history
        self.warmup = warmup
        self.draw = random.Random(seed)
        self.race.warm_up([], warmup)

    def __call__(self, configs: Sequence[Any], examples: Sequence[Example], repeats: int) -> list[list[CaseRecords]]:
        """The generations of every config, [config][repeat].

        A repeat is a pass over `examples` from nothing learned.

        Raises:
            UserError: an output that is not the target's: a speed is worth nothing then.
        """
        greedy = self.race.references[0]
        entrants = [
            make_entrant(str(number), MethodPlan(config, self.history), self.race.loaded, None)
            for number, config in enumerate(configs)
        ]
        self.race.warm_up(entrants, self.warmup)
        passes: list[list[CaseRecords]] = [[] for _ in configs]
        first: dict[tuple[int, str], Record] = {}
        for repeat in range(repeats):
            for entrant in entrants:
                entrant.decoder.forget()
            records: dict[str, list[Record]] = {each.label: [] for each in [greedy, *entrants]}
            for example in examples:
                ids, cut = self.race.encode(example)
                stopping = self.race.stopping(example, ids)
                for order, entrant in enumerate(self.draw.sample([greedy, *entrants], len(entrants) + 1)):
                    record = self.race.measure(entrant, example, ids, stopping, repeat, order, cut)
                    records[entrant.label].append(record)
                reference = records[greedy.label][-1]
                for number, config in enumerate(configs):
                    record = records[str(number)][-1]
                    if verdict(record, reference, first.setdefault((number, example.id), record)) == MISMATCH:
                        raise UserError(
                            f"the output of {config} on prompt {example.id} is not greedy's: look into it before tuning"
                        )
            prompts = [example.id for example in examples]
            for number in range(len(configs)):
                sides = ([[record] for record in records[label]] for label in (str(number), greedy.label))
                passes[number].append(CaseRecords(prompts, *sides))
        return passes


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
