"""Runs that go on: killed, torn, extended, refused, damaged, and panels measured at different
times."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
from bench_pair import run, run_folder, run_summary, start
from samples import chosen

from bench.report.arguments import figures as draw
from bench.report.tables import main as report


def as_if_measured_elsewhere(folder):
    """Change the provenance of a run."""
    file = folder / "provenance.json"
    changed = json.loads(file.read_text())
    changed["versions"]["torch"] = "0.0"
    file.write_text(json.dumps(changed))


def keys(content):
    return [(each["prompt"], each["repeat"], each["role"]) for each in map(json.loads, content.splitlines())]


def killed_in_a_line(number):
    """An os.fsync for a process that is killed in the middle of its line of that number, as the
    file then shows."""
    calls = []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == number:
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - 20)
            os.kill(os.getpid(), signal.SIGKILL)

    return fsync


def test_a_killed_run_goes_on_and_keeps_every_record(monkeypatch, capsys, arguments):
    command = [*arguments, "method=speculative", "repeats=2", "limit=3"]
    with monkeypatch.context() as patched:
        patched.setattr("bench.measure.store.os.fsync", killed_in_a_line(5))
        process = start(*command)
        process.join(120)
    assert process.exitcode == -signal.SIGKILL
    records = run_folder("speculative") / "records.jsonl"
    content = records.read_bytes()
    whole = content[: content.rindex(b"\n") + 1]
    assert whole.count(b"\n") == 4 and len(content) > len(whole)
    assert run(monkeypatch, *command) == 0, capsys.readouterr().err
    assert records.read_bytes().startswith(whole)
    assert len(keys(records.read_bytes())) == len(set(keys(records.read_bytes()))) == 3 * 2 * 2
    assert run_summary("speculative")["lossless"]["identical"] == 6


@pytest.mark.slow
def test_a_killed_sweep_goes_on_where_it_was_stopped_and_gives_one_table_and_one_figure(monkeypatch, capsys, arguments):
    swept = ["method=ouroboros", "method.gamma=2,3", "method.k=1,2", "method.window=1,2"]
    command = ["-m", *arguments, *swept, "max_new_tokens=30", "limit=2"]
    process = start(*command)
    deadline = time.monotonic() + 120
    while len(list(Path("runs").rglob("records.jsonl"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    before = {file: file.read_bytes() for file in Path("runs").rglob("records.jsonl")}
    assert 3 <= len(before) < 8, "half-way"
    assert run(monkeypatch, *command) == 0, capsys.readouterr().err
    after = {file: file.read_bytes() for file in Path("runs").rglob("records.jsonl")}
    assert len(after) == 8
    for file, content in after.items():
        torn = before.get(file, b"")
        assert content.startswith(torn[: torn.rfind(b"\n") + 1])
        assert len(keys(content)) == len(set(keys(content))) == 2 * 2
    assert report(["runs", "--output", "tables"]) == draw(["runs", "--output", "figures"]) == 0
    assert Path("tables/report.md").read_text().count("| ouroboros ") == 8
    assert len(list(Path("figures").glob("sensitivity_*.png"))) == 1


def test_a_larger_limit_extends_a_torn_run_and_another_commit_may_not(monkeypatch, capsys, arguments):
    method = "method=lookahead"
    assert run(monkeypatch, *arguments, method) == 0
    records = run_folder("lookahead") / "records.jsonl"
    lines = records.read_bytes().splitlines(keepends=True)
    records.write_bytes(b"".join(lines[:3]) + lines[3][:20])
    assert run(monkeypatch, *arguments, method, "limit=3", "repeats=2") == 0
    content = records.read_bytes()
    assert content.startswith(b"".join(lines[:3]))
    assert len(keys(content)) == len(set(keys(content))) == 3 * 2 * 2
    assert (run_summary("lookahead")["prompts"], run_summary("lookahead")["repeats"]) == (3, 2)
    assert len(json.loads((run_folder("lookahead") / "provenance.json").read_text())["sessions"]) == 2

    as_if_measured_elsewhere(run_folder("lookahead"))
    capsys.readouterr()
    assert run(monkeypatch, *arguments, method, "limit=4") == 2
    assert "versions.torch" in capsys.readouterr().err.splitlines()[-1]
    assert records.read_bytes() == content
    assert run(monkeypatch, *arguments, method, "limit=1", "overwrite=true") == 0
    assert len(records.read_bytes().splitlines()) == 2


def test_a_refused_warm_run_loses_nothing(monkeypatch, capsys, arguments):
    settings = ["method=lookahead", "history=warm", "repeats=2"]
    assert run(monkeypatch, *arguments, *settings) == 0
    records = run_folder("lookahead") / "records.jsonl"
    records.write_bytes(b"".join(records.read_bytes().splitlines(keepends=True)[:-1]))
    torn = records.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr("bench.job.load_pair", lambda *_: (_ for _ in ()).throw(MemoryError()))
        assert run(patch, *arguments, *settings) == 2
    assert records.read_bytes() == torn
    assert run(monkeypatch, *arguments, *settings) == 0
    first_pass = b"".join(torn.splitlines(keepends=True)[:4])
    assert records.read_bytes().startswith(first_pass) and not records.read_bytes().startswith(torn)
    records.write_bytes(torn)
    as_if_measured_elsewhere(run_folder("lookahead"))
    assert run(monkeypatch, *arguments, *settings) == 2
    assert records.read_bytes() == torn


@pytest.mark.parametrize("name", chosen(["records.jsonl", "provenance.json"], "records.jsonl"))
def test_overwrite_gets_past_a_damaged_file(monkeypatch, capsys, arguments, name):
    assert run(monkeypatch, *arguments, "method=greedy") == 0
    (run_folder("greedy") / name).write_text("nonsense\n{\n")
    assert run(monkeypatch, *arguments, "method=greedy", "limit=3") == 2
    assert "overwrite=true" in capsys.readouterr().err
    assert run(monkeypatch, *arguments, "method=greedy", "overwrite=true") == 0


def test_a_case_measured_earlier_is_named_and_must_fit(monkeypatch, capsys, arguments):
    panel = ["method=lookahead", "compare=[speculative]"]
    assert run(monkeypatch, *arguments, "method=speculative") == 0
    assert run(monkeypatch, *arguments, *panel) == 0
    said = capsys.readouterr().out
    assert "not measured side by side with lookahead" in said and "speculative; each" in said
    assert (run_folder("lookahead") / "comparison.csv").exists()
    assert run(monkeypatch, *arguments, *panel, "overwrite=true") == 0
    assert "not measured side by side" not in capsys.readouterr().out
    assert run(monkeypatch, *arguments, "method=lookahead") == 0
    assert not (run_folder("lookahead") / "comparison.csv").exists()
    as_if_measured_elsewhere(run_folder("speculative"))
    assert run(monkeypatch, *arguments, *panel) == 2
    assert "versions.torch" in capsys.readouterr().err
    assert run(monkeypatch, *arguments, "method=speculative") == 0


def test_the_summary_tells_the_warm_up_of_the_measurement(monkeypatch, arguments):
    assert run(monkeypatch, *arguments, "method=greedy", "warmup=2") == 0
    assert run(monkeypatch, *arguments, "method=greedy", "warmup=0") == 0
    assert run_summary("greedy")["warmup"] == {"prompts": 2, "from": "last rows"}
