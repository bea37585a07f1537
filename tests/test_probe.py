"""engine=auto: a rule that a probe checks, and what is told of it."""

import json

import pytest
import torch
from bench_pair import run, run_folder, run_summary
from matrix import decode, make_model

from bench import job
from bench.measure import probe as probing
from bench.measure.probe import probe
from bench.models.config import EAGER, PACKED, TRACED
from bench.models.loading import LoadedPair
from bench.report.probed import in_words, slower
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.packing import PACKED_BY, can_pack, pack
from decoding.session import ModelSession


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(probing, "SECONDS", 0.05)
    monkeypatch.setattr(job, "_PROBED", {})


def loaded(engine: str, dtype: torch.dtype) -> LoadedPair:
    model = make_model("llama", dtype=dtype)
    session = ModelSession(pack(model) if engine == PACKED else model)
    if engine != EAGER:
        session.trace()
    pair = ModelPair(session, None, frozenset(), decode, plain=lambda: make_model("llama", dtype=dtype))
    return LoadedPair(pair, None, engine)


@pytest.mark.parametrize(
    ("engine", "dtype", "engines"),
    [
        (PACKED, torch.float32, [PACKED, EAGER, TRACED]),
        (PACKED, torch.bfloat16, [PACKED, EAGER, TRACED]),
        (TRACED, torch.float64, [TRACED, EAGER]),
        (EAGER, torch.float64, [EAGER]),
    ],
)
def test_every_engine_that_runs_takes_its_time(engine, dtype, engines):
    if engine == PACKED and not can_pack(dtype):
        pytest.skip("this CPU has no kernels for it")
    pair = loaded(engine, dtype)
    times = probe(pair)
    assert list(times) == engines and all(list(rows) == [1, 6] for rows in times.values())
    assert all(0 < ms < float("inf") for rows in times.values() for ms in rows.values())
    assert pair.pair.target.tokens == [] and pair.pair.target.counters.forwards == 0, "the race begins with nothing"


@pytest.mark.parametrize("dtype", [*PACKED_BY])
def test_an_engine_that_computes_something_else_ends_the_run(monkeypatch, dtype):
    if not can_pack(dtype):
        pytest.skip("this CPU has no kernels for it")
    pair = loaded(PACKED, dtype)
    probe(pair)
    monkeypatch.setattr(pair.pair, "plain", lambda: make_model("llama", dtype=dtype, seed=1))
    with pytest.raises(UserError, match="engine=packed gives other logits here .*: set engine=eager"):
        probe(pair)


def test_a_large_model_is_not_loaded_twice(monkeypatch):
    pair = loaded(TRACED, torch.float64)
    monkeypatch.setattr(probing, "LARGEST_BYTES", 1)
    monkeypatch.setattr(pair.pair, "plain", lambda: pytest.fail("loaded"))
    assert probe(pair) is None


def test_a_faster_engine_is_told_and_not_taken():
    times = {PACKED: {1: 2.0, 6: 2.5}, EAGER: {1: 4.0, 6: 4.0}, TRACED: {1: 1.0, 6: 1.5}}
    assert slower(TRACED, times) is None and slower(TRACED, {**times, PACKED: {1: 0.95, 6: 1.4}}) is None
    assert slower(TRACED, {**times, PACKED: {1: 0.5, 6: 1.5}}) is None, "at one number of rows alone"
    told = "packed 2.00 and 2.50, eager 4.00 and 4.00, traced 1.00 and 1.50 (ms for forwards of 1 and 6 rows)"
    assert in_words(times) == told
    assert slower(PACKED, times) == f"engine=auto took packed, but engine=traced is faster here: {told}"


def test_what_was_probed_is_recorded_and_a_run_goes_on_with_its_engine(monkeypatch, arguments, capsys):
    """The clock is turned against the rule between the two halves: the second takes the first one's
    folder."""
    given = [*arguments, "engine=auto", "dtype=float64", "method=speculative"]
    seen = [{TRACED: {1: 1.0, 6: 1.0}, EAGER: {1: 2.0, 6: 2.0}}, {TRACED: {1: 3.0, 6: 3.0}, EAGER: {1: 2.0, 6: 2.0}}]
    left = iter(seen)
    monkeypatch.setattr(job, "probe", lambda _: next(left))
    assert run(monkeypatch, *given, "limit=1") == 0
    assert "is faster here" not in capsys.readouterr().out
    monkeypatch.setattr(job, "_PROBED", {})
    assert run(monkeypatch, *given, "limit=2") == 0
    assert "warning: engine=auto took traced, but engine=eager is faster here: traced 3.00" in capsys.readouterr().out
    folder = run_folder("speculative")
    provenance = json.loads((folder / "provenance.json").read_text())
    as_json = json.loads(json.dumps(seen))
    assert [each["probe"] for each in provenance["sessions"]] == as_json
    assert provenance["case"]["identity"]["engine"] == TRACED
    summary = run_summary("speculative")
    assert summary["probe"] == as_json[1] and "engine=auto took traced" in summary["warnings"][0]
    assert "| probe of the engines | traced 3.00 and 3.00, eager" in (folder / "report.md").read_text()


def test_an_engine_that_was_given_is_not_probed(monkeypatch, arguments):
    monkeypatch.setattr(job, "probe", lambda _: pytest.fail("probed"))
    assert run(monkeypatch, *arguments, "engine=traced", "dtype=float64", "method=speculative") == 0
    assert run_summary("speculative")["probe"] is None


def test_one_process_probes_a_pair_once(monkeypatch, arguments):
    left = iter([{TRACED: {1: 1.0, 6: 1.0}}])
    monkeypatch.setattr(job, "probe", lambda _: next(left))
    for method in ("speculative", "lookahead"):
        assert run(monkeypatch, *arguments, "engine=auto", "dtype=float64", f"method={method}") == 0
    assert run_summary("lookahead")["probe"] == {TRACED: {"1": 1.0, "6": 1.0}}
