"""Model presets, what check=true says of a pair in advance, and models that are not available."""

import json
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import pytest
import torch
from bench_pair import make_pair, make_tokenizer, run, save_model
from families import FAMILIES, make_model
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from safetensors.torch import save_file
from samples import thinned
from test_bench_cli import composed
from transformers import AutoConfig, AutoModelForCausalLM

from bench import CONF
from bench.models.config import ModelConfig
from bench.models.loading import load_pair, load_tokenizers
from bench.models.location import cannot_load
from bench.models.memory import GIB, Part, part, require_room
from bench.models.place import Place
from bench.plan.settings import read_plan
from decoding.errors import UserError

BUNDLED = ("tiny", "smollm2_135m", "custom")
PRESETS = sorted(file.stem for file in (CONF / "model").glob("*.yaml") if file.stem not in BUNDLED)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return make_pair(tmp_path_factory.mktemp("pair"))


@pytest.mark.parametrize("name", thinned(PRESETS, 5))
def test_every_preset_composes(name):
    model = read_plan(composed(f"model={name}", "method=ouroboros", "dtype=bfloat16", "data=hub")).model
    assert model.name == model.label == name
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+", each) for each in (model.target, model.draft))
    assert model.target != model.draft
    assert all(re.fullmatch(r"[0-9a-f]{40}", each) for each in (model.revision, model.draft_revision)), "pinned"


def test_the_papers_pairs_and_todays_are_there():
    assert {"yi_34b_6b", "deepseek_coder_33b_6.7b", "codellama_34b_7b", "llama2_70b_7b"} <= set(PRESETS)
    assert all(any(name.startswith(family) for name in PRESETS) for family in ("llama3", "qwen2.5", "qwen3"))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("shards", ["50GB", "10KB"])
def test_the_size_foretold_is_the_size_loaded(tmp_path, tied, shards):
    folder = save_model(tmp_path / "model", make_tokenizer(), seed=0)
    config = AutoConfig.from_pretrained(folder, tie_word_embeddings=tied)
    model = AutoModelForCausalLM.from_config(config)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size=shards)
    # Another copy of the weights beside them, which transformers does not load.
    save_file({"more": torch.zeros(1000)}, folder / "consolidated.safetensors")
    for dtype in (torch.float32, torch.bfloat16):
        loaded = model.to(dtype)
        parameters = list(loaded.parameters())
        from_headers = part("target", str(folder), config, dtype, "cpu")
        assert from_headers == part("target", None, config, dtype, "cpu")
        assert from_headers.parameters == sum(each.numel() for each in parameters)
        assert from_headers.weights == sum(each.numel() * each.element_size() for each in parameters)
        cache = loaded(torch.zeros(1, 5, dtype=torch.long), use_cache=True).past_key_values
        rows = sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)
        assert from_headers.bytes(5) - from_headers.bytes(0) == rows


@pytest.mark.parametrize("family", FAMILIES)
def test_the_size_of_every_family(family):
    model = make_model(family, dtype=torch.float32)
    found = part("target", None, model.config, torch.float32, "cpu")
    assert found.parameters == sum(each.numel() for each in model.parameters())
    cache = model(torch.zeros(1, 5, dtype=torch.long), use_cache=True).past_key_values
    assert found.row * 5 == sum(layer.keys.nbytes + layer.values.nbytes for layer in cache.layers)


def test_packed_numbers_keep_their_size_and_a_damaged_file_is_named(tmp_path):
    folder = save_model(tmp_path / "model", make_tokenizer(), seed=0)
    config = AutoConfig.from_pretrained(folder)
    tensors = {"a": torch.zeros(8, dtype=torch.uint8), "b": torch.zeros(8, dtype=torch.int32), "c": torch.zeros(8)}
    save_file(tensors, folder / "model.safetensors")
    assert part("target", str(folder), config, torch.bfloat16, "cpu").weights == 8 + 32 + 16
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[:-1])
    with pytest.raises(UserError, match="model.safetensors is damaged or cut short"):
        part("target", str(folder), config, torch.bfloat16, "cpu")


def machine(monkeypatch, **free):
    sizes = {name.replace("_", ":"): size * GIB for name, size in free.items()}
    monkeypatch.setattr("bench.models.memory._devices", lambda: list(sizes))
    monkeypatch.setattr("bench.models.memory.free_bytes", sizes.__getitem__)


def parts(target, draft, devices):
    sizes = (("target", target), ("draft", draft))
    return [Part(name, 1, size * GIB, 0, device) for (name, size), device in zip(sizes, devices, strict=True)]


@pytest.mark.parametrize(
    ("target", "draft", "devices", "said"),
    [
        (60, 10, ("cuda", "cuda"), ": enough$"),
        (60, 30, ("cuda", "cuda"), "not enough memory on cuda:0 "),
        (60, 30, ("cuda", "cuda:1"), ": enough$"),
        (70, 10, ("cuda", "cuda"), "not enough memory on cpu "),  # passes through the CPU's memory
        (130, 10, (None, None), ": enough$"),
        (150, 10, (None, "cuda:1"), r"enough, but 2.0 GiB stay on the CPU, which is slow$"),
        (210, 15, (None, None), "not enough memory \\("),
        (150, 90, (None, "cuda:1"), "not enough memory on cpu and cuda:1 "),
        (70, 10, ("cpu", "cpu"), "not enough memory on cpu "),
    ],
)
def test_where_the_parts_go_decides_whether_they_fit(monkeypatch, target, draft, devices, said):
    machine(monkeypatch, cpu=65, cuda_0=79, cuda_1=79)
    try:
        line = require_room(parts(target, draft, devices), 10)
    except UserError as error:
        line = str(error)
    assert re.search(said, line) and "\n" not in line


def test_the_cache_counts(monkeypatch):
    machine(monkeypatch, cpu=10)
    grown = [Part("target", 1, 5 * GIB, GIB // 100, "cpu")]
    assert "for 400 tokens" in require_room(grown, 400)
    with pytest.raises(UserError, match="smaller max_new_tokens"):
        require_room(grown, 600)


def refuse(*_, **__):
    pytest.fail("weights were loaded")


@pytest.mark.parametrize("check", ["true", "false"])
def test_other_tokenizers_are_told_before_weights_are_loaded(monkeypatch, capsys, arguments, tmp_path, check):
    monkeypatch.setattr("bench.models.checkpoint.AutoModelForCausalLM.from_pretrained", refuse)
    other = save_model(tmp_path / "other", make_tokenizer(["zebra xylophone " * 9], size=290), seed=0)
    capsys.readouterr()
    assert run(monkeypatch, *arguments, f"model.draft={other}", f"check={check}") == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: the tokenizers of target and draft differ: id") and "\n" not in error


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"weight_map": []}'])
def test_a_damaged_index_of_weights_ends_in_one_line(monkeypatch, capsys, arguments, tmp_path, content):
    target = next(each for each in arguments if each.startswith("model.target=")).removeprefix("model.target=")
    copy = shutil.copytree(target, tmp_path / "damaged")
    (copy / "model.safetensors.index.json").write_text(content)
    assert run(monkeypatch, *arguments, f"model.target={copy}", "check=true") == 2
    error = capsys.readouterr().err.strip()
    assert "no index of weights, or damaged" in error and "\n" not in error


def test_check_says_in_advance_and_then_decodes(monkeypatch, capsys, arguments):
    # Reading tens of gigabytes for their digest would take longer than the minute that a check may.
    monkeypatch.setattr("bench.job.weights_digests", refuse)
    assert run(monkeypatch, *arguments, "dtype=bfloat16", "check=true") == 0
    said = capsys.readouterr().out
    assert said.index("memory: target ") < said.index("masks of the target") and "target in float32" in said
    monkeypatch.setattr("bench.models.checkpoint.AutoModelForCausalLM.from_pretrained", refuse)
    monkeypatch.setattr("bench.models.memory.psutil.virtual_memory", lambda: SimpleNamespace(available=10))
    assert run(monkeypatch, *arguments, "check=true") == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("error: not enough memory on cpu (target ") and "\n" not in error


def test_a_target_that_transformers_places_decodes_the_same(monkeypatch, arguments):
    outputs = []
    for given in ([], ["model.device_map=auto"]):
        folder = f"output=placed{len(given)}"
        compared = "compare=[speculative]"
        assert run(monkeypatch, *arguments, "method=ouroboros", compared, "limit=2", folder, *given) == 0
        records = sorted(Path(folder.removeprefix("output=")).rglob("records.jsonl"))
        outputs.append([[json.loads(line)["tokens"] for line in each.open()] for each in records])
    assert outputs[0] == outputs[1] and len(outputs[0]) == 2


def test_an_unknown_device_map_is_told(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "check=true", "model.device_map=atuo") == 2
    assert "device=atuo is no device" in capsys.readouterr().err


def test_what_is_no_causal_model_is_told(monkeypatch, capsys, arguments, tmp_path):
    folder = save_model(tmp_path / "model", make_tokenizer(), seed=0)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "t5", "num_heads": 4, "num_layers": 2}))
    (folder / "model.safetensors").unlink()
    assert run(monkeypatch, *arguments, f"model.target={folder}", "check=true") == 2
    assert "error: cannot load " in capsys.readouterr().err


def test_a_spread_pair_is_counted_on_all_devices(monkeypatch, capsys, arguments):
    machine(monkeypatch, cpu=1, cuda_0=1)
    monkeypatch.setattr("bench.job.weights_here", lambda name, revision: False)
    assert run(monkeypatch, *arguments, "check=true", "model.device_map=auto", "model.draft_device=cpu") == 0
    said = capsys.readouterr().out
    assert "cpu 1.0 GiB, cuda:0 1.0 GiB: enough" in said and "outputs" not in said


@pytest.mark.parametrize(("words", "more"), [(10, 1000), (1000, 10)])
def test_no_more_than_the_context_is_foretold(monkeypatch, capsys, arguments, tmp_path, words, more):
    monkeypatch.setattr("bench.job.weights_here", lambda name, revision: False)
    (tmp_path / "long.jsonl").write_text(json.dumps({"id": 1, "prompt": "fox " * words}))
    given = (f"data.path={tmp_path / 'long.jsonl'}", f"max_new_tokens={more}", "check=true")
    assert run(monkeypatch, *arguments, *given) == 0
    assert " for 256 tokens; " in capsys.readouterr().out


def in_cache(cache, folder, name):
    """The folder as the hub's cache holds it."""
    home = cache / f"models--{name.replace('/', '--')}"
    shutil.copytree(folder, home / "snapshots" / "0123abc")
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text("0123abc")
    return home / "snapshots" / "0123abc"


def test_a_pair_of_hub_ids_without_and_with_its_weights(monkeypatch, capsys, arguments, folders, tmp_path):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bench.models.location.offline", lambda name: True)
    snapshots = [in_cache(tmp_path / "cache", folder, f"some/{folder.name}") for folder in folders]
    weights = [snapshot / "model.safetensors" for snapshot in snapshots]
    content = weights[1].read_bytes()
    weights[1].unlink()
    arguments = [*arguments, "model.target=some/target", "model.draft=some/draft", "check=true"]
    assert run(monkeypatch, *arguments) == 0
    said = capsys.readouterr().out
    assert ": enough" in said and "not fetched yet, so nothing is decoded: the weights of some/draft" in said
    monkeypatch.setattr("bench.job.encoding_warnings", lambda *_: ["a beginning that is added twice"])
    assert run(monkeypatch, *arguments) == 0
    heard = capsys.readouterr()
    assert "a beginning that is added twice" in heard.out + heard.err, "the tokenizer is here"
    monkeypatch.undo()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("bench.models.location.offline", lambda name: True)
    weights[1].write_bytes(content)
    assert run(monkeypatch, *arguments) == 0
    assert "outputs: equal" in capsys.readouterr().out


REFUSALS = [
    (GatedRepoError, "it is gated; accept its terms on its page of the hub and log in"),
    (RepositoryNotFoundError, "the hub has no such model, or it is private"),
    (RevisionNotFoundError, "the hub has no such revision"),
]


@pytest.mark.parametrize(("kind", "said"), REFUSALS)
def test_what_the_hub_refuses_is_one_line(monkeypatch, capsys, arguments, kind, said):
    response = SimpleNamespace(headers={}, request=None)

    def from_pretrained(*_, **__):
        try:
            raise kind("a long story\nover two lines", response=response)
        except kind as error:
            # As transformers passes it on.
            raise OSError("You are trying to access something.\nMake sure.") from error

    monkeypatch.setattr("bench.models.location.offline", lambda name: False)
    for loader in ("bench.models.location.AutoConfig", "bench.models.location.AutoTokenizer"):
        monkeypatch.setattr(f"{loader}.from_pretrained", from_pretrained)
    for more in ("check=true", "check=false"):
        assert run(monkeypatch, *arguments, "model.target=some/model", more) == 2
        error = capsys.readouterr().err.strip()
        assert error.startswith("error: cannot load some/model: ") and said in error and "\n" not in error


def test_other_failures_and_no_network_are_one_line(monkeypatch):
    monkeypatch.setattr("bench.models.location.offline", lambda name: False)
    error = OSError("Can't load it.\nMore.")
    assert str(cannot_load("some/model", error)) == "cannot load some/model: Can't load it"
    error = RuntimeError("Some issues during automatic conversion. For details look at the above report!")
    assert "cannot be converted to what its config.json says" in str(cannot_load("some/model", error))
    error = OSError("Can't load it.\nMore.")
    monkeypatch.setattr("bench.models.location.offline", lambda name: True)
    assert "the hub cannot be reached; give a local folder" in str(cannot_load("some/model", error))


@pytest.mark.parametrize("name", ["some/mo del", "some/model--v2", "some/model.", "owner/" + "a" * 97, "some/"])
def test_what_cannot_be_a_hub_id_is_told_so(monkeypatch, capsys, arguments, name):
    assert run(monkeypatch, *arguments, f"model.target='{name}'", "check=true") == 2
    error = capsys.readouterr().err.strip()
    assert "is no folder, and no hub id can be written so: " in error and "\n" not in error


def test_ids_beyond_the_head_are_no_difference(folders, tmp_path):
    """As in CodeLlama 34B and 7B, whose tokenizers name other tokens beyond the 34B's 32000 rows.
    """
    names = {"target": ["<a>", "<b>"], "draft": ["<c>"]}
    for folder in folders:
        shutil.copytree(folder, tmp_path / folder.name)
        file = tmp_path / folder.name / "tokenizer.json"
        content = json.loads(file.read_text())
        size = AutoConfig.from_pretrained(folder).vocab_size
        for place, name in enumerate(names[folder.name]):
            content["added_tokens"].append({**content["added_tokens"][0], "id": size + place, "content": name})
        file.write_text(json.dumps(content))
    model = ModelConfig(target=str(tmp_path / "target"), draft=str(tmp_path / "draft"))
    found = load_tokenizers(model)
    assert "<b>" in found.tokenizer.get_vocab() and found.target == found.draft == size
    assert load_pair(model, Place("cpu", "float32"), seed=0).pair.target.vocabulary == size
