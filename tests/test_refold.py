"""bench.refold: a summary of older formulas becomes what the same records give today, and nothing
else changes."""

import json
import shutil
from pathlib import Path

import pytest
from bench_pair import bench_arguments, run, run_folder

from bench.measure.verdicts import IDENTICAL
from bench.report.arguments import refold as main
from bench.report.tables import main as report

REPORTS = ("summary.json", "summary.csv", "report.md")


@pytest.fixture(scope="module")
def measured(pair, tmp_path_factory):
    """A folder with ./runs of a panel of two."""
    root = tmp_path_factory.mktemp("measured")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("HF_HUB_OFFLINE", "1")
        extra = ["method=speculative", "compare=[lookahead]", "max_new_tokens=12"]
        assert run(patch, *bench_arguments(pair, *extra)) == 0
    return root


@pytest.fixture
def runs(measured, tmp_path, monkeypatch):
    """A copy of it to spoil; it is the working folder."""
    shutil.copytree(measured, tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return Path("runs")


def texts(folder: Path) -> dict[str, str]:
    return {name: (folder / name).read_text() for name in REPORTS}


def age(folder: Path, **changes) -> None:
    """As an older harness would have left it: no later figures, and a conditional acceptance of
    other formulas."""
    file = folder / "summary.json"
    old = json.loads(file.read_text())
    del old["runaways"], old["tokens_per_target_forward_mean"], old["warnings"], old["acceptance"]["cut_steps"]
    old["acceptance"]["conditional"] = [0.123] * len(old["acceptance"]["conditional"])
    file.write_text(json.dumps(old | changes))
    lines = (folder / "report.md").read_text().splitlines(keepends=True)
    late = [line for line in lines if "steps cut" in line or "mean" in line and not line.startswith("| method | over")]
    (folder / "report.md").write_text("".join(line for line in lines if line not in late))


def test_an_older_summary_becomes_what_the_records_say(runs, capsys):
    folders = [run_folder(name) for name in ("speculative", "lookahead")]
    fresh = {folder: texts(folder) for folder in folders}
    others = {folder: (folder / "records.jsonl").read_bytes() for folder in folders}
    age(folders[0])
    assert main(["runs"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines() == [f"refolded: {folders[0]}", "1 of 2 runs changed, 0 have no records any more, 0 failed"]
    for folder in folders:
        assert texts(folder) == fresh[folder]
        assert (folder / "records.jsonl").read_bytes() == others[folder]
    assert "## Against the others of the panel" in texts(folders[0])["report.md"]
    assert main(["runs"]) == 0 and "0 of 2 runs changed" in capsys.readouterr().out


def test_what_is_not_in_the_records_stays(runs):
    folder = run_folder("speculative")
    kept = {"quality_notes": {"pass@1": "a note"}, "categories": None, "prompt_overlap": 0.5, "label": "old name"}
    age(folder, **kept)
    assert main([str(runs)]) == 0
    now = json.loads((folder / "summary.json").read_text())
    assert {name: now[name] for name in kept} == kept
    assert now["acceptance"]["cut_steps"] is not None and now["lossless"][IDENTICAL] == 2


def test_digits_that_only_rounding_moves_stay(runs):
    folder = run_folder("speculative")
    file = folder / "summary.json"
    old = json.loads(file.read_text())
    value = old["speedup"]["decode"]["low"]
    old["speedup"]["decode"]["low"] = value * (1 + 1e-13)
    file.write_text(json.dumps(old))
    assert main(["runs"]) == 0
    assert json.loads(file.read_text()) == old
    old["speedup"]["decode"]["low"] = value * (1 + 1e-6)
    file.write_text(json.dumps(old))
    assert main(["runs"]) == 0
    assert json.loads(file.read_text())["speedup"]["decode"]["low"] == value


def test_what_cannot_be_folded_is_said_and_the_rest_is_done(runs, capsys):
    gone, old = run_folder("lookahead"), run_folder("speculative")
    age(old)
    (gone / "records.jsonl").unlink()
    before = texts(gone)
    assert main(["runs"]) == 0
    assert "1 of 2 runs changed, 1 have no records any more, 0 failed" in capsys.readouterr().out
    assert texts(gone) == before
    age(old, prompts=99)
    before = texts(old)
    assert main(["runs"]) == 2
    assert f"left as it was: {old}: it has records of 2 prompts, and a summary of 99" in capsys.readouterr().out
    assert texts(old) == before
    (old / "summary.json").write_text("{")
    assert main(["runs"]) == 2 and "summary.json is damaged" in capsys.readouterr().out
    assert main(["nowhere"]) == 2 and "no finished run in nowhere" in capsys.readouterr().err


def test_a_table_of_older_runs_has_holes_and_one_of_refolded_runs_has_none(runs):
    age(run_folder("speculative"))
    assert report(["runs", "--output", "before"]) == 0
    assert main(["runs"]) == 0
    assert report(["runs", "--output", "after"]) == 0
    before, after = (Path(each, "report.md").read_text() for each in ("before", "after"))
    assert " | - | " in before and " | - | " not in after.partition("lookahead")[0]
