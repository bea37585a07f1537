"""Reports over many runs: what is read, what shares a table, what is marked, and that nothing is
lost on the way."""

import csv
import json
import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from many_runs import IDENTITY, interval, summary_of, write_run

from bench.report.collection import collect, names, overlapping
from bench.report.figure_types import Comparison, Estimate
from bench.report.latex import ESCAPES, escaped
from bench.report.markdown import _ratios
from bench.report.published import COLUMNS, FOLDER, rows, speedups
from bench.report.summary import Summary
from bench.report.tables import DRAWING, HEADINGS, main

NOISY = {"decode": interval(0.9, 0.05), "too_noisy": True}


@pytest.fixture
def report(tmp_path, capsys):
    """A function that reports on tmp_path/runs: (csv rows, markdown, LaTeX, stdout)."""

    def make():
        assert main([str(tmp_path / "runs"), "--output", str(tmp_path / "out")]) == 0
        with (tmp_path / "out" / "report.csv").open(newline="") as stream:
            table = list(csv.DictReader(stream))
        texts = [(tmp_path / "out" / f"report.{kind}").read_text() for kind in ("md", "tex")]
        return table, *texts, capsys.readouterr().out

    return make


def tables(markdown: str) -> list[list[str]]:
    """The rows of every table, headings and rule left out."""
    parts = markdown.split("\n## ")[1:]
    return [[line for line in part.splitlines() if line.startswith("|")][2:] for part in parts]


OTHER = {
    "task": {"task": "gsm8k"},
    "wording": {"prompt_version": "humaneval-base-2"},
    "model": {"model": "big"},
    "data": {"data": "hub"},
    "split": {"split": "validation"},
    "dtype": {"dtype": "bfloat16"},
    "device": {"device": "cuda"},
    "prompts": {"prompts": 20},
    "length": {"max_new_tokens": 64},
}
ELSEWHERE = {
    "processor": {"cpu": "Another CPU"},
    "threads": {"threads": 16},
    "accelerator": {"device": "H200"},
    "weights": {"identity": {**IDENTITY, "weights": {"target": "u"}}},
    "content of the data": {"identity": {**IDENTITY, "data": "e"}},
    "variant": {"identity": {**IDENTITY, "task_config": {"variant": "chat"}}},
}


@pytest.mark.parametrize("what", [*OTHER, *ELSEWHERE])
def test_what_is_not_comparable_shares_no_table(tmp_path, report, what):
    write_run(tmp_path / "runs", summary_of(speed=1.5))
    write_run(tmp_path / "runs", summary_of("speculative", speed=1.2))
    write_run(tmp_path / "runs", summary_of(speed=9.0, **OTHER.get(what, {})), ELSEWHERE.get(what))
    table, markdown, latex, _ = report()
    assert len(table) == 3
    assert sorted(map(len, tables(markdown))) == [1, 2]
    assert latex.count(r"\begin{tabular}") == 2
    # Nor is the best of one table judged by another's.
    assert {row["method"]: bool(row["best"]) for row in table if row["decode_speedup"] != "9.0"} == {
        "ouroboros": True, "speculative": False,
    }  # fmt: skip
    assert not next(row for row in table if row["decode_speedup"] == "9.0")["best"], "alone in its table"


def test_how_samples_were_drawn_has_columns_where_some_run_drew(tmp_path, report):
    write_run(tmp_path / "runs", summary_of(speed=1.9))
    assert not {*DRAWING} & {*report()[0][0]}
    write_run(tmp_path / "runs", summary_of(speed=1.8, temperature=0.7))
    write_run(tmp_path / "runs", summary_of(speed=1.7, temperature=0.7, draft_noise="own"))
    drawn = {"identical": 0, "tie": 0, "mismatch": 0, "distribution": 50, "verdict": "distribution"}
    drawn["reference_mismatch"] = 0
    write_run(tmp_path / "runs", summary_of(speed=1.6, temperature=0.7, lossless=drawn))
    write_run(tmp_path / "runs", summary_of(speed=1.5, temperature=0.7, lossless=drawn, accepted_by="classic"))
    rows = sorted(report()[0], key=lambda row: -float(row["decode_speedup"]))
    # No column for what no run set.
    assert [tuple(row[name] for name in DRAWING if name in row) for row in rows] == [
        ("0.0", "", ""), ("0.7", "shared", "keyed"), ("0.7", "own", "keyed"), ("0.7", "", ""), ("0.7", "", "classic"),
    ]  # fmt: skip
    assert "top_k" not in rows[0] and list(rows[0]).index("temperature") == list(rows[0]).index("settings") + 1


def test_the_best_is_marked_and_intervals_are_shown(tmp_path, report):
    write_run(tmp_path / "runs", summary_of("speculative", 1.25, tokens_per_target_forward=3.0))
    write_run(tmp_path / "runs", summary_of("ouroboros", 1.5, tokens_per_target_forward=2.9))
    wrong = {"identical": 49, "tie": 0, "mismatch": 1, "verdict": "mismatch", "reference_mismatch": 0}
    write_run(tmp_path / "runs", summary_of("hf_generate", 2.0, lossless=wrong))
    write_run(tmp_path / "runs", summary_of("oracle", 4.0, tokens_per_target_forward=9.0))
    write_run(tmp_path / "runs", summary_of("hf_assisted", 1.1, tokens_per_target_forward=None))
    table, markdown, latex, _ = report()
    assert {row["method"]: row["best"] for row in table if row["best"]} == {
        "speculative": "tokens_per_target_forward", "ouroboros": "decode_speedup end_to_end_speedup",
    }  # fmt: skip
    [lines] = tables(markdown)
    assert [line.split("|")[1].strip() for line in lines] == [
        "oracle", "hf_generate", "ouroboros", "speculative", "hf_assisted",
    ], "the fastest first"  # fmt: skip
    assert markdown.count("**1.50 [1.40, 1.60]**") == 1 and "| 1.25 [1.15, 1.35] |" in markdown
    assert "**3.00**" in markdown and "1 MISMATCH" in markdown
    assert r"\textbf{1.50 [1.40, 1.60]}" in latex and latex.count(r"\textbf") == 3
    assert table[-1]["tokens_per_target_forward"] == ""


def test_the_geometric_mean_and_the_figures_per_prompt_stand_beside_the_pooled_ones(tmp_path, report):
    known = {"tokens_per_target_forward_mean": 1.62, "runaways": {"outputs": 2, "share": 0.4}}
    summary = summary_of("ouroboros", 1.96, **known)
    summary["speedup"]["geomean"] = {"value": 1.1, "low": 1.05, "high": 1.15}
    summary["acceptance"]["cut_steps"] = 7
    write_run(tmp_path / "runs", summary)
    write_run(tmp_path / "runs", summary_of("speculative", 1.25))
    rows, markdown, latex, _ = report()
    first, second = tables(markdown)[0]
    assert first.startswith("| ouroboros ~ |") and " | 1.10 | " in first and "**2.96** | 1.62 | " in first
    assert second.startswith("| speculative |") and " | 2.25 | - | " in second, "an older run"
    assert "1.10" in latex and "1.62" in latex and r"\textasciitilde{}" in latex
    assert "ran to the limit repeating themselves" in markdown and "ran to the limit" in latex
    names = ("geomean_speedup", "geomean_speedup_high", "tokens_per_target_forward_mean", "cut_steps", "runaway_share")
    assert [float(rows[0][name]) for name in names] == [1.1, 1.15, 1.62, 7, 0.4]
    assert [rows[1][name] for name in names[2:]] == [""] * 3


def test_equal_to_the_shown_digit_is_equally_good(tmp_path, report):
    write_run(tmp_path / "runs", summary_of("speculative", 1.501))
    write_run(tmp_path / "runs", summary_of("ouroboros", 1.504))
    assert all("decode_speedup" in row["best"] for row in report()[0])


def test_the_csv_holds_every_figure_in_full(tmp_path, report):
    speed = 1.2345678901234567
    folder = write_run(tmp_path / "runs", summary_of(speed=speed, history="warm", quality={"method": {}, "greedy": {}}))
    [row], *_ = report()
    assert float(row["decode_speedup"]) == speed
    assert (float(row["decode_speedup_low"]), float(row["decode_speedup_high"])) == (speed - 0.1, speed + 0.1)
    assert float(row["tokens_per_second"]) == 80 * speed
    assert row["settings"] == "gamma=4 k=3 window=5 ngram=4 learn=True"
    assert (row["name"], row["history"], row["folder"]) == ("ouroboros warm", "warm", str(folder))
    assert row["decode_speedup_over_fastest_greedy"] == ""


def test_the_csv_names_settings_in_parts_by_dots(tmp_path, report):
    pool = {"capacity": 2, "order": "recency"}
    config = {"name": "ouroboros", "gamma": 4, "drafter": {"name": "suffix"}, "pool": pool}
    write_run(tmp_path / "runs", summary_of(method_config=config))
    [row], *_ = report()
    assert row["settings"] == "gamma=4 drafter={'name': 'suffix'} pool.capacity=2 pool.order=recency"


def test_greedy_in_a_slow_dtype_does_not_flatter_unseen(tmp_path, report):
    speedup = summary_of(speed=1.5)["speedup"]
    fastest = {"value": 1.11, "low": 1.0, "high": 1.2}
    write_run(tmp_path / "runs", summary_of(speedup={**speedup, "decode_over_fastest_greedy": fastest}))
    del speedup["decode_over_fastest_greedy"]
    write_run(tmp_path / "runs", summary_of("speculative", speedup=speedup))
    _, markdown, latex, _ = report()
    assert "over the fastest greedy" in markdown and "1.11 [1.00, 1.20]" in markdown
    rows_of_table = [line for line in latex.splitlines() if line.endswith(r"\\")]
    assert {line.count(" & ") for line in rows_of_table} == {len(HEADINGS)}


def test_latex_has_booktabs_rules_and_escapes(tmp_path, report):
    label = r"50% & _more_ {x} #1 $k^2$ ~ \a"
    write_run(tmp_path / "runs", summary_of(label=label))
    *_, latex, _ = report()
    rules = [latex.index(rule) for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\end{tabular}", r"\end{table}")]
    assert rules == sorted(rules)
    assert r"50\% \& \_more\_ \{x\} \#1 \$k\textasciicircum{}2\$ \textasciitilde{} \textbackslash{}a" in latex
    body = latex[rules[0] : rules[2]]
    lines = [line for line in body.splitlines() if line.endswith(r"\\")]
    assert len(lines) == 2
    columns = re.search(r"\\begin\{tabular\}\{(\w+)\}", latex)[1]
    assert {len(re.findall(r"(?<!\\)&", line)) for line in lines} == {len(columns) - 1} == {len(HEADINGS) - 1}
    for group in (r"\begin", r"\end"):
        assert latex.count(group + "{table}") == latex.count(group + "{tabular}") == 1


def test_latex_prints_legend_and_warnings_below_their_table(tmp_path, report):
    runaway = {"runaways": {"outputs": 2, "share": 0.4}}
    write_run(tmp_path / "runs", summary_of(warnings=["50% of a_b were cut"], **runaway))
    write_run(tmp_path / "runs", summary_of("speculative", task="gsm8k", noise=NOISY))
    *_, latex, _ = report()
    noisy, runaway = (each[each.index(r"\end{tabular}") :] for each in latex.split(r"\end{table}")[:2])
    assert r"{\footnotesize ! machine too noisy" in noisy and "ran to the limit" not in noisy
    assert r"{\footnotesize \textasciitilde{} 20\% or more" in runaway and "too noisy" not in runaway
    assert r"{\footnotesize Warning, ouroboros: 50\% of a\_b were cut}" in runaway and "Warning" not in noisy
    assert "Speedups are total tokens" in noisy and "Speedups are total tokens" in runaway


def test_a_comparison_has_the_marks_of_its_rows():
    figure = Estimate(1.2, 1.1, 1.3)
    wrong = {"identical": 49, "tie": 0, "mismatch": 1, "verdict": "mismatch", "reference_mismatch": 0}
    own = Summary.from_json(summary_of(runaways={"outputs": 2, "share": 0.4}))
    other = Summary.from_json(summary_of("lookahead", lossless=wrong, noise=NOISY))
    _, row = _ratios(own, [(Comparison("ouroboros", "lookahead", True, figure, figure, figure), other)])
    assert (row[0], row[1], row[-1]) == ("ouroboros ~", "lookahead !", "49 identical, 1 MISMATCH")


@given(st.text())
def test_escaped_text_says_what_the_text_says(text):
    found = escaped(text)
    back = {escape: letter for letter, escape in ESCAPES.items()}
    pattern = "|".join(re.escape(escape) for escape in sorted(back, key=len, reverse=True))
    assert re.sub(pattern, lambda match: back[match[0]], found) == " ".join(text.split())
    left = re.sub(pattern, "", found)
    assert not set(left) & set(ESCAPES)


def test_names_tell_runs_apart(tmp_path):
    for gamma in (4, 8):
        write_run(tmp_path, summary_of(settings={"gamma": gamma}))
    write_run(tmp_path, summary_of(history="warm"))
    write_run(tmp_path, summary_of("speculative", label="tuned"))
    for _ in range(2):
        write_run(tmp_path, summary_of("lookahead"))
    runs, _ = collect([tmp_path])
    found = sorted(names(runs).values())
    assert len(set(found)) == 6
    assert {"ouroboros gamma=4", "ouroboros gamma=8", "ouroboros warm", "tuned"} <= set(found)
    assert sum(name.startswith("lookahead (tiny/lookahead-") for name in found) == 2


def test_unfinished_and_damaged_runs_are_named_and_left_out(tmp_path, report):
    root = tmp_path / "runs"
    write_run(root, summary_of())
    unfinished, torn, future, old, listed = (write_run(root, summary_of()) for _ in range(5))
    (unfinished / "summary.json").unlink()
    (torn / "summary.json").write_text('{"schema_version": 1, "label"')
    (future / "summary.json").write_text('{"schema_version": 99}')
    (old / "summary.json").write_text('{"schema_version": 1, "label": "x"}')
    (listed / "summary.json").write_text("[]")
    table, *_, said = report()
    assert len(table) == 1
    reasons = {
        unfinished: "not finished", torn: "damaged", future: "version 99", old: "lacks method", listed: "mapping",
    }  # fmt: skip
    for folder, reason in reasons.items():
        [line] = [line for line in said.splitlines() if str(folder) in line]
        assert line.startswith("left out: ") and reason in line


def test_a_run_without_provenance_is_old_but_read(tmp_path, report):
    folder = write_run(tmp_path / "runs", summary_of())
    (folder / "provenance.json").unlink()
    (folder / "config.yaml").unlink()
    [row], *_ = report()
    assert (row["commit"], row["cores_may_be_shared"], row["started"]) == ("", "", "")


def test_a_folder_given_twice_counts_once(tmp_path):
    folder = write_run(tmp_path / "runs", summary_of())
    assert len(collect([tmp_path, tmp_path / "runs", folder])[0]) == 1


def test_runs_at_the_same_time_are_labelled(tmp_path, report):
    end = datetime.fromisoformat("2026-01-01T10:10:00+00:00").timestamp()
    write_run(tmp_path / "runs", summary_of(), times=("2026-01-01T10:00:00+00:00", end))
    write_run(tmp_path / "runs", summary_of("speculative"), times=("2026-01-01T10:05:00+00:00", end + 600))
    write_run(tmp_path / "runs", summary_of("suffix"), times=("2026-01-01T10:30:00+00:00", end + 1800))
    write_run(tmp_path / "runs", summary_of("lookahead"))
    runs, _ = collect([tmp_path / "runs"])
    shared = {run.summary.method: value for run, value in overlapping(runs).items()}
    assert shared == {"ouroboros": True, "speculative": True, "suffix": False, "lookahead": None}
    table, markdown, *_ = report()
    assert {row["method"] for row in table if row["cores_may_be_shared"] == "True"} == {"ouroboros", "speculative"}
    assert "| ouroboros * |" in markdown and "| suffix |" in markdown and "cores may be shared" in markdown


def test_a_run_that_saw_others_on_its_cores_is_labelled_whatever_ran_here(tmp_path, report):
    write_run(tmp_path / "runs", summary_of() | {"neighbours": 1})
    write_run(tmp_path / "runs", summary_of("speculative") | {"neighbours": 0})
    table, markdown, *_ = report()
    assert {row["method"]: row["cores_may_be_shared"] for row in table} == {"ouroboros": "True", "speculative": ""}
    assert "| ouroboros * |" in markdown


def test_another_machine_shares_no_cores(tmp_path):
    end = datetime.fromisoformat("2026-01-01T10:10:00+00:00").timestamp()
    write_run(tmp_path, summary_of(), times=("2026-01-01T10:00:00+00:00", end))
    write_run(tmp_path, summary_of(), {"cpu": "Another CPU"}, times=("2026-01-01T10:00:00+00:00", end))
    assert set(overlapping(collect([tmp_path])[0]).values()) == {False}


@pytest.mark.parametrize(("other", "shared"), [("core 1", False), ("core 0", True), (None, True)])
def test_runs_side_by_side_on_cores_of_their_own_share_none(tmp_path, other, shared):
    end = datetime.fromisoformat("2026-01-01T10:10:00+00:00").timestamp()
    for method, place in (("ouroboros", "core 0"), ("speculative", other)):
        folder = write_run(tmp_path, summary_of(method), times=("2026-01-01T10:00:00+00:00", end))
        provenance = json.loads((folder / "provenance.json").read_text())
        provenance["sessions"][0] |= {"places": [place]} if place else {}
        (folder / "provenance.json").write_text(json.dumps(provenance))
    assert set(overlapping(collect([tmp_path])[0]).values()) == {shared}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "nowhere is no folder"),
        (["."], "no finished run"),
        (["--none"], "--help"),
        ([".", "--output", "taken/x"], "taken"),
    ],
)
def test_errors_are_one_line_with_status_2(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("a file")
    if "--output" in arguments:
        write_run(tmp_path, summary_of())
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and said in error and error.count("\n") == 1


def test_every_published_row_has_a_value_and_a_source():
    table = rows()
    assert len(table) > 400 and [file.name for file in FOLDER.glob("*.csv")] == ["values.csv"]
    for row in table:
        assert set(row) == set(COLUMNS) and None not in row.values()
        assert float(row["value"]) > 0 and row["source"] and row["method"], row
        assert row["metric"] in (
            "tokens_per_second", "milliseconds_per_token", "speedup", "accepted_per_step", "largest_ratio",
        )  # fmt: skip
        assert row["checked"] in ("yes", "no")
        assert row["task"] or row["part"] == "abstract"
    keys = [tuple(row[name] for name in COLUMNS if name not in ("value", "checked")) for row in table]
    assert len(set(keys)) == len(keys), "a value stands there twice"


def test_published_speedups_are_the_sources_own():
    found = {(each.method, each.history, each.task, each.target): each for each in speedups(rows())}
    # Told in the README of the paper, and worked out from tokens/s in its figure.
    assert found["ouroboros", "warm", "gsm8k", "Yi-34B"].value == 1.84
    assert found["ouroboros", "warm", "humaneval", "Yi-34B"].value == pytest.approx(61.2 / 15.6)
    assert found["ouroboros", "cold", "cnndm", "Llama-2-70B"].value == 1.80
    assert not any(method == "greedy" for method, *_ in found)
    assert "4758aff" in found["ouroboros", "warm", "gsm8k", "Yi-34B"].short_source


def test_published_tokens_and_speedups_agree():
    """Both are told in the README of the paper: a slip in writing them down would show."""
    table = [row for row in rows() if "4758aff" in row["source"]]
    keys = ("task", "target", "method", "history", "metric")
    speeds = {tuple(row[key] for key in keys): float(row["value"]) for row in table}
    checked = 0
    for (task, target, method, history, metric), value in speeds.items():
        if metric == "speedup":
            mine = speeds[task, target, method, history, "tokens_per_second"]
            greedy = speeds[task, target, "Greedy", "cold", "tokens_per_second"]
            assert value == pytest.approx(mine / greedy, abs=0.011), (task, target, method, history)
            checked += 1
    assert checked == 30
