"""Whatever a method refuses is told with the name that a user sets: method.gamma, compare.gamma."""

import sys

import pytest
import torch
from bench_pair import bench_arguments, run
from families import make_model
from samples import thinned

from baselines.speculative import draft_session
from bench.cli import main
from bench.console.naming import naming_pair
from bench.measure.runner import Entrant
from bench.plan.methods import METHODS, method_config, method_file
from bench.plan.naming import full_names, naming_settings
from bench.plan.nesting import flat, merged, nested
from decoding import session
from decoding.decoder import ModelPair
from decoding.errors import CannotPack, MissingDraft, NotFinite, SettingError, UserError
from decoding.finite import require_finite
from decoding.packing import can_pack, pack
from decoding.session import ModelSession, check_masks
from decoding.stopping import Stopping

SETTINGS = [
    (name, key, value) for name in METHODS for key, value in flat(method_file(name, "method")).items() if key != "name"
]
# What may be set to no other type of value.
WRONG = [-1, 99.5, "nosuch", [], [-1], {"a": 1}]


@pytest.mark.parametrize("setting", thinned(SETTINGS, 25), ids=lambda each: f"{each[0]}.{each[1]}")
def test_every_setting_that_is_refused_is_named(setting):
    """Each refuses something; what it refuses names it, and it first."""
    name, key, _ = setting
    defaults = method_file(name, "method")
    refused = 0
    for wrong in WRONG:
        for group in ("method", "compare"):
            try:
                method_config(merged(defaults, nested({key: wrong})), group)
            except UserError as error:
                assert str(error).startswith(f"{group}.{key}") and "\n" not in str(error)
                refused += 1
    assert refused


# What only building for the pair finds out (two layers, a draft), and what the message has to say.
SELF = "method=self_speculative"
LAYER = "names the layer 99: layers are numbered from 0 to 1"
BUILT = [
    ([SELF, "method.skip=null", "method.skip_attention=[99]"], f"method.skip_attention {LAYER}"),
    ([SELF, "method.skip=null", "method.skip_mlp=[99]", "check=true"], f"method.skip_mlp {LAYER}"),
    ([SELF], "give the file of one, method.skip=FILE, or name"),
    ([SELF], "; scripts/search_skip_layers.py searches one"),
    ([SELF, "method.skip=tiny"], "method.skip=tiny was made for the 12 layers"),
    ([SELF, "method.skip=tiny"], "method.skip=null; scripts/search_skip_layers.py searches one"),
    (["method=greedy", "compare=[{name: self_speculative, skip: tiny}]"], "as in {name: self_speculative, skip: null}"),
    (["method=speculative", "model.draft=null"], "method speculative needs a draft model; set model.draft"),
    (["method=hf_generate", "method.engine=nosuch"], "method.engine must be one of prepared, plain, not nosuch"),
    (["method=ouroboros", "method.drafter=hf_generate"], "method.drafter=hf_generate is no drafter"),
    (["method=hybrid", "method.fallback=hf_generate", "check=true"], "method.fallback=hf_generate is no drafter"),
    (
        ["method=ouroboros", "method.drafter={name: self_speculative, skip: null, skip_mlp: [99]}"],
        f"method.drafter.skip_mlp {LAYER}",
    ),
    (
        ["method=ouroboros", "method.drafter={name: hybrid, fallback: hf_generate}"],
        "method.drafter.fallback=hf_generate is no drafter",
    ),
    (["method=greedy", "compare=[{name: self_speculative, skip: null, skip_mlp: [99]}]"], f"compare.skip_mlp {LAYER}"),
    (["~method", "cases=[{name: self_speculative, skip: null, skip_mlp: [99]}]"], f"cases.skip_mlp {LAYER}"),
    (["~method", "cases=[self_speculative]"], "give the file of one, cases.skip=FILE, or name"),
]


@pytest.mark.parametrize("case", thinned(BUILT, 5), ids=str)
def test_what_the_pair_refuses_is_named_as_well(monkeypatch, capsys, arguments, case):
    given, said = case
    assert run(monkeypatch, *arguments, *given) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error and error.count("\n") == 1


@pytest.mark.slow
def test_what_a_search_refuses_is_named_as_well(monkeypatch, capsys, arguments):
    given = [each for each in arguments if not each.startswith(("task=", "data."))]
    found = ["task=gsm8k", SELF, "method.skip=null", "method.skip_mlp=[99]", "tune.study=study", "limit=2"]
    monkeypatch.setattr(sys, "argv", ["bench.tune", *given, *found])
    assert main("bench.tune.job:tune", "tune") == 2
    assert f"method.skip_mlp {LAYER}" in capsys.readouterr().err


def test_what_a_saved_state_refuses_is_named_as_well(monkeypatch, capsys, pair, arguments):
    lookahead = ["method=lookahead", "method.ngram=4"]
    assert run(monkeypatch, *arguments, *lookahead, "history=warm", "save_history=state.json") == 0
    capsys.readouterr()
    given = bench_arguments(pair, "method=lookahead", "method.ngram=5", "history=file", "history_file=state.json")
    assert run(monkeypatch, *given) == 2
    assert "state.json: " in (error := capsys.readouterr().err) and error.strip().endswith("set method.ngram=4")


def heavy():
    """A model with a weight that float16 cannot hold."""
    model = make_model("llama", dtype=torch.float32)
    with torch.no_grad():
        model.model.layers[1].mlp.up_proj.weight[3, 2] = 7e4
    return model


def flash():
    """A model whose attention takes no mask."""
    model = make_model("llama")
    model.config._attn_implementation = "flash_attention_2"
    return model


def blind():
    """A session whose model sees no masks."""
    found = ModelSession(make_model("llama"))
    found._masks.build = lambda *_: None
    return found


def unnumbered(role):
    model = make_model("llama", dtype=torch.float16)
    require_finite(torch.tensor([torch.nan]), model, role)


WITHOUT_A_DRAFT = "method speculative needs a draft model"
# What the engine refuses: who does it, how the library says it, and how the command line.
ENGINE = [
    ("draft", lambda: ModelSession(flash()), SettingError, "attn_implementation must be sdpa or eager, not flash_att",
     "model.attn_implementation must be sdpa or eager, not flash_att"),
    ("draft", lambda: check_masks(blind()), UserError, ": attn_implementation=sdpa does not follow the mask",
     ": model.attn_implementation=sdpa does not follow the mask"),
    ("draft", lambda: unnumbered("draft"), NotFinite, ": set dtype=bfloat16 or dtype=float32",
     ": set model.draft_dtype=bfloat16 or model.draft_dtype=float32"),
    ("target", lambda: unnumbered("target"), NotFinite, ": set dtype=bfloat16 or dtype=float32",
     ": set dtype=bfloat16 or dtype=float32"),
    ("draft", lambda: pack(make_model("llama", dtype=torch.float64)), CannotPack,
     "for float32 and bfloat16 on a CPU, not torch.float64 on cpu", "on cpu; use engine=traced, on a GPU engine=eager"),
    ("target", lambda: draft_session(ModelPair(blind(), None, frozenset(), str), "speculative"), MissingDraft,
     WITHOUT_A_DRAFT, f"{WITHOUT_A_DRAFT}; set model.draft"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "refuses", "kind", "own", "typed"), ENGINE)
def test_the_engine_names_parameters_and_the_command_line_what_is_typed(role, refuses, kind, own, typed):
    with pytest.raises(kind) as bare:
        refuses()
    with pytest.raises(kind) as told, naming_pair(role):
        refuses()
    said = str(bare.value)
    assert own in said and "model." not in said and "engine=" not in said
    assert typed in str(told.value) and type(told.value) is kind and "\n" not in str(told.value)


@pytest.mark.skipif(not can_pack(torch.float32), reason="no kernels")
def test_a_weight_that_cannot_be_packed_has_its_advice_added():
    with pytest.raises(CannotPack, match=r"7e\+04 is beyond float16 \(65504 at most\)$"):
        pack(heavy())


def test_what_a_pair_refuses_on_loading_is_named_as_it_is_typed(monkeypatch, capsys, arguments):
    """And what its target or its draft is found to do with masks."""
    monkeypatch.setattr("bench.models.loading.ModelSession", lambda *_: session.ModelSession(flash()))
    assert run(monkeypatch, *arguments, "engine=eager") == 2
    error = capsys.readouterr().err
    assert error.startswith("error: model.attn_implementation must be sdpa or eager") and error.count("\n") == 1


@pytest.mark.parametrize("role", ["target", "draft"])
def test_a_model_that_ignores_masks_is_told_by_the_setting_as_it_is_typed(monkeypatch, capsys, arguments, role):
    def ignoring(looked_at, name):
        return check_masks(blind() if name == role else looked_at, name)

    monkeypatch.setattr("bench.measure.entrants.check_masks", ignoring)
    monkeypatch.setattr("bench.measure.check.check_masks", ignoring)
    assert run(monkeypatch, *arguments, "method=speculative", "check=true") == 2
    assert ": model.attn_implementation=sdpa does not follow the mask" in capsys.readouterr().err


class Refusing:
    """A decoder that cannot be compiled."""

    def generate(self, prompt, stopping, sampler=None):
        raise UserError("torch cannot compile this model here (compile: no): use compile=false")


def test_an_error_while_decoding_names_settings_too():
    config = METHODS["hf_generate"].load().Config()
    entrant = Entrant("x", Refusing(), "cold", None, naming=lambda: naming_settings(config, "cases"))
    with pytest.raises(UserError, match=r"here \(compile: no\): use cases.compile=false"):
        entrant.generate([1], Stopping(frozenset(), 1))


def test_only_a_setting_is_named_anew():
    """Not a word like it, a part of a path, or another setting that ends so.

    And the kind of error stays.
    """
    config = method_config({"name": "ouroboros", "drafter": {"name": "sam"}})
    names = full_names(config, "method")
    assert names["learning.rejected"] == "method.learning.rejected" and names["alpha"] == "method.drafter.alpha"
    for kind, told, wanted in (
        (SettingError, "window must be at least 1", "method.window must be at least 1"),
        (SettingError, "windows are closed", "windows are closed"),
        (SettingError, "pool.capacity: window=0", "method.pool.capacity: method.window=0"),
        (UserError, "window is a word here", "window is a word here"),
        (UserError, "runs/k=3/state: method.k=3, my_k=3", "runs/k=3/state: method.k=3, my_k=3"),
        (NotFinite, "set alpha=1", "set method.drafter.alpha=1"),
    ):  # fmt: skip
        with pytest.raises(kind) as caught, naming_settings(config, "method"):
            raise kind(told)
        assert str(caught.value) == wanted and type(caught.value) is kind
