"""Presets under conf/experiment: each composes on the bundled pair, and runs at its smallest size
on a random pair."""

import functools
import json
import shutil
from dataclasses import is_dataclass
from pathlib import Path

import pytest
import torch
from bench_pair import run
from omegaconf import OmegaConf
from safetensors.torch import load_file
from samples import thinned
from test_bench_cli import composed
from transformers import CompileConfig

from bench import CONF
from bench.plan.methods import METHODS, panel_config
from bench.plan.nesting import flat, flat_config, merged, nested
from bench.plan.settings import read_plan
from decoding.errors import UserError

PRESETS = sorted(file.stem for file in (CONF / "experiment").glob("*.yaml"))
POOLS = ("humaneval", "mbpp", "gsm8k", "cnndm", "wmt16")


def thinned_names() -> list:
    """(preset, backend) of every preset.

    The one with most kinds of cases runs always, the others in make test-all.
    """
    return [pytest.param(name, "eager", marks=[] if name == "methods" else pytest.mark.slow) for name in PRESETS]


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """A function that writes tuned settings of every method for a model and a task, below a copy of
    conf/method."""
    copy = tmp_path / "conf"
    shutil.copytree(CONF / "method", copy / "method")
    for name in ("CONF", "GENERATED"):
        monkeypatch.setattr(f"bench.plan.methods.{name}", copy)
    # The committed skip set is for the bundled target's 12 layers.
    skipping = copy / "method" / "self_speculative.yaml"
    OmegaConf.save({**OmegaConf.load(skipping), "skip": None, "skip_mlp": [1]}, skipping)

    def write(model: str, task: str) -> None:
        for name in (*METHODS, "lookahead_warm", "ouroboros_warm"):
            settings = OmegaConf.load(CONF / "method" / f"{name.removesuffix('_warm')}.yaml")
            if name == "self_speculative":
                settings.update({"skip": None, "skip_mlp": [1]})
            if name in ("speculative", "ouroboros", "ouroboros_warm"):
                settings.gamma = 7  # not what a preset has beside it
            if name.startswith("lookahead"):
                settings.window = 2
            if name == "hybrid":
                settings.min_match = 7
            file = copy / "method" / "tuned" / model / task / f"{name}.yaml"
            file.parent.mkdir(parents=True, exist_ok=True)
            OmegaConf.save(settings, file)

    return write


@pytest.mark.parametrize("name", thinned(PRESETS, 5))
def test_every_preset_composes(tuned, name):
    for task in ("wmt16",) if "code" not in name else ("humaneval",):
        tuned("tiny", task)
        plan = read_plan(composed(f"experiment={name}", f"task={task}"))
        assert plan.task.name == task and plan.model.name == "tiny"
        entries = len(plan.resolved["cases"] or plan.resolved["compare"]) + (plan.resolved.get("method") is not None)
        assert len(plan.methods) == entries, "a case that says what another says already"


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_says_its_command(name):
    head = (CONF / "experiment" / f"{name}.yaml").read_text().splitlines()
    assert head[0] == "# @package _global_"
    comment = [line for line in head if line.startswith("#")]
    assert any(f"experiment={name}" in line and "python -m bench" in line for line in comment)
    assert "tuned/" not in "".join(head) or any("python -m bench.tune" in line for line in comment)


@pytest.mark.parametrize(
    ("name", "backend"),
    [*thinned_names(), pytest.param("methods", "inductor", marks=pytest.mark.slow)],
)
def test_every_preset_runs_at_its_smallest_size(monkeypatch, capsys, arguments, tuned, name, backend):
    """backend: what compiles a rival; the real one takes half a minute."""
    monkeypatch.setattr("baselines.hf_generate.CompileConfig", functools.partial(CompileConfig, backend=backend))
    tuned("random", "custom")
    if name == "contamination":
        smallest = ["experiment=contamination_pools", "limit=1", "max_new_tokens=4"]
        assert run(monkeypatch, *arguments, *smallest, "output=pools") == 0
        saved = json.loads(Path("results/pools/random/custom.json").read_text())
        for task in POOLS:
            text = json.dumps(saved | {"made_by": {"task": task}})
            Path(f"results/pools/random/{task}.json").write_text(text)
    status = run(monkeypatch, *arguments, f"experiment={name}", "limit=1", "repeats=1", "max_new_tokens=4", "warmup=0")
    printed = capsys.readouterr()
    assert status == 0, printed.err
    plan = read_plan(composed(*arguments, f"experiment={name}"))
    summaries = [json.loads(file.read_text()) for file in Path("runs").rglob("summary.json")]
    assert len(summaries) == len(plan.methods)
    assert all(each["lossless"]["mismatch"] == 0 and each["prompts"] == 1 for each in summaries)
    if name == "contamination_pools":
        assert json.loads(Path("results/pools/random/custom.json").read_text())["phrases"]


def test_all_methods_are_compared():
    named = {
        planned.config.name
        for experiment in ("methods", "temperature", "lookups")
        for planned in read_plan(composed(f"experiment={experiment}")).methods
    }
    # Greedy runs beside every panel as the reference; the bundled pair has no draft for three.
    assert named | {"greedy", "eagle", "glide", "parallel"} == set(METHODS)


def test_what_is_tuned_has_a_search_space():
    named = set()
    for file in (CONF / "experiment").glob("*.yaml"):
        cases = OmegaConf.to_container(OmegaConf.load(file), resolve=False).get("cases", [])
        named |= {case["name"].split("/")[-1] for case in cases if case["name"].startswith("tuned/")}
    named = {name.removesuffix("_warm") for name in named}
    assert named >= {"speculative", "lookahead", "ouroboros"}
    assert named <= {file.stem for file in (CONF / "search").glob("*.yaml")}


@pytest.mark.parametrize("file", thinned(sorted((CONF / "search").glob("*.yaml")), 6), ids=lambda file: file.stem)
def test_every_value_of_a_search_space_is_a_setting(file):
    fixed = {
        "prompt_lookup": {"max_ngram": 5, "min_ngram": 1}, "self_speculative": {"skip": None}, "cascade": {"tail": 0},
        "ouroboros": {"pool": {"capacity": 4}}, "multi_candidate": {"nodes": 8},
    }  # fmt: skip
    for key, values in flat(OmegaConf.to_container(OmegaConf.load(file))).items():
        for value in values:
            others = {**fixed.get(file.stem, {}), **({"draft_length": 10} if key == "tail" else {})}
            entry = {"name": file.stem, **merged(others, nested({key: value}))}
            found = flat_config(panel_config(entry, "search"))[key]
            assert value == (found.name if is_dataclass(found) else found)


def test_missing_tuned_settings_are_named_with_the_command_that_makes_them(tuned):
    with pytest.raises(UserError, match=r"not tuned yet: python -m bench.tune method=lookahead task=gsm8k model=tiny"):
        panel_config("tuned/tiny/gsm8k/lookahead", "cases")
    with pytest.raises(UserError, match=r"method=ouroboros task=gsm8k model=tiny history=warm"):
        panel_config("tuned/tiny/gsm8k/ouroboros_warm", "cases")
    for name in ("../config", "tuned/../../config", None, 3):
        with pytest.raises(UserError, match="is no method"):
            panel_config({"name": name}, "cases")


def test_a_panel_of_cases_alone(monkeypatch, capsys, arguments):
    """With method=null the cases are the panel; a method that is chosen runs before them."""
    panel = "cases=[{name: speculative, gamma: 2},{name: speculative, gamma: 3}]"
    plan = read_plan(composed("~method", panel))
    assert [each.config.gamma for each in plan.methods] == [2, 3]
    plan = read_plan(composed("method=greedy", panel))
    assert [each.config.name for each in plan.methods] == ["greedy", "speculative", "speculative"]
    assert run(monkeypatch, *arguments, "~method", "cases=[]") == 2
    assert "no method is chosen" in capsys.readouterr().err


@pytest.mark.slow
def test_pools_of_a_case_s_own(monkeypatch, capsys, arguments):
    common = [*arguments, "~method", "limit=1", "max_new_tokens=4"]
    fill = [*arguments, "method=ouroboros", "history=warm", "save_history=one.json", "output=pools"]
    assert run(monkeypatch, *fill) == 0
    Path("two.json").write_text(json.dumps(json.loads(Path("one.json").read_text()) | {"phrases": {}, "credits": {}}))
    cases = [{"name": "ouroboros"}] + [
        {"name": "ouroboros", "history": "file", "history_file": f"{each}.json"} for each in ("one", "two")
    ]
    assert run(monkeypatch, *common, "cases=" + json.dumps(cases).replace('"', "")) == 0
    summaries = [json.loads(file.read_text()) for file in Path("runs").rglob("summary.json")]
    sizes = {each["label"]: each["ouroboros"]["pool_size"] for each in summaries}
    (folder,) = [Path(each["folder"]) for each in summaries if each["label"] == "ouroboros file one"]
    assert OmegaConf.load(folder / "config.yaml").history_file == "one.json"
    assert json.loads((folder / "provenance.json").read_text())["history_made_by"]["task"] == "custom"
    assert sizes["ouroboros file one"] > sizes["ouroboros file two"] == sizes["ouroboros cold"]
    capsys.readouterr()
    wrong = [
        ("{name: ouroboros, history: file, history_file: none.json}", "cannot read history_file=none.json"),
        ("{name: ouroboros, history_file: one.json}", "with its history_file"),
        ("{name: speculative, history: file, history_file: one.json}", "keeps nothing"),
    ]
    for case, said in wrong:
        assert run(monkeypatch, *common, f"cases=[{case}]") == 2
        assert said in capsys.readouterr().err


def test_drafts_from_a_targets_first_layers(pair, tmp_path, monkeypatch, capsys):
    """The first layer's weights, norm and head are the target's; all layers or none are refused."""
    monkeypatch.syspath_prepend(str(CONF.parent / "scripts"))
    import first_layers

    def command(*counts: str) -> int:
        monkeypatch.setattr("sys.argv", ["first_layers", str(pair / "target"), str(tmp_path / "draft"), *counts])
        return first_layers.main()

    assert command("1") == 0
    draft, target = (load_file(each / "model.safetensors") for each in (tmp_path / "draft-1", pair / "target"))
    assert set(draft) == {name for name in target if ".layers.1." not in name}
    assert all(torch.equal(weight, target[name]) for name, weight in draft.items())
    assert (tmp_path / "draft-1" / "tokenizer.json").exists()
    for wrong in ("0", "2"):
        assert command(wrong) == 2
        assert "give at least 1 and not all" in capsys.readouterr().err
