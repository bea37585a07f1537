"""Published EAGLE-3 drafts: read by their rule, exact, refused by name where they do not fit."""

import json
import re
from functools import cache
from pathlib import Path

import pytest
import torch
from bench_pair import bench_arguments, make_pair, run, run_summary, write_prompts
from eagle3_folders import (
    IDS,
    LAYER,
    SPECULATORS,
    WIDTH,
    agreeing,
    features_of,
    make_weights,
    norm,
    rule,
    states_of,
    target_of,
    write,
)
from families import VOCABULARY, blurred, reading
from matrix import decode, prompts
from safetensors.torch import load_file
from samples import chosen

from baselines import eagle, greedy
from bench.models.config import ModelConfig
from bench.models.loading import load_tokenizers
from bench.models.speculators import load_published, published
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.feature_session import FeatureSession
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree

CHAIN = eagle.Config(depth=4, children=1)
TREE = eagle.Config(depth=3, children=3, width=2, nodes=9)
LONG = Stopping(frozenset(), 24)
FLAGS = [{}, *({flag: True} for flag in ("norm_before_residual", "norm_before_fc", "fc_norm", "norm_output"))]


@cache
def target():
    return target_of()


@cache
def texts() -> list[list[int]]:
    """Prompts with greedy's outputs."""
    pair = ModelPair(ModelSession(target()), None, frozenset(), decode)
    decoder = greedy.build(greedy.Config(), pair)
    return [prompt + decoder.generate(prompt, LONG).tokens for prompt in prompts(3)]


@cache
def good() -> dict[str, torch.Tensor]:
    """The weights of a draft that agrees with the target now and then."""
    return agreeing(make_weights(), target(), texts())


def loaded(folder, form="speculators", weights=None, **changes):
    return load_published(str(write(folder, form, weights or good(), **changes)), target(), torch.float64)


def pair_of(draft, session=None, kind=FeatureSession, trace=False) -> ModelPair:
    session = session or ModelSession(target())
    if trace:
        session.trace()
    features = kind(draft, session)
    if trace:
        features.trace()
    return ModelPair(session, None, frozenset(), decode, feature_draft=lambda: features)


def accepted(pair, config=CHAIN, count=2) -> list[list[int]]:
    """By prompt what was accepted, step by step; outputs are greedy's."""
    found = []
    for prompt, text in zip(prompts(count), texts(), strict=False):
        outcome = eagle.build(config, pair).generate(prompt, LONG)
        assert prompt + outcome.tokens == text
        found.append(outcome.steps.accepted)
    return found


def total(steps) -> int:
    return sum(map(sum, steps))


@pytest.mark.parametrize("form", ["speculators", "flat"])
@pytest.mark.parametrize("flags", FLAGS, ids=lambda flags: "".join(flags) or "plain")
def test_a_forward_is_the_published_rule(tmp_path, form, flags):
    """Confirmed rows with the target's states, and drafted ones with the draft's own."""
    if form == "flat":
        flags = {name: True for name in flags if name != "norm_output"}
    weights = make_weights(**flags)
    draft = loaded(tmp_path / "draft", form, weights, **flags)
    session = ModelSession(target())
    features = FeatureSession(draft, session)
    text = texts()[0][:14]
    session.prefill(text[:-1])
    features.begin(text, 40)
    tree = TokenTree(text[-1], features.room(len(text) - 1))
    found = [features.forward(text[:-1], tree, [0])[0]]
    residual = {"norm_before_residual": flags.get("norm_before_residual", False)}
    read = features_of(weights, states_of(target(), text))[:-1]
    wanted, after = [], text[1:]
    for drafted in (3, 9, None):
        before, normed = rule(weights, after, read, **residual)
        wanted.append(normed[-1] @ weights["lm_head.weight"].T)
        if drafted is not None:
            found.append(features.extend(tree.add(len(tree) - 1, [drafted], "draft"))[0])
            read = torch.cat([read, (normed if flags.get("norm_output") else before)[-1:]])
            after = [*after, drafted]
    for logits, expected in zip(found, wanted, strict=True):
        assert logits.shape == (VOCABULARY,)
        torch.testing.assert_close(logits[IDS], expected, rtol=0, atol=2e-6)
        assert int((logits < -1e9).sum()) == VOCABULARY - len(IDS)


@pytest.mark.parametrize("config", [CHAIN, TREE], ids=["chain", "tree"])
@pytest.mark.parametrize("form", ["speculators", "flat"])
def test_output_is_greedys(tmp_path, form, config):
    assert total(accepted(pair_of(loaded(tmp_path / "good", form)), config)) > 10


def test_output_is_greedys_whatever_the_weights_are(tmp_path):
    assert total(accepted(pair_of(loaded(tmp_path / "draft", weights=make_weights(3))), TREE)) < total(
        accepted(pair_of(loaded(tmp_path / "good")), TREE)
    )


@pytest.mark.parametrize(("config", "trace"), [(CHAIN, True), (TREE, False)])
def test_rows_are_those_of_a_full_recompute(tmp_path, config, trace):
    """After many rounds with rejections."""
    pair = pair_of(loaded(tmp_path / "draft"), trace=trace)
    draft = pair.feature_draft()
    prompt = prompts(4)[3]
    outcome = eagle.build(config, pair).generate(prompt, Stopping(frozenset(), 50))
    assert sum(outcome.steps.drafted) - sum(outcome.steps.accepted) > 10 < len(outcome.steps)
    text = prompt + outcome.tokens
    sure = min(draft._true, len(draft.tokens))
    assert sure > len(prompt) + 30 and draft.tokens[:sure] == text[:sure]
    draft.truncate(sure - 1)
    found = draft.forward([], TokenTree(text[sure - 1], draft.room(sure - 1)), [0])[0]
    read = features_of(good(), states_of(target(), text[:sure]))[:-1]
    wanted = rule(good(), text[1:sure], read)[1][-1] @ good()["lm_head.weight"].T
    torch.testing.assert_close(found[IDS], wanted, rtol=0, atol=2e-5)


def test_a_state_of_another_row_is_another_draft(tmp_path):
    class Shifted(FeatureSession):
        def _features(self, chain, tree, standing):
            return super()._features(chain, tree, standing).roll(1, 0) * 0.5

    draft = loaded(tmp_path / "draft")
    assert total(accepted(pair_of(draft, kind=Shifted))) < total(accepted(pair_of(draft)))


@pytest.mark.parametrize("trace", chosen([False, True], True), ids=["eager", "traced"])
def test_drafts_that_read_other_layers_work_side_by_side(tmp_path, trace):
    """In every order: each as with a target of its own."""
    drafts = [loaded(tmp_path / "draft"), reading(blurred(target(), 0.1))]
    alone = [accepted(pair_of(draft), count=1) for draft in drafts]
    assert all(map(total, alone))
    session = ModelSession(target())
    first = pair_of(drafts[0], session)
    assert accepted(first, count=1) == alone[0]
    if trace:
        session.trace()
    second = pair_of(drafts[1], session)
    for pair, expected in ((second, alone[1]), (first, alone[0]), (second, alone[1])):
        assert accepted(pair, count=1) == expected


def test_states_are_numbered_as_transformers_does():
    session, text = ModelSession(target()), texts()[0][:9]
    session.watch((2, 4))
    session.prefill(text)
    session.watch((0, 2))
    assert not session.tokens, "what was read before has no such states"
    session.prefill(text)
    for layers in ((0, 2, 4), (2,), (4, 0)):
        torch.testing.assert_close(session.states(layers, 3, 8), states_of(target(), text, layers)[3:8])
    with pytest.raises(ValueError, match="4 layers"):
        session.watch((5,))


def test_the_default_layers_are_the_papers(tmp_path):
    six = target_of(6)
    folder = str(write(tmp_path / "draft", "speculators", good(), eagle_aux_hidden_state_layer_ids=None))
    assert FeatureSession(load_published(folder, six, torch.float64), ModelSession(six)).reader.layers == (2, 3, 3)


def test_an_identical_map_is_the_full_head(tmp_path):
    weights = {**make_weights(), "lm_head.weight": torch.randn(VOCABULARY, WIDTH, dtype=torch.float64)}
    full = {name: tensor for name, tensor in weights.items() if name not in ("d2t", "t2d")}
    order = torch.randperm(VOCABULARY, generator=torch.Generator().manual_seed(1))
    identity = {"d2t": torch.zeros(VOCABULARY, dtype=torch.int64), "t2d": torch.ones(VOCABULARY, dtype=torch.bool)}
    permuted = {"d2t": order - torch.arange(VOCABULARY), "lm_head.weight": weights["lm_head.weight"][order]}
    hidden = torch.randn(5, WIDTH, dtype=torch.float64)
    wanted = torch.nn.functional.linear(norm(hidden, weights["norm.weight"]), weights["lm_head.weight"])
    for name, change in {"absent": {}, "identity": identity, "permuted": permuted}.items():
        draft = loaded(tmp_path / name, weights={**full, **change}, draft_vocab_size=VOCABULARY)
        torch.testing.assert_close(draft.lm_head(hidden), wanted, rtol=0, atol=1e-6)


def test_another_map_costs_acceptance_and_changes_no_output(tmp_path):
    maps = {
        "lost": {"d2t": torch.zeros(len(IDS), dtype=torch.int64)},
        "permuted": {"d2t": IDS.roll(1) - torch.arange(len(IDS))},
    }
    right = total(accepted(pair_of(loaded(tmp_path / "right"))))
    own = {name: tensor for name, tensor in good().items() if name != "t2d"}
    for name, change in maps.items():
        assert total(accepted(pair_of(loaded(tmp_path / name, weights=own | change)))) < right / 2, name


def test_the_targets_embedding_is_taken_where_there_is_none(tmp_path):
    own = {name: tensor for name, tensor in good().items() if name != "embed_tokens.weight"}
    draft = loaded(tmp_path / "draft", weights=own)
    assert draft.model.embed_tokens.weight.data_ptr() == target().model.embed_tokens.weight.data_ptr()


def strict(**changes):
    config = SPECULATORS["speculators_config"]
    return {"speculators_config": {**config, "proposal_methods": [{**config["proposal_methods"][0], **changes}]}}


def layer(**changes):
    return {"transformer_layer_config": {**LAYER, **changes}}


@pytest.mark.parametrize(
    ("config", "tensors", "said"),
    [
        *(({"speculators_model_type": kind}, {}, f"kind {kind}") for kind in ("peagle", "dflash", "dspark", "mtp")),
        ({"speculators_config": {"algorithm": "mtp"}}, {}, "algorithm mtp"),
        (strict(verifier_accept_k=2), {}, "verifier_accept_k=2"),
        (strict(accept_tolerance=0.1), {}, "accept_tolerance=0.1"),
        ({"transformer_layer_config": None}, {}, "lacks transformer_layer_config"),
        (layer(model_type="qwen3"), {}, "type qwen3"),
        (layer(sliding_window=64), {}, "sliding_window=64"),
        (layer(layer_types=["linear_attention"]), {}, "linear_attention"),
        (layer(rope_scaling={"rope_type": "default", "mrope_section": [2, 1, 1]}), {}, "mrope_section"),
        (layer(rope_scaling={"rope_type": "spiral"}), {}, "rope_type=spiral"),
        (layer(hidden_size="wide"), {}, "none of a Llama layer"),
        (layer(vocab_size=30), {}, "reads 30 ids, and the target 24"),
        ({"target_hidden_size": 48}, {}, "48 numbers, the target's have 32"),
        ({"eagle_aux_hidden_state_layer_ids": [1, 2, 4]}, {}, "layers 1, 2, 4 read, and the target has 4"),
        ({"eagle_aux_hidden_state_layer_ids": ["a"]}, {}, "is no list of layers"),
        ({"norm_before_fc": True}, {}, "lacks input_norm.weight"),
        ({}, {"norm.weight": None}, "lacks norm.weight"),
        ({}, {"layers.0.self_attn.q_norm.weight": torch.ones(8)}, "holds layers.0.self_attn.q_norm.weight"),
        ({}, {"fc.weight": torch.ones(32, 64)}, "fc.weight is 32 x 64, and by its config.json 32 x 96"),
        ({}, {"d2t": None}, "lacks d2t"),
        ({}, {"d2t": torch.zeros(3, dtype=torch.int64)}, "d2t is 3 of"),
        ({}, {"d2t": torch.full((len(IDS),), 9)}, "does not give each of its 20 ids one of the target's 24"),
        ({}, {"d2t": torch.zeros(len(IDS), dtype=torch.int64)}, "d2t and t2d name other ids"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_by_name(tmp_path, config, tensors, said):
    weights = {name: tensor for name, tensor in {**good(), **tensors}.items() if tensor is not None}
    folder = write(tmp_path / "draft", "speculators", weights, **config)
    assert published(str(folder))
    with pytest.raises(UserError, match=f"^cannot load {folder}: .*{said}") as raised:
        load_published(str(folder), target(), torch.float64)
    assert "\n" not in str(raised.value)


def test_flat_drafts_of_another_rule_are_refused(tmp_path):
    for change, said in (({"norm_output": False}, "norm_output=false"), ({"architectures": ["MoEagle3"]}, "MoEagle3")):
        folder = write(tmp_path / said, "flat", good(), **change)
        assert published(str(folder))
        with pytest.raises(UserError, match=said):
            load_published(str(folder), target(), torch.float64)


def test_broken_files_are_refused(tmp_path):
    folder = write(tmp_path / "draft", "speculators", good())
    (folder / "model.safetensors").write_bytes(b"no tensors")
    with pytest.raises(UserError, match=f"^cannot load {folder}: ") as raised:
        load_published(str(folder), target(), torch.float64)
    assert "\n" not in str(raised.value)
    (folder / "config.json").write_text("{")
    with pytest.raises(UserError, match="config.json is no JSON"):
        published(str(folder))


def test_from_the_command_line(tmp_path, monkeypatch, capsys):
    """model.feature_draft takes such a folder; what cannot be ends in one line and status 2."""
    monkeypatch.chdir(tmp_path)
    make_pair(tmp_path)
    write_prompts(tmp_path / "prompts.jsonl", 4)
    size = json.loads(Path("target/config.json").read_text())["vocab_size"]
    own = {name: tensor for name, tensor in make_weights().items() if name not in ("embed_tokens.weight", "t2d")}
    changes = {**layer(vocab_size=size), "eagle_aux_hidden_state_layer_ids": [0, 1, 1]}
    folder = write(tmp_path / "eagle3", "speculators", own, **changes)
    arguments = bench_arguments(
        tmp_path, "method=eagle", "method.depth=2", "method.children=2", "dtype=float64", "limit=1"
    )
    assert run(monkeypatch, *arguments, f"model.feature_draft={folder}") == 0
    assert run_summary("eagle")["lossless"]["identical"] == 1
    capsys.readouterr()
    taken = []
    for pickled in (False, True):
        if pickled:
            torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
            (folder / "model.safetensors").unlink()
        assert run(monkeypatch, *arguments, f"model.feature_draft={folder}", "check=true") == 0
        memory = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("memory: "))
        taken.append(re.search(r"feature draft [\d.]+ MiB \+ cache [\d.]+ MiB", memory)[0])
    assert taken[0] == taken[1], "pickled weights take as much"
    write(tmp_path / "parallel", "speculators", own, **changes, speculators_model_type="peagle")
    assert run(monkeypatch, *arguments, f"model.feature_draft={tmp_path}/parallel") == 2
    assert "kind peagle" in capsys.readouterr().err
    with pytest.raises(UserError, match="give it as model.feature_draft"):
        load_tokenizers(ModelConfig(target=f"{tmp_path}/target", draft=str(folder)))
