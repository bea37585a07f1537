"""The search for a skip set: its reckoning against the method itself, costs, resuming, its files,
refusals."""

import csv
import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from bench_pair import make_tokenizer
from families import make_model
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from matrix import prompts
from omegaconf import OmegaConf
from samples import chosen, thinned
from transformers import LlamaConfig, LlamaForCausalLM

from baselines import greedy
from baselines.layer_skipping import LayerSkipper
from baselines.self_speculative import AdaptiveExit
from baselines.skip_set import load_skip_set
from bench import CONF
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.session import ModelSession
from decoding.stopping import Stopping
from training import skip_config, skip_objective, skip_search
from training.skip_config import SkipSearchConfig
from training.skip_objective import CostModel, Costs, Measured, Text, Worth, measure_costs, replay
from training.skip_search import search_skip_set

SETS = [((), ()), ((1,), ()), ((), (0,)), ((0, 1), (1,)), ((0, 1), (0, 1))]


@pytest.fixture(scope="module")
def pair() -> ModelPair:
    return ModelPair(ModelSession(make_model("llama")), None, frozenset({5}), str)


@pytest.fixture(scope="module")
def texts(pair: ModelPair) -> list[Text]:
    decoder, texts = greedy.build(greedy.Config(), pair), []
    for prompt in prompts(3):
        stopping = Stopping(pair.eos, 20)
        texts.append(Text(prompt, decoder.generate(prompt, stopping).tokens, stopping))
    return texts


COSTS = Costs([1.0, 1.5, 2.0, 2.5, 3.0], attention=0.1, mlp=0.2, rest=0.05)


@pytest.mark.parametrize("threshold", [0.0, 1.0])
@pytest.mark.parametrize("layers", thinned(SETS, 3), ids=str)
def test_reckoned_steps_are_the_methods_own(pair, texts, layers, threshold) -> None:
    """One token a draft (every probability is below 1), or full drafts of a model that skips
    nothing: nothing is approximate then. Otherwise the work is near the method's own, not equal."""
    max_draft = 4
    parts = (pair, LayerSkipper(pair.target.model), texts, AdaptiveExit(threshold, 0.9, 0.0), max_draft)
    reckoned = CostModel(*parts, COSTS)(*layers)
    measured = Measured(*parts)(*layers)
    assert reckoned.tokens == measured.tokens
    if threshold == 1.0 or layers == ((), ()):
        assert (reckoned.steps, reckoned.drafted, reckoned.accepted) == (
            measured.steps, measured.drafted, measured.accepted
        )  # fmt: skip
    else:
        assert 0.6 <= reckoned.steps / measured.steps <= 1.6


def test_seconds_are_steps_and_drafted_tokens_at_their_price(pair, texts) -> None:
    skipper = LayerSkipper(pair.target.model)
    model = CostModel(pair, skipper, texts[:1], AdaptiveExit(0.0, 0.9, 0.0), 4, COSTS)
    worth = model((), ())
    tokens = len(texts[0].output) - 1
    full, rest = divmod(tokens, 5)
    drafted = 4 * full + max(rest - 1, 0)
    assert (worth.tokens, worth.drafted) == (tokens, drafted)
    expected = 3.0 * full + (COSTS.steps[rest - 1] if rest else 0) + drafted * (0.05 + 2 * 0.1 + 2 * 0.2)
    assert worth.seconds == pytest.approx(expected)
    assert worth.tokens_per_second == pytest.approx(tokens / expected)
    assert model((), ()) == worth, "one set has one value"
    cheaper = COSTS.draft(2, 2) - COSTS.draft(1, 0)
    assert cheaper == pytest.approx(0.1 + 0.4)


def test_replay_by_hand() -> None:
    """Output 1 2 3 4 5 6 after the prefill's token 1.

    The guess after 3 is wrong, the one after 4 is unsure.
    """
    text = Text([0], [1, 2, 3, 4, 5, 6], Stopping(frozenset(), 6))
    guesses = [(2, 0.9), (3, 0.9), (7, 0.8), (5, 0.3), (6, 0.9)]
    fixed = AdaptiveExit(0.5, 0.9, 0.0)
    # d = 2 3 7 5: 5 is below the threshold, kept, and ends the draft; 2 3 are right, 4 is the
    # target's own. Then 5, unsure: right, and 6 comes with it.
    assert list(replay(guesses, text, fixed, 8, frozenset())) == [(4, 2), (1, 1)]
    fixed.reset()
    assert list(replay(guesses, text, fixed, 2, frozenset())) == [(2, 2), (1, 1)]
    assert list(replay(guesses, text, fixed, 8, frozenset({7}))) == [(3, 2), (1, 1)], "a draft ends at its end token"


def test_replay_learns_as_the_method_does() -> None:
    """Not from a draft that the longest output cut.

    But from one that doubt ended at the same place.
    """
    output = [1, 2, 3, 4, 5, 6, 8]
    for longest, doubt, second, learned in ((7, 0.9, 2, [4]), (7, 0.1, 2, [4, 2]), (10, 0.9, 3, [4, 3])):
        guesses = [(2, 0.9), (3, 0.9), (7, 0.9), (5, 0.9), (6, doubt), (8, 0.9)]
        seen: list[int] = []
        early_exit = AdaptiveExit(0.5, 0.9, 0.0)
        early_exit.learn = lambda _, drafted, __, seen=seen: seen.append(drafted)
        text = Text([0], output, Stopping(frozenset(), longest))
        assert list(replay(guesses, text, early_exit, 4, frozenset())) == [(4, 2), (second, second)]
        assert seen == learned


def test_a_text_begins_where_the_method_does_cold(pair, texts) -> None:
    """However far earlier texts have moved the threshold: the same text is always worth the same.
    """
    early_exit = AdaptiveExit(1.0, 0.9, 0.0)  # one token a draft, from the start
    parts = (pair, LayerSkipper(pair.target.model), texts[:1], early_exit, 4)
    for objective in (CostModel(*parts, COSTS), Measured(*parts)):
        early_exit.forget()
        first = objective((), ())
        early_exit.threshold = 0.0  # as if texts before had moved it: full drafts
        again = objective((), ())
        assert (first.steps, first.drafted) == (again.steps, again.drafted)
        assert first.drafted <= first.steps


def test_costs_tell_sub_layers_apart(monkeypatch, texts) -> None:
    """On a clock that attention moves by 2, an MLP by 3, a forward by 10 and each of its rows by 1.
    """
    clock = 0.0

    def moves(seconds: float):
        def hook(*_: object) -> None:
            nonlocal clock
            clock += seconds

        return hook

    def reads(_module: object, _args: object, given: dict, _output: object) -> None:
        moves(10 + given["input_ids"].shape[1])()

    model = make_model("llama")
    for layer in model.model.layers:
        layer.self_attn.register_forward_hook(moves(2))
        layer.mlp.register_forward_hook(moves(3))
    model.register_forward_hook(reads, with_kwargs=True)
    monkeypatch.setattr(skip_objective, "time", SimpleNamespace(thread_time=lambda: clock))
    costs = measure_costs(ModelSession(model), LayerSkipper(model), texts[0], max_draft=8, rounds=3)
    assert costs.steps == [10 + 1 + drafted + 2 * (2 + 3) for drafted in range(9)]
    assert (costs.attention, costs.mlp, costs.rest) == pytest.approx((2, 3, 11))
    assert costs.draft(2, 1) == pytest.approx(11 + 2 * 2 + 3)


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Path:
    """A folder with a random target of three layers and a tokenizer, without a draft."""
    folder = tmp_path_factory.mktemp("target")
    tokenizer = make_tokenizer()
    torch.manual_seed(0)
    shape = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4}
    config = LlamaConfig(vocab_size=len(tokenizer), max_position_embeddings=1024, eos_token_id=0, bos_token_id=None,
                         initializer_range=0.4, **shape)  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def configured(target: Path, tmp_path: Path, *overrides: str) -> SkipSearchConfig:
    ConfigStore.instance().store("search_skip_layers_schema", SkipSearchConfig)
    given = [
        "name=random", "model=custom", f"model.target={target}", "tasks.humaneval=1", "tasks.gsm8k=0", "tasks.cnndm=0",
        "tasks.wmt16=1", "max_new_tokens=10", "trials=3", "max_draft=3", f"output={tmp_path}", *overrides,
    ]  # fmt: skip
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return OmegaConf.to_object(compose("search_skip_layers", given))


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "trials.csv").open() as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("objective", chosen(["cost_model", "measured"], "cost_model"))
def test_search_goes_on_where_it_stopped_and_writes_what_the_method_loads(
    target, tmp_path, monkeypatch, objective
) -> None:
    folder = tmp_path / "random"
    search_skip_set(configured(target, tmp_path, f"objective={objective}"))
    first = rows(folder)
    assert [(row["attention"], row["mlp"]) for row in first] == [("", ""), ("0", ""), ("1", "")]
    assert not {"study.journal.lock"} & {file.name for file in folder.iterdir()}

    asked = []
    kind = {"cost_model": CostModel, "measured": Measured}[objective]
    call = kind.__call__

    def spy(self, *layers):
        asked.append(layers)
        return call(self, *layers)

    monkeypatch.setattr(kind, "__call__", spy)
    found = search_skip_set(configured(target, tmp_path, f"objective={objective}", "trials=12"))
    second = rows(folder)
    assert second[:3] == first, "nothing is measured twice"
    assert len(second) == 12
    assert len(set(asked)) == len(asked) <= 9
    assert len({(row["attention"], row["mlp"]) for row in second[:7]}) == 7, "nothing, and each sub-layer alone"
    values = [float(row["tokens_per_second"]) for row in second]
    best = second[values.index(max(values))]
    assert float(second[-1]["best"]) == max(values)
    assert (found.attention, found.mlp) == tuple(
        [int(layer) for layer in best[kind].split()] for kind in ("attention", "mlp")
    )
    assert load_skip_set(str(folder / "skip_set.json")) == found
    assert found.layers == 3
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["trials"] == 12
    assert set(summary["measured"]) == set(summary["objective_values"]) == {"greedy", "nothing skipped", "skip set"}
    sessions = json.loads((folder / "provenance.json").read_text())["sessions"]
    assert [session["finished_trials"] for session in sessions] == [0, 3]
    assert all(session["started"] <= session["ended"] for session in sessions)
    assert all(session["versions"]["optuna"] and session["command"][1:] == sys.argv for session in sessions)
    assert (folder / "convergence.png").read_bytes().startswith(b"\x89PNG")

    kept = {file: file.read_bytes() for file in folder.iterdir() if file.suffix in (".json", ".csv")}
    for file in kept:
        file.unlink()
    monkeypatch.setattr(skip_search, "load_pair", None)
    assert search_skip_set(configured(target, tmp_path, f"objective={objective}", "trials=12")) == found
    assert {file: file.read_bytes() for file in kept} == kept, "the journal holds them all"
    with pytest.raises(UserError, match="holds a search with max_draft=3, not 4"):
        search_skip_set(configured(target, tmp_path, f"objective={objective}", "max_draft=4"))


def test_a_trial_that_was_killed_is_left_behind(target, tmp_path, monkeypatch) -> None:
    def killed(*_: object) -> Worth:
        raise KeyboardInterrupt

    monkeypatch.setattr(CostModel, "__call__", killed)
    with pytest.raises(KeyboardInterrupt):
        search_skip_set(configured(target, tmp_path))
    monkeypatch.undo()
    search_skip_set(configured(target, tmp_path, "trials=8"))
    found = rows(tmp_path / "random")
    assert len(found) == 8
    assert any(row["attention"] == row["mlp"] == "" for row in found), "the one that skips nothing"


def test_what_a_search_refuses(target, tmp_path) -> None:
    def refused(*overrides: str, said: str) -> None:
        with pytest.raises(UserError, match=said):
            search_skip_set(configured(target, tmp_path, *overrides))

    refused("data.split=test", said="searched on validation prompts, not on test")
    refused("+tasks.nosuch=3", said="tasks.nosuch is no task")
    refused("tasks.humaneval=0", "tasks.wmt16=0", said="tasks holds no prompts")
    refused("objective=luck", said="choose one of cost_model, measured")
    refused("trials=0", said="trials must be at least 1")
    refused("threshold=2.0", said="threshold must be")
    refused("model.target=/nowhere", said="is no folder")
    assert skip_config.OBJECTIVES == ("cost_model", "measured")
