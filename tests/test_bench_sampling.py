"""The command line at a temperature: verdicts, samples, scores of several samples, and what is
refused."""

import json
from pathlib import Path

import pytest
from bench_pair import bench_arguments, run
from made_records import made_record

from bench.measure.entrants import noise_warnings
from bench.measure.verdicts import DISTRIBUTION, MISMATCH, verdict
from decoding.draws import Sampling
from tasks.base import Example, by_prompt
from tasks.gsm8k import Gsm8k


def summaries(folder: Path) -> dict[str, dict]:
    found = [json.loads(file.read_text()) for file in folder.rglob("summary.json")]
    return {each["label"]: each for each in found}


def outputs(folder: Path) -> dict[str, list[int]]:
    lines = [line for file in folder.rglob("records.jsonl") for line in file.read_text().splitlines()]
    found = map(json.loads, lines)
    return {each["prompt"]: each["tokens"] for each in found if each["role"] == "method"}


def test_a_panel_at_a_temperature(monkeypatch, tmp_path, pair, capsys):
    cases = (
        "compare=[lookahead,{name: speculative, draft_noise: own, label: own},"
        "{name: speculative, acceptance: classic, label: classic},spectr,hf_generate]"
    )
    monkeypatch.chdir(tmp_path)
    told = "bench.measure.entrants.noise_warnings"
    monkeypatch.setattr(told, lambda sampling, device: [f"drawn on {device} at {sampling.temperature}"])
    given = [*bench_arguments(pair), "method=speculative", "temperature=0.8", "top_p=0.9", cases]
    assert run(monkeypatch, *given) == 0
    found = summaries(Path("runs"))
    verdicts = {label: each["lossless"]["verdict"] for label, each in found.items()}
    others = {"classic", "spectr", "hf_generate"}
    assert {verdicts[label] for label in found if label not in others} == {"identical"} and len(found) == 6
    assert {verdicts[label] for label in others} == {"distribution"}
    assert found["own"]["temperature"] == 0.8 and found["own"]["draft_noise"] == "own"
    printed = capsys.readouterr().out
    assert "temperature 0.8, top-p 0.9, seed 0, batch size 1" in printed and "2 distribution" in printed
    assert "drawn on cpu at 0.8" in printed and found["own"]["warnings"] == ["drawn on cpu at 0.8"]


def test_samples_of_another_device_may_differ_from_a_cpus():
    assert not noise_warnings(Sampling(0.7), "cpu") and not noise_warnings(Sampling(), "cuda")
    (said,) = noise_warnings(Sampling(0.7), "cuda")
    assert said.startswith("cuda takes its own logarithms")


def test_samples_of_a_prompt_are_different_and_come_again(monkeypatch, tmp_path, pair):
    monkeypatch.chdir(tmp_path)
    given = [*bench_arguments(pair), "method=speculative", "temperature=1.5", "samples=3"]
    for output in ("out", "again"):
        assert run(monkeypatch, *given, f"output={output}") == 0
    found = outputs(Path("out"))
    assert len(found) == 6 and len({tuple(tokens) for tokens in found.values()}) > 3
    assert outputs(Path("again")) == found
    [summary] = summaries(Path("out")).values()
    assert summary["prompts"] == 6


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["samples=2"], "samples=2 are all one at temperature 0"),
        pytest.param(["draft_noise=own"], "draft_noise=own says nothing at temperature 0", marks=pytest.mark.slow),
        (["acceptance=classic"], "acceptance=classic says nothing at temperature 0"),
        (["temperature=1", "draft_noise=loud"], "draft_noise=loud is unknown: choose one of shared, own, greedy"),
        (["temperature=1", "compare=[{name: speculative, acceptance: odd}]"], "compare: acceptance=odd is unknown"),
        (["temperature=1", "min_p=1"], "min_p=1 must be"),
        (["temperature=nan"], "temperature=nan must be"),
        pytest.param(["temperature=inf"], "temperature=inf must be", marks=pytest.mark.slow),
        pytest.param(["temperature=1e-39"], "temperature=1e-39 must be", marks=pytest.mark.slow),
    ],
)
def test_what_is_refused(monkeypatch, pair, capsys, given, said):
    assert run(monkeypatch, *bench_arguments(pair), *given) == 2
    assert said in capsys.readouterr().err


def test_a_sample_of_any_rule_must_stop_where_the_stopping_rule_says():
    fine, wrong = (made_record(own_draws=True, stop_fault=fault) for fault in (None, "ended before any stop"))
    reference = made_record(tokens=[9])
    assert (verdict(fine, reference, fine), verdict(wrong, reference, wrong)) == (DISTRIBUTION, MISMATCH)


def problem(name: str, samples: int) -> list[Example]:
    example = Gsm8k().example({"id": name, "question": "How many?", "answer": "It is 4.\n#### 4"})
    return [example.sampled(number) for number in range(samples)]


def test_the_majority_of_a_problems_samples():
    texts = ["so it is 4", "it is 5", "the answer is 4"]
    scores = Gsm8k().score(problem("a", 3), texts)
    assert scores.means["majority"] == 1.0 and scores.means["exact_match_flexible"] == pytest.approx(2 / 3)
    texts = ["it is 5", "it is 5", "4"]
    assert Gsm8k().score(problem("a", 3), texts).means["majority"] == 0.0
    assert "majority" not in Gsm8k().score(problem("a", 1), ["4"]).means


def test_samples_are_gathered_by_their_prompt():
    several = [*problem("x", 2), *problem("y", 2)]
    assert len({each.id for each in several}) == 4
    assert [each.prompt_id for each in several] == ["x", "x", "y", "y"] and by_prompt(several) == [[0, 1], [2, 3]]
