"""Drafts that borrow from their target, short heads, and models of one GGUF file."""

import importlib
import json
import shutil
from itertools import product
from pathlib import Path

import pytest
import torch
from bench_pair import bench_arguments, make_pair, make_tokenizer, run, run_folder, run_summary, write_prompts
from gguf_files import write_gguf
from safetensors.torch import load_file, save_file
from samples import covering
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from bench import ROOT
from bench.models.borrowing import BORROWED, borrows, load_borrowing
from bench.models.config import ModelConfig
from bench.models.loading import load_pair
from bench.models.location import locate
from bench.models.place import Place
from bench.models.short_head import RANKING, cut, read_ranking, shorten, write_ranking
from decoding.errors import UserError
from decoding.tree import TokenTree
from training.drafter.student import save, student_of


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A pair, its prompts, and a draft of the target's last layer that borrows the rest."""
    root = tmp_path_factory.mktemp("drafts")
    make_pair(root)
    write_prompts(root / "prompts.jsonl", 4)
    target = AutoModelForCausalLM.from_pretrained(root / "target", dtype=torch.float32)
    save(student_of(target, [1]), list(range(300)), root / "borrower")
    return root


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def pair_of(folder, draft="borrower", engine="eager", dtype="float32", **settings):
    model = ModelConfig(target=str(folder / "target"), draft=str(folder / draft), **settings)
    return load_pair(model, Place("cpu", dtype, engine), seed=0)


@pytest.mark.parametrize("engine", ["eager", "traced", "packed"])
def test_a_borrowing_draft_is_the_model_it_was_saved_from(folder, engine):
    pair = pair_of(folder, engine=engine).pair
    target, draft = pair.target.model, pair.draft.model
    student = student_of(target.float() if engine != "packed" else pair_of(folder).pair.target.model, [1])
    ids = [5, 6, 7, 8]
    tree = TokenTree(ids[-1], room=0)
    found = pair.draft.forward(ids[:-1], tree, [0])[0]
    with torch.no_grad():
        wanted = student(torch.tensor([ids])).logits[0, -1]
    # Layers are stored, and packed heads rounded, to float16.
    torch.testing.assert_close(found, wanted[: len(found)], rtol=2e-2, atol=5e-2)
    if engine != "packed":
        assert draft.get_input_embeddings().weight.data_ptr() == target.get_input_embeddings().weight.data_ptr()


def test_a_run_with_a_borrowing_draft_is_lossless(folder, here, monkeypatch):
    arguments = bench_arguments(folder, "method=speculative", f"model.draft={folder}/borrower", "dtype=float64")
    assert run(monkeypatch, *arguments) == 0
    assert run_summary("speculative")["lossless"]["identical"] == 2
    assert run(monkeypatch, *arguments, "check=true") == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda config, tensors: tensors.pop(min(tensors)), "its checkpoint lacks model.layers.0"),
        (lambda config, tensors: tensors.update(odd=torch.ones(1)), "holds odd, which the model has no place for"),
        (lambda config, tensors: config.update(hidden_size=64), "trained for another target than"),
        (lambda config, tensors: config[BORROWED].append("model.odd.weight"), "borrows model.odd.weight from its"),
    ],
)
def test_a_draft_that_does_not_fit_is_refused(folder, tmp_path, change, said):
    shutil.copytree(folder / "borrower", tmp_path / "draft")
    file, weights = tmp_path / "draft/config.json", tmp_path / "draft/model.safetensors"
    config, tensors = json.loads(file.read_text()), load_file(weights)
    change(config, tensors)
    file.write_text(json.dumps(config))
    save_file(tensors, weights)
    lender = AutoModelForCausalLM.from_pretrained(folder / "target", dtype=torch.float32)
    with pytest.raises(UserError, match=said):
        load_borrowing(str(tmp_path / "draft"), lender, torch.float32)


def test_only_a_folder_that_says_so_borrows(folder):
    assert borrows(str(folder / "borrower")) and not borrows(str(folder / "draft")) and not borrows(None)


def test_a_short_head_says_what_the_whole_one_says_of_its_ids():
    torch.manual_seed(0)
    head, hidden = torch.nn.Linear(8, 50, dtype=torch.float64), torch.randn(3, 2, 8, dtype=torch.float64)
    ids = torch.tensor([1, 4, 7, 30, 49])
    short, whole = cut(head, ids)(hidden), head(hidden)
    assert short.shape == whole.shape
    torch.testing.assert_close(short[..., ids], whole[..., ids])
    others = [index for index in range(50) if index not in set(ids.tolist())]
    assert bool((short[..., others] < whole.min() - 1e6).all()) and bool(short.isfinite().all())
    assert bool((short.softmax(-1)[..., others] == 0).all())


@pytest.mark.parametrize("case", covering([*product(["eager", "traced", "packed"], ["draft", "borrower"])], enumerate))
def test_every_token_drafted_is_in_the_short_head(folder, tmp_path, case):
    engine, draft = case
    write_ranking(tmp_path / "ranking.json", list(range(20, 200)))
    loaded = pair_of(folder, draft, engine, draft_vocabulary=40, draft_ranking=str(tmp_path / "ranking.json"))
    allowed = loaded.pair.eos | set(range(20, 60))
    for prompt in ([5, 6, 7], [100, 101], [30]):
        loaded.pair.draft.reset()
        logits = loaded.pair.draft.forward(prompt[:-1], TokenTree(prompt[-1], room=0), [0])[0]
        assert set(logits.topk(40).indices.tolist()) <= allowed


def test_a_short_head_of_all_ids_drafts_as_the_whole_head(folder, here, monkeypatch):
    write_ranking(folder / "all.json", list(range(300)))
    found = []
    for name, size in (("whole", "null"), ("short", 300), ("cut", 60)):
        more = (f"model.draft_ranking={folder}/all.json", f"model.draft_vocabulary={size}")
        arguments = bench_arguments(folder, "method=speculative", *more)
        assert run(monkeypatch, *arguments, "dtype=float64", f"output={name}") == 0
        (summary,) = [json.loads(file.read_text()) for file in here_files(name)]
        assert summary["lossless"]["identical"] == 2
        found.append((summary["tokens_per_target_forward"], summary["draft_vocabulary"]))
    (whole, none), (short, all_ids), (cut, some) = found
    assert whole == short > cut and (none, all_ids, some) == (None, 300, 60)


def here_files(name):
    return list(Path(name).glob("**/speculative-*/summary.json"))


def test_a_ranking_that_is_not_there_or_too_short_is_named(folder, tmp_path):
    with pytest.raises(UserError, match="has no token_ranking.json: write one with scripts/rank_tokens.py"):
        pair_of(folder, "draft", draft_vocabulary=40)
    write_ranking(tmp_path / RANKING, [3, 4])
    with pytest.raises(UserError, match="draft_vocabulary=4000: the draft's head has"):
        pair_of(folder, "draft", draft_vocabulary=4000, draft_ranking=str(tmp_path / RANKING))
    for text, said in (("{", "is no JSON"), ('["a"]', "must be a list of token ids")):
        (tmp_path / RANKING).write_text(text)
        with pytest.raises(UserError, match=said):
            read_ranking(str(folder / "draft"), str(tmp_path / RANKING))
    with pytest.raises(UserError, match="at least 1, not 0"):
        ModelConfig(target="x", draft_vocabulary=0)


def test_the_end_of_a_sequence_is_always_in_a_short_head(folder):
    draft = AutoModelForCausalLM.from_pretrained(folder / "draft")
    longer = AutoModelForCausalLM.from_pretrained(folder / "draft")
    shorten(draft, [9, 8, 7], 3, [0])
    assert draft.get_output_embeddings().ids.tolist() == [0, 8, 9]
    shorten(longer, [9, 8, 7], 7, [0])
    assert longer.get_output_embeddings().ids.tolist() == [0, 1, 2, 3, 7, 8, 9]


def test_ids_are_ranked_from_run_folders(folder, here, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    rank = importlib.import_module("rank_tokens").rank
    assert run(monkeypatch, *bench_arguments(folder, "method=greedy", "max_new_tokens=16")) == 0
    records = [json.loads(line) for line in (run_folder("greedy") / "records.jsonl").read_text().splitlines()]
    ranking = rank([run_folder("greedy")])
    counts = [sum(record["tokens"].count(token) for record in records) for token in ranking]
    assert counts == sorted(counts, reverse=True) and sum(counts) == sum(len(record["tokens"]) for record in records)
    with pytest.raises(UserError, match="holds no records"):
        rank([tmp_path])


def test_a_target_that_was_not_fetched_is_the_hubs_and_is_called_so(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.models.config.BUNDLED", tmp_path)
    given = {"name": "pair", "target": "bundled:pair", "hub": "owner/pair", "revision": "abc"}
    hub = ModelConfig(**given)
    assert (hub.target, hub.label, hub.revision) == ("owner/pair", "pair_hub", "abc")
    (tmp_path / "pair").mkdir()
    (tmp_path / "pair/config.json").write_text("{}")
    fetched = ModelConfig(**given)
    assert (fetched.target, fetched.label, fetched.revision) == ("bundled:pair", "pair", None)


@pytest.fixture(scope="module")
def quantised(folder, tmp_path_factory):
    file = tmp_path_factory.mktemp("gguf") / "model.gguf"
    write_gguf(file, LlamaForCausalLM.from_pretrained(folder / "target"), make_tokenizer())
    return file


def test_a_gguf_file_or_its_folder_runs_as_the_model_it_was_made_from(folder, quantised, here, monkeypatch):
    outputs = []
    for name, target in (("plain", folder / "target"), ("file", quantised), ("folder", quantised.parent)):
        arguments = bench_arguments(folder, "method=greedy", f"model.target={target}", f"output={name}")
        assert run(monkeypatch, *arguments, "model.draft=null") == 0
        (file,) = Path(name).glob("**/greedy-*/records.jsonl")
        outputs.append([json.loads(line)["tokens"] for line in file.read_text().splitlines()])
    assert outputs[0] == outputs[1] == outputs[2]


def test_a_folder_with_weights_of_its_own_is_not_its_gguf_file(quantised, tmp_path):
    for name in ("config.json", "model.safetensors", quantised.name):
        (tmp_path / name).touch()
    assert locate(str(tmp_path)) == (str(tmp_path), True)
    (tmp_path / "model.safetensors").unlink()
    assert locate(str(tmp_path)) == (str(tmp_path / quantised.name), True)


def test_gguf_files_that_cannot_be_read_are_named(quantised, here, monkeypatch, tmp_path):
    model = {"target": str(quantised), "draft": None}
    place = Place("cpu", "float32")
    for name in ("one.gguf", "two.gguf"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match="holds 2 GGUF files: name one of them"):
        load_pair(ModelConfig(**{**model, "target": str(tmp_path)}), place, 0)
    with pytest.raises(UserError, match="there is no such file"):
        load_pair(ModelConfig(**{**model, "target": "owner/name/model.gguf"}), place, 0)
    with pytest.raises(UserError, match="cannot load"):
        load_pair(ModelConfig(**{**model, "target": str(tmp_path / "one.gguf")}), place, 0)
    monkeypatch.setattr("bench.models.location.find_spec", lambda _: None)
    with pytest.raises(UserError, match="pip install gguf"):
        load_pair(ModelConfig(**model), place, 0)
