"""Sweeps over several processes through Hydra's launchers: joblib, and submitit's local executor in
place of SLURM."""

import json
import os
from pathlib import Path

import pytest
from bench_pair import run
from hydra import compose, initialize_config_dir
from hydra.core.plugins import Plugins
from samples import chosen

import bench.job
from bench import CONF
from bench.cli import main
from bench.console.search_path import GeneratedSettings
from bench.console.sweep import single_jobs

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def launched(monkeypatch, arguments, tmp_path):
    """A function that runs a sweep under a launcher; its exit status."""
    # Where measuring processes find each other: those of the tests beside this one are no
    # neighbours of its jobs.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    # A job's process imports the checkout under test.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


    def launch(*overrides: str) -> int:
        return run(monkeypatch, "-m", *arguments, "limit=1", "method=speculative", *overrides)

    yield launch
    # joblib has put copies of Hydra's globals in place of this process' own, without what was
    # registered.
    Plugins.instance().register(GeneratedSettings)


def found() -> dict[int, dict]:
    """Draft lengths that were measured, each with the one process that did."""
    sessions = {}
    for file in Path("runs").rglob("summary.json"):
        (session,) = json.loads((file.parent / "provenance.json").read_text())["sessions"]
        sessions[json.loads(file.read_text())["method_config"]["gamma"]] = session
    return sessions


def test_only_a_launcher_hands_the_sweep_to_hydra():
    assert len(single_jobs(["-m", "method.gamma=2,3"])) == 2
    given = ["-m", "hydra/launcher=joblib", "method.gamma=2,3"]
    assert single_jobs(given) == [given]


@pytest.mark.parametrize(
    ("preset", "target", "settings"),
    [
        ("side_by_side", "JoblibLauncher", {"n_jobs": 2}),
        ("slurm", "SlurmLauncher", {"gpus_per_node": 1, "timeout_min": 240}),
    ],
)
def test_every_launcher_preset_composes(preset, target, settings):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        launcher = compose("config", [f"hydra/launcher={preset}"], return_hydra_config=True).hydra.launcher
    assert launcher._target_.endswith(target) and settings.items() <= dict(launcher).items()


def test_every_launcher_preset_is_tested():
    assert {file.stem for file in (CONF / "hydra/launcher").glob("*.yaml")} == {"side_by_side", "slurm"}


@pytest.mark.parametrize("status", chosen([0, 1, 2], 1))
def test_a_launched_job_s_status_leaves_its_process(monkeypatch, tmp_path, status):
    monkeypatch.setattr(bench.job, "run_job", lambda config: status)
    monkeypatch.setattr("sys.argv", ["bench", "-m", "hydra/launcher=basic", "method=speculative"])
    monkeypatch.chdir(tmp_path)
    assert main() == status


def test_a_launcher_runs_the_sweep(launched):
    """In this process, for which joblib takes one job at a time.

    With processes of their own below.
    """
    assert launched("hydra/launcher=side_by_side", "hydra.launcher.n_jobs=1", "method.gamma=2,-1") == 2
    assert set(found()) == {2}


@pytest.mark.slow
def test_joblib_side_by_side_on_cores_of_their_own(launched):
    assert launched("hydra/launcher=side_by_side", "cores=1", "method.gamma=2,3") == 0
    sessions = found()
    assert set(sessions) == {2, 3}
    assert all(len(each["places"]) == 1 and each["neighbours"] == 0 for each in sessions.values())


@pytest.mark.slow
def test_submitit_s_local_executor(launched):
    launcher = ["hydra/launcher=submitit_local", "hydra.launcher.timeout_min=5"]
    assert launched(*launcher, "method.gamma=2,-1") == 2
    assert set(found()) == {2}
