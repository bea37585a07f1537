"""python -m bench.engine: forwards of every engine by rows and context, beside the machine's
limits."""

import json
import sys
from pathlib import Path

import pandas
import pytest
import torch
from families import make_model

from bench.cli import main
from bench.measure.engines import Harness, Library, Machine, Work, prepared, work_of
from bench.models.config import EAGER
from decoding.packing import can_pack, pack
from decoding.session import ModelSession

KEPT = Path(__file__).resolve().parent.parent / "results" / "engine" / "table.csv"


def engines(monkeypatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench.engine", *arguments, "output=out", "repeats=2"])
    return main("bench.engine_job:run", "engine")


@pytest.mark.skipif(not can_pack(torch.float32), reason="this CPU has no packed float16 kernels")
def test_table_plot_and_provenance(monkeypatch, tmp_path, pair, capsys):
    monkeypatch.chdir(tmp_path)
    given = [f"model.target={pair}/target", f"model.draft={pair}/draft", "model.name=random"]
    packed = []
    monkeypatch.setattr("bench.measure.engines.pack", lambda model: packed.append(model) or pack(model))
    assert engines(monkeypatch, *given, "rows=[1,5]", "contexts=[8,12,9999]") == 0
    assert len(packed) == 2, "each model once"
    table = pandas.read_csv("out/random/table.csv")
    assert set(table.model) == {"random"}
    assert list(table) == list(pandas.read_csv(KEPT)), "results/engine holds such tables, one below the other"
    kinds = set(table[["role", "engine", "context", "rows"]].itertuples(index=False, name=None))
    expected = {
        (role, engine, context, rows)
        for role in ("target", "draft")
        for engine in ("library", "eager", "traced", "packed")
        for context in (8, 12)
        for rows in (1, 5)
    }
    assert kinds == expected and len(table) == len(expected), "what a context does not hold is left out"
    assert (table.least_milliseconds <= table.milliseconds).all() and (table.limit_milliseconds > 0).all()
    of_limit = table.limit_milliseconds / table.least_milliseconds
    assert ((table.of_limit - of_limit).abs() < 1e-3 * of_limit).all()
    weights = table[table.role == "target"].groupby("engine").weights_mib.first()
    assert weights["packed"] == pytest.approx(weights["eager"] / 2, rel=1e-4)
    assert Path("out/random/roofline.png").read_bytes().startswith(b"\x89PNG")
    provenance = json.loads(Path("out/random/provenance.json").read_text())
    assert provenance["cpu"] and provenance["threads"] == torch.get_num_threads()
    assert provenance["settings"]["rows"] == [1, 5]
    assert "target packed: ms by rows after 8 tokens 1: " in capsys.readouterr().out


def test_a_shape_of_random_weights(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    shape = "{layers: 2, hidden: 16, intermediate: 24, heads: 2, key_value_heads: 1, vocabulary: 50, context: 64}"
    given = ["model.target=null", f"shape={shape}", "rows=[1]", "contexts=[4]", "engines=[eager,traced]"]
    assert engines(monkeypatch, *given) == 0
    (table,) = Path("out").rglob("table.csv")
    assert list(pandas.read_csv(table).engine) == ["eager", "traced"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["engines=[warp]"], "engines=warp is unknown"),
        (["rows=[0]"], "rows must be at least 1"),
        (["dtype=int8"], "dtype=int8 is unknown"),
        (["model.target=null"], "model.target is missing"),
        (["shape={depth: 3}", "model.target=null"], "depth"),
    ],
)
def test_a_users_error_is_one_line(monkeypatch, tmp_path, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert engines(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error


def test_the_limit_is_the_slower_of_reading_and_multiplying():
    machine = Machine(50.0, 1000.0)
    assert machine.limit(Work(100, 10), 1) == 2.0
    assert machine.limit(Work(100, 4000), 2) == 8.0


def test_the_least_work_counts_every_matrix_once():
    model = make_model("llama", dtype=torch.float32, tie_word_embeddings=True)
    matrices = [each for each in model.parameters() if each.dim() == 2]
    work = work_of(model)
    assert work.bytes == 4 * sum(each.numel() for each in matrices) and work.flops == work.bytes // 2
    if can_pack(torch.float32):
        assert work_of(pack(model)).bytes == work.bytes // 2


def test_a_forward_leaves_the_cache_as_it_was():
    model = make_model("llama")
    library, ours = Library(model), Harness(ModelSession(model))
    for runner in (library, ours):
        runner.fill([1, 2, 3, 4])
        runner.forward(3)
        runner.forward(1)
    assert library.cache.get_seq_length() == 4 and ours.session.tokens == [1, 2, 3, 4]
    assert prepared(EAGER, model).work == work_of(model)
