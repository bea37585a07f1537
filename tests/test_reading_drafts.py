"""A draft that reads its target is looked at as the pair's own is: its numbers, context, dtype and
memory."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from bench_pair import bench_arguments, run, run_summary
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from bench.measure.check import _parts
from bench.measure.runner import own_session
from bench.models.config import ModelConfig
from bench.models.loading import load_pair
from bench.models.place import Place
from bench.plan.methods import METHODS
from decoding.reading_session import ReadingSession
from training.drafter.student import save, student_of

CPU = Place("cpu", "float32")
KINDS = {
    "feature_draft": ("features", ["method=eagle", "method.depth=2", "method.children=2"]),
    "cross_draft": ("cross", ["method=glide", "method.gamma=3"]),
}


@pytest.fixture(scope="module", params=KINDS)
def draft(request, pair, tmp_path_factory):
    """(its setting, its folder, arguments of a run that drafts with it alone)."""
    kind, method = KINDS[request.param]
    folder = tmp_path_factory.mktemp(request.param) / "draft"
    target = AutoModelForCausalLM.from_pretrained(pair / "target", dtype=torch.float32)
    torch.manual_seed(0)
    save(student_of(target, [1], **{kind: True}), list(range(300)), folder)
    given = [each for each in bench_arguments(pair) if not each.startswith("model.draft=")]
    return request.param, folder, [*given, "model.draft=null", *method]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_one_that_overflows_is_told_and_its_own_dtype_mends_it(here, tmp_path, monkeypatch, capsys, draft):
    setting, folder, arguments = draft
    shutil.copytree(folder, "heavy")
    tensors = load_file("heavy/model.safetensors")
    tensors["model.layers.0.mlp.down_proj.weight"] *= 3e4
    tensors["model.layers.0.mlp.up_proj.weight"] *= 3e4
    save_file(tensors, "heavy/model.safetensors", {"format": "pt"})
    arguments = [*arguments, f"model.{setting}={tmp_path}/heavy", "dtype=float16"]
    said = "the logits of the draft ("
    assert run(monkeypatch, *arguments, "check=true") == 0
    assert f"warning: {said}" in capsys.readouterr().out
    assert run(monkeypatch, *arguments) == 0
    summary = run_summary(KINDS[setting][1][0].removeprefix("method="))
    assert summary["nonfinite_draft_prompts"] == 2
    assert said in summary["warnings"][0] and "set model.draft_dtype=bfloat16" in summary["warnings"][0]
    shutil.rmtree("runs")
    assert run(monkeypatch, *arguments, "model.draft_dtype=float32") == 0
    summary = run_summary(KINDS[setting][1][0].removeprefix("method="))
    assert (summary["nonfinite_draft_prompts"], summary["warnings"], summary["draft_dtype"]) == (0, [], "float32")


def test_prompts_beyond_its_context_are_told_before_and_counted(here, tmp_path, monkeypatch, capsys, draft):
    setting, folder, arguments = draft
    shutil.copytree(folder, "short")
    config = json.loads((tmp_path / "short/config.json").read_text())
    (tmp_path / "short/config.json").write_text(json.dumps({**config, "max_position_embeddings": 6}))
    arguments = [*arguments, f"model.{setting}={tmp_path}/short"]
    for more in ([], ["check=true"]):
        assert run(monkeypatch, *arguments, *more) == 0
        assert "the draft's context holds 6 tokens: 2 of 2 prompts leave no room" in capsys.readouterr().out
    assert run_summary(KINDS[setting][1][0].removeprefix("method="))["undrafted_prompts"] == 2


def test_it_runs_in_its_own_dtype_and_counts_in_memory(pair, draft):
    setting, folder, _ = draft
    model = ModelConfig(target=f"{pair}/target", draft=None, **{setting: str(folder)})
    loaded = load_pair(replace(model, draft_dtype="float32"), Place("cpu", "float64"), seed=0)
    session = getattr(loaded.pair, setting)()
    assert (session.model.dtype, loaded.pair.target.model.dtype) == (torch.float32, torch.float64)
    half, single = (_parts(replace(model, draft_dtype=dtype), Place("cpu", "float16")) for dtype in (None, "float32"))
    assert [each.name for each in half] == ["target", setting.replace("_", " ")]
    assert single[1].weights == 2 * half[1].weights and single[0] == half[0]


def test_it_is_looked_at_within_another_method_too(pair, draft):
    setting, folder, given = draft
    loaded = load_pair(ModelConfig(target=f"{pair}/target", draft=None, **{setting: str(folder)}), CPU, seed=0)
    inner = METHODS[next(each for each in given if each.startswith("method=")).removeprefix("method=")].load().Config()
    for method, within in (("hybrid", "fallback"), ("ouroboros", "drafter")):
        module = METHODS[method].load()
        decoder = module.build(module.Config(**{within: inner}), loaded.pair)
        assert isinstance(own_session(decoder), ReadingSession), method


def test_whether_it_gives_numbers_is_asked_of_every_row(pair, draft):
    setting, folder, _ = draft
    model = ModelConfig(target=f"{pair}/target", draft=None, **{setting: str(folder)})
    loaded = load_pair(model, CPU, seed=0)
    session = getattr(loaded.pair, setting)()
    text = [3, 4, 5, 6, 7, 8]
    loaded.pair.target.prefill(text)
    assert session.is_finite(text, 4) and not session.tokens
    plain, asked = session.prefill, []

    def broken(tokens):
        asked.append(len(tokens))
        return plain(tokens) * (float("nan") if len(asked) == 3 else 1)

    session.prefill = broken
    assert not session.is_finite(text, 4)
    assert asked == [3, 1, 1, 1], "a forward for each of the last four tokens"
