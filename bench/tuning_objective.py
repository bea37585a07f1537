"""What a search for settings maximises: decode speed over greedy's on validation prompts, every output compared."""

import statistics
from collections.abc import Sequence
from typing import Any

import torch

from bench.models import LoadedPair
from bench.registry import METHODS, method_config
from bench.runner import Race
from bench.settings import Plan
from decoding.decoder import Decoder
from decoding.errors import UserError
from decoding.stopping import Stopping
from tasks.base import Example


class Objective:
    """Decode speed over greedy's on `examples`, for one method's settings.

    Raises UserError if an output is not greedy's: a speed is worth nothing then.
    """

    def __init__(
        self,
        plan: Plan,
        loaded: LoadedPair,
        examples: Sequence[Example],
        warmup: Sequence[Example],
        defaults: dict[str, Any],
    ) -> None:
        self.plan = plan
        self.loaded = loaded
        self.defaults = defaults
        self.exact = next(loaded.pair.target.model.parameters()).dtype in (torch.float32, torch.float64)
        self.history = plan.methods[0].history
        self.race = Race(loaded, plan.task, plan.max_new_tokens, 0.0, "tune", [])
        self.greedy = METHODS["greedy"].load().build(METHODS["greedy"].load().Config(), loaded.pair)
        self.prompts = [(each.id, *self._encoded(each)) for each in examples]
        self.warmup = [self._encoded(each) for each in warmup]
        self._warm(self.greedy)

    def _encoded(self, example: Example) -> tuple[list[int], Stopping]:
        """The prompt's token ids, and where its output ends."""
        ids, _ = self.race.encode(example)
        return ids, self.race.stopping(example, ids)

    def __call__(self, settings: dict[str, Any]) -> float:
        """The median over prompts of greedy's decode seconds over the method's with `settings`.

        The median, because a search takes the best of many noisy figures: a burst of other work on the machine, which
        hits a prompt or two, must not crown a setting.
        """
        config = method_config({**self.defaults, **settings})
        decoder = METHODS[config.name].load().build(config, self.loaded.pair)
        self._warm(decoder)
        decoder.forget()
        ratios = []
        for number, (name, ids, stopping) in enumerate(self.prompts):
            if self.history == "cold":
                decoder.forget()
            racers = [("method", decoder), ("greedy", self.greedy)]
            seconds, outputs = {}, {}
            for who, each in racers[:: -1 if number % 2 else 1]:
                generation = each.generate(ids, stopping)
                seconds[who] = generation.decode_seconds
                outputs[who] = generation.tokens
            if outputs["method"] != outputs["greedy"] and self.exact:
                raise UserError(f"the output of {config} on prompt {name} is not greedy's: look into it before tuning")
            if seconds["method"] > 0:  # an output of one token has no decode time
                ratios.append(seconds["greedy"] / seconds["method"])
        if not ratios:
            raise UserError("no validation prompt was answered with more than one token: there is nothing to time")
        return statistics.median(ratios)

    def _warm(self, decoder: Decoder) -> None:
        for ids, stopping in self.warmup:
            decoder.generate(ids, stopping)
