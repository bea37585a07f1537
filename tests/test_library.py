"""Ouroboros inside transformers' generate() and as a stream: the very tokens of greedy generate(), or a refusal."""

import re
from pathlib import Path

import pytest
import torch
from families import VOCABULARY, blurred, make_model
from transformers import DynamicCache, LogitsProcessor, LogitsProcessorList, StoppingCriteria, StoppingCriteriaList

import ouroboros
from decoding.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
PROMPT = torch.tensor([[2, 7, 1, 8, 3]])


@pytest.fixture(scope="module", params=["llama", "gpt_neox", "gemma2"])
def models(request):
    target = make_model(request.param)
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
    "own criteria": {"max_new_tokens": 60, "stopping_criteria": StoppingCriteriaList([AfterPair()])},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_output_is_that_of_greedy_generate(models, settings) -> None:
    target, draft = models
    given = {"attention_mask": torch.ones_like(PROMPT), "do_sample": False, **settings}
    expected = target.generate(PROMPT, **given)
    ours = target.generate(PROMPT, custom_generate=ouroboros.generate, draft_model=draft, **given)
    assert torch.equal(expected, ours)
    wrapped = target.generate(
        PROMPT, custom_generate=ouroboros.generate, draft_model=draft, return_dict_in_generate=True, **given
    )
    assert torch.equal(wrapped.sequences, expected)
    del given["attention_mask"]
    assert list(ouroboros.decode(target, PROMPT, draft_model=draft, **given)) == expected[0, PROMPT.shape[1] :].tolist()


def test_a_penalty_in_the_models_own_generation_config_is_obeyed(models, monkeypatch) -> None:
    target, draft = models
    plain = target.generate(PROMPT, max_new_tokens=30, eos_token_id=None)
    monkeypatch.setattr(target.generation_config, "repetition_penalty", 20.0)
    expected = target.generate(PROMPT, max_new_tokens=30, eos_token_id=None)
    assert not torch.equal(plain, expected), "the penalty must matter for this test to say anything"
    given = {"draft_model": draft, "max_new_tokens": 30, "eos_token_id": None}
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
    draft = make_model("llama", seed=9)  # agrees on nothing, so that only phrases help
    method = ouroboros.Config(gamma=2, k=3, window=4, ngram=4)
    pool = ouroboros.new_pool(method)
    given = {"draft_model": draft, "method": method, "pool": pool, "max_new_tokens": 40, "eos_token_id": None}
    forwards = []
    target.register_forward_pre_hook(lambda *_: forwards.append(1))
    first = list(ouroboros.decode(target, PROMPT, **given))
    cold = len(forwards)
    assert len(pool)
    list(ouroboros.decode(target, PROMPT, **given))  # masks were checked in the first call only
    assert list(ouroboros.decode(target, PROMPT, **given)) == first
    assert len(forwards) < 3 * cold


REFUSED = {
    "do_sample": {"do_sample": True},
    "beams": {"num_beams": 2},
    "two sequences": {"num_return_sequences": 2, "do_sample": True},
    "scores": {"output_scores": True, "return_dict_in_generate": True},
    "attentions": {"output_attentions": True, "return_dict_in_generate": True},
    "guidance": {"guidance_scale": 2.0},
    "static cache": {"cache_implementation": "static"},
    "prompt lookup": {"prompt_lookup_num_tokens": 3},
}


@pytest.mark.parametrize("settings", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_obeyed_is_refused(settings) -> None:
    target = make_model("llama")
    with pytest.raises(UserError):
        target.generate(
            PROMPT, custom_generate=ouroboros.generate, draft_model=target, max_new_tokens=5, **settings
        )


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
    with pytest.raises(UserError, match="draft model"):
        target.generate(PROMPT, custom_generate=ouroboros.generate, max_new_tokens=5)


def test_a_draft_with_a_smaller_vocabulary_serves() -> None:
    target, draft = make_model("llama"), make_model("llama", seed=2, vocab_size=VOCABULARY - 4)
    given = {"max_new_tokens": 30, "eos_token_id": None}
    expected = target.generate(PROMPT, **given)
    ours = target.generate(PROMPT, custom_generate=ouroboros.generate, draft_model=draft, **given)
    assert torch.equal(expected, ours)


def test_the_readmes_examples_run(monkeypatch, capsys) -> None:
    """Every Python block of the README, as a reader would paste it."""
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        scope: dict = {}
        exec(compile(block, "README.md", "exec"), scope)
    printed = capsys.readouterr().out
    assert "custom_generate" in blocks[0] and "ouroboros.decode" in blocks[1]
    assert len(printed.split()) > 20
    assert printed.strip()
