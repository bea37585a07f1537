"""Checkpoints that are not whole, logits that are no numbers, drafts without room, settings that
are not obeyed."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from bench_pair import bench_arguments, make_tokenizer, run, run_folder, run_summary, save_model
from safetensors.torch import load_file, save_file
from transformers import LlamaConfig, LlamaForCausalLM

from bench.measure.check import _parts
from bench.measure.drafting import context_warnings, undrafted
from bench.measure.lossless import noise_floor, token_gaps
from bench.models.checkpoint import load_whole
from bench.models.config import ModelConfig
from bench.models.loading import load_pair
from bench.models.place import Place
from decoding.draws import Sampling
from decoding.errors import NotFinite, UserError
from decoding.session import ModelSession, check_masks
from decoding.view import SessionView

ODD = "|"  # a token that only some prompts hold


def changed(pair, where, change):
    """A copy of the pair in `where`, with the tensors of its models changed: {"draft": function of
    the tensors}."""
    shutil.copytree(pair, where)
    for role, edit in change.items():
        file = where / role / "model.safetensors"
        tensors = load_file(file)
        edit(tensors)
        save_file(tensors, file, metadata={"format": "pt"})
    return where


def overflowing(tensors):
    """Logits that float16 cannot hold; in float32 the argmax is as before."""
    tensors["model.norm.weight"] *= 3e5


def odd_token(tensors):
    """The same, but only of texts with ODD in them."""
    tensors["model.embed_tokens.weight"][make_tokenizer()(ODD).input_ids[0]] = 1e5


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def last_error(capsys):
    lines = capsys.readouterr().err.splitlines()
    (error,) = [line for line in lines if line.startswith("error: ")]
    return error


@pytest.mark.parametrize("role", ["target", "draft"])
def test_a_missing_tensor_is_named_and_refused(pair, tmp_path, role):
    name = "model.layers.1.mlp.down_proj.weight"
    folder = changed(pair, tmp_path / "pair", {role: lambda tensors: tensors.pop(name)})
    model = ModelConfig(target=str(folder / "target"), draft=str(folder / "draft"))
    with pytest.raises(UserError, match=rf"{role}: its checkpoint lacks 1 tensor \({name}\)"):
        load_pair(model, Place("cpu", "float32"), seed=0)


def test_another_shape_is_told_with_both_shapes(pair, tmp_path):
    def narrower(tensors):
        tensors["model.layers.0.mlp.up_proj.weight"] = tensors["model.layers.0.mlp.up_proj.weight"][:60].clone()

    folder = changed(pair, tmp_path / "pair", {"target": narrower})
    with pytest.raises(UserError) as error:
        load_pair(ModelConfig(target=str(folder / "target")), Place("cpu", "float32"), seed=0)
    assert "tensor model.layers.0.mlp.up_proj.weight has the shape 60 x 32" in str(error.value)
    assert "has 64 x 32" in str(error.value) and "\n" not in str(error.value)


def test_tensors_that_the_model_has_no_place_for_are_a_warning(pair, tmp_path):
    more = {"model.layers.0.q_norm.weight": torch.ones(8)}
    folder = changed(pair, tmp_path / "pair", {"target": lambda tensors: tensors.update(more)})
    loaded = load_pair(ModelConfig(target=str(folder / "target")), Place("cpu", "float32"), seed=0)
    (warning,) = loaded.warnings
    assert "1 tensor (model.layers.0.q_norm.weight), which LlamaForCausalLM has no place for" in warning


def test_another_architecture_is_refused_with_what_the_checkpoint_holds_instead(pair, tmp_path):
    def renamed(tensors):
        for name in [name for name in tensors if "layers.1." in name]:
            tensors[name.replace("layers.1.", "blocks.1.")] = tensors.pop(name)

    folder = changed(pair, tmp_path / "pair", {"target": renamed})
    with pytest.raises(UserError, match=r"lacks 9 tensors .*; it holds 9 tensors \(model.blocks.1.*no place for"):
        load_pair(ModelConfig(target=str(folder / "target")), Place("cpu", "float32"), seed=0)


@pytest.mark.parametrize("tied", [True, False])
def test_a_tied_head_may_be_absent_and_any_other_may_not(tmp_path, tied):
    config = LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        tie_word_embeddings=tied,
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    tensors = load_file(tmp_path / "model.safetensors")
    tensors.pop("lm_head.weight", None)
    save_file(tensors, tmp_path / "model.safetensors", metadata={"format": "pt"})
    if tied:
        model, warnings = load_whole("tied", pretrained_model_name_or_path=tmp_path)
        assert model.lm_head.weight is model.model.embed_tokens.weight and warnings == []
    else:
        with pytest.raises(UserError, match=r"cannot load untied: .* 1 tensor \(lm_head.weight\)"):
            load_whole("untied", pretrained_model_name_or_path=tmp_path)


def broken_model(tmp_path):
    folder = save_model(tmp_path / "model", make_tokenizer(), seed=0)
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        model.lm_head.weight[7] = torch.nan
    return model


def test_checks_do_not_take_no_number_for_no_difference(tmp_path):
    model = broken_model(tmp_path)
    for look in (
        lambda: check_masks(ModelSession(model), "target"),
        lambda: noise_floor(model, 300, [[3, 4, 5, 6]]),
        lambda: token_gaps(model, 300, [3, 4], [5, 6]),
    ):
        with pytest.raises(NotFinite, match=r"the logits of the target \(.*model\) are not finite in float32"):
            look()


@pytest.fixture(scope="module")
def overflows(pair, tmp_path_factory):
    return changed(pair, tmp_path_factory.mktemp("overflows") / "pair", {"draft": overflowing})


def test_a_draft_that_overflows_is_told_by_the_check_and_its_own_dtype_mends_it(here, monkeypatch, capsys, overflows):
    arguments = bench_arguments(overflows, "method=speculative", "dtype=float16", "check=true")
    assert run(monkeypatch, *arguments) == 0
    said = capsys.readouterr().out
    assert "warning: the logits of the draft (" in said and "are not finite in float16" in said
    assert "set model.draft_dtype=bfloat16 or model.draft_dtype=float32" in said
    assert "masks of the draft: CANNOT BE CHECKED" in said and "differ from single rows by 0\n" not in said
    assert run(monkeypatch, *arguments, "model.draft_dtype=float32") == 0
    assert "not finite" not in capsys.readouterr().out


def test_the_drafts_own_dtype_counts_in_memory_and_identity(here, monkeypatch, capsys, overflows):
    arguments = bench_arguments(overflows, "method=speculative", "dtype=float16")
    assert run(monkeypatch, *arguments) == 0
    assert "warning: the logits of the draft" in capsys.readouterr().out
    assert run_summary("speculative")["nonfinite_draft_prompts"] == 2
    shutil.rmtree("runs")
    assert run(monkeypatch, *arguments, "model.draft_dtype=float32") == 0
    summary = run_summary("speculative")
    assert (summary["dtype"], summary["draft_dtype"], summary["nonfinite_draft_prompts"]) == ("float16", "float32", 0)
    assert summary["acceptance"]["accepted"] > 0 and summary["warnings"] == []
    identity = json.loads((run_folder("speculative") / "provenance.json").read_text())["case"]["identity"]
    assert identity["draft_dtype"] == "float32"
    model = ModelConfig(target=str(overflows / "target"), draft=str(overflows / "draft"))
    half, single = (_parts(replace(model, draft_dtype=dtype), Place("cpu", "float16")) for dtype in (None, "float32"))
    assert (single[1].weights, single[1].row) == (2 * half[1].weights, 2 * half[1].row) and single[0] == half[0]
    with pytest.raises(UserError, match="model.draft_dtype=half is unknown"):
        replace(model, draft_dtype="half")


def test_prompts_on_which_the_draft_overflows_are_counted(here, monkeypatch, capsys, pair, tmp_path):
    folder = changed(pair, tmp_path / "pair", {"draft": odd_token})
    rows = [{"id": f"p{i}", "prompt": f"What is {i}{ODD if i == 1 else ''} + 3?"} for i in range(5)]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = bench_arguments(folder, "method=speculative", "compare=[prompt_lookup]", "dtype=float16", "limit=3")
    assert run(monkeypatch, *arguments) == 0
    summary = run_summary("speculative")
    (warning,) = summary["warnings"]
    assert summary["nonfinite_draft_prompts"] == 1 and warning.startswith("on 1 of 3 prompts the logits of the draft (")
    assert f"speculative: {warning}"[:60] in capsys.readouterr().out.replace("warning: ", "")
    assert warning in (run_folder("speculative") / "report.md").read_text()
    assert run_summary("prompt_lookup")["warnings"] == [], "it has no part in a method without a draft"


def test_the_target_that_drafts_for_itself_is_looked_at_too(here, monkeypatch, pair):
    monkeypatch.setattr(SessionView, "is_finite", lambda *_: False)
    settings = ["method=self_speculative", "method.skip=null", "method.skip_mlp=[1]"]
    assert run(monkeypatch, *bench_arguments(pair, *settings, "dtype=float16")) == 0
    summary = run_summary("self_speculative")
    assert "of the target without the skipped layers (" in summary["warnings"][0]
    assert "set dtype=bfloat16 or dtype=float32" in summary["warnings"][0] and summary["undrafted_prompts"] == 0


def test_a_target_that_overflows_is_an_error_and_nothing_measured_is_lost(here, monkeypatch, capsys, pair, tmp_path):
    folder = changed(pair, tmp_path / "pair", {"target": odd_token})
    rows = [{"id": f"p{i}", "prompt": f"What is {i}{ODD if i == 1 else ''} + 3?"} for i in range(5)]
    (folder / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = bench_arguments(folder, "method=prompt_lookup", "dtype=float16", "limit=3")
    assert run(monkeypatch, *arguments) == 2
    error = last_error(capsys)
    assert "the logits of the target (" in error and "set dtype=bfloat16 or dtype=float32" in error
    assert len((run_folder("prompt_lookup") / "records.jsonl").read_text().splitlines()) == 2
    folder = changed(pair, tmp_path / "all", {"target": overflowing})
    for more in ("check=true", "check=false"):
        assert run(monkeypatch, *bench_arguments(folder, "method=prompt_lookup", "dtype=float16", more)) == 2
        assert "the logits of the target (" in last_error(capsys)


def test_a_draft_of_another_dtype_serves_every_method_that_drafts_with_it(here, monkeypatch, pair):
    methods = ["ouroboros", "multi_candidate", "cascade", "hf_assisted"]
    arguments = bench_arguments(pair, "method=speculative", f"compare=[{','.join(methods)}]", "warmup=0")
    assert run(monkeypatch, *arguments, "dtype=float64", "model.draft_dtype=float32") == 0
    for method in ["speculative", *methods]:
        summary = run_summary(method)
        assert (summary["lossless"]["identical"], summary["draft_dtype"]) == (2, "float32")


def test_where_a_draft_has_no_room():
    assert [undrafted(10, 5, context) for context in (9, 10, 11, 12, 14, 15, 99)] == [4, 4, 4, 3, 1, 0, 0]
    assert undrafted(10, 1, 5) == 0
    assert context_warnings([5, 6], 4, 10) == []
    (said,) = context_warnings([5, 8, 9, 20], 4, 10)
    assert "2 of 4 prompts leave no room for a draft" in said and "1 of 4 may outgrow it" in said


def test_prompts_beyond_the_drafts_context_are_told_before_and_after(here, monkeypatch, capsys, pair, tmp_path):
    shutil.copytree(pair, tmp_path / "pair")
    file = tmp_path / "pair/draft/config.json"
    config = json.loads(file.read_text())
    tokenizer = make_tokenizer()
    prompts = ["a", "def add(a, b): return", "def add(a, b): return a + b the quick brown fox"]
    lengths = [len(tokenizer(prompt).input_ids) for prompt in prompts]
    file.write_text(json.dumps({**config, "max_position_embeddings": lengths[1] + 3}))
    rows = [{"id": f"p{i}", "prompt": prompt} for i, prompt in enumerate([*prompts, "a"])]
    (tmp_path / "pair/prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arguments = bench_arguments(tmp_path / "pair", "method=speculative", "compare=[prompt_lookup]", "limit=3")
    assert run(monkeypatch, *arguments) == 0
    before, after = capsys.readouterr().out.split("custom (", 1)
    assert f"the draft's context holds {lengths[1] + 3} tokens: 1 of 3 prompts leave no room for a draft" in before
    summary = run_summary("speculative")
    assert (summary["undrafted_prompts"], summary["partly_undrafted_prompts"]) == (1, 1)
    (warning,) = summary["warnings"]
    assert "of 3 prompts 1 were decoded greedily throughout and 1 from some token on" in warning and warning in after
    records = [json.loads(line) for line in (run_folder("speculative") / "records.jsonl").read_text().splitlines()]
    mine = next(each for each in records if each["prompt"] == "p2" and each["role"] == "method")
    assert set(mine["steps"]["drafted"]) == {0} and mine["undrafted_tokens"] == len(mine["tokens"]) - 1
    other = run_summary("prompt_lookup")
    assert (other["undrafted_prompts"], other["warnings"]) == (None, [])
    assert run(monkeypatch, *arguments, "check=true") == 0
    assert "warning: the draft's context holds" in capsys.readouterr().out


def test_what_the_generation_config_asks_for_is_said_not_to_be_obeyed(pair, tmp_path):
    shutil.copytree(pair, tmp_path / "pair")
    file = tmp_path / "pair/target/generation_config.json"
    plain = json.loads(file.read_text())

    def warnings(sampling=None, **more):
        file.write_text(json.dumps({**plain, **more}))
        return load_pair(ModelConfig(target=str(file.parent)), Place("cpu", "float32"), 0, sampling).warnings

    assert warnings() == warnings(temperature=0.6, top_k=50) == warnings(repetition_penalty=1.0, do_sample=False) == []
    (said,) = warnings(do_sample=True, temperature=0.6, repetition_penalty=1.1, suppress_tokens=[5])
    assert "asks for do_sample=True, temperature=0.6, repetition_penalty=1.1, suppress_tokens=[5]: not obeyed" in said
    assert "greedy decoding by the plain logits is what is measured" in said
    own = Sampling(temperature=0.6, top_k=20)
    asked = {"do_sample": True, "temperature": 0.6, "top_k": 20}
    assert warnings(own, **asked) == warnings(own, do_sample=False, temperature=0.9) == []
    (said,) = warnings(own, **asked, top_p=0.95, repetition_penalty=1.1)
    assert "asks for top_p=0.95, repetition_penalty=1.1: not obeyed" in said
    assert "samples by the run's own temperature, top_k, top_p and min_p are what is measured" in said


def test_that_warning_reaches_the_report(here, monkeypatch, capsys, pair, tmp_path):
    shutil.copytree(pair, tmp_path / "pair")
    file = tmp_path / "pair/target/generation_config.json"
    asked = {"do_sample": True, "temperature": 0.6, "no_repeat_ngram_size": 3}
    file.write_text(json.dumps({**json.loads(file.read_text()), **asked}))
    arguments = bench_arguments(tmp_path / "pair", "method=greedy", "temperature=0.6")
    assert run(monkeypatch, *arguments) == 0
    # Once: at load. Where nothing is loaded, below the table.
    for _ in range(2):
        assert capsys.readouterr().out.count("asks for no_repeat_ngram_size=3: not obeyed here, samples") == 1
        assert run(monkeypatch, *arguments) == 0
    assert "no_repeat_ngram_size=3" in run_summary("greedy")["warnings"][0]
    assert "no_repeat_ngram_size=3" in (run_folder("greedy") / "report.md").read_text()
