"""Conversations and categories through the command line: records, summary.json and report.md."""

import json

from bench_pair import run, run_summary

ROWS = [
    {"question_id": 1, "category": "stem", "turns": ["What is 12 + 30?", "And the fox?"], "reference": ["42", ""]},
    {"question_id": 2, "category": "qa", "turns": ["Who jumps over the lazy dog?"], "reference": ["the fox"]},
    {"question_id": 3, "category": "stem", "turns": ["What is a + b?", "And a - b?"]},
    {"question_id": 4, "category": "qa", "turns": ["It warms up?", "It does?"]},
]


def test_second_turns_and_categories(monkeypatch, arguments, tmp_path):
    (tmp_path / "data/spec_bench").mkdir(parents=True)
    file = tmp_path / "data/spec_bench/question.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    kept = [each for each in arguments if not each.startswith(("task=", "data.path=", "limit="))]
    arguments = [*kept, "task=spec_bench", "data=local", f"data.root={tmp_path}/data", "method=speculative"]
    assert run(monkeypatch, *arguments, "limit=1") == 0
    assert run(monkeypatch, *arguments) == 0
    (folder,) = (tmp_path / "runs/spec_bench/random").iterdir()
    records = [json.loads(line) for line in (folder / "records.jsonl").open()]
    assert list(dict.fromkeys(record["prompt"] for record in records)) == ["1", "1#2", "2", "3", "3#2"]
    assert {record["prompt_version"] for record in records} == {"spec_bench-base-1"}
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["prompts"], summary["later_turns"], summary["lossless"]["identical"]) == (5, 2, 5)
    assert {name: each["prompts"] for name, each in summary["categories"].items()} == {"stem": 4, "qa": 1}
    assert all(each["speedup"]["decode"]["value"] > 0 for each in summary["categories"].values())
    assert all(each["quality"]["method"] == each["quality"]["greedy"] for each in summary["categories"].values())
    assert set(summary["categories"]["stem"]["quality"]["method"]) == {"rougeL"}
    page = (folder / "report.md").read_text()
    assert "## By category" in page and "\n| stem | 4 |" in page and "\n| qa | 1 |" in page
    assert "2, each after greedy's answers, prefilled again" in page
    assert "categories" not in (folder / "summary.csv").read_text()


def test_a_task_without_categories_has_no_table(monkeypatch, arguments, tmp_path):
    assert run(monkeypatch, *arguments, "method=greedy", "limit=1") == 0
    assert (run_summary("greedy")["categories"], run_summary("greedy")["later_turns"]) == (None, 0)
    (folder,) = (tmp_path / "runs/custom/random").iterdir()
    page = (folder / "report.md").read_text()
    assert "## By category" not in page and "later turns" not in page
