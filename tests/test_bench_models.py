"""Loading a pair, comparing tokenizers, and generate() as a rival."""

import json
from dataclasses import fields, replace

import pytest
import torch
from bench_pair import make_pair, make_tokenizer, save_model
from tokenizers import Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from baselines import hf_generate
from baselines.hf_rival import HfRival
from bench.models.config import ModelConfig
from bench.models.loading import LoadedPair, load_pair, shared_vocabulary
from bench.models.location import weights_digests
from bench.models.place import Place, resolve_place
from bench.plan.methods import METHODS
from decoding.decoder import Drafter
from decoding.errors import UserError
from decoding.method import Spec
from decoding.stopping import Stopping

CPU = Place("cpu", "float64")


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture(scope="module")
def loaded(folders):
    return load_pair(ModelConfig(target=str(folders[0]), draft=str(folders[1])), CPU, seed=0)


def test_vocabularies():
    assert shared_vocabulary({0: "a", 1: "b"}, {0: "a", 1: "b"}) == (2, 2)
    assert shared_vocabulary({0: "a", 1: "b", 2: "c"}, {0: "a", 1: "b"}) == (3, 2)
    assert shared_vocabulary({0: "a", 1: "b"}, {0: "a", 1: "b", 2: "c"}) == (2, 2)
    assert shared_vocabulary({0: "a", 2: "b", 3: "c"}, {0: "a", 2: "b"}) == (4, 3)
    with pytest.raises(UserError, match="id 1 is 'b' in the target and 'c' in the draft"):
        shared_vocabulary({0: "a", 1: "b"}, {0: "a", 1: "c"})
    with pytest.raises(UserError, match="id 1 is None in the target and 'b' in the draft"):
        shared_vocabulary({0: "a", 2: "c"}, {0: "a", 1: "b", 2: "c"})


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
    for name, way in (("target", "make pair"), ("smollm2_135m_eagle", "draft=smollm2_135m_eagle")):
        with pytest.raises(UserError, match=f"{name} is not there: .*{way}"):
            weights_digests(ModelConfig(target=f"bundled:nosuch/{name}"))


def test_the_digest_follows_the_weights(folders):
    digests = weights_digests(ModelConfig(target=str(folders[0]), draft=str(folders[1])))
    assert digests["target"] != digests["draft"]
    assert weights_digests(ModelConfig(target=str(folders[0])))["draft"] is None


def test_the_digest_follows_the_tokenizer_and_the_generation_config(tmp_path):
    model = ModelConfig(target=str(save_model(tmp_path / "model", make_tokenizer(), seed=0)))
    digests = [weights_digests(model)["target"]]
    for name in ("tokenizer_config.json", "generation_config.json", "chat_template.jinja", "tokenizer.model"):
        (tmp_path / "model" / name).write_text("{} ")
        digests.append(weights_digests(model)["target"])
    assert len(set(digests)) == 5


def test_any_failure_to_load_is_one_line_but_not_a_lack_of_memory(folders, monkeypatch):
    def failing(error):
        def from_pretrained(*_, **__):
            raise error

        monkeypatch.setattr("bench.models.checkpoint.AutoModelForCausalLM.from_pretrained", from_pretrained)
        load_pair(ModelConfig(target=str(folders[0])), CPU, seed=0)

    with pytest.raises(UserError, match="cannot load .*: size mismatch"):
        failing(RuntimeError("size mismatch for weight"))
    with pytest.raises(RuntimeError, match="allocate"):
        failing(RuntimeError("DefaultCPUAllocator: can't allocate memory"))


def test_a_continuation_keeps_the_space_it_begins_with():
    tokenizer = Tokenizer(models.WordLevel({"▁def": 0, "▁f": 1, "▁pass": 2, "▁": 3, "<s>": 4}, unk_token="▁"))
    tokenizer.decoder = decoders.Metaspace()
    loaded = LoadedPair(None, PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>"))
    assert loaded.tokenizer.decode([2]) == "pass"
    assert loaded.continuation([4, 0, 1], [3, 3, 2]) == "   pass"
    assert loaded.continuation([4], [2, 4]) == "pass"


def test_end_tokens_come_from_everywhere(folders, tmp_path):
    folder = save_model(tmp_path / "several", make_tokenizer(), seed=0)
    (folder / "generation_config.json").write_text(json.dumps({"eos_token_id": [7, 9]}))
    assert load_pair(ModelConfig(target=str(folder)), CPU, seed=0).pair.eos == {0, 7, 9}


@pytest.mark.parametrize("name", METHODS)
def test_what_is_declared_of_a_method_is_what_it_does(loaded, name):
    method = METHODS[name]
    config = method.load().Config()
    if name == "self_speculative":
        config = method.load().Config(skip=None)  # its own set is for the bundled target's layers
    pair = replace(loaded.pair, **dict.fromkeys(("feature_draft", "cross_draft"), lambda: loaded.pair.draft))
    pair.draft.model.config.pard_token = 3
    decoder = method.load().build(config, pair)
    assert Spec(**{each.name: getattr(method, each.name) for each in fields(Spec)}) == method.load().SPEC
    assert (name, method.name) == (config.name, name)
    drafter = getattr(decoder, "drafter", Drafter())
    assert method.keeps_history == (type(drafter).forget is not Drafter.forget), "what keeps something can forget it"
    assert method.ours != isinstance(decoder, HfRival)
    assert method.saves_state == (type(drafter).save_state is not Drafter.save_state)


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
