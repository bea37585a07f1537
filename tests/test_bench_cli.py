"""python -m bench on a random tiny pair: the contract's files, resuming, sweeps, exit statuses and users' errors."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from bench_pair import make_pair, write_prompts
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import baselines.hf_generate
import baselines.speculative
from bench.cli import main
from bench.registry import CONF, METHODS, method_config
from bench.settings import ModelConfig, Settings, read_plan

ROOT = Path(__file__).resolve().parent.parent

CONTRACT = {
    "schema_version": None, "method": None, "method_config": None, "task": None, "model": None, "data": None,
    "split": None, "device": None,
    "dtype": None, "seed": None, "temperature": None, "max_new_tokens": None, "history": None,
    "prompts": None, "repeats": None, "generated_tokens": None,
    "tokens_per_second": {"decode": {"method", "greedy"}, "end_to_end": {"method", "greedy"}},
    "speedup": {name: {"value", "low", "high"} for name in ("decode", "end_to_end", "geomean")},
    "tokens_per_target_forward": None, "target_forwards": None, "draft_forwards": None,
    "acceptance": {name: None for name in ("drafted", "accepted", "rate", "marginal", "conditional", "histogram")},
    "seconds": {name: None for name in ("prefill", "draft", "verify", "other")},
    "lossless": {name: None for name in ("identical", "tie", "mismatch", "verdict", "tolerance")},
    "quality": {"method": None, "greedy": None}, "peak_memory_bytes": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pair")
    make_pair(folder)
    write_prompts(folder / "prompts.jsonl", 6)
    return folder


@pytest.fixture
def arguments(pair, tmp_path, monkeypatch):
    """The common overrides; runs go to tmp_path/runs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return [
        "model=custom", f"model.target={pair}/target", f"model.draft={pair}/draft", "model.name=random", "task=custom",
        f"data.path={pair}/prompts.jsonl", "max_new_tokens=8", "warmup=1", "limit=2", "output=runs",
    ]  # fmt: skip


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["bench", *arguments])
    return main()


def folder_of(method):
    (folder,) = Path("runs/custom/random").glob(f"{method}-*")
    return folder


def summary_of(method):
    return json.loads((folder_of(method) / "summary.json").read_text())


def composed(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(overrides))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("task", sorted(file.stem for file in (CONF / "task").glob("*.yaml")))
def test_every_method_and_task_composes(method, task):
    plan = read_plan(composed(f"method={method}", f"task={task}"))
    assert (plan.methods[0].name, plan.task.name, plan.model.name) == (method, task, "tiny")


def test_every_setting_is_in_its_yaml():
    def keys(file):
        return set(OmegaConf.load(CONF / file))

    for name, method in METHODS.items():
        assert keys(f"method/{name}.yaml") == {field.name for field in fields(method.load().Config)}
        assert method_config(OmegaConf.load(CONF / f"method/{name}.yaml")) == method.load().Config()
    for name in ("tiny", "custom"):
        assert keys(f"model/{name}.yaml") == {field.name for field in fields(ModelConfig)}
    assert keys("config.yaml") - {"defaults", "hydra"} == {field.name for field in fields(Settings)}
    assert {file.stem for file in (CONF / "method").glob("*.yaml")} == set(METHODS)


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("method=nosuch", "Could not find 'method/nosuch'"),
        ("task=nosuch", "humaneval"),
        ("method.gama=3", "gama"),
        ("+method.gama=3", "method.gama is no setting"),
        ("limt=3", "limt"),
        ("+limt=3", "limt is no setting"),
        ("method.gamma=-1", "at least 0"),
        ("method.gamma=much", "method.gamma"),
        ("limit=0", "limit must be at least 1"),
        ("temperature=0.7", "temperature"),
        ("top_k=5", "temperature 0"),
        ("history=file", "cold or warm"),
        ("history_file=pool.json", "not supported"),
        ("dtype=float8", "float32"),
        ("device=tpu9", "device"),
        ("x=[", "x=["),
        ("compare=[nosuch]", "nosuch"),
        ("compare=[{name: speculative, gama: 2}]", "gama"),
        ("model.target=null", "model.target"),
        ("model.target=/nonexistent", "/nonexistent"),
        ("model.draft=null", "needs a draft"),
        ("data.path=missing.jsonl", "missing.jsonl"),
        ("task.shotz=1", "shotz"),
    ],
)
def test_a_users_error_is_one_line_and_status_2(monkeypatch, capsys, arguments, override, said):
    assert run(monkeypatch, *arguments, override) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: ") and "\n" not in error and said in error
    assert not list(Path("runs").rglob("*.jsonl"))


def test_history_needs_a_method_that_keeps_one(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "method=speculative", "history=warm") == 2
    assert "history=cold" in capsys.readouterr().err


def test_debug_shows_the_traceback(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "model.target=/nonexistent", "debug=true") == 2
    assert "Traceback" in capsys.readouterr().err


def test_end_to_end_again_and_extended(monkeypatch, capsys, arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", *arguments, "compare=[{name: speculative, gamma: 3},hf_generate]"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "ouroboros" in done.stdout and "identical (2)" in done.stdout and "Traceback" not in done.stderr
    assert [file.name for file in Path().iterdir()] == ["runs"]
    folder = folder_of("ouroboros")
    names = {"config.yaml", "provenance.json", "records.jsonl", "summary.json", "summary.csv", "report.md"}
    assert names | {"comparison.csv"} <= {file.name for file in folder.iterdir()}
    check_contract(json.loads((folder / "summary.json").read_text()), CONTRACT)
    check_contract(summary_of("hf_generate"), CONTRACT)
    assert summary_of("hf_generate")["target_forwards"] is None
    assert summary_of("ouroboros")["acceptance"]["drafted"] > 0
    assert len(list(csv.DictReader((folder / "comparison.csv").open()))) == 6
    assert OmegaConf.load(folder_of("speculative") / "config.yaml").method.gamma == 3

    before = (folder / "records.jsonl").read_bytes()
    monkeypatch.setattr("bench.job.load_pair", lambda *_: pytest.fail("loaded although nothing is left to measure"))
    assert run(monkeypatch, *arguments) == 0
    assert "nothing was left to measure" in capsys.readouterr().out
    assert (folder / "records.jsonl").read_bytes() == before
    monkeypatch.undo()


def test_a_larger_limit_extends_a_torn_run_and_another_commit_may_not(monkeypatch, capsys, arguments):
    method = "method=lookahead"
    assert run(monkeypatch, *arguments, method) == 0
    records = folder_of("lookahead") / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    assert run(monkeypatch, *arguments, method, "limit=3", "repeats=2") == 0
    content = records.read_bytes()
    assert content.startswith(b"".join(lines[:3]))
    keys = [(each["prompt"], each["repeat"], each["role"]) for each in map(json.loads, content.splitlines())]
    assert len(keys) == len(set(keys)) == 3 * 2 * 2
    assert (summary_of("lookahead")["prompts"], summary_of("lookahead")["repeats"]) == (3, 2)
    assert len(json.loads((folder_of("lookahead") / "provenance.json").read_text())["sessions"]) == 2

    provenance = folder_of("lookahead") / "provenance.json"
    changed = json.loads(provenance.read_text())
    changed["versions"]["torch"] = "0.0"
    provenance.write_text(json.dumps(changed))
    capsys.readouterr()
    assert run(monkeypatch, *arguments, method, "limit=4") == 2
    assert "versions.torch" in capsys.readouterr().err.splitlines()[-1]
    assert records.read_bytes() == content
    assert run(monkeypatch, *arguments, method, "limit=1", "overwrite=true") == 0
    assert len(records.read_bytes().splitlines()) == 2


def test_warm_passes_and_a_panel_of_settings(monkeypatch, arguments):
    cases = "cases=[{name: ouroboros, k: 0},greedy]"
    assert run(monkeypatch, *arguments, "history=warm", "repeats=2", "limit=1", cases, "dtype=float64") == 0
    summaries = [json.loads(file.read_text()) for file in Path("runs").rglob("summary.json")]
    assert {(each["label"], each["history"]) for each in summaries} == {
        ("ouroboros k=3", "warm"), ("ouroboros k=0", "warm"), ("greedy", "cold"),
    }  # fmt: skip
    assert all(each["lossless"]["identical"] == 2 for each in summaries)
    greedy = next(each for each in summaries if each["method"] == "greedy")
    assert greedy["acceptance"]["rate"] is None and greedy["draft_forwards"] is None
    speedup = greedy["speedup"]["decode"]
    assert speedup["value"] == speedup["low"] == speedup["high"]


def test_a_multirun_goes_on_and_ends_with_the_worst_status(monkeypatch, capsys, arguments):
    assert run(monkeypatch, "-m", *arguments, "method=speculative", "method.gamma=-1,2", "limit=1") == 2
    captured = capsys.readouterr()
    assert "method.gamma must be at least 0" in captured.err and "speculative" in captured.out
    assert summary_of("speculative")["method_config"]["gamma"] == 2
    assert [file.name for file in Path().iterdir()] == ["runs"]


class Lying:
    """A decoder whose last token is wrong."""

    keeps_history = False
    ours = True

    def __init__(self, decoder):
        self.decoder = decoder

    def forget(self):
        pass

    def generate(self, prompt, stopping):
        generation = self.decoder.generate(prompt, stopping)
        generation.tokens[-1] = (generation.tokens[-1] + 1) % 256
        return generation


@pytest.mark.parametrize(("module", "status"), [(baselines.speculative, 1), (baselines.hf_generate, 0)])
def test_a_mismatch_ends_with_1_unless_it_is_a_rivals(monkeypatch, capsys, arguments, module, status):
    honest = module.build
    monkeypatch.setattr(module, "build", lambda config, pair: Lying(honest(config, pair)))
    name = module.__name__.split(".")[-1]
    assert run(monkeypatch, *arguments, f"method={name}", "limit=1") == status
    assert "MISMATCH" in capsys.readouterr().out
    assert summary_of(name)["lossless"]["mismatch"] == 1
    assert "mismatch" in (folder_of(name) / "report.md").read_text()


def test_check_looks_and_leaves_nothing(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "check=true") == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("masks of the draft", "memory", "end-of-sequence ids: 0", "outputs: equal"))
    assert not Path("runs").exists()


def check_contract(found, wanted):
    """Every key of the contract is there, nested ones too."""
    for key, inner in wanted.items():
        assert key in found
        if isinstance(inner, set):
            assert inner <= set(found[key])
        elif isinstance(inner, dict):
            check_contract(found[key], inner)
