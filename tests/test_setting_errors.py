"""Whatever a method refuses is told with the name that a user sets: method.gamma, compare.gamma."""

import sys

import pytest
from bench_pair import bench_arguments, run
from samples import thinned

from bench.cli import main
from bench.measure.runner import Entrant
from bench.plan.methods import METHODS, method_config, method_file
from bench.plan.naming import full_names, naming_settings
from bench.plan.nesting import flat, merged, nested
from decoding.errors import NotFinite, SettingError, UserError
from decoding.stopping import Stopping

SETTINGS = [
    (name, key, value) for name in METHODS for key, value in flat(method_file(name, "method")).items() if key != "name"
]
# What may be set to no other type of value.
WRONG = [-1, 99.5, "nosuch", [], [-1], {"a": 1}]


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: f"{each[0]}.{each[1]}")
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
    ([SELF], "give its file, method.skip=FILE, or name"),
    ([SELF, "method.skip=tiny"], "method.skip=tiny was made for the 12 layers"),
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
    (["~method", "cases=[self_speculative]"], "give its file, cases.skip=FILE, or name"),
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


class Refusing:
    """A decoder that cannot be compiled."""

    def generate(self, prompt, stopping):
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
    config = method_config({"name": "ouroboros", "drafter": {"name": "suffix"}})
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
