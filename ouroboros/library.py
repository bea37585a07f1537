"""Ouroboros outside the harness: inside transformers' generate(), and as a stream of tokens.

    model.generate(
        **inputs, custom_generate=ouroboros.generate, draft_model=draft, max_new_tokens=256
    )
    for token in ouroboros.decode(model, ids, draft_model=draft, max_new_tokens=256): ...

Both give the target's greedy output, or with `do_sample=True` that of plain sampling with the same
`seed`; batch size 1. Draft and target must share one tokenizer, which cannot be checked here.
"""

from collections.abc import Callable, Iterator
from numbers import Integral
from typing import Any, cast
from weakref import WeakSet

import torch
from transformers import (
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    StoppingCriteriaList,
    StopStringCriteria,
)
from transformers.generation.configuration_utils import GenerationMode
from transformers.generation.utils import GenerateDecoderOnlyOutput

from baselines.phrase_pool import PhrasePool
from decoding.decoder import ModelPair
from decoding.draws import Sampling
from decoding.errors import MissingDraft, UserError
from decoding.loop import check_prompt
from decoding.sampling import Noise, Sampler
from decoding.session import ModelSession, check_masks
from decoding.verification import Choose
from ouroboros.method import Config, build

# What a generation config may say. Lengths and stops arrive as criteria and penalties as
# processors: both are obeyed.
_LENGTHS = ("max_length", "max_new_tokens", "min_length", "min_new_tokens", "max_time", "eos_token_id", "pad_token_id",
            "bos_token_id", "decoder_start_token_id")  # fmt: skip
_PENALTIES = ("sequence_bias", "repetition_penalty", "encoder_repetition_penalty", "no_repeat_ngram_size",
              "encoder_no_repeat_ngram_size", "bad_words_ids", "forced_bos_token_id", "forced_eos_token_id",
              "remove_invalid_values", "exponential_decay_length_penalty", "suppress_tokens", "begin_suppress_tokens",
              "renormalize_logits")  # fmt: skip
# These say nothing to one sequence without beams, arrive as processors where transformers samples,
# or are looked at one by one in _require_supported.
_SILENT = ("do_sample", "num_beams", "num_return_sequences", "temperature", "top_k", "top_p", "min_p", "top_h",
           "typical_p", "epsilon_cutoff", "eta_cutoff", "early_stopping", "length_penalty", "num_beam_groups",
           "diversity_penalty", "is_assistant", "num_assistant_tokens", "num_assistant_tokens_schedule",
           "assistant_confidence_threshold", "assistant_lookbehind", "target_lookbehind", "disable_compile",
           "use_cache", "return_dict_in_generate", "transformers_version", "cache_implementation")  # fmt: skip
OBEYED = frozenset((*_LENGTHS, *_PENALTIES, *_SILENT))
# Other settings that change nothing with this value.
NEUTRAL = {"guidance_scale": 1.0}
# What generate() itself hands over beside them.
EXPECTED_INPUTS = frozenset({"attention_mask", "position_ids", "past_key_values", "use_cache", "logits_to_keep"})

_followed: WeakSet[PreTrainedModel] = WeakSet()


def generate(
    model: PreTrainedModel,
    input_ids: torch.LongTensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    draft_model: PreTrainedModel | None = None,
    method: Config | None = None,
    pool: PhrasePool | None = None,
    seed: int = 0,
    **inputs: Any,
) -> torch.LongTensor | GenerateDecoderOnlyOutput:
    """Decode for transformers, as the `custom_generate` of its `generate`.

    Called by `model.generate(..., custom_generate=ouroboros.generate, draft_model=draft)`.
    The tokens are the very ones of its own greedy search. With `do_sample=True` they follow its own
    distribution, and the seed decides them: whatever is drafted, with another method or none, they
    are the same.

    transformers drops a `streamer` and a `tokenizer` before they get here: stream with `decode`,
    and stop at strings with `stopping_criteria=StoppingCriteriaList([StopStringCriteria(tokenizer,
    ["..."])])`.

    Args:
        model: the target.
        input_ids: the prompt's token ids, [1, prompt].
        logits_processor: from transformers; asked for every token.
        stopping_criteria: from transformers; asked after every token, without scores.
        generation_config: from transformers.
        draft_model: the small model; needed, unless method.drafter drafts without one.
        method: the settings; None for the published ones.
        pool: phrases from earlier calls, which this call adds to (an empty one: `new_pool(method)`;
            one from a file: `load_pool`). Its own capacity and order hold; its N must be the
            method's.
        seed: of the draws, where the generation config samples; prompts with one seed share their
            noise at equal positions.
        **inputs: what else transformers hands over.

    Returns:
        Token ids, [1, prompt + output], or the output object where return_dict_in_generate is set
        (sequences alone: the caches end with the call).

    Raises:
        UserError: anything that would change the output and is not obeyed here, a length beyond the
            model's context, or a method that needs a draft model and has none.
    """
    stream = _stream(
        model, input_ids, logits_processor, stopping_criteria, generation_config, draft_model, method, pool, seed,
        **inputs,
    )  # fmt: skip
    added = torch.tensor([list(stream)], dtype=input_ids.dtype, device=input_ids.device)
    sequences = cast(torch.LongTensor, torch.cat([input_ids, added], dim=1))
    return GenerateDecoderOnlyOutput(sequences=sequences) if generation_config.return_dict_in_generate else sequences


def decode(
    model: PreTrainedModel,
    input_ids: torch.LongTensor | list[int],
    draft_model: PreTrainedModel | None = None,
    method: Config | None = None,
    pool: PhrasePool | None = None,
    stop_strings: str | list[str] | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    seed: int = 0,
    **settings: Any,
) -> Iterator[int]:
    """Yield the target's continuation token by token, each as soon as it is confirmed.

    Args:
        model: the target.
        input_ids: the prompt's token ids: a list, [prompt] or [1, prompt].
        draft_model: as in `generate`.
        method: as in `generate`.
        pool: as in `generate`.
        stop_strings: the output ends with the token that completes one of them; they need the
            tokenizer.
        tokenizer: the target's; only for stop_strings.
        seed: as in `generate`.
        **settings: those of model.generate(), such as max_new_tokens or eos_token_id; without them
            the model's own generation_config holds, exactly as in `generate`.

    Returns:
        An iterator over the output's token ids.

    Raises:
        UserError: as in `generate`.
    """
    ids = _row(input_ids, model.device)
    mask = settings.pop("attention_mask", None)
    settings["attention_mask"] = torch.ones_like(ids) if mask is None else _row(mask, model.device)
    # generate() drops these two on the way to us.
    for name in ("streamer", "assistant_model"):
        if settings.get(name) is not None:
            raise UserError(f"not supported here, so refused rather than ignored: {name}")
    configs = [config for config in (settings.get("generation_config"), model.generation_config) if config is not None]
    # generate() drops a tokenizer on the way to us, and without one fails itself where it finds
    # these two.
    if settings.get("token_healing", any(config.token_healing for config in configs)):
        raise UserError("not supported here, so refused rather than ignored: token_healing")
    strings = stop_strings or next((config.stop_strings for config in configs if config.stop_strings), None)
    if strings:
        if tokenizer is None:
            raise UserError(f"stop_strings need the tokenizer: give tokenizer= as well (they are {strings})")
        criteria = settings.get("stopping_criteria") or []
        settings["stopping_criteria"] = StoppingCriteriaList([*criteria, StopStringCriteria(tokenizer, strings)])
        settings["stop_strings"] = None
    given = {"draft_model": draft_model, "method": method, "pool": pool, "seed": seed}
    run = cast(Callable[..., Iterator[int]], model.generate)  # it returns what custom_generate does
    return run(ids, custom_generate=_stream, **given, **settings)


def _stream(
    model: PreTrainedModel,
    input_ids: torch.LongTensor,
    logits_processor: LogitsProcessorList,
    stopping_criteria: StoppingCriteriaList,
    generation_config: GenerationConfig,
    draft_model: PreTrainedModel | None = None,
    method: Config | None = None,
    pool: PhrasePool | None = None,
    seed: int = 0,
    **inputs: Any,
) -> Iterator[int]:
    """The output's tokens. Everything is checked before the first is asked for."""
    if any(each is not None and each.config.is_encoder_decoder for each in (model, draft_model)):
        raise UserError("encoder-decoder models are not supported: this continues the text of a causal language model")
    _require_supported(input_ids, generation_config, inputs)
    eos = _ids(generation_config.eos_token_id)
    target = _session(model)
    draft = _session(draft_model, target.vocabulary) if draft_model is not None else None
    method = method or Config()
    try:
        loop = build(method, ModelPair(target, draft, eos, str), pool)
    except MissingDraft as error:
        raise UserError(f"{error}: give draft_model=") from error
    prompt = input_ids[0].tolist()
    if not all(0 <= token < target.vocabulary for token in prompt):
        raise UserError(f"the prompt holds token ids that the model does not have: it has {target.vocabulary}")
    check_prompt(prompt, target.context)
    if generation_config.max_length > target.context:
        raise UserError(
            f"prompt and output may be {generation_config.max_length} tokens long here, but the model's context holds "
            f"{target.context}: lower max_new_tokens or max_length"
        )
    stopping = _CriteriaStopping(eos, stopping_criteria, input_ids, generation_config.max_length)
    sampler = _sampler(generation_config, seed)
    loop.drafter.draw_with(sampler)
    noise = sampler.noise if sampler else None
    choose = _processed(logits_processor, input_ids.device, noise) if logits_processor or noise else None
    return (token for tokens in loop.stream(prompt, stopping, choose) for token in tokens)


def _row(ids: Any, device: torch.device) -> torch.LongTensor:
    """Token ids (or a mask) as [1, prompt].

    Raises UserError for anything but a list or a tensor of ints.
    """
    if isinstance(ids, list | tuple) and all(isinstance(each, Integral) for each in ids):
        ids = torch.tensor(ids, dtype=torch.long, device=device)
    if not isinstance(ids, torch.Tensor) or ids.dim() not in (1, 2) or ids.is_floating_point():
        raise UserError("give one prompt's token ids: a list of ints, or a tensor [prompt] or [1, prompt] of ints")
    if not ids.numel():
        raise UserError("the prompt has no tokens: nothing can be continued")
    return cast(torch.LongTensor, ids[None] if ids.dim() == 1 else ids)


def _session(model: PreTrainedModel, vocabulary: int | None = None) -> ModelSession:
    """A session of the model, whose masks are checked the first time it is seen."""
    session = ModelSession(model, vocabulary)
    if model not in _followed:
        check_masks(session)
        _followed.add(model)
    return session


class _CriteriaStopping:
    """transformers' stopping criteria, asked token by token, in place of the harness' own rule."""

    def __init__(
        self, eos: frozenset[int], criteria: StoppingCriteriaList, prompt: torch.LongTensor, longest: int
    ) -> None:
        self.eos = eos
        self.criteria = criteria
        self.max_new_tokens = longest - prompt.shape[1]
        self._before = prompt.shape[1]
        self._ids: torch.Tensor = prompt

    def extend(self, output: list[int], tokens: list[int]) -> str | None:
        """Append `tokens` to `output` up to the one that ends it; the reason, or None to go on."""
        for token in tokens:
            end = self._before + len(output)
            # Doubled as the text grows: max_length may be far beyond it.
            if end == self._ids.shape[1]:
                self._ids = torch.cat([self._ids, torch.zeros_like(self._ids)], dim=1)
            self._ids[0, end] = token
            output.append(token)
            if self.criteria(cast(torch.LongTensor, self._ids[:, : end + 1]), None).all():
                return "eos" if token in self.eos else "criteria"
        return None


def _sampler(config: GenerationConfig, seed: int) -> Sampler | None:
    """What draft models draw with; None for greedy. Penalties are the target's, not theirs."""
    if not config.do_sample:
        return None
    sampling = Sampling(config.temperature or 1.0, config.top_k or 0, config.top_p or 1.0, config.min_p or 0.0)
    return Sampler(sampling, Noise(seed))


def _processed(processors: LogitsProcessorList, device: torch.device, noise: Noise | None) -> Choose:
    """The argmax after the processors, on the scores that transformers' own loop gives them.

    device: the prompt's, where the processors were made. noise: is added to what they leave; the
    warpers are among them where transformers samples.
    """

    def choose(tokens: list[int], logits: torch.Tensor, *_: object) -> int:
        scores = logits[None].to(device, torch.float32, copy=True)
        ids = cast(torch.LongTensor, torch.tensor([tokens], device=device))
        processed = processors(ids, cast(torch.FloatTensor, scores))
        return int(processed.argmax() if noise is None else noise.added(processed[0], len(tokens)).argmax())

    return choose


def _require_supported(input_ids: torch.LongTensor, config: GenerationConfig, inputs: dict[str, Any]) -> None:
    if input_ids.shape[0] != 1:
        raise UserError(f"one sequence at a time: input_ids has {input_ids.shape[0]} rows")
    if config.get_generation_mode() not in (GenerationMode.GREEDY_SEARCH, GenerationMode.SAMPLE):
        raise UserError(
            f"the generation config asks for {config.get_generation_mode().value}, this is greedy search or sampling: "
            "set num_beams=1, and leave other ways of decoding out"
        )
    if config.num_return_sequences not in (None, 1):
        raise UserError(f"one sequence at a time: num_return_sequences is {config.num_return_sequences}")
    known = GenerationConfig()._get_default_generation_params()  # type: ignore[no-untyped-call]  # untyped there
    wanted = [
        name
        for name, value in vars(config).items()
        if name not in OBEYED
        and not name.startswith("_")
        and value not in (None, False, known.get(name), NEUTRAL.get(name))
    ]
    if config.cache_implementation not in (None, "dynamic"):
        wanted.append("cache_implementation")
    cache = inputs.get("past_key_values")
    if cache is not None and cache.get_seq_length():
        wanted.append("past_key_values")
    mask = inputs.get("attention_mask")
    if mask is not None and not bool(mask.all()):
        wanted.append("attention_mask (padding)")
    positions = inputs.get("position_ids")
    if positions is not None and not wanted and not _from_zero(positions, input_ids.shape[1]):
        wanted.append("position_ids (other than 0, 1, 2, ...)")
    wanted += [name for name, value in inputs.items() if name not in EXPECTED_INPUTS and value is not None]
    if wanted:
        raise UserError(f"not supported here, so refused rather than ignored: {', '.join(dict.fromkeys(wanted))}")


def _from_zero(positions: torch.Tensor, length: int) -> bool:
    """Whether [..., length] positions count up from zero."""
    return positions.shape[-1] == length and bool((positions == torch.arange(length, device=positions.device)).all())


def _ids(eos: int | list[int] | None) -> frozenset[int]:
    return frozenset([] if eos is None else [eos] if isinstance(eos, int) else eos)
