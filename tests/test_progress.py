"""What the bar and the table on the terminal say while and after a job runs."""

import pytest
from made_records import made_record
from many_runs import summary_of

from bench.measure.verdicts import IDENTICAL
from bench.report.progress import Bar
from bench.report.summary import Summary
from bench.report.terminal import WIDTH, show_table


def record(role, prompt, tokens, seconds, prefill_tokens=1, label="x"):
    return made_record(
        label=label, role=role, prompt=prompt, tokens=[1] * tokens, prefill_tokens=prefill_tokens,
        total_seconds=1.0 + seconds,
    )  # fmt: skip


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
                bar.add(each)
        assert bar._status("x").endswith(said)
        assert "x" not in bar._status("nobody yet").split(", ")


def judged(method="ouroboros", **changes):
    return Summary.from_json(summary_of(method, warnings=[], folder="f", **changes))


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
    speedup = summary_of()["speedup"] | {"decode_over_fastest_greedy": fastest}
    summary = judged(quality={"method": scores, "greedy": scores}, speedup=speedup)
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
