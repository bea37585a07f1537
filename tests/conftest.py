"""Shared settings: one thread, so that tests run side by side do not fight over two cores.

Nothing heavy is imported here: the process that only hands tests to workers needs none of it.
"""

import gc
import os
import sys
from importlib import import_module

import pytest
from absl import logging as absl_logging
from hypothesis import settings

# Of torch, which is imported later, and of the processes that tests start.
os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
# rouge_score logs through absl, which closes its stream when somebody configures logging again, as
# Hydra does: here that is what pytest captures with.
absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__
settings.register_profile("house", deadline=None, max_examples=45)
settings.load_profile("house")


def pytest_collection_finish() -> None:
    # What is imported stays, and need not be looked through at every collection. Tests make many
    # objects and keep few: rare collections are enough.
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


@pytest.fixture(scope="session", autouse=True)
def light():
    """What every run does at its start and its end, on a smaller scale: the noise of fewer rows,
    figures of fewer pixels."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bench.measure.lossless.NOISE_ROWS", 16)
        patched.setitem(import_module("bench.report.figures.style").STYLE, "savefig.dpi", 50)
        yield


@pytest.fixture(scope="session")
def pair(tmp_path_factory):
    """A folder with a random pair and a file of six prompts, for runs of the command line; only
    read."""
    from bench_pair import make_pair, write_prompts

    folder = tmp_path_factory.mktemp("pair")
    make_pair(folder)
    write_prompts(folder / "prompts.jsonl", 6)
    return folder


@pytest.fixture
def arguments(pair, tmp_path, monkeypatch):
    """The common overrides; runs go to tmp_path/runs."""
    from bench_pair import bench_arguments

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return bench_arguments(pair)
