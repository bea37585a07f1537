"""python -m bench.selfcheck: A/A cases by hand, a run of the random pair, planted faults."""

import numpy as np
import pytest
from bench_pair import run
from test_noise import same

from bench import selfcheck_job
from bench.measure import planted
from bench.report.metrics.noise import PANELS, enough, fewest_holding, holding, telling
from bench.report.statistics import Throughput, least_by_chance, needed
from bench.selfcheck_job import SLOWER, main, noise_checks


def noisy(spread: float, prompts: int = 20, repeats: int = 3, bias: float = 1.0):
    """An A/A case whose seconds are off by so much, log-normally; bias: of the case's."""
    draw = np.random.default_rng(1)
    seconds = np.exp(draw.normal(0, spread, (prompts, repeats, 2))) * np.array([bias, 1.0])
    return same(seconds.tolist())


def test_the_fewest_that_chance_gives():
    # Of Binomial(100, 0.95), fewer than 89 in 0.43% and fewer than 90 in 1.15%.
    assert least_by_chance(100, 0.95) == 89 and least_by_chance(1, 0.95) == 0
    assert least_by_chance(100, 0.8) == 70 and least_by_chance(5, 1.0) == 5


def test_intervals_hold_one_whatever_the_noise_and_the_bias():
    for spread in (0.01, 0.3):
        assert holding(noisy(spread), 0) >= fewest_holding()
    assert holding(noisy(0.02, bias=1.2), 0) >= fewest_holding(), "a coin says which side is the method"


def test_a_slower_method_is_told_where_the_noise_allows():
    quiet, loud = noisy(0.01), noisy(0.3)
    assert telling(quiet, SLOWER, 0) == PANELS and enough(quiet, SLOWER).prompts <= 20
    assert telling(loud, SLOWER, 0) < PANELS / 4 and enough(loud, SLOWER).prompts > 200


def test_how_large_a_panel_must_be():
    """Against panels of that size: as many tell the ratio as are meant to."""
    draw = np.random.default_rng(0)

    def sides(prompts, repeats, ratio=1.0):
        between = draw.normal(0, 0.05, (prompts, 1))
        logs = between + draw.normal(0, 0.1, (prompts, repeats)) + np.log(ratio)
        ones = np.ones((prompts, repeats))
        return Throughput(ones, np.exp(logs)), Throughput(ones, ones)

    size = needed(*sides(4000, 3), SLOWER)
    # (0.05^2 + 0.1^2 / 3) / (log 1.03 / 2.80)^2; and of 4000 prompts one repeat would do.
    assert size.prompts == pytest.approx(52.4, rel=0.1) and size.repeats == 1
    few = needed(*sides(30, 3), SLOWER)
    assert few.repeats is None or few.repeats > 3
    assert needed(*sides(50, 1), SLOWER).repeats is None and needed(*sides(1, 3), SLOWER) is None


def said(cases):
    return [check() for check in noise_checks(cases)]


def test_a_biased_machine_and_one_too_small_are_told_apart():
    fine = said({"quiet": noisy(0.01)})
    assert [each.holds for each in fine] == [True] * 3 and "told from 1.0 in 100 of 100" in fine[2].said
    biased = said({"one": noisy(0.01, bias=1.1), "two": noisy(0.01, bias=1.1)})
    assert [each.holds for each in biased] == [False, True, True, True, True]
    small = said({"loud": noisy(0.3)})[2]
    assert small.holds and "too few here, it takes about" in small.said and " or 20 prompts x " in small.said


def test_intervals_that_are_too_narrow_fail(monkeypatch):
    monkeypatch.setattr("bench.report.statistics.np.percentile", lambda values, _: np.quantile(values, [0.4, 0.6]))
    assert [each.holds for each in said({"quiet": noisy(0.01)})] != [True] * 3


def test_planted_faults_are_caught():
    found = list(planted.planted(tokens=60))
    assert len(found) == planted.PLANTED and all(each.caught for each in found)
    assert [each.said.split(",")[0] for each in found] == ["identical", "mismatch", "mismatch", "mismatch"]
    assert "token 30" in found[1].said and "went on after eos" in found[2].said


def test_a_verdict_that_sees_nothing_fails(monkeypatch):
    monkeypatch.setattr(planted, "verdict", lambda *_: "identical")
    assert [each.caught for each in planted.planted(tokens=60)] == [True, False, False, False]


def test_the_command_line(monkeypatch, capsys, arguments):
    assert run(monkeypatch, *arguments, "limit=3", "repeats=2", "max_new_tokens=4", "method=greedy") == 0
    caught = [planted.Planted(str(number), True, "mismatch") for number in range(planted.PLANTED)]
    monkeypatch.setattr(selfcheck_job, "planted", lambda: iter(caught))
    capsys.readouterr()
    status = main(["runs"])
    lines = capsys.readouterr().out.splitlines()
    # The machine of this test may be loud or not: the lines are those of the status.
    assert len(lines) == 3 + planted.PLANTED + 1 and status == any(line.startswith("FAILED") for line in lines)
    assert sum(line.startswith("ok      planted") for line in lines) == planted.PLANTED
    assert lines[-1] == f"{sum(line.startswith('ok') for line in lines)} of {len(lines) - 1} checks hold"
    caught[1] = planted.Planted("a stale cache row", False, "identical")
    assert main(["runs"]) == 1 and "FAILED  planted: a stale cache row: identical" in capsys.readouterr().out
    assert main(["nowhere"]) == 2 and capsys.readouterr().err.count("error: ") == 1
    monkeypatch.setattr(selfcheck_job, "FEWEST_PAIRS", 7)
    assert main(["runs"]) == 2 and "no A/A case with 7 pairs" in capsys.readouterr().err


@pytest.mark.slow
def test_a_run_of_its_own(capsys):
    assert main([]) in (0, 1)
    assert "greedy-" in capsys.readouterr().out
