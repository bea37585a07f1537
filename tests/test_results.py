"""results/: light, indexed, and what is packed can be unpacked and reported."""

import subprocess
from pathlib import Path

import pytest

from bench.report.archive import unpack
from bench.report.tables import main as report

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
STUDIES = sorted(folder.name for folder in RESULTS.glob("*") if (folder / "README.md").is_file())
# Runs of these lie as they are, or were never kept; paper's are looked at by test_paper_results.
PACKED = ("methods", "ouroboros", "tasks")


def tracked() -> list[Path]:
    """The files that git holds below results/."""
    listed = subprocess.run(["git", "ls-files", "-z", "results"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def test_they_are_few_and_small():
    files = tracked()
    if not files:
        pytest.skip("no checkout")
    assert len(files) < 200 and sum(file.stat().st_size for file in files) < 12 * 2**20


def test_the_index_names_every_study():
    index = (RESULTS / "README.md").read_text()
    assert STUDIES and all(f"({name}/README.md)" in index for name in STUDIES)


@pytest.mark.parametrize("study", PACKED)
def test_a_packed_study_can_be_reported(study, tmp_path):
    unpack(RESULTS / study / "runs.tar.xz", tmp_path / "runs")
    for kept in sorted((RESULTS / study / "tables").iterdir())[:1]:
        assert report([str(tmp_path / "runs" / kept.name), "--output", str(tmp_path / kept.name)]) == 0
        made, there = ((folder / "report.csv").read_text().splitlines() for folder in (tmp_path / kept.name, kept))
        assert len(made) == len(there) > 1
