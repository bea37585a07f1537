"""Loading a pair, comparing tokenizers, and generate() as a rival."""

import json

import pytest
import torch
from bench_pair import make_pair, make_tokenizer, save_model

from baselines import hf_generate
from bench.models import Place, load_pair, resolve_place, shared_vocabulary, weights_digests
from bench.registry import METHODS
from bench.settings import ModelConfig
from decoding.errors import UserError
from decoding.stopping import Stopping

CPU = Place("cpu", "float64")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def loaded(folders):
    return load_pair(ModelConfig(target=str(folders[0]), draft=str(folders[1])), CPU, seed=0)


def test_vocabularies():
    assert shared_vocabulary({"a": 0, "b": 1}, {"a": 0, "b": 1}) == (2, 2)
    assert shared_vocabulary({"a": 0, "b": 1, "c": 2}, {"a": 0, "b": 1}) == (3, 2)
    assert shared_vocabulary({"a": 0, "b": 1}, {"a": 0, "b": 1, "c": 2}) == (2, 2)
    with pytest.raises(UserError, match="id 1 is 'b' in the target and 'c' in the draft"):
        shared_vocabulary({"a": 0, "b": 1}, {"a": 0, "c": 1})


def test_another_tokenizer_is_refused(folders, tmp_path):
    other = make_tokenizer(["zebra zebra xylophone " * 5], size=290)
    draft = save_model(tmp_path / "other", other, seed=0)
    with pytest.raises(UserError, match="tokenizers of target and draft differ"):
        load_pair(ModelConfig(target=str(folders[0]), draft=str(draft)), CPU, seed=0)


def test_places():
    assert resolve_place("cpu", None) == Place("cpu", "float32")
    with pytest.raises(UserError):
        resolve_place("cuda:77", None)


def test_broken_weights_and_a_missing_bundled_pair_are_told(folders, tmp_path):
    broken = save_model(tmp_path / "broken", make_tokenizer(), seed=0)
    (broken / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(UserError, match="cannot load"):
        load_pair(ModelConfig(target=str(broken)), CPU, seed=0)
    with pytest.raises(UserError, match="train_pair"):
        weights_digests(ModelConfig(target="bundled:nosuch/target"))


def test_the_digest_follows_the_weights(folders):
    digests = weights_digests(ModelConfig(target=str(folders[0]), draft=str(folders[1])))
    assert digests["target"] != digests["draft"]
    assert weights_digests(ModelConfig(target=str(folders[0])))["draft"] is None


def test_end_tokens_come_from_everywhere(folders, tmp_path):
    folder = save_model(tmp_path / "several", make_tokenizer(), seed=0)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [7, 9]}))
    assert load_pair(ModelConfig(target=str(folder)), CPU, seed=0).pair.eos == {0, 7, 9}


@pytest.mark.parametrize("name", METHODS)
def test_the_registry_says_what_the_decoders_say(loaded, name):
    method = METHODS[name]
    decoder = method.load().build(method.load().Config(), loaded.pair)
    assert (decoder.keeps_history, decoder.ours) == (method.keeps_history, method.ours)


def test_generate_ends_as_greedy_does_whatever_the_models_own_settings(loaded):
    model = loaded.pair.target.model
    model.generation_config.repetition_penalty = 5.0
    greedy = METHODS["greedy"].load()
    ours = greedy.build(greedy.Config(), loaded.pair)
    rival = hf_generate.build(hf_generate.Config(), loaded.pair)
    prompt = [5, 6, 7, 8]
    free = ours.generate(prompt, Stopping(frozenset(), 12)).tokens
    decode = loaded.pair.decode
    rules = [
        Stopping(frozenset(), 12),
        Stopping(frozenset(), 1),
        Stopping(frozenset({free[4]}), 12),
        Stopping(frozenset(), 12, (decode(free[2:4]),), decode),
        Stopping(frozenset(), 1000),
    ]
    for rule in rules:
        mine, theirs = ours.generate(prompt, rule), rival.generate(prompt, rule)
        assert (theirs.tokens, theirs.stop) == (mine.tokens, mine.stop)
        assert 0 < theirs.prefill_seconds <= theirs.total_seconds
        assert theirs.steps is None
    assert model.generation_config.repetition_penalty == 5.0
    assert torch.is_inference_mode_enabled() is False
