"""What the bar and the table on the terminal say while and after a job runs."""

from types import SimpleNamespace

import pytest
from many_runs import summary_of

from bench.measure.lossless import IDENTICAL
from bench.report.progress import Bar
from bench.report.terminal import WIDTH, show_table


def record(role, prompt, tokens, seconds, prefill_tokens=1, label="x"):
    return {
        "label": label, "role": role, "prompt": prompt, "repeat": 0, "tokens": [1] * tokens, "stop": "length",
        "prefill_tokens": prefill_tokens, "prefill_seconds": 1.0, "total_seconds": 1.0 + seconds,
        "stop_fault": None, "gap": 0.0, "gap_at": None, "tolerance": 0.1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("prefill", "said"),
    [
        (1, "1.50x"),  # 27 tokens in 9 seconds against 18 in 9
        (4, "1.17x"),  # 21 tokens in 9 seconds, for the prefill gave 4 of each output
    ],
)
def test_the_bars_speedup_is_that_of_the_reports(prefill, said):
    with Bar(4, "t") as bar:
        for prompt, count, seconds in (("a", 19, 6.0), ("b", 10, 3.0)):
            for each in (
                record("method", prompt, count, seconds, prefill),
                record("reference", prompt, 10, 4.5, label="greedy"),
            ):
                bar.hear(SimpleNamespace(record=each, entrant=SimpleNamespace(label="x")))
        assert bar._status("x").endswith(said)
        assert "x" not in bar._status("nobody yet").split(", ")


def judged(method="ouroboros", **changes):
    return summary_of(method, warnings=[], folder="f", **changes)


def printed(capsys, *summaries):
    show_table("title", summaries, "status")
    return capsys.readouterr().out.splitlines()


def test_a_usual_table_fits_the_screen_with_every_column(capsys):
    lines = printed(capsys, judged(label="speculative", tokens_per_target_forward_mean=2.4),
                    judged(label="ouroboros warm", history="warm"), judged(label="hf_prompt_lookup"))  # fmt: skip
    assert max(map(len, lines)) <= WIDTH
    heads = lines[2].split("  ")
    assert {"geomean", "per prompt"} <= {head.strip() for head in heads}
    assert "quality / greedy's" in lines[2], "nothing goes below"


def test_in_a_table_too_wide_the_quality_goes_below(capsys):
    scores = {name: 0.123 for name in ("rouge1", "rouge2", "rougeL", "rougeLsum")}
    fastest = {"value": 1.2, "low": 1.1, "high": 1.3}
    summary = judged(quality={"method": scores, "greedy": scores})
    summary["speedup"]["decode_over_fastest_greedy"] = fastest
    lines = printed(capsys, summary, summary)
    assert max(map(len, lines)) <= WIDTH and "quality" not in lines[2]
    quality = [line for line in lines if line.startswith("quality / greedy's, ouroboros: rouge1 0.123 / 0.123")]
    assert len(quality) == 2


def test_a_run_whose_tokens_are_mostly_runaways_is_marked(capsys):
    lines = printed(capsys, judged(runaways={"outputs": 1, "share": 0.2}), judged("lookahead"))
    assert lines[4].startswith("ouroboros ~  ") and lines[5].startswith("lookahead    ")
    assert any(line.startswith("~ 20% or more of the tokens") for line in lines)
    assert not any(line.startswith("~") for line in printed(capsys, judged(runaways={"outputs": 1, "share": 0.19})))
    assert IDENTICAL in lines[4]
