"""Runs that share cores are labelled.

Runs that ask for cores of their own get them or are refused.
"""

import json
import os
import subprocess
import sys

import psutil
import pytest
import torch
from bench_pair import run, run_folder, run_summary

from bench.measure import cores as company
from bench.measure.cores import Company
from decoding.errors import UserError

CORES = sorted(os.sched_getaffinity(0))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(company, "FOLDER", tmp_path / "company")
    monkeypatch.setattr(company, "PATIENCE", 0.0)
    return tmp_path / "company"


@pytest.fixture
def other(folder):
    """A function that lets a living process hold cores or GPUs."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    def hold(*hardware: str) -> None:
        folder.mkdir(exist_ok=True)
        started = company.started(psutil.Process(process.pid))
        (folder / f"{process.pid}.json").write_text(json.dumps({"started": started, "hardware": list(hardware)}))

    yield hold
    process.kill()
    process.wait()


def test_alone_and_gone_afterwards(folder):
    with Company("cpu", None) as mine:
        assert mine.hardware == [f"core {core}" for core in CORES] and mine.most == 0
        assert (folder / f"{os.getpid()}.json").exists()
    assert not list(folder.glob("*.json"))


def test_others_on_the_same_cores_are_counted(other):
    with Company("cpu", None) as mine:
        other("core 9999", "gpu x")
        assert not mine.look() and mine.most == 0
        other(f"core {CORES[0]}")
        assert mine.look() and mine.most == 1
        assert not mine.look(), "only when there are more than ever"


def test_a_change_of_the_wall_clock_hides_nobody(other, monkeypatch):
    before = psutil.boot_time()
    with Company("cpu", None) as mine:
        other(f"core {CORES[0]}")
        monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: before + 3600)
        assert psutil.boot_time() == before + 3600
        assert mine.look() and mine.most == 1


def test_what_a_killed_run_left_is_swept_away(folder):
    folder.mkdir()
    (folder / "1.json").write_text(json.dumps({"started": 0, "hardware": [f"core {CORES[0]}"]}))
    (folder / "99999999.json").write_text("{")
    with Company("cpu", None) as mine:
        assert mine.most == 0
    assert not list(folder.glob("*.json"))


def test_cores_of_its_own(other):
    threads = torch.get_num_threads()
    with Company("cpu", 1) as mine:
        assert mine.hardware == [f"core {CORES[0]}"]
        assert all(os.sched_getaffinity(each.id) == {CORES[0]} for each in psutil.Process().threads())
        assert torch.get_num_threads() == 1
    assert os.sched_getaffinity(0) == set(CORES) and torch.get_num_threads() == threads
    other(*(f"core {core}" for core in CORES[1:]))
    with Company("cpu", 1) as mine:
        assert mine.hardware == [f"core {CORES[0]}"] and mine.most == 0
    other(f"core {CORES[0]}", *(f"core {core}" for core in CORES[1:]))
    with pytest.raises(UserError, match="all but 0 of the cores"), Company("cpu", 1):
        pass
    assert os.sched_getaffinity(0) == set(CORES)


def test_it_waits_for_cores(monkeypatch, other):
    monkeypatch.setattr(company, "PATIENCE", 60.0)
    other(*(f"core {core}" for core in CORES))
    monkeypatch.setattr(company.time, "sleep", lambda _: other())
    with Company("cpu", 1) as mine:
        assert mine.hardware == [f"core {CORES[0]}"]
    with pytest.raises(UserError, match="other runs hold all but"), Company("cpu", len(CORES) + 1):
        pytest.fail("more cores than there are")


def test_a_run_that_shares_its_cores_says_so(monkeypatch, capsys, arguments, other):
    assert run(monkeypatch, *arguments, "method=speculative", "cores=1") == 0
    assert run_summary("speculative")["neighbours"] == 0
    assert "no timing to rely on" not in capsys.readouterr().out
    other(f"core {CORES[0]}")
    assert run(monkeypatch, *arguments, "method=speculative", "overwrite=true") == 0
    (session,) = json.loads((run_folder("speculative") / "provenance.json").read_text())["sessions"]
    assert (session["neighbours"], session["places"]) == (1, [f"core {core}" for core in CORES])
    assert run_summary("speculative")["neighbours"] == 1
    assert "no timing to rely on" in capsys.readouterr().out
    assert "other runs on the same cores or GPU | 1" in (run_folder("speculative") / "report.md").read_text()
    other(*(f"core {core}" for core in CORES))
    assert run(monkeypatch, *arguments, "method=greedy", "cores=1") == 2
    assert "other runs hold" in capsys.readouterr().err
