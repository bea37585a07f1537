"""Ouroboros inside transformers' generate() and as a stream: the very tokens of greedy generate()
or of plain sampling, or a refusal."""

import copy
import math
from functools import cache
from itertools import product
from pathlib import Path

import pytest
import torch
from families import VOCABULARY, blurred, make_model
from matrix import ouroboros_config
from samples import covering, thinned
from transformers import (
    AutoTokenizer,
    DynamicCache,
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    StoppingCriteria,
    StoppingCriteriaList,
    StopStringCriteria,
    T5Config,
    T5ForConditionalGeneration,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

import ouroboros
from baselines.lookahead import Config as Lookahead
from baselines.phrase_pool import PhrasePool
from baselines.sam import Config as Sam
from baselines.speculative import Config as Speculative
from decoding.costs import measure_costs
from decoding.errors import UserError
from decoding.sampling import Noise
from decoding.session import ModelSession, check_masks
from ouroboros.library import _CriteriaStopping

ROOT = Path(__file__).resolve().parents[1]
PROMPT = torch.tensor([[2, 7, 1, 8, 3]])
THREE = ("llama", "gpt_neox", "gemma2")
# Those of them whose samples are not nearly always greedy's.
UNSURE = ("llama", "gpt_neox")


@cache
def models_of(family):
    target = make_model(family)
    target.generation_config.pad_token_id = 0
    return target, blurred(target, 0.05)


class Never(LogitsProcessor):
    """Forbids one token where the text has an even length."""

    def __call__(self, input_ids, scores):
        scores = scores.clone()
        if input_ids.shape[1] % 2 == 0:
            scores[:, 4] = -torch.inf
        return scores


class AfterPair(StoppingCriteria):
    """Ends the output with the first token that repeats the one before it, or its neighbour."""

    def __call__(self, input_ids, scores, **_):
        return torch.tensor([abs(int(input_ids[0, -1]) - int(input_ids[0, -2])) <= 1])


SMALL = ouroboros.Config(gamma=4, k=2, window=3, ngram=4)
SETTINGS = {
    "length": {"max_new_tokens": 40, "eos_token_id": None},
    "max_length": {"max_length": 21},
    "several ends": {"max_new_tokens": 40, "eos_token_id": [5, 9, 13]},
    "repetition penalty": {"max_new_tokens": 30, "repetition_penalty": 1.3},
    "no repeated pairs": {"max_new_tokens": 30, "no_repeat_ngram_size": 2, "min_new_tokens": 10},
    "suppressed": {"max_new_tokens": 30, "suppress_tokens": [3, 4], "begin_suppress_tokens": [11]},
    "forced end": {"max_new_tokens": 12, "forced_eos_token_id": 5, "eos_token_id": 5},
    "no time": {"max_new_tokens": 30, "max_time": 0.0},
    "own processor": {"max_new_tokens": 30, "logits_processor": LogitsProcessorList([Never()])},
    "no guidance": {"max_new_tokens": 30, "guidance_scale": 1.0},
    "own criteria": {"max_new_tokens": 60, "stopping_criteria": StoppingCriteriaList([AfterPair()])},
}


@pytest.mark.parametrize("case", covering([*product(SETTINGS, THREE)], enumerate), ids="-".join)
def test_output_is_that_of_greedy_generate(case) -> None:
    name, family = case
    target, draft = models_of(family)
    given = {"attention_mask": torch.ones_like(PROMPT), "do_sample": False, **SETTINGS[name]}
    expected = target.generate(PROMPT, **given)
    small = {"draft_model": draft, "method": SMALL}
    ours = target.generate(PROMPT, custom_generate=ouroboros.generate, **small, **given)
    assert torch.equal(expected, ours)
    wrapped = target.generate(
        PROMPT, custom_generate=ouroboros.generate, **small, return_dict_in_generate=True, **given
    )
    assert torch.equal(wrapped.sequences, expected)
    del given["attention_mask"]
    assert list(ouroboros.decode(target, PROMPT, **small, **given)) == expected[0, PROMPT.shape[1] :].tolist()


# Settings that sample, and the processors that they stand for, in transformers' order.
SAMPLED = {
    "temperature": ({"temperature": 1.3, "top_k": 0}, [TemperatureLogitsWarper(1.3)]),
    "top-p": ({"temperature": 0.8, "top_k": 0, "top_p": 0.7}, [TemperatureLogitsWarper(0.8), TopPLogitsWarper(0.7)]),
    "penalty": (
        {"temperature": 0.8, "top_k": 0, "top_p": 0.7, "repetition_penalty": 1.5},
        [RepetitionPenaltyLogitsProcessor(1.5), TemperatureLogitsWarper(0.8), TopPLogitsWarper(0.7)],
    ),
    "top-k and min-p": (
        {"temperature": 1.5, "top_k": 9, "min_p": 0.1},
        [TemperatureLogitsWarper(1.5), TopKLogitsWarper(9), MinPLogitsWarper(0.1)],
    ),
}
# A model's drafts with phrases after them, the drafts alone, phrases alone, and the text's.
DRAFTED = {
    "ouroboros": SMALL,
    "speculative": ouroboros.Config(drafter=Speculative(gamma=3)),
    "lookahead": ouroboros.Config(drafter=Lookahead(window=3, ngram=3)),
    "sam": ouroboros.Config(drafter=Sam()),
}
LENGTH = 16


def drawn(model, processors, seed):
    """Plain sampling token by token, without the library: the argmax of processed logits and noise.

    The noise is that of the token's own place in the whole text.
    """
    noise, tokens = Noise(seed), PROMPT[0].tolist()
    for _ in range(LENGTH):
        ids = torch.tensor([tokens])
        with torch.no_grad():
            scores = LogitsProcessorList(processors)(ids, model(ids).logits[:, -1].float())[0]
        tokens.append(int((scores.double() + noise(len(tokens), torch.arange(VOCABULARY))).argmax()))
    return tokens[PROMPT.shape[1] :]


@cache
def plain_samples(family, name, seed):
    return drawn(models_of(family)[0], SAMPLED[name][1], seed)


def sampling_facts(case):
    """Every method stands with a penalty and without one, every setting and family somewhere."""
    return [*enumerate(case), (case[0], case[1] == "penalty")]


@pytest.mark.parametrize("case", covering([*product(DRAFTED, SAMPLED, UNSURE)], sampling_facts), ids="-".join)
def test_samples_are_those_of_plain_sampling(case) -> None:
    """Whatever is drafted, the seed decides them, and it alone."""
    method, name, family = case
    target, draft = models_of(family)
    given = {"do_sample": True, "max_new_tokens": LENGTH, "eos_token_id": None, **SAMPLED[name][0]}
    small = {"draft_model": draft, "method": DRAFTED[method]}
    for seed in (0, 1, 0):
        streamed = ouroboros.decode(target, PROMPT, seed=seed, **small, **given)
        assert list(streamed) == plain_samples(family, name, seed)
    ours = target.generate(PROMPT, custom_generate=ouroboros.generate, seed=1, **small, **given)
    assert ours[0, PROMPT.shape[1] :].tolist() == plain_samples(family, name, 1)


@pytest.mark.parametrize("family", UNSURE)
def test_every_setting_and_seed_draws_other_samples(family) -> None:
    """Otherwise the test above would say nothing of it."""
    target, _ = models_of(family)
    greedy = target.generate(PROMPT, max_new_tokens=LENGTH, eos_token_id=None, do_sample=False)[0, PROMPT.shape[1] :]
    found = [*(plain_samples(family, name, seed) for name, seed in product(SAMPLED, (0, 1))), greedy.tolist()]
    assert len({tuple(each) for each in found}) == 2 * len(SAMPLED) + 1


def test_a_sample_ends_where_the_settings_say() -> None:
    target, draft = models_of("llama")
    settings, processors = SAMPLED["temperature"]
    free = drawn(target, processors, 0)
    end = next(place for place, token in enumerate(free) if place > 3 and token not in free[:place])
    given = {"do_sample": True, "max_new_tokens": LENGTH, "eos_token_id": free[end], **settings}
    assert list(ouroboros.decode(target, PROMPT, draft_model=draft, method=SMALL, **given)) == free[: end + 1]


def test_drafts_of_a_sample_are_drawn_with_its_noise() -> None:
    """So the target as its own draft has every token accepted."""
    target = make_model("llama")
    method = ouroboros.Config(drafter=Speculative(gamma=3))
    given = {"do_sample": True, "temperature": 1.3, "top_k": 0, "max_new_tokens": 25, "eos_token_id": None}
    draft = copy.deepcopy(target)
    list(ouroboros.decode(target, PROMPT, draft_model=draft, method=method, max_new_tokens=1))  # checks the masks
    forwards = []
    target.register_forward_pre_hook(lambda *_: forwards.append(1))
    assert len(list(ouroboros.decode(target, PROMPT, draft_model=draft, method=method, seed=3, **given))) == 25
    assert len(forwards) == 8, "one that tells the cache's shape, the prefill, and six of four tokens each"


@pytest.mark.parametrize("family", thinned([*THREE], 1))
def test_a_penalty_in_the_models_own_generation_config_is_obeyed(family, monkeypatch) -> None:
    target, draft = models_of(family)
    plain = target.generate(PROMPT, max_new_tokens=30, eos_token_id=None)
    monkeypatch.setattr(target.generation_config, "repetition_penalty", 20.0)
    expected = target.generate(PROMPT, max_new_tokens=30, eos_token_id=None)
    assert not torch.equal(plain, expected), "the penalty must matter for this test to say anything"
    given = {"draft_model": draft, "method": SMALL, "max_new_tokens": 30, "eos_token_id": None}
    assert torch.equal(target.generate(PROMPT, custom_generate=ouroboros.generate, **given), expected)
    assert list(ouroboros.decode(target, PROMPT[0].tolist(), **given)) == expected[0, 5:].tolist()


def test_tokens_come_as_they_are_confirmed() -> None:
    """The first token is there before the rest is computed, and a consumer may stop at any time."""
    target = make_model("llama")
    draft = blurred(target, 0.05)
    forwards = []
    target.register_forward_pre_hook(lambda *_: forwards.append(1))
    stream = ouroboros.decode(target, PROMPT, draft_model=draft, max_new_tokens=40, eos_token_id=None)
    before = len(forwards)
    first = next(stream)
    assert len(forwards) == before + 1
    rest = list(stream)
    assert len(forwards) > before + 1
    assert [first, *rest] == target.generate(PROMPT, max_new_tokens=40, eos_token_id=None)[0, 5:].tolist()


def test_a_pool_serves_from_call_to_call() -> None:
    target = make_model("llama")
    draft = make_model("llama")  # agrees on everything, so that suffixes come into play
    method = ouroboros.Config(gamma=1, k=3, window=4, ngram=4)
    pool = ouroboros.new_pool(method)
    given = {"draft_model": draft, "method": method, "pool": pool, "max_new_tokens": 40, "eos_token_id": None}
    # This checks the masks.
    list(ouroboros.decode(target, PROMPT, **given | {"pool": ouroboros.new_pool(method)}))
    forwards = []
    target.register_forward_pre_hook(lambda *_: forwards.append(1))
    first = list(ouroboros.decode(target, PROMPT, **given))
    cold = len(forwards)
    assert len(pool)
    assert list(ouroboros.decode(target, PROMPT, **given)) == first
    assert len(forwards) - cold < cold, "what the first call learned serves the second"


REFUSED = {
    "contrastive search": {"penalty_alpha": 0.6, "top_k": 4},
    "beams": {"num_beams": 2},
    "two sequences": {"num_return_sequences": 2, "do_sample": True},
    "scores": {"output_scores": True, "return_dict_in_generate": True},
    "attentions": {"output_attentions": True, "return_dict_in_generate": True},
    "guidance": {"guidance_scale": 2.0},
    "static cache": {"cache_implementation": "static"},
    "beyond the context": {"max_new_tokens": None, "max_length": 129},
    "prompt lookup": {"prompt_lookup_num_tokens": 3},
}


@pytest.mark.parametrize("settings", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_obeyed_is_refused(settings) -> None:
    target = make_model("llama")
    with pytest.raises(UserError):
        target.generate(
            PROMPT, custom_generate=ouroboros.generate, draft_model=target, **{"max_new_tokens": 5, **settings}
        )


@pytest.mark.parametrize("setting", [{"temperature": math.inf}, {"temperature": 1e-39}, {"top_p": math.nan}], ids=str)
def test_samples_of_no_distribution_are_refused(setting) -> None:
    """What transformers itself lets through."""
    target = make_model("llama")
    given = {"do_sample": True, "max_new_tokens": 5, **setting}
    with pytest.raises(UserError, match=f"^{next(iter(setting))}="):
        ouroboros.decode(target, PROMPT, draft_model=target, **given)


def test_padding_batches_and_used_caches_are_refused() -> None:
    target = make_model("llama")
    given = {"custom_generate": ouroboros.generate, "draft_model": target, "max_new_tokens": 5}
    mask = torch.tensor([[0, 1, 1, 1, 1]])
    with pytest.raises(UserError, match="padding"):
        target.generate(PROMPT, attention_mask=mask, **given)
    with pytest.raises(UserError, match="one sequence"):
        target.generate(PROMPT.repeat(2, 1), **given)
    cache = DynamicCache()
    target(PROMPT[:, :-1], past_key_values=cache, use_cache=True)
    with pytest.raises(UserError, match="past_key_values"):
        target.generate(PROMPT, past_key_values=cache, **given)
    for method in (None, ouroboros.Config(drafter=Speculative())):
        with pytest.raises(UserError, match="draft_model="):
            target.generate(PROMPT, custom_generate=ouroboros.generate, max_new_tokens=5, method=method)
    with pytest.raises(UserError, match="not supported"):
        ouroboros.decode(target, PROMPT, draft_model=target, attention_mask=mask)


def test_positions_other_than_from_zero_are_refused() -> None:
    target = make_model("gpt2")
    given = {"draft_model": target, "max_new_tokens": 5, "eos_token_id": None}
    expected = target.generate(PROMPT, max_new_tokens=5, eos_token_id=None)
    for positions in (torch.arange(5)[None] + 3, torch.arange(4)[None]):
        with pytest.raises(UserError, match="position_ids"):
            target.generate(PROMPT, position_ids=positions, custom_generate=ouroboros.generate, **given)
    with pytest.raises(UserError, match="position_ids"):
        ouroboros.decode(target, PROMPT, position_ids=torch.arange(5)[None] + 3, **given)
    ours = target.generate(PROMPT, position_ids=torch.arange(5)[None], custom_generate=ouroboros.generate, **given)
    assert torch.equal(ours, expected)


@pytest.mark.parametrize("where", ["setting", "config", "model"])
def test_stop_strings_end_the_output_where_they_end_generates(where) -> None:
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "models/tiny/target")
    target = make_model("llama", vocab_size=len(tokenizer), initializer_range=0.1)
    prompt = torch.tensor([tokenizer("def add(a, b):").input_ids])
    free = target.generate(prompt, max_new_tokens=30, eos_token_id=None)[0, prompt.shape[1] :]
    strings = [tokenizer.decode(free[9:11])]
    given = {"max_new_tokens": 30, "eos_token_id": None}
    expected = target.generate(prompt, stop_strings=strings, tokenizer=tokenizer, **given)
    assert expected.shape[1] < prompt.shape[1] + 30, "the strings must matter for this test to say anything"
    criteria = StoppingCriteriaList([StopStringCriteria(tokenizer, strings)])
    ours = target.generate(
        prompt, custom_generate=ouroboros.generate, draft_model=target, stopping_criteria=criteria, **given
    )
    assert torch.equal(ours, expected)
    if where == "setting":
        given["stop_strings"] = strings
    elif where == "model":
        target.generation_config.stop_strings = strings
    else:
        given = {"generation_config": GenerationConfig(max_new_tokens=30, stop_strings=strings)}
        target.generation_config.eos_token_id = None
    output = list(ouroboros.decode(target, prompt, draft_model=target, tokenizer=tokenizer, **given))
    assert output == expected[0, prompt.shape[1] :].tolist()
    with pytest.raises(UserError, match="tokenizer="):
        ouroboros.decode(target, prompt, draft_model=target, **given)
    with pytest.raises(UserError, match="token_healing"):
        ouroboros.decode(target, prompt, draft_model=target, tokenizer=tokenizer, max_new_tokens=3, token_healing=True)
    with pytest.raises(UserError, match="assistant_model"):
        ouroboros.decode(target, prompt, assistant_model=target, max_new_tokens=3)


def test_forward_costs_are_measured_once_a_model() -> None:
    target = make_model("llama")
    draft = blurred(target, 0.05)
    method = ouroboros.Config(gamma="auto", k="auto")
    forwards = []
    for model in (target, draft):
        model.register_forward_pre_hook(lambda *_: forwards.append(1))
    taken = []
    for _ in range(2):
        before = len(forwards)
        ouroboros.decode(target, PROMPT, draft_model=draft, method=method, max_new_tokens=5)
        taken.append(len(forwards) - before)
    assert taken[1] == 2 < taken[0], "the second time only one forward a session, which tells the cache's shape"
    session = ModelSession(target)
    session.prefill([1, 2])
    costs = measure_costs(session)
    assert measure_costs(ModelSession(target)) is costs
    assert session.tokens == []
    assert measure_costs(ModelSession(target.float())) is not costs


def test_the_output_may_fill_the_context_and_no_more() -> None:
    target = make_model("gpt2", n_positions=12)
    given = {"draft_model": target, "eos_token_id": None}
    expected = target.generate(PROMPT, max_length=12, eos_token_id=None)[0, 5:].tolist()
    assert list(ouroboros.decode(target, PROMPT, max_length=12, **given)) == expected
    with pytest.raises(UserError, match="context holds 12"):
        ouroboros.decode(target, PROMPT, max_length=13, **given)


@pytest.mark.parametrize("context", [2, 7, 8, 23])
def test_masks_are_checked_in_a_short_context(context) -> None:
    assert check_masks(ModelSession(make_model("gpt2", n_positions=context))) < 1e-9


def test_a_long_max_length_costs_nothing() -> None:
    """Memory for what was decoded, and the criteria see all of it."""
    seen = []
    criteria = StoppingCriteriaList([lambda ids, scores: seen.append(ids[0].tolist()) or torch.tensor([False])])
    stopping = _CriteriaStopping(frozenset(), criteria, PROMPT, 1 << 50)
    output: list[int] = []
    assert stopping.extend(output, list(range(40))) is None
    assert seen == [PROMPT[0].tolist() + list(range(end)) for end in range(1, 41)]
    assert PROMPT.tolist() == [[2, 7, 1, 8, 3]]


def test_a_pool_of_another_phrase_length_is_refused() -> None:
    target = make_model("llama")
    pool = ouroboros.new_pool(ouroboros.Config(ngram=4))
    given = {"draft_model": target, "max_new_tokens": 5}
    with pytest.raises(UserError, match="ngram=4"):
        ouroboros.decode(target, PROMPT, pool=pool, method=ouroboros.Config(ngram=5), **given)
    own = PhrasePool(1, "usefulness")
    method = ouroboros_config(ngram=5, window=3, shortest_run=1, capacity=9)
    list(ouroboros.decode(target, PROMPT, pool=own, method=method, **given | {"max_new_tokens": 20}))
    assert own.capacity == 1 and max(map(len, own.phrases().values())) == 1


def test_a_pool_is_saved_and_loaded(tmp_path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "models/tiny/target")
    target, method = make_model("llama"), ouroboros.Config(ngram=4)
    pool = ouroboros.new_pool(method)
    given = {"draft_model": target, "method": method, "max_new_tokens": 20, "eos_token_id": None}
    expected = list(ouroboros.decode(target, PROMPT, pool=pool, **given))
    path = tmp_path / "deep" / "pool.json"
    ouroboros.save_pool(pool, path, tokenizer, method)
    loaded = ouroboros.load_pool(str(path), tokenizer, method)
    assert len(loaded) and loaded.phrases() == pool.phrases()
    assert list(ouroboros.decode(target, PROMPT, pool=loaded, **given)) == expected
    other = ouroboros.Config(ngram=5)
    for refused in (lambda: ouroboros.load_pool(path, tokenizer, other),
                    lambda: ouroboros.save_pool(pool, path, tokenizer, other)):  # fmt: skip
        with pytest.raises(UserError, match="ngram=4"):
            refused()
    tokenizer.add_tokens(["<another>"])
    with pytest.raises(UserError, match="another tokenizer"):
        ouroboros.load_pool(path, tokenizer, method)


def test_prompts_of_decode() -> None:
    target = make_model("llama")
    given = {"draft_model": target, "max_new_tokens": 5, "eos_token_id": None}
    expected = target.generate(PROMPT, max_new_tokens=5, eos_token_id=None)[0, 5:].tolist()
    for prompt in (PROMPT, PROMPT[0], PROMPT[0].tolist(), tuple(PROMPT[0].tolist())):
        assert list(ouroboros.decode(target, prompt, **given)) == expected
    for mask in (torch.ones_like(PROMPT), torch.ones(5, dtype=torch.bool), [1] * 5):
        assert list(ouroboros.decode(target, PROMPT, attention_mask=mask, **given)) == expected
    for prompt in (PROMPT.tolist(), "text", [1.5], PROMPT.float(), PROMPT[None], None):
        with pytest.raises(UserError, match="token ids"):
            ouroboros.decode(target, prompt, **given)
    with pytest.raises(UserError, match="no tokens"):
        ouroboros.decode(target, [], **given)


def test_encoder_decoders_are_refused() -> None:
    config = T5Config(vocab_size=VOCABULARY, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2,
                      decoder_start_token_id=0)  # fmt: skip
    target = T5ForConditionalGeneration(config)
    with pytest.raises(UserError, match="encoder-decoder"):
        ouroboros.decode(target, PROMPT, draft_model=target, max_new_tokens=5)
    with pytest.raises(UserError, match="encoder-decoder"):
        ouroboros.decode(make_model("llama"), PROMPT, draft_model=target, max_new_tokens=5)


def test_a_draft_with_a_smaller_vocabulary_serves() -> None:
    target, draft = make_model("llama"), make_model("llama", seed=2, vocab_size=VOCABULARY - 4)
    given = {"max_new_tokens": 30, "eos_token_id": None}
    expected = target.generate(PROMPT, **given)
    ours = target.generate(PROMPT, custom_generate=ouroboros.generate, draft_model=draft, **given)
    assert torch.equal(expected, ours)


def test_a_setting_by_its_old_name_is_told_the_new_one():
    with pytest.raises(UserError, match=r"^pool_capacity is now pool\.capacity$"):
        ouroboros.Config(gamma=4, pool_capacity=4)
    method = ouroboros.Config(gamma=4, pool=ouroboros.PoolConfig(capacity=4))
    assert method.pool.capacity == 4 and copy.deepcopy(method) == method != ouroboros.Config(gamma=4)
