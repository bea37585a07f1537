"""transformers' own greedy generate(): a rival from outside, which shares nothing with the harness but the model.

It ends by the same stopping rule, so that outputs can be compared token by token; it does not tell its steps.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from transformers import GenerationConfig, PreTrainedModel, StoppingCriteria, StoppingCriteriaList

from decoding.decoder import ModelPair
from decoding.loop import check_prompt
from decoding.records import Generation
from decoding.stopping import Stopping


@dataclass
class Config:
    """generate() has no settings here: greedy, one beam, nothing else."""

    name: str = "hf_generate"


class _Rule(StoppingCriteria):
    """The harness' stopping rule, called after every token; it notes when the first one stood."""

    def __init__(self, stopping: Stopping) -> None:
        self.stopping = stopping
        self.output: list[int] = []
        self.stop: str | None = None
        self.first_token_at = 0.0

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: object) -> torch.BoolTensor:  # noqa: ARG002
        token = int(input_ids[0, -1])
        if not self.output:
            self.first_token_at = time.perf_counter()
        self.stop = self.stopping.extend(self.output, [token])
        return torch.tensor([self.stop is not None], device=input_ids.device)


class HfGenerate:
    """generate() behind the Decoder protocol."""

    keeps_history = False
    ours = False

    def __init__(self, pair: ModelPair) -> None:
        self.model = pair.target.model
        self.context = pair.target.context

    def forget(self) -> None:
        """Nothing is kept."""

    @torch.inference_mode()
    def generate(self, prompt: list[int], stopping: Stopping) -> Generation:
        """Continue `prompt`. Raises UserError if it is empty or leaves no room in the context."""
        check_prompt(prompt, self.context)
        eos = sorted(stopping.eos)
        config = GenerationConfig(
            do_sample=False,
            num_beams=1,
            max_new_tokens=min(stopping.max_new_tokens, self.context - len(prompt)),
            eos_token_id=eos or None,
            pad_token_id=eos[0] if eos else 0,
        )
        begin = time.perf_counter()
        ids = torch.tensor([prompt], device=self.model.device)
        rule = _Rule(stopping)
        with _sole_config(self.model, config):
            self.model.generate(
                ids, attention_mask=torch.ones_like(ids), stopping_criteria=StoppingCriteriaList([rule])
            )
        total = time.perf_counter() - begin
        return Generation(rule.output, rule.stop or "context", rule.first_token_at - begin, total)


@contextmanager
def _sole_config(model: PreTrainedModel, config: GenerationConfig) -> Iterator[None]:
    """Let `config` alone rule.

    Passed as an argument it would be filled up from the model's own generation_config, whose repetition penalty
    or forced tokens would then change the output without a word.
    """
    own = model.generation_config
    model.generation_config = config
    try:
        yield
    finally:
        model.generation_config = own


def build(_config: Config, pair: ModelPair) -> HfGenerate:
    """generate() on the pair's target; the draft is not used."""
    return HfGenerate(pair)
