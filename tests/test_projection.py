"""python -m bench.project: recorded steps at other costs, by hand and on the gamma study of
results/paper, where one setting's costs predict the others' measured speedups."""

import csv
import json
import re
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_records import made_record, made_steps

from bench.report.arguments import project
from bench.report.case_records import CaseRecords
from bench.report.metrics.costs import BANDWIDTH_REACHED, FLOPS_REACHED, LAYER_SECONDS, Curve, Roofline
from bench.report.metrics.hardware import GPUS, PAIRS, Gpu, Pair, Shape
from bench.report.metrics.projection import costs_of, predict, projected_speedup, replay_of, with_forwards

PAPER = Path(__file__).resolve().parent.parent / "results" / "paper" / "runs.tar.xz"
ENGINE = PAPER.parent.parent / "engine" / "table.csv"


@pytest.fixture(scope="module")
def gamma(tmp_path_factory):
    """The gamma study: two methods, two tasks, six settings each."""
    root = tmp_path_factory.mktemp("paper")
    with tarfile.open(PAPER) as archive:
        for entry in archive:
            if entry.name.startswith("gamma/"):
                archive.extract(entry, root, filter="data")
            elif entry.name > "gamma0":
                break
    return root / "gamma"


def test_a_curve_is_of_the_widths_that_most_forwards_have() -> None:
    curve = Curve.of([(1.2, 20.0, 10), (0.9, 10.0, 20), (5, 210.0, 70), (9, 1000.0, 4)])
    assert curve.seconds == {1: 30.0 / 30, 5: 3.0}, "four in a hundred are no width"
    assert curve(np.array([1, 2, 5])).tolist() == [1.0, 1.5, 3.0]
    assert float(curve(9)) == 5.0, "beyond, as between the narrowest and the widest"
    assert float(Curve.flat(2.0)(7)) == 2.0 == float(Curve({4: 2.0})(1))


def test_a_forward_by_the_roofline() -> None:
    a100, pair = GPUS[0], PAIRS[0]
    here = Roofline(a100, pair)
    assert here.gpus == 2
    yi = pair.target
    assert yi.cached_numbers == 2 * 60 * 8 * 128
    reading = 2 * (34.4e9 + 100 * yi.cached_numbers) / (2 * 2.039e12 * BANDWIDTH_REACHED)
    one = float(here.target(1, 100, 1))
    assert one == pytest.approx(reading + 60 * LAYER_SECONDS, rel=1e-12)
    assert float(here.target(8, 100, 1)) == one, "rows are free as long as weights are what takes time"
    multiplying = 2 * 34.4e9 * 8 * 64 / (2 * 312e12 * FLOPS_REACHED)
    assert float(here.target(8, 100, 64)) == pytest.approx(multiplying + 60 * LAYER_SECONDS, rel=1e-12)
    cached = float(here.target(1, 5000, 16)) - float(here.target(1, 0, 16))
    assert cached == pytest.approx(2 * 16 * 5000 * yi.cached_numbers / (2 * 2.039e12 * BANDWIDTH_REACHED), rel=1e-9)
    assert float(here.draft(1, 100, 1)) < 0.25 * one
    fits = {(gpu.name, pair.name): Roofline(gpu, pair).gpus for gpu in GPUS for pair in PAIRS}
    assert fits["A100 80GB SXM", "70B/7B"] == 4 and fits["H200", "34B/6B"] == 1 and fits["H100 SXM", "405B/8B"] == 16


# Reads 2 bytes a second and parameter, and multiplies in no time: a target's forward takes 10
# seconds, a draft's 2, whatever they cache; there are no layers.
SLOW = Roofline(
    Gpu("slow", 2 / BANDWIDTH_REACHED, 1e30, 1e6), Pair("10/2", Shape(10.0, 0, 0), Shape(2.0, 0, 0))
)  # fmt: skip


def generation(emitted, rows, forwards=None, prompt=7, prefill=2, **changes):
    """Seconds: a target's forward 3 + rows, a draft's 2, and 1 a step outside."""
    forwards = forwards or [0] * len(emitted)
    verify = [3.0 + width for width in rows]
    draft = [2.0 * count for count in forwards]
    steps = made_steps(
        emitted=emitted, rows=rows, draft_forwards=forwards, draft_rows=forwards, verify_seconds=verify,
        draft_seconds=draft, model_seconds=[one + two for one, two in zip(verify, draft, strict=True)],
    )  # fmt: skip
    total = sum(verify) + sum(draft) + len(emitted)
    return made_record(
        tokens=[1] * (prefill + sum(emitted)), steps=replace(steps, **changes), prompt_tokens=prompt,
        prefill_tokens=prefill, prefill_seconds=5.0, total_seconds=5.0 + total,
    )  # fmt: skip


def case(*method, greedy=4):
    plain = [[generation([1] * greedy, [1] * greedy, prefill=1)]]
    return CaseRecords(["p"], [[each] for each in method], plain)


def test_steps_at_other_costs() -> None:
    records = case(generation([3, 1, 2], [5, 5, 3], [4, 4, 0]))
    method, greedy = replay_of(records.method), replay_of(records.reference)
    assert method.context.tolist() == [8, 11, 12], "all that is confirmed but the root"
    assert greedy.context.tolist() == [7, 8, 9, 10]
    assert method.outside == pytest.approx(3.0) and method.mean_context == pytest.approx(31 / 3)
    assert method.seconds(SLOW, 1, outside=False) == pytest.approx(3 * 10 + 8 * 2)
    for batch in (1, 8):  # what is read is read once, and so is what lies outside
        bare = projected_speedup(method, greedy, SLOW, batch, outside=False)
        assert bare == pytest.approx(6 / 46 / (4 / 40))
        whole = projected_speedup(method, greedy, SLOW, batch, outside=True)
        assert whole == pytest.approx(6 / 49 / (4 / 44))
    old = replay_of([[generation([1], [1], model_seconds=None)]])
    assert old.outside is None and old.seconds(SLOW, 1, outside=True) == pytest.approx(10.0)
    assert replay_of([[made_record()]]) is None, "no steps"


def test_costs_of_one_setting_predict_another() -> None:
    """Where a step really costs what its parts do, to the last digit."""
    told = costs_of(case(generation([3, 1, 2, 1], [5, 5, 5, 1], [4, 4, 4, 0])))
    assert told.verify.seconds == {1: 4.0, 5: 8.0} and told.draft.seconds == {1: 2.0}
    assert (told.rest, told.greedy) == (pytest.approx(1.0), 5.0)
    other = case(generation([2, 3, 1], [3, 3, 3], [2, 2, 2]), generation([9, 2], [9, 3], [8, 2]))
    found = predict(told, other)
    seconds = 3 * (6 + 4 + 1) + (12 + 16 + 1) + (6 + 4 + 1)
    assert [found.measured, found.predicted] == pytest.approx([17 / seconds * 5.0] * 2)
    assert found.flat == pytest.approx(17 / (5 * 4 + 16 * 2 + 5) * 5.0)
    assert found.undrafted == pytest.approx(17 / (seconds - 32) * 5.0)
    assert found.seamless == pytest.approx(17 / (seconds - 5) * 5.0)
    assert found.errors["predicted"] == pytest.approx(0.0) and found.errors["flat"] > 0.2
    undrafted = costs_of(case(generation([1, 2], [4, 4])))
    assert undrafted.draft is None and predict(undrafted, other) is None, "what a draft costs is not known"


def test_forwards_that_were_measured_alone() -> None:
    records = case(generation([3, 1], [5, 5], [4, 4]))
    told = with_forwards(costs_of(records), records, Curve({1: 2.0, 5: 3.0}), Curve({1: 0.5, 4: 2.0}))
    assert (told.rest, told.greedy) == (pytest.approx(1.0), pytest.approx(3.0)), "what surrounds them stays"
    assert predict(told, records).predicted == pytest.approx(4 / (2 * (3 + 4 * 0.5 + 1)) * 3.0)
    assert with_forwards(costs_of(records), records, Curve.flat(2.0), None) is None


def test_the_gamma_study_is_predicted(gamma, capsys) -> None:
    assert project([str(gamma), "--validate"]) == 0
    printed = capsys.readouterr().out
    near, of, mean = re.search(r"(\d+) of (\d+) within 10%; mean error ([\d.]+)%", printed).groups()
    assert (int(near), int(of)) == (17, 20) and float(mean) == pytest.approx(4.8, abs=0.1)
    lines = re.findall(r"^(\w+) +gamma=(\d+) +([\d.]+) +([\d.]+) +([+-][\d.]+)%", printed, re.MULTILINE)
    assert len(lines) == 20 and all(each[1] != "6" for each in lines), "whose costs they are is not predicted"
    for _, _, predicted, measured, error in lines:
        assert float(predicted) / float(measured) - 1 == pytest.approx(float(error) / 100, abs=0.01)
    for cost in ("what one of one row does", "drafting took nothing"):
        assert float(re.search(rf"{cost}: ([\d.]+)%", printed)[1]) > 15, "without it the prediction is wrong"
    assert project([str(gamma), "--validate", "--engine", str(ENGINE)]) == 0
    assert " of 20 within 10%" in capsys.readouterr().out


def test_a_sweep_on_other_hardware(gamma, tmp_path, monkeypatch, capsys) -> None:
    runs = tmp_path / "own" / "humaneval" / "tiny"
    for folder in (gamma / "humaneval" / "tiny").glob("speculative-*"):
        if json.loads((folder / "summary.json").read_text())["method_config"]["gamma"] in (1, 4, 12):
            shutil.copytree(folder, runs / folder.name)
    own = "bench.report.projection."
    monkeypatch.setattr(f"{own}GPUS", GPUS[:1])
    monkeypatch.setattr(f"{own}PAIRS", (PAIRS[0], PAIRS[3]))
    monkeypatch.setattr(f"{own}BATCHES", (1, 64))
    output = tmp_path / "out"
    assert project([str(runs), "--output", str(output), "--engine", str(ENGINE)]) == 0
    printed = capsys.readouterr().out
    assert "assumed: the three numbers are assumed, not measured" in printed and "16 x A100 80GB SXM" in printed
    rows = list(csv.DictReader((output / "projection.csv").open()))
    assert len(rows) == 3 * (2 * 2 + 1) and {row["outside"] for row in rows} == {"recorded"}
    assert {row["published"] for row in rows if row["pair"] == "34B/6B"} == {"1.38"}

    def best(pair: str, batch: int) -> int:
        found = [row for row in rows if (row["pair"], row["batch"]) == (pair, str(batch))]
        return int(max(found, key=lambda row: float(row["speedup"]))["run"].removeprefix("gamma="))

    assert (best("405B/8B", 1), best("34B/6B", 1), best("34B/6B", 64)) == (12, 4, 1), "where rows cost, short drafts"
    assert f"gamma={best('405B/8B', 1)}" in printed
    assert (output / "projection_humaneval.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_projected(gamma, tmp_path, capsys) -> None:
    one = next((gamma / "gsm8k" / "tiny").glob("speculative-*"))
    # A draft of its own is of no known size elsewhere; greedy is what all is compared with.
    folder = tmp_path / "runs" / "gsm8k" / "tiny" / one.name
    shutil.copytree(one, folder)
    summary = json.loads((folder / "summary.json").read_text())
    nested = {"name": "ouroboros", "drafter": {"name": "eagle"}}
    for config in ({"name": "self_speculative"}, nested, {"name": "greedy"}):
        changed = {**summary, "method": config["name"], "method_config": config}
        (folder / "summary.json").write_text(json.dumps(changed))
        assert project([str(tmp_path / "runs"), "--output", str(tmp_path / "out")]) == 2
        printed = capsys.readouterr()
        assert ("what drafts is not the pair's draft" in printed.out) == (config["name"] != "greedy")
        assert printed.err.count("\n") == 1 and "no run can be replayed" in printed.err
    table = tmp_path / "table.csv"
    table.write_text("model,role\ntiny,target\n")
    for words, said in (
        ([one, "--validate"], "nothing to predict: it takes runs that differ in settings alone"),
        ([one, "--engine", table], "table.csv is no table of bench.engine"),
        ([one, "--engine", tmp_path / "gone.csv"], "gone.csv is not there"),
        (["nowhere"], "nowhere is no folder"),
        ([], "bench.project --help"),
    ):
        assert project([*map(str, words), *(["--output", str(tmp_path / "out")] if words else [])]) == 2
        printed = capsys.readouterr()
        assert said in printed.err and printed.err.count("\n") == 1
