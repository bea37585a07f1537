"""python -m bench on a random tiny pair: the contract's files, resuming, sweeps, exit statuses and
users' errors."""

import csv
import errno
import json
import os
import subprocess
import sys
from dataclasses import asdict, fields, is_dataclass
from itertools import product
from pathlib import Path
from types import SimpleNamespace

import pytest
from bench_pair import run, run_folder, run_summary
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from samples import covering, thinned

import baselines.hf_generate
import baselines.hf_prompt_lookup
import baselines.speculative
import tasks
from bench import CONF
from bench.models.config import ModelConfig
from bench.plan.methods import METHODS, method_config
from bench.plan.nesting import flat, flat_config
from bench.plan.settings import Settings, read_plan
from bench.report.arguments import refold
from bench.tune.job import TuneConfig
from decoding.errors import UserError
from decoding.session import ModelSession
from tasks.settings import typed
from tasks.sources import DataConfig

ROOT = Path(__file__).resolve().parent.parent

CONTRACT = {
    "schema_version": None, "method": None, "method_config": None, "task": None, "model": None, "data": None,
    "split": None, "device": None,
    "dtype": None, "seed": None, "temperature": None, "max_new_tokens": None, "history": None,
    "prompts": None, "repeats": None, "generated_tokens": None,
    "tokens_per_second": {"decode": {"method", "greedy"}, "end_to_end": {"method", "greedy"}},
    "speedup": {name: {"value", "low", "high"} for name in ("decode", "end_to_end", "geomean")},
    "tokens_per_target_forward": None, "tokens_per_target_forward_mean": None,
    "target_forwards": None, "draft_forwards": None,
    "acceptance": {
        name: None for name in ("drafted", "accepted", "rate", "marginal", "conditional", "histogram", "cut_steps")
    },
    "seconds": {name: None for name in ("prefill", "draft", "verify", "other")},
    "lossless": {name: None for name in ("identical", "tie", "mismatch", "verdict", "tolerance")},
    "quality": {"method": None, "greedy": None}, "peak_memory_bytes": None, "runaways": {"outputs", "share"},
    "draft_dtype": None, "undrafted_prompts": None, "partly_undrafted_prompts": None, "nonfinite_draft_prompts": None,
}  # fmt: skip


def composed(*overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("config", list(overrides), return_hydra_config=True)


TASKS = sorted(file.stem for file in (CONF / "task").glob("*.yaml"))


@pytest.mark.parametrize("case", thinned([*product(METHODS, TASKS)], 10), ids="-".join)
def test_every_method_and_task_composes(case):
    method, task = case
    plan = read_plan(composed(f"method={method}", f"task={task}"))
    assert (plan.methods[0].config.name, plan.task.name, plan.model.name) == (method, task, "tiny")


def test_every_setting_is_in_its_yaml():
    """And stands there with the typed config's default: neither has a value that the other lacks,
    in parts as well."""

    def content(file):
        return OmegaConf.to_container(OmegaConf.load(CONF / file))

    def keys(file):
        return set(content(file))

    for name, method in METHODS.items():
        default = method.load().Config()
        found = flat(content(f"method/{name}.yaml"))
        assert list(found) == list(flat_config(default)), "in the order of the typed config"
        for key, value in flat_config(default).items():
            assert found[key] == (value.name if is_dataclass(value) else value), (name, key)
        assert method_config(content(f"method/{name}.yaml")) == default
    for file in (CONF / "model").glob("*.yaml"):
        assert keys(file) == {field.name for field in fields(ModelConfig)}
    settings = {key: value for key, value in content("config.yaml").items() if key not in ("defaults", "hydra")}
    assert settings == asdict(Settings()) and typed(Settings, settings, "config") == Settings()
    assert content("tune.yaml")["tune"] == asdict(TuneConfig())
    assert content("data/bundled.yaml") == asdict(DataConfig())
    assert all(keys(file) == {field.name for field in fields(DataConfig)} for file in (CONF / "data").glob("*.yaml"))
    for name, task in tasks.TASKS.items():
        # A file of one's own holds no worked examples.
        own = {"shots": 0} if name == "custom" else {}
        assert content(f"task/{name}.yaml") == {"name": name, **asdict(task.config_class()), **own}
    assert {file.stem for file in (CONF / "method").glob("*.yaml")} == {*METHODS, "ouroboros_small"}
    assert list(flat(content("method/ouroboros_small.yaml"))) == list(flat(content("method/ouroboros.yaml")))


ERRORS = [
    ("method=nosuch", "Could not find 'method/nosuch'"),
    ("task=nosuch", "humaneval"),
    ("method.gama=3", "gama"),
    ("method.pool_capacity=4", "method.pool_capacity is now method.pool.capacity of ouroboros"),
    ("+method.text_phrases=true", "method.text_phrases is now method.pool.text_phrases"),
    ("cases=[{name: ouroboros, learn: false}]", "cases.learn is now cases.learning.enabled"),
    ("compare=[{name: ouroboros, shortest_run: 2}]", "compare.shortest_run is now compare.learning.shortest_run"),
    ("method.drafter={name: ouroboros, order: recency}", "method.drafter.order is now method.drafter.pool.order"),
    ("method.pool.capcity=3", "capcity"),
    ("+method.pool.capcity=3", "method.pool.capcity is no setting: choose among capacity, order, text_phrases"),
    ("method.pool=3", "method.pool holds settings, pool.capacity"),
    ("method.pool.capacity=0", "method.pool.capacity must be at least 1"),
    ("+method.gama=3", "method.gama is no setting"),
    ("limt=3", "limt"),
    ("+limt=3", "limt is no setting"),
    ("method.gamma=-1", "at least 0"),
    ("method.gamma=much", "method.gamma"),
    ("limit=0", "limit must be at least 1"),
    ("seed=-1", "seed must be at least 0"),
    ("temperature=-1", "temperature"),
    ("top_k=5", "temperature 0"),
    ("history=hot", "cold, warm, file"),
    ("history=file", "history_file=FILE go together"),
    ("history_file=pool.json", "history=file"),
    ("save_history=pool.json", "needs history=warm"),
    ("dtype=float8", "float32"),
    ("device=tpu9", "device"),
    ("model.draft_device=cuda:77", "cuda:77"),
    ("x=[", "x=["),
    ("compare=[nosuch]", "nosuch"),
    ("compare=[{name: speculative, gama: 2}]", "gama"),
    ("model.target=null", "model.target"),
    ("model.target=/nonexistent", "/nonexistent"),
    ("model.draft=null", "needs a draft"),
    ("data.path=missing.jsonl", "missing.jsonl"),
    ("task.shotz=1", "shotz"),
]


@pytest.mark.parametrize("case", thinned(ERRORS, 9), ids=str)
def test_a_users_error_is_one_line_and_status_2(monkeypatch, capsys, arguments, case):
    override, said = case
    assert run(monkeypatch, *arguments, override) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: ") and "\n" not in error and said in error
    assert not list(Path("runs").rglob("*.jsonl"))


def test_gguf_files_that_cannot_be_loaded_are_named(monkeypatch, capsys, arguments, tmp_path):
    (tmp_path / "folder").mkdir()
    for name in ("model.gguf", "folder/model-Q4.gguf"):
        (tmp_path / name).touch()
    (tmp_path / "folder/config.json").write_text("{}")
    for given, named in (
        ("model.target=model.gguf", "cannot load model.gguf"),
        ("model.target=folder", "cannot load folder"),
        ("model.draft=folder", "cannot load folder"),
        ("model.target=owner/name/model-Q8.gguf", "owner/name/model-Q8.gguf: there is no such file"),
    ):
        for check in ("check=false", "check=true"):
            assert run(monkeypatch, *arguments, given, check) == 2
            error = capsys.readouterr().err
            assert named in error and error.count("\n") == 1


@pytest.mark.parametrize("reached", [True, False])
def test_a_hub_repository_of_gguf_files_alone_is_named(monkeypatch, capsys, arguments, tmp_path, reached):
    names = ["README.md", "model-Q8.gguf", "model-Q4.gguf"]

    def model_info(_api, name, **_):
        if not reached:
            raise OSError("Name or service not known")
        return SimpleNamespace(siblings=[SimpleNamespace(rfilename=each) for each in names])

    def nothing(*_, **__):
        raise OSError("there is no config.json")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", model_info)
    # They would ask the hub for three quarters of a minute.
    for loader in ("AutoConfig", "AutoTokenizer"):
        monkeypatch.setattr(f"transformers.{loader}.from_pretrained", nothing)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    snapshot = tmp_path / "cache/models--owner--quantised/snapshots/0"
    snapshot.mkdir(parents=True)
    for name in names if not reached else []:
        (snapshot / name).touch()
    assert run(monkeypatch, *arguments, "model.target=owner/quantised") == 2
    error = capsys.readouterr().err
    assert "cannot load owner/quantised: it holds no weights but model-Q4.gguf: GGUF files are loaded from" in error
    assert error.count("\n") == 1
    names.append("model.safetensors")
    (snapshot / names[-1]).touch()
    assert run(monkeypatch, *arguments, "model.target=owner/quantised") == 2
    assert "GGUF" not in capsys.readouterr().err


def test_a_disk_that_fills_up_loses_nothing(monkeypatch, capsys, arguments):
    sync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr("bench.measure.store.os.fsync", full)
        assert run(patched, *arguments, "method=speculative") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith(f"error: cannot write {run_folder('speculative')}/records.jsonl: No space left on device")
    before = (run_folder("speculative") / "records.jsonl").read_bytes()
    assert before.count(b"\n") >= 2
    assert run(monkeypatch, *arguments, "method=speculative") == 0
    assert (run_folder("speculative") / "records.jsonl").read_bytes().startswith(before)


def test_history_needs_a_method_that_keeps_one(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "method=speculative", "history=warm") == 2
    assert "history=cold" in capsys.readouterr().err


def test_debug_shows_the_traceback(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "model.target=/nonexistent", "debug=true") == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.slow
def test_a_process_of_its_own(arguments):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "bench", *arguments, "method=speculative", "limit=1"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "speculative" in done.stdout and "identical (1)" in done.stdout and "Traceback" not in done.stderr
    assert [file.name for file in Path().iterdir()] == ["runs"]


def test_end_to_end_again_and_extended(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "compare=[{name: speculative, gamma: 3},hf_generate]") == 0
    said = capsys.readouterr()
    assert "ouroboros" in said.out and "identical (2)" in said.out and "Traceback" not in said.err
    assert [file.name for file in Path().iterdir()] == ["runs"]
    folder = run_folder("ouroboros")
    names = {"config.yaml", "provenance.json", "records.jsonl", "summary.json", "summary.csv", "report.md"}
    assert names | {"comparison.csv"} <= {file.name for file in folder.iterdir()}
    check_contract(json.loads((folder / "summary.json").read_text()), CONTRACT)
    check_contract(run_summary("hf_generate"), CONTRACT)
    assert run_summary("hf_generate")["tokens_per_target_forward"] == 1
    assert run_summary("hf_generate")["acceptance"]["drafted"] is None
    assert run_summary("ouroboros")["acceptance"]["drafted"] > 0
    assert len(list(csv.DictReader((folder / "comparison.csv").open()))) == 6
    assert OmegaConf.load(run_folder("speculative") / "config.yaml").method.gamma == 3

    before = (folder / "records.jsonl").read_bytes()
    monkeypatch.setattr("bench.job.load_pair", lambda *_: pytest.fail("loaded although nothing is left to measure"))
    assert run(monkeypatch, *arguments) == 0
    assert "nothing was left to measure" in capsys.readouterr().out
    assert (folder / "records.jsonl").read_bytes() == before
    monkeypatch.undo()


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
    assert speedup["low"] < speedup["value"] < speedup["high"], "of one prompt, its two repeats"


def test_a_multirun_goes_on_and_ends_with_the_worst_status(monkeypatch, capsys, arguments):
    assert run(monkeypatch, "-m", *arguments, "method=speculative", "method.gamma=-1,2", "limit=1") == 2
    captured = capsys.readouterr()
    assert "method.gamma must be at least 0" in captured.err and "speculative" in captured.out
    assert run_summary("speculative")["method_config"]["gamma"] == 2
    assert [file.name for file in Path().iterdir()] == ["runs"]


@pytest.mark.parametrize(
    ("sweep", "runs"),
    [
        (["task=nosuch,custom", "method=greedy"], ["greedy"]),
        (["method=ouroboros,speculative", "method.k=1,3"], ["ouroboros", "ouroboros"]),
    ],
)
def test_a_sweep_goes_on_past_what_cannot_be_composed(monkeypatch, capsys, arguments, sweep, runs):
    assert run(monkeypatch, "-m", *arguments, *sweep, "limit=1") == 2
    found = [json.loads(file.read_text())["method"] for file in Path("runs").rglob("summary.json")]
    assert found == runs
    assert "Traceback" not in capsys.readouterr().err


class Lying:
    """A decoder whose last token is wrong."""

    def __init__(self, decoder):
        self.decoder = decoder

    def forget(self):
        pass

    def generate(self, prompt, stopping, sampler=None):
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
    assert run_summary(name)["lossless"]["mismatch"] == 1
    assert "mismatch" in (run_folder(name) / "report.md").read_text()


@pytest.fixture
def rivals(monkeypatch):
    """A function that makes two rivals fail: at "build", at a "warm-up", or after so many
    generations."""

    def fail(when):
        for module in (baselines.hf_generate, baselines.hf_prompt_lookup):
            honest = module.build
            monkeypatch.setattr(module, "build", lambda *given, honest=honest: Failing(when, honest, *given))

    return fail


class Failing:
    """A rival that cannot run any more after so many generations."""

    error = UserError("no such paddings")

    def __init__(self, when, honest, config, pair):
        if when == "build":
            raise self.error
        self.left = when
        self.rival = honest(config, pair)

    def forget(self):
        pass

    def generate(self, prompt, stopping, sampler=None):
        if self.left == 0:
            raise self.error
        self.left -= 1
        return self.rival.generate(prompt, stopping)


# Two generations are the warm-up's first and the first prompt's.
@pytest.mark.parametrize(
    ("when", "prompt", "measured"),
    [
        ("build", None, False),
        pytest.param(0, "p5", False, marks=pytest.mark.slow),
        pytest.param(1, "p0", False, marks=pytest.mark.slow),
        (2, "p1", True),
    ],
)
def test_a_rival_that_cannot_run_is_left_out(monkeypatch, capsys, arguments, rivals, when, prompt, measured):
    rivals(when)
    panel = "compare=[speculative,hf_generate]"
    assert run(monkeypatch, *arguments, panel) == 0
    said = capsys.readouterr().out
    reason = f"no such paddings (prompt {prompt})" if prompt else "no such paddings"
    warning = f"hf_generate cannot run here and was left out: {reason}"
    assert f"warning: {warning}" in said and "nothing was left" not in said
    for method in ("ouroboros", "speculative"):
        assert warning in run_summary(method)["warnings"] and run_summary(method)["prompts"] == 2
        assert f"**Warning:** {warning}" in (run_folder(method) / "report.md").read_text()
        [session] = json.loads((run_folder(method) / "provenance.json").read_text())["sessions"]
        assert session["warnings"] == [] and session["left_out"] == {"hf_generate": reason}
    assert said.count(warning) == 1
    assert len(list(csv.DictReader((run_folder("ouroboros") / "comparison.csv").open()))) == 2
    left = {file.name for folder in Path("runs/custom/random").glob("hf_generate-*") for file in folder.iterdir()}
    assert "summary.json" not in left and bool(left) == measured
    # Alone there is nothing to go on with; and what was measured of it is not lost.
    assert run(monkeypatch, *arguments, "method=hf_generate", "limit=1") == (0 if measured else 2)
    if measured:
        assert run_summary("hf_generate")["prompts"] == 1
    # The same panel again tries the rival, and reports what there is: with one prompt left it may
    # come to its end.
    assert run(monkeypatch, *arguments, panel) == 0
    assert "nothing was left" in capsys.readouterr().out
    assert run_summary("ouroboros")["warnings"] == ([] if measured else [warning])


def test_a_rival_is_said_to_be_left_out_of_a_panel_that_was_measured_before(monkeypatch, arguments, rivals):
    rivals("build")
    assert run(monkeypatch, *arguments, "method=speculative", "limit=1") == 0
    assert run_summary("speculative")["warnings"] == []
    assert run(monkeypatch, *arguments, "method=speculative", "limit=1", "compare=[hf_generate]") == 0
    [warning] = run_summary("speculative")["warnings"]
    assert "hf_generate cannot run here" in warning


def test_a_rival_is_said_to_be_left_out_only_while_its_panel_lacks_it(monkeypatch, capsys, arguments, rivals):
    panel = [*arguments, "method=speculative", "limit=1", "compare=[hf_generate]"]
    with monkeypatch.context() as patched:
        rival = baselines.hf_generate.build
        patched.setattr(baselines.hf_generate, "build", lambda *given: Failing("build", rival, *given))
        assert run(patched, *panel) == 0
        left_out = {"hf_generate": "no such paddings"}
        assert run_summary("speculative")["left_out"] == left_out
        # Alone nobody asked for the rival.
        assert run(patched, *panel[:-1]) == 0
        assert (run_summary("speculative")["left_out"], run_summary("speculative")["warnings"]) == ({}, [])
        assert run(patched, *panel) == 0
    # The first panel's note is in its session; a panel that was measured before has none there, and
    # keeps it all the same when its summary is recomputed.
    provenance = run_folder("speculative") / "provenance.json"
    wanted = json.loads(provenance.read_text())
    assert wanted["sessions"][0]["left_out"] == left_out
    wanted["sessions"][0]["left_out"] = {}
    provenance.write_text(json.dumps(wanted))
    file = run_folder("speculative") / "summary.json"
    before = json.loads(file.read_text())
    file.write_text(json.dumps({**before, "generated_tokens": 0}))
    assert refold(["runs"]) == 0
    assert json.loads(file.read_text()) == before and len(before["warnings"]) == 1
    # In time it runs, and has its row.
    wanted["sessions"][0]["left_out"] = left_out
    provenance.write_text(json.dumps(wanted))
    capsys.readouterr()
    assert run(monkeypatch, *panel) == 0
    assert "left out" not in capsys.readouterr().out
    file.write_text(json.dumps({**json.loads(file.read_text()), "generated_tokens": 0}))
    assert refold(["runs"]) == 0
    for method in ("speculative", "hf_generate"):
        assert (run_summary(method)["left_out"], run_summary(method)["warnings"]) == ({}, [])
        assert "left out:" not in (run_folder(method) / "report.md").read_text()


FAILURES = [
    (ValueError("no cache\nof this kind\n\nat all"), "ValueError: no cache"),
    (RuntimeError("CUDA out of memory. Tried to allocate 9 GiB"), "RuntimeError: CUDA out of memory."),
    (NotImplementedError(), "NotImplementedError"),
]


@pytest.mark.parametrize("case", covering([*product(FAILURES, ["build", 0, 2])], enumerate), ids=str)
def test_a_rival_that_fails_in_its_own_way_is_left_out_too(monkeypatch, capsys, arguments, rivals, case):
    (error, said), when = case
    monkeypatch.setattr(Failing, "error", error)
    rivals(when)
    assert run(monkeypatch, *arguments, "method=speculative", "compare=[hf_generate]") == 0
    captured = capsys.readouterr()
    (warning,) = run_summary("speculative")["warnings"]
    assert warning.startswith(f"hf_generate cannot run here and was left out: {said}") and "\n" not in warning
    assert warning in captured.out and "of this kind" not in captured.out and "Traceback" not in captured.err


def test_a_fault_of_ours_and_an_interrupt_still_end_the_panel(monkeypatch, capsys, arguments, rivals):
    rival, ours = baselines.hf_generate.build, baselines.speculative.build
    panel = [*arguments, "method=speculative", "compare=[hf_generate]", "limit=1"]
    for method, honest, error, status, said in (
        (baselines.speculative, ours, ValueError("a bug"), 1, "Traceback"),
        (baselines.speculative, ours, UserError("no room"), 2, "error: speculative: no room"),
        (baselines.hf_generate, rival, KeyboardInterrupt(), 130, "error: interrupted"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(Failing, "error", error)
            patched.setattr(method, "build", lambda *given, honest=honest: Failing(0, honest, *given))
            assert run(patched, *panel) == status
            assert said in capsys.readouterr().err
            if status == 1:
                assert run(patched, *panel, "check=true") == 1 and said in capsys.readouterr().err


def test_a_panel_of_rivals_that_cannot_run_ends_with_2(monkeypatch, capsys, arguments, rivals):
    rivals("build")
    assert run(monkeypatch, *arguments, "method=hf_generate", "compare=[hf_prompt_lookup]") == 2
    captured = capsys.readouterr()
    assert captured.err.count("no such paddings") == 2 and captured.err.strip().count("\n") == 0
    assert not Path("runs/custom").exists() or not list(Path("runs/custom").rglob("*.*"))


# A skip set of the bundled target's twelve layers.
FOREIGN = "compare=[{{name: self_speculative, skip: tiny}},{}]"


def test_one_of_ours_that_cannot_run_is_an_error_before_anything_is_measured(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "method=speculative", FOREIGN.format("hf_generate")) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: self_speculative: compare.skip=tiny was made for")
    assert not list(Path("runs").rglob("*.json*"))


def test_check_checks_every_case_of_a_panel(monkeypatch, capsys, arguments, rivals):
    assert run(monkeypatch, *arguments, "check=true", "compare=[speculative,hf_generate]") == 0
    said = capsys.readouterr().out
    for label in ("ouroboros", "speculative", "hf_generate"):
        assert f"{label}: outputs: equal" in said
    honest = baselines.speculative.build
    with monkeypatch.context() as patched:
        patched.setattr(baselines.speculative, "build", lambda config, pair: Lying(honest(config, pair)))
        assert run(patched, *arguments, "check=true", "compare=[speculative]") == 1
        assert run(patched, *arguments, "check=true", FOREIGN.format("speculative")) == 2
    captured = capsys.readouterr()
    assert "speculative: outputs: different, NOT WITHIN" in captured.out
    assert captured.err.startswith("error: self_speculative: compare.skip=tiny") and captured.err.count("\n") == 1
    rivals(0)
    assert run(monkeypatch, *arguments, "check=true", "compare=[hf_generate]") == 0
    said = capsys.readouterr().out
    assert "hf_generate cannot run here and was left out: no such paddings" in said and "outputs: equal" in said
    assert run(monkeypatch, *arguments, "check=true", "method=hf_generate") == 2


def test_check_looks_and_leaves_nothing(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "check=true") == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("masks of the draft", "memory", "end-of-sequence ids: 0", "outputs: equal"))
    assert not Path("runs").exists()


def test_check_passes_on_the_bundled_pair_and_fetches_no_data(monkeypatch, capsys, tmp_path):
    """What a reader types: the model's own preset, and data of the hub, which cannot be reached
    here."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tasks.sources.hub_rows", lambda *_: pytest.fail("rows were asked of the hub"))
    short = ["task=mbpp", "max_new_tokens=8", "engine=eager"]  # nothing to probe
    assert run(monkeypatch, "method=ouroboros", *short, "model=tiny", "data=hub", "check=true") == 0
    said = capsys.readouterr().out
    assert "prompt lengths are those of the bundled data after 3 worked examples" in said and "outputs: equal" in said


def test_the_hub_without_a_network_ends_in_one_line(monkeypatch, capsys, arguments):
    def unreachable(*_args, **_kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", unreachable)
    given = [each for each in arguments if not each.startswith(("task=", "data"))]
    assert run(monkeypatch, *given, "task=humaneval", "data=hub") == 2
    error = capsys.readouterr().err.strip()
    assert "data=local" in error and "data=bundled" in error and "\n" not in error


def test_caches_are_reserved_before_the_race(monkeypatch, arguments):
    asked = []
    reserve = ModelSession.reserve
    monkeypatch.setattr(ModelSession, "reserve", lambda self, length: (asked.append(length), reserve(self, length)))
    assert run(monkeypatch, *arguments, "method=speculative") == 0
    records = [json.loads(line) for line in (run_folder("speculative") / "records.jsonl").open()]
    longest = max(record["prompt_tokens"] for record in records) + 8
    assert asked[0] == asked[1] >= longest and max(asked) <= asked[0] + 8


def test_bfloat16_on_the_cpu_is_also_measured_against_float32_greedy(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "method=speculative", "dtype=bfloat16") == 0
    roles = [json.loads(line)["role"] for line in (run_folder("speculative") / "records.jsonl").open()]
    assert sorted(roles) == sorted(["method", "reference", "reference_float32"] * 2)
    assert run_summary("speculative")["speedup"]["decode_over_fastest_greedy"]["value"] > 0
    assert "over the fastest greedy" in capsys.readouterr().out
    assert "float32 greedy" in (run_folder("speculative") / "report.md").read_text()


def check_contract(found, wanted):
    """Every key of the contract is there, nested ones too."""
    for key, inner in wanted.items():
        assert key in found
        if isinstance(inner, set):
            assert inner <= set(found[key])
        elif isinstance(inner, dict):
            check_contract(found[key], inner)


def test_cases_may_have_a_history_and_a_label_of_their_own(monkeypatch, capsys, arguments):
    cases = "cases=[{name: ouroboros, label: cold one},{name: ouroboros, history: warm},{name: speculative}]"
    assert run(monkeypatch, *arguments, "method=ouroboros", "method.k=2", cases, "limit=2") == 0
    folders = sorted(Path("runs/custom/random").glob("*/summary.json"))
    summaries = [json.loads(file.read_text()) for file in folders]
    assert {(each["label"], each["history"]) for each in summaries} == {
        ("ouroboros k=2 cold", "cold"), ("cold one", "cold"), ("ouroboros k=3 warm", "warm"), ("speculative", "cold"),
    }  # fmt: skip
    capsys.readouterr()
    for wrong, said in (
        ("cases=[{name: speculative, history: warm}]", "keeps nothing"),
        ("cases=[{name: ouroboros, history: file}]", "cold or warm"),
        ("cases=[{name: speculative, label: ouroboros}]", "own label"),
    ):
        assert run(monkeypatch, *arguments, "method=ouroboros", wrong) == 2
        assert said in capsys.readouterr().err
