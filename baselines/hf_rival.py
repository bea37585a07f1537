"""transformers' own generate() behind the Decoder protocol: what that library's rivals share.

They share nothing with the harness but the models and the stopping rule, so that outputs can be
compared token by token. generate() calls the rule once after every forward of the target, with all
the tokens that it gave, so forwards can be counted; what was drafted stands in the rows that the
target is fed.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import cast

import torch
from transformers import GenerationConfig, PreTrainedModel, StoppingCriteria, StoppingCriteriaList

from decoding.decoder import ModelPair
from decoding.loop import check_prompt
from decoding.records import Generation, Rounds
from decoding.sampling import Sampler
from decoding.stopping import Stopping


class Rule(StoppingCriteria):
    """The harness' stopping rule, called after every forward of the target.

    Nothing after the end is taken.

    Attributes:
        output: the tokens up to the end.
        target_forwards, draft_forwards: those after the first call, the prefill's end.
        rounds: of these target forwards; empty where `see` is not called.
    """

    def __init__(self, stopping: Stopping, prompt_length: int) -> None:
        self.stopping = stopping
        self.output: list[int] = []
        self.stop: str | None = None
        self.prefilled_at: float | None = None
        self.prefill_tokens = 0
        self.target_forwards = 0
        self.draft_forwards = 0
        self.rounds = Rounds()
        self._fed: torch.Tensor | None = None
        self._seen = prompt_length

    def __call__(self, input_ids: torch.LongTensor, scores: torch.FloatTensor, **_: object) -> torch.BoolTensor:  # noqa: ARG002
        """Take in the new tokens of input_ids, [1, length]; true, as [1], where the output ends."""
        tokens = input_ids[0, self._seen :].tolist()
        self._seen += len(tokens)
        before = len(self.output)
        self.stop = self.stopping.extend(self.output, tokens)
        if self.prefilled_at is None:
            self.prefilled_at = time.perf_counter()
            self.prefill_tokens = len(self.output)
        else:
            self.target_forwards += 1
            self._count(before)
        return cast(torch.BoolTensor, torch.tensor([self.stop is not None], device=input_ids.device))

    def _count(self, before: int) -> None:
        """What the last forward of the target brought, whose output began at place `before`."""
        if self._fed is None:
            return
        limit = self.stopping.max_new_tokens - before - 1
        drafted = self._fed[0, 1:].tolist()[:limit]
        emitted = self.output[before:]
        kept = [ours == theirs for ours, theirs in zip(drafted, emitted, strict=False)]
        self.rounds.drafted.append(len(drafted))
        self.rounds.accepted.append(kept.index(False) if False in kept else len(kept))
        self.rounds.emitted.append(len(emitted))

    def see(self, _module: object, _positional: object, named: dict[str, torch.Tensor]) -> None:
        """A hook before every forward of the target.

        Its rows are the last token, not cached yet, and the draft.
        """
        self._fed = named["input_ids"]

    def count_draft(self, *_: object) -> None:
        """A hook before every forward of the draft."""
        self.draft_forwards += self.prefilled_at is not None


def _sampling(sampler: Sampler | None) -> dict[str, object]:
    """Fields of a GenerationConfig."""
    if sampler is None:
        return {"do_sample": False}
    how = sampler.sampling
    return {
        "do_sample": True, "temperature": how.temperature, "top_k": how.top_k, "top_p": how.top_p,
        "min_p": how.min_p or None,
    }  # fmt: skip


class HfRival:
    """generate() on the pair's target.

    Args:
        draft: the assistant model, None without.
        draft_settings: fields of its GenerationConfig, which is where the library looks for an
            assistant's settings.
        settings: fields of the target's.
    """

    # Whether the library drafts, so that the rounds can be told.
    drafts = False

    def __init__(
        self,
        pair: ModelPair,
        settings: dict[str, object] | None = None,
        draft: PreTrainedModel | None = None,
        draft_settings: dict[str, object] | None = None,
    ) -> None:
        self.model = pair.target.model
        self.context = pair.target.context
        self.settings = settings or {}
        self.draft = draft
        self.draft_settings = draft_settings or {}

    def forget(self) -> None:
        """Nothing is kept."""

    def arguments(self, length: int) -> dict[str, object]:  # noqa: ARG002
        """What generate() is called with besides.

        `length` is the longest the sequence may get. In the clock.
        """
        return {}

    @torch.inference_mode()
    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """Continue `prompt`.

        Raises:
            UserError: the prompt is empty or leaves no room in the context.
        """
        check_prompt(prompt, self.context)
        length = min(len(prompt) + stopping.max_new_tokens, self.context)
        eos = sorted(stopping.eos)
        config = GenerationConfig(  # type: ignore[no-untyped-call]  # untyped in transformers
            **_sampling(sampler),
            num_beams=1,
            max_new_tokens=length - len(prompt),
            eos_token_id=eos or None,
            pad_token_id=eos[0] if eos else 0,
            **self.settings,
        )
        rule = Rule(stopping, len(prompt))
        if sampler:
            # Its draws are its own: in distribution those of the target, and not token by token.
            torch.manual_seed(sampler.noise.key)
        run = cast(Callable[..., object], self.model.generate)
        with sole_config(self.model, config), self._drafting(rule):
            begin = time.perf_counter()
            ids = torch.tensor([prompt], device=self.model.device)
            run(
                ids,
                attention_mask=torch.ones_like(ids),
                stopping_criteria=StoppingCriteriaList([rule]),
                assistant_model=self.draft,
                **self.arguments(length),
            )
            total = time.perf_counter() - begin
        assert rule.prefilled_at is not None
        return Generation(
            rule.output,
            rule.stop or "context",
            rule.prefilled_at - begin,
            total,
            prefill_tokens=rule.prefill_tokens,
            target_forwards=rule.target_forwards,
            draft_forwards=rule.draft_forwards if self.draft else None,
            rounds=rule.rounds if self.drafts else None,
        )

    @contextmanager
    def _drafting(self, rule: Rule) -> Iterator[None]:
        """The draft with its own settings alone.

        Its forwards are counted, and the target's rows seen.
        """
        with ExitStack() as stack:
            if self.drafts:
                stack.callback(self.model.register_forward_pre_hook(rule.see, with_kwargs=True).remove)
            if self.draft is not None:
                stack.callback(self.draft.register_forward_pre_hook(rule.count_draft).remove)
                config = GenerationConfig(**self.draft_settings)  # type: ignore[no-untyped-call]  # as above
                stack.enter_context(sole_config(self.draft, config))
            yield


@contextmanager
def sole_config(model: PreTrainedModel, config: GenerationConfig) -> Iterator[None]:
    """Let `config` alone rule.

    Passed as an argument it would be filled up from the model's own generation_config, whose
    repetition penalty or forced tokens would then change the output without a word.
    """
    own = model.generation_config
    model.generation_config = config
    try:
        yield
    finally:
        model.generation_config = own
