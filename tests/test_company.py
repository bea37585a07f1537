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


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Eight cores, four to a last-level cache and all on one memory node but the last two."""
    monkeypatch.setattr(company, "SYSTEM", tmp_path / "system")
    for core in range(8):
        for index, (level, cores) in enumerate([("1", str(core)), ("3", "0-3" if core < 4 else "4-7")]):
            cache = tmp_path / f"system/cpu/cpu{core}/cache/index{index}"
            cache.mkdir(parents=True)
            (cache / "level").write_text(f"{level}\n")
            (cache / "shared_cpu_list").write_text(f"{cores}\n")
    for node, cores in enumerate(["0-3,4,5", "6-7"]):
        (tmp_path / f"system/node/node{node}").mkdir(parents=True)
        (tmp_path / f"system/node/node{node}/cpulist").write_text(f"{cores}\n")


def test_runs_that_share_a_cache_or_a_memory_node_are_nearby(machine, other, monkeypatch):
    monkeypatch.setattr(company, "affinity", lambda: {1})
    cache, node = "last-level cache of cores 0-3", "memory node 0"
    assert company.domains({1}) == {cache: {0, 1, 2, 3}, node: {0, 1, 2, 3, 4, 5}}
    assert list(company.domains({3, 7})) == [cache, "last-level cache of cores 4-7", node, "memory node 1"]
    with Company("cpu", None) as mine:
        other("core 7", "gpu x")
        assert not mine.look() and mine.nearby == []
        other("core 5")
        assert mine.look() and mine.nearby == [node] and not mine.look()
        other("core 2")
        assert mine.look() and mine.nearby == [node, cache] and mine.most == 0


def test_where_the_system_tells_nothing_nobody_is_nearby(tmp_path, other, monkeypatch):
    monkeypatch.setattr(company, "SYSTEM", tmp_path / "none")
    assert company.domains({0, 1}) == {}


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
    assert run_summary("speculative")["neighbours"] == 1 and run_summary("speculative")["nearby"] == session["nearby"]
    said = capsys.readouterr().out
    assert "no timing to rely on" in said and all(name in said for name in session["nearby"])
    assert "other runs on the same cores or GPU | 1" in (run_folder("speculative") / "report.md").read_text()
    other(*(f"core {core}" for core in CORES))
    assert run(monkeypatch, *arguments, "method=greedy", "cores=1") == 2
    assert "other runs hold" in capsys.readouterr().err
