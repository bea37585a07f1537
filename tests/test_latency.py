"""Latency and energy, by hand."""

import json

import pytest
import torch
from made_records import made_record, made_steps
from test_bench_figures import sample, summarized

from bench.measure import energy
from bench.measure.energy import EnergyMeter
from bench.measure.planted import _race, _stopping, _tiny_model
from bench.measure.record import METHOD, Record
from bench.report.markdown import _latency
from bench.report.metrics.latency import latency
from bench.report.statistics import Percentiles, percentiles
from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify
from decoding.session import ModelSession


def test_percentiles_are_values_that_occur():
    assert percentiles([4.0, 1.0, 2.0, 3.0]) == Percentiles(2.5, 2.0, 4.0, 4.0)
    assert percentiles([float(value) for value in range(100, 0, -1)]) == Percentiles(50.5, 50.0, 90.0, 99.0)
    # Ninety-nine times 1 and once 9.
    assert percentiles([9.0, 1.0], [1, 99]) == Percentiles(1.08, 1.0, 1.0, 1.0)
    assert percentiles([9.0, 1.0], [2, 98]).p99 == 9.0
    assert percentiles([]) is None


def generation(seconds, emitted, prefill=0.5, joules=None):
    tokens = [1] * (1 + sum(emitted))
    steps = made_steps(emitted=emitted, step_seconds=seconds)
    return made_record(tokens=tokens, prefill_seconds=prefill, steps=steps, joules=joules)


def test_tokens_of_one_step_share_its_time():
    grid = [[generation([0.4, 0.1], [4, 1], 0.5, 3.0)], [generation([0.2] * 7 + [2.0], [2] * 7 + [1], 1.5, 6.0)]]
    found = latency(grid)
    assert found.first_token == Percentiles(1.0, 0.5, 1.5, 1.5)
    assert found.step.p50 == 0.2 and found.step.p99 == 2.0 and found.step.mean == pytest.approx(3.9 / 10)
    # 19 times a tenth of a second, and one token that took two seconds: 3.9 seconds of 20 tokens.
    assert found.inter_token == Percentiles(pytest.approx(3.9 / 20), 0.1, 0.1, 2.0)
    assert (found.stalls, found.stalled) == (1, pytest.approx(2.0 / 3.9))
    assert found.joules_per_token == pytest.approx(9.0 / 22)


def test_what_is_not_told_is_null():
    old = made_record(steps=made_steps(emitted=[1, 1]))
    found = latency([[old]])
    assert found.first_token.p50 == 1.0 and (found.step, found.inter_token, found.stalls, found.stalled) == (None,) * 4
    assert latency([[generation([0.1], [1], joules=1.0)], [generation([0.1], [1])]]).joules_per_token is None
    assert Record.from_json(json.loads(json.dumps(old.to_json()))).steps.step_seconds is None


def test_a_step_ends_where_the_next_begins():
    pair = ModelPair(ModelSession(_tiny_model(64)), None, frozenset(), str)
    told = DraftThenVerify(pair, Drafter()).generate([3, 1, 2], _stopping(30))
    steps = told.steps
    assert len(steps.step_seconds) == len(steps) == 29
    parts = zip(steps.draft_seconds, steps.verify_seconds, steps.observe_seconds, strict=True)
    assert all(whole >= sum(each) for whole, each in zip(steps.step_seconds, parts, strict=True))
    assert 0.5 * told.decode_seconds < sum(steps.step_seconds) <= told.decode_seconds


def test_the_report_has_a_table_of_it():
    found = summarized(sample())
    rows = {row[0]: row[1:] for row in _latency(found, found.latency, found.greedy_latency)}
    assert rows["first token"] == ["750.00, 500.00, 1000.00, 1000.00"] * 2
    assert rows["step"] == ["-", "-"] and rows["joules per token"] == ["-", "-"]
    assert found.to_json()["latency"]["first_token"]["p90"] == 1.0


@pytest.fixture
def powercap(tmp_path, monkeypatch):
    """A function that writes a zone: its name and microjoules; counters begin again at 1 J."""
    monkeypatch.setattr(energy, "POWERCAP", tmp_path)

    def write(zone: str, name: str, microjoules: int) -> None:
        folder = tmp_path / zone
        folder.mkdir(exist_ok=True)
        for file, text in (("name", name), ("energy_uj", microjoules), ("max_energy_range_uj", 1_000_000)):
            (folder / file).write_text(f"{text}\n")

    return write


def test_energy_is_that_of_all_packages_and_counters_begin_again(powercap, tmp_path):
    powercap("intel-rapl:0", "package-0", 100_000)
    powercap("intel-rapl:1", "package-1", 900_000)
    powercap("intel-rapl:0:0", "package-0-part", 5)
    powercap("intel-rapl:2", "psys", 5)
    with EnergyMeter(torch.device("cpu")) as meter:
        powercap("intel-rapl:0", "package-0", 400_000)
        powercap("intel-rapl:1", "package-1", 100_000)
        powercap("intel-rapl:0:0", "package-0-part", 300_000)
        powercap("intel-rapl:2", "psys", 500_000)
    assert meter.joules == pytest.approx(0.3 + 0.2)
    with EnergyMeter(torch.device("cpu")) as meter:
        (tmp_path / "intel-rapl:1" / "energy_uj").unlink()
    assert meter.joules is None


def test_a_generation_has_its_energy_where_the_machine_tells_it(powercap):
    pair = ModelPair(ModelSession(_tiny_model(32)), None, frozenset(), str)
    race, decoder = _race(pair, 4), DraftThenVerify(pair, Drafter())
    generate = decoder.generate

    def spending(*given):
        powercap("intel-rapl:0", "package-0", 250_000)
        return generate(*given)

    decoder.generate = spending
    entrant = race.references[0]
    entrant.decoder, entrant.role = decoder, METHOD
    example = race.task.example({"id": "one", "prompt": "w5"})
    assert race.measure(entrant, example, [1, 2], _stopping(4)).joules is None
    powercap("intel-rapl:0", "package-0", 50_000)
    assert race.measure(entrant, example, [1, 2], _stopping(4)).joules == pytest.approx(0.2)
