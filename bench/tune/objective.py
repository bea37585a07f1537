"""What a search for settings compares: decode speed over greedy's on validation prompts, every output judged."""

import random
from collections.abc import Sequence
from typing import Any

from bench.measure.lossless import MISMATCH, verdict
from bench.measure.runner import Entrant, Race
from bench.plan.methods import METHODS
from bench.report.fold import Fold, decode_throughput
from bench.report.statistics import geometric_mean, rate_ratio
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

    def __call__(self, configs: Sequence[Any], examples: Sequence[Example], repeats: int) -> list[list[Fold]]:
        """The generations of every config, [config][repeat]; a repeat is a pass over `examples` from nothing learned.

        Raises:
            UserError: an output that is not the target's: a speed is worth nothing then.
        """
        greedy = self.race.references[0]
        entrants = [
            Entrant(str(number), METHODS[config.name].load().build(config, self.race.loaded.pair), self.history, None)
            for number, config in enumerate(configs)
        ]
        self.race.warm_up(entrants, self.warmup)
        passes: list[list[Fold]] = [[] for _ in configs]
        first: dict[tuple[int, str], dict[str, Any]] = {}
        for repeat in range(repeats):
            for entrant in entrants:
                entrant.decoder.forget()
            records: dict[str, list[dict[str, Any]]] = {each.label: [] for each in [greedy, *entrants]}
            for example in examples:
                ids, _ = self.race.encode(example)
                stopping = self.race.stopping(example, ids)
                for entrant in self.draw.sample([greedy, *entrants], len(entrants) + 1):
                    generation = self.race.measure(entrant, example, ids, stopping)
                    records[entrant.label].append({**generation, "prompt": example.id, "repeat": repeat})
                reference = records[greedy.label][-1]
                for number, config in enumerate(configs):
                    record = records[str(number)][-1]
                    if verdict(record, reference, first.setdefault((number, example.id), record)) == MISMATCH:
                        raise UserError(
                            f"the output of {config} on prompt {example.id} is not greedy's: look into it before tuning"
                        )
            ids = [example.id for example in examples]
            for number in range(len(configs)):
                sides = ([[record] for record in records[label]] for label in (str(number), greedy.label))
                passes[number].append(Fold(ids, *sides))
        return passes


def together(folds: Sequence[Fold]) -> Fold:
    """One fold of several passes over the same prompts."""
    sides = (
        [[record for fold in folds for record in getattr(fold, side)[place]] for place in range(len(folds[0].prompts))]
        for side in ("method", "reference")
    )
    return Fold(folds[0].prompts, *sides)


def speed_of(folds: Sequence[Fold]) -> float:
    """Decode speed over greedy's of some passes: the geometric mean over prompts of the ratios of token rates.

    Not the pooled ratio of the reports: with a few prompts, one long output would choose the settings.

    Raises:
        UserError: no prompt was answered with more than one token.
    """
    fold = together(folds)
    value = geometric_mean(decode_throughput(fold.method), decode_throughput(fold.reference)).value
    if value is None:
        raise UserError("no validation prompt was answered with more than one token: there is nothing to time")
    return value


def pooled_speed_of(folds: Sequence[Fold]) -> float | None:
    """The same as reports have it: total tokens / total seconds over greedy's."""
    fold = together(folds)
    return rate_ratio(decode_throughput(fold.method), decode_throughput(fold.reference))
