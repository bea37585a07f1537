"""The A/A case of a panel: when a machine counts as too noisy, and where that is said."""

import json

import pytest
from bench_pair import run, run_folder, run_summary
from made_records import made_record

from bench.report.case_records import CaseRecords
from bench.report.figure_types import Estimate, Noise
from bench.report.metrics.noise import FEWEST_PAIRS, noise_of
from bench.report.tables import main as table

LOUD = Noise(Estimate(0.9, 0.85, 0.95), too_noisy=True)


def same(seconds):
    """Greedy beside greedy: [prompt][repeat] of (the case's seconds, the reference's)."""

    def grid(side):
        return [
            [made_record(prompt=str(number), repeat=repeat, tokens=[1] * 9, prefill_seconds=0.0,
                         total_seconds=pair[side]) for repeat, pair in enumerate(repeats)]
            for number, repeats in enumerate(seconds)
        ]  # fmt: skip

    return CaseRecords([str(number) for number in range(len(seconds))], grid(0), grid(1))


def test_an_interval_that_misses_one_is_too_noisy():
    assert noise_of(same([[(1.1, 1.0)]] * FEWEST_PAIRS), 0).too_noisy is True
    assert noise_of(same([[(1.1, 1.0), (1.0, 1.1)]] * FEWEST_PAIRS), 0).too_noisy is False
    assert noise_of(same([[(1.1, 1.0)]] * 5 + [[(0.9, 1.0)]] * 3), 0).decode.value == pytest.approx(8 / 8.2)


def test_too_few_pairs_tell_nothing():
    assert noise_of(same([[(1.1, 1.0)]] * (FEWEST_PAIRS - 1)), 0).too_noisy is None
    assert noise_of(same([[(1.1, 1.0)] * 3] * 2), 0).too_noisy is True, "pairs count, of prompts and repeats"


def test_a_panel_whose_a_a_case_misses_one_says_so_everywhere(monkeypatch, capsys, arguments, tmp_path):
    monkeypatch.setattr("bench.report.writing.noise_of", lambda records, seed: LOUD)
    assert run(monkeypatch, *arguments, "method=speculative", "compare=[greedy]", "limit=1", "max_new_tokens=4") == 0
    printed = capsys.readouterr().out
    assert "\nspeculative paper !" in printed and "\ngreedy !" in printed and "\n! machine too noisy" in printed
    assert printed.count("warning: machine too noisy") == 1 and "0.900 [0.850, 0.950]" in printed
    for name in ("speculative", "greedy"):
        assert run_summary(name)["noise"] == {"decode": {"value": 0.9, "low": 0.85, "high": 0.95}, "too_noisy": True}
        page = (run_folder(name) / "report.md").read_text()
        assert " ! |" in page and "\n! machine too noisy" in page and "**Warning:** machine too noisy" in page
        compared = page.partition("## Against the others")[2]
        assert "| speculative ! |" in compared and "| greedy ! |" in compared and "\n! machine too noisy" in compared
    assert table(["runs", "--output", "table"]) == 0
    page = (tmp_path / "table/report.md").read_text()
    assert "! machine too noisy" in page and page.count(" ! |") == 2
    # Older summaries know nothing of it, and are read all the same.
    for name in ("speculative", "greedy"):
        file = run_folder(name) / "summary.json"
        old = json.loads(file.read_text())
        del old["noise"], old["intervals_over"]
        file.write_text(json.dumps(old | {"warnings": []}))
    assert table(["runs", "--output", "table"]) == 0
    assert "too noisy" not in (tmp_path / "table/report.md").read_text()
