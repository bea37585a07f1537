"""Engines: a traced forward is the model's own, and a packed model the rounded model, within
rounding."""

import copy
import json
from pathlib import Path

import pytest
import torch
from bench_pair import run
from families import FAMILIES, KINDS, VOCABULARY, blurred, make_model
from matrix import decode, prompts, reference
from samples import covering
from torch import nn

from baselines import clasp, greedy, multi_candidate, self_speculative, speculative
from bench.measure.lossless import noise_floor, token_gaps
from bench.models.config import EAGER, PACKED, TRACED
from bench.models.place import Place, resolve_place
from bench.plan.methods import METHODS
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.packing import PACKED_BY, BlockedLinear, Float16Linear, PackedLinear, can_pack, pack, rounded
from decoding.session import ModelSession, check_masks
from decoding.stopping import Stopping
from decoding.tracing import CannotTrace
from decoding.tree import TokenTree
from decoding.view import SessionView
from ouroboros import PoolConfig
from ouroboros import method as ouroboros

LOOK = {"llama_dynamic_rope", "phi3_longrope"}
TRACEABLE = [family for family in FAMILIES if family not in LOOK]
needs_fbgemm = pytest.mark.skipif(not can_pack(torch.float32), reason="this CPU has no packed float16 kernels")
needs_bfloat16 = pytest.mark.skipif(not can_pack(torch.bfloat16), reason="this CPU multiplies no bfloat16")


def traced(model) -> ModelSession:
    session = ModelSession(model)
    session.trace()
    return session


def forwards(session: ModelSession) -> list[torch.Tensor]:
    """Logits of a prefill, a branching tree, a tree that grows, a long chain, and one row after a
    kept branch."""
    found = [session.prefill(list(range(1, 8)))]
    tree = TokenTree(3, room=session.room(len(session.tokens)))
    first = tree.add(0, [4, 5], "a")
    tree.add(0, [6, 7, 8], "b")
    found.append(session.forward([9, 10], tree, tree.wanted_nodes()))
    tree.add(first[-1], [11, 12], "c")
    found.append(session.extend([len(tree) - 1]))
    session.keep([0, *first])
    found.append(session.prefill([13]))
    found.append(session.prefill([place % VOCABULARY for place in range(20)]))
    return found


@pytest.mark.parametrize("family", TRACEABLE)
def test_a_traced_forward_is_the_models_own(family):
    model = make_model(family)
    for own, found in zip(forwards(ModelSession(model)), forwards(traced(model)), strict=True):
        # Scalars may be folded, so not bit by bit.
        assert torch.allclose(own, found, rtol=0, atol=1e-12)


@pytest.mark.parametrize("family", sorted(LOOK))
def test_what_looks_at_positions_is_not_traced(family):
    session = ModelSession(make_model(family))
    with pytest.raises(CannotTrace, match="rotary embedding"):
        session.trace()
    assert session._traced is None


def test_a_forward_that_looks_at_values_is_found_out(monkeypatch):
    model = make_model("llama")
    plain = model.forward

    def looking(*args, input_ids, **kwargs):
        output = plain(*args, input_ids=input_ids, **kwargs)
        if input_ids.shape[1] > 4:
            output.logits = output.logits * 2
        return output

    monkeypatch.setattr(model, "forward", looking)
    with pytest.raises(CannotTrace, match="are others than the model's own"):
        ModelSession(model).trace()


def test_a_cache_that_grows_is_followed():
    """The buffers are inputs: a trace does not hold on to those it was made with."""
    model = make_model("llama")
    sessions = [ModelSession(model), traced(model)]
    for session in sessions:
        session.prefill([1, 2, 3])
        session.reserve(100)
    assert torch.allclose(*(session.prefill([4, 5]) for session in sessions), rtol=0, atol=1e-12)


def test_a_view_is_traced_on_a_cache_that_a_forward_has_grown():
    """As in a panel, where other methods or a probe have run before Draft & Verify is built."""
    session = traced(make_model("llama"))
    capacity = session._cache.capacity
    session.prefill([place % VOCABULARY for place in range(capacity + 10)])
    session.reset()
    view = SessionView(session, make_model("llama"))
    assert session._cache.capacity > capacity and view._traced is not None
    session.prefill([1, 2, 3])
    with view.ahead():
        found = view.prefill([4, 5])
    assert torch.allclose(found, ModelSession(make_model("llama")).prefill([1, 2, 3, 4, 5]), rtol=0, atol=1e-12)


MATRIX = [
    speculative.Config(gamma=4),
    multi_candidate.Config(branching=[3, 2, 1], width=None, nodes=None),
    self_speculative.Config(skip=None, skip_attention=[1], max_draft=5, threshold=0.3),
    clasp.Config(interval=1, max_draft=5, threshold=0.3),
    ouroboros.Config(gamma=3, k=3, window=4, ngram=4, pool=PoolConfig(text_phrases=True)),
]
ENGINES = {TRACED: torch.float64, PACKED: torch.float32, f"{PACKED} bfloat16": torch.bfloat16}
ENGINE_CASES = [(config, family, engine) for config in MATRIX for family in TRACEABLE for engine in ENGINES]


def pair_of(family: str, engine: str) -> ModelPair:
    """A target and a draft that agrees now and then.

    In the widest dtype that the engine takes, or the one it names.
    """
    target = make_model(family, dtype=ENGINES[engine])
    models = target, blurred(target, 0.01)
    sessions = [traced(model if engine == TRACED else pack(model)) for model in models]
    return ModelPair(*sessions, frozenset({5}), decode)


@pytest.mark.parametrize(
    "case",
    covering(ENGINE_CASES, lambda case: [(case[0].name, case[2]), (KINDS.get(case[1], case[1]), case[2])]),
    ids=lambda case: f"{case[0].name}-{case[1]}-{case[2]}",
)
def test_outputs_are_greedys_on_every_engine(case):
    config, family, engine = case
    if engine != TRACED and not can_pack(ENGINES[engine]):
        pytest.skip("this CPU has no kernels for it")
    pair = pair_of(family, engine)
    decoder = METHODS[config.name].load().build(config, pair)
    for prompt in prompts(1, length=9):
        stopping = Stopping(frozenset(), 16)
        found, expected = decoder.generate(prompt, stopping).tokens, reference(pair, prompt, stopping).tokens
        if ENGINES[engine] != torch.bfloat16:
            assert found == expected
        # Logits of bfloat16 are equal every now and then, and which of two is chosen hangs on the
        # rows beside it.
        model, vocabulary = pair.target.model, pair.target.vocabulary
        gaps = token_gaps(model, vocabulary, prompt, found)
        assert len(found) == len(expected) and max(gaps) <= 2 * noise_floor(model, vocabulary, [prompt + expected])


def test_a_draft_on_some_layers_has_a_trace_of_its_own():
    """With the whole model's it would draft what the target says, and nobody would see it but by
    its speed."""
    pair = pair_of("llama", TRACED)
    config = self_speculative.Config(skip=None, skip_attention=[0, 1], max_draft=3)
    view = METHODS["self_speculative"].load().build(config, pair).drafter.view
    own, other = (ModelSession(model) for model in (view.model, pair.target.model))
    expected, whole = own.prefill([1, 2, 3]), other.prefill([1, 2, 3])
    assert torch.allclose(view.prefill([1, 2, 3]), expected, rtol=0, atol=1e-12)
    assert not torch.allclose(expected, whole, atol=1e-3)


@pytest.mark.parametrize("family", ["llama", "qwen2", "gpt2"])
def test_blocked_weights_come_to_their_own_layers(monkeypatch, family):
    """In float32, for which every CPU has kernels."""
    monkeypatch.setitem(PACKED_BY, torch.float32, BlockedLinear)
    model = make_model(family, dtype=torch.float32)
    expected = forwards(ModelSession(model))
    packed = pack(model)
    assert any(isinstance(module, BlockedLinear) for module in packed.modules())
    for found, wanted in zip(forwards(traced(packed)), expected, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


@needs_fbgemm
@pytest.mark.parametrize("family", FAMILIES)
def test_a_packed_model_is_the_rounded_model_within_rounding(family):
    model = make_model(family, dtype=torch.float32)
    same, other = rounded(model), copy.deepcopy(model)
    packed = pack(copy.deepcopy(model))
    linear = [type(module) for module in packed.modules() if isinstance(module, nn.Linear | PackedLinear)]
    assert set(linear) == {Float16Linear}
    expected, found, unrounded = (ModelSession(each).prefill([1, 2, 3, 4]) for each in (same, packed, other))
    assert (expected - found).abs().max() < 1e-4 < (unrounded - found).abs().max()


@needs_bfloat16
@pytest.mark.parametrize("family", FAMILIES)
def test_a_model_packed_in_bfloat16_is_the_model_itself(family):
    model = make_model(family, dtype=torch.bfloat16)
    packed = pack(copy.deepcopy(model))
    for (name, own), found in zip(model.named_modules(), packed.modules(), strict=True):
        if not isinstance(own, nn.Linear):
            continue
        assert isinstance(found, PackedLinear) and torch.equal(found.weight, own.weight), name
        hidden = torch.randn(3, own.in_features, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(1))
        exact = nn.functional.linear(
            hidden.double(), own.weight.double(), None if own.bias is None else own.bias.double()
        )
        assert torch.allclose(found(hidden).double(), exact, rtol=2**-8, atol=2**-8), name
    own, found = (ModelSession(each).prefill([1, 2, 3, 4]) for each in (model, packed))
    assert torch.allclose(own, found, rtol=0, atol=0.15)


@needs_fbgemm
def test_a_head_tied_to_the_embedding_stays_one_with_it():
    model = pack(make_model("llama", dtype=torch.float32, tie_word_embeddings=True))
    assert torch.equal(model.get_input_embeddings().weight, model.get_output_embeddings().weight)


@needs_fbgemm
def test_what_float16_cannot_hold_is_refused():
    model = make_model("llama", dtype=torch.float32)
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[3, 2] = 7e4
    with pytest.raises(UserError, match=r"7e\+04 is beyond float16"):
        pack(model)
    with pytest.raises(UserError, match="float32 and bfloat16 on a CPU, not torch.float64"):
        pack(make_model("llama"))


@needs_fbgemm
def test_rows_of_a_packed_model_follow_the_mask():
    assert check_masks(traced(pack(make_model("llama", dtype=torch.float32)))) < 1e-4


@needs_bfloat16
def test_every_layer_of_a_trace_reads_its_own_packed_weights():
    """Those of bfloat16 come in as arguments."""
    model = pack(make_model("llama", dtype=torch.bfloat16))
    expected = ModelSession(model).prefill([1, 2, 3])
    session = traced(model)
    assert torch.equal(ModelSession(model).prefill([1, 2, 3]), expected)
    assert torch.allclose(session.prefill([1, 2, 3]), expected, rtol=0, atol=0.1)


def test_a_missing_kernel_is_one_line(monkeypatch):
    monkeypatch.setattr("bench.models.place.can_pack", lambda _: False)
    assert [resolve_place("cpu", dtype, "auto").engine for dtype in ("float32", "bfloat16")] == [TRACED, TRACED]
    with pytest.raises(UserError, match="kernels, which this machine's torch has not: use engine=auto"):
        resolve_place("cpu", "float32", PACKED)
    with pytest.raises(UserError, match="a CPU that multiplies bfloat16 .*: use engine=auto"):
        resolve_place("cpu", "bfloat16", PACKED)


def test_auto_takes_what_is_there_and_keeps_the_numbers_of_a_dtype(monkeypatch):
    monkeypatch.setattr("bench.models.place.can_pack", lambda dtype: dtype in (torch.float32, torch.bfloat16))
    assert [resolve_place("cpu", dtype, "auto").engine for dtype in ("float32", "float64", "bfloat16")] == [
        PACKED, TRACED, PACKED,
    ]  # fmt: skip
    with pytest.raises(UserError, match="engine=packed needs float32 or bfloat16 on a CPU"):
        resolve_place("cpu", "float64", PACKED)
    assert "engine" not in Place("cpu", "float32", EAGER).identity(), "runs from before keep their folders"
    assert Place("cpu", "float32", PACKED).identity()["engine"] == PACKED, "searches are told apart"


def test_greedy_runs_the_traced_forward(monkeypatch):
    """What no comparison of outputs would show."""
    pair = pair_of("llama", TRACED)
    decoder = greedy.build(greedy.Config(), pair)
    monkeypatch.setattr(pair.target.model, "forward", lambda *_, **__: pytest.fail("the model ran in eager mode"))
    assert len(decoder.generate([1, 2, 3], Stopping(frozenset(), 6)).tokens) == 6


@needs_fbgemm
def test_a_run_on_packed_weights_end_to_end(monkeypatch, arguments, capsys):
    """The rounded model is the target of every method and of the library.

    The plain library is a rival of its own.
    """
    rivals = "compare=[hf_generate,{name: hf_generate, engine: plain, label: plain}]"
    assert run(monkeypatch, *arguments, "engine=packed", "method=speculative", rivals) == 0
    assert "plain" in capsys.readouterr().out
    assert run(monkeypatch, *arguments, "engine=eager", "method=speculative") == 0
    folders = sorted(Path("runs/custom/random").glob("speculative-*"))
    engines = [json.loads((each / "provenance.json").read_text())["case"]["identity"].get("engine") for each in folders]
    assert sorted(engines, key=str) == [None, PACKED], "two engines never share a folder"
    gaps = {}
    for folder in Path("runs/custom/random").glob("hf_generate-*"):
        records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
        kind = json.loads((folder / "provenance.json").read_text())["case"]["identity"]["method"]["engine"]
        gaps[kind] = [record["tokens"] for record in records if record["role"] == "method"]
        assert all(record["gap"] < 1e-2 for record in records), "within what rounding weights to float16 may change"
    assert set(gaps) == {"prepared", "plain"}


def test_a_model_that_cannot_be_traced_is_said_and_runs(monkeypatch, arguments, capsys):
    def refuse(*_):
        raise CannotTrace("its router chooses experts by what it reads")

    monkeypatch.setattr("decoding.session.TracedForward", refuse)
    assert run(monkeypatch, *arguments, "engine=traced", "dtype=float64", "method=speculative") == 0
    said = capsys.readouterr().out
    assert "warning: LlamaForCausalLM runs eagerly, which is slower: it cannot be traced (its router" in said


def test_the_check_names_the_engine(monkeypatch, arguments, capsys):
    assert run(monkeypatch, *arguments, "engine=traced", "dtype=float64", "check=true") == 0
    assert "engine: traced" in capsys.readouterr().out
