"""results/: light, indexed, a table and an archive for each study, and what is packed rebuilds the
rest."""

import csv
import json
import random
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from close import csv_differences
from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf
from refolding import check_summary
from samples import thinned

from baselines.skip_set import PRESETS
from bench import CONF
from bench.report import study as studies
from bench.report.archive import unpack
from bench.report.markdown import csv_text
from bench.study import main as rebuild
from training import skip_search
from training.skip_config import SkipSearchConfig
from training.skip_search import search_skip_set

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
STUDIES = sorted(folder.name for folder in RESULTS.glob("*") if (folder / "README.md").is_file())
PACKED = sorted(file.parent.name for file in RESULTS.glob("*/runs.tar.xz"))
SHOWN = re.compile(r"!\[[^]]*\]\(([^)]+)\)")
PICTURES = [
    RESULTS / name / shown for name in STUDIES for shown in SHOWN.findall((RESULTS / name / "README.md").read_text())
]


def tracked() -> list[Path]:
    """The files that git holds below results/."""
    listed = subprocess.run(["git", "ls-files", "-z", "results"], cwd=ROOT, capture_output=True, text=True, check=False)
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    if not files:
        pytest.skip("no checkout")
    return [file for file in files if file.is_file()]


def test_they_are_few_and_small():
    files = tracked()
    assert len(files) < 200 and sum(file.stat().st_size for file in files) < 14 * 2**20


def test_the_index_names_every_study():
    index = (RESULTS / "README.md").read_text()
    assert STUDIES and all(f"({name}/README.md)" in index for name in STUDIES)


@pytest.mark.parametrize("name", STUDIES)
def test_a_study_has_one_table_at_most_and_only_figures_that_its_readme_shows(name):
    own = [file for file in tracked() if file.is_relative_to(RESULTS / name)]
    tables = [file for file in own if file.suffix == ".csv"]
    assert len(tables) == (name != "sandbox")
    assert {file for file in own if file.suffix == ".png"} == {*PICTURES} & {*own}
    assert sum(file.suffix == ".xz" for file in own) == (name in PACKED)
    assert all(file.is_file() for file in PICTURES)


@pytest.mark.parametrize("file", PICTURES, ids=lambda file: file.stem)
def test_no_figure_is_empty(file):
    picture = plt.imread(file)[..., :3]
    # Where anything but white, black and grey is drawn: bars, lines, points or cells.
    assert (picture.max(axis=2) - picture.min(axis=2) > 0.2).mean() > 0.0005


def test_every_measured_study_is_packed():
    """But what two scripts write again, and what was read elsewhere."""
    assert {*STUDIES} - {*PACKED} == {"published", "sandbox"}


@pytest.mark.parametrize("name", PACKED)
def test_an_archive_holds_every_record(name):
    with tarfile.open(RESULTS / name / "runs.tar.xz") as archive:
        files = [Path(file) for file in archive.getnames()]
    for summary in [file for file in files if file.name == "summary.json"]:
        assert summary.with_name("records.jsonl") in files
    assert {file.name for file in files} & {"summary.json", "journal.log", "forwards.jsonl", "study.journal"}


@pytest.mark.parametrize("name", thinned(PACKED, 2))
def test_a_study_is_made_anew_from_its_archive(name, tmp_path, monkeypatch):
    """Its first part; of run folders without the figures, which take half a minute.

    Paper's are drawn by test_paper_results.
    """
    kept = read_table(RESULTS / name)
    column = next(iter(kept[0]))
    part = kept[0][column]
    monkeypatch.chdir(tmp_path)
    unpack(RESULTS / name / "runs.tar.xz", tmp_path / "whole")
    shutil.copytree(tmp_path / "whole" / part, tmp_path / "results" / name / "runs" / part)
    monkeypatch.setattr(studies, "draw", lambda arguments: 0)
    assert rebuild([f"results/{name}"]) == 0
    again = read_table(Path("results") / name)
    # A part has no columns that others alone have.
    wanted = [{key: row[key] for key in again[0]} for row in kept if row[column] == part]
    assert not list(csv_differences((Path("results") / name / "table.csv").read_text(), csv_text(wanted)))
    if name in ("engine", "skip_search", "tuning"):
        assert (Path("results") / name / "figures" / f"{part.replace('/', '_')}.png").is_file()


@pytest.mark.parametrize("name", sorted({*PACKED} - {"engine", "paper", "skip_search", "tuning"}))
def test_summaries_follow_from_their_records(name, tmp_path):
    """Of a sample; paper's are held by test_paper_results."""
    unpack(RESULTS / name / "runs.tar.xz", tmp_path)
    folders = sorted(file.parent for file in tmp_path.rglob("summary.json"))
    check_summary(random.Random(name).choice(folders))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted({*PACKED} - {"engine", "paper", "skip_search", "tuning"}))
def test_all_summaries_follow_from_their_records(name, tmp_path):
    """As test_paper_results holds it of paper's."""
    unpack(RESULTS / name / "runs.tar.xz", tmp_path)
    folders = sorted(file.parent for file in tmp_path.rglob("summary.json"))
    assert folders
    for folder in folders:
        check_summary(folder)


def test_the_search_for_a_skip_set_is_written_anew_from_its_journal(tmp_path, monkeypatch):
    """Without the model, which only its digest stands for."""
    unpack(RESULTS / "skip_search" / "runs.tar.xz", tmp_path)
    monkeypatch.setattr(skip_search, "load_pair", None)
    ConfigStore.instance().store("search_skip_layers_schema", SkipSearchConfig)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        search_skip_set(OmegaConf.to_object(compose("search_skip_layers", [f"output={tmp_path}"])))
    made = tmp_path / "tiny"
    assert (made / "skip_set.json").read_text() == (PRESETS / "tiny.json").read_text()
    wanted = read_table(RESULTS / "skip_search")
    assert {row.pop("search") for row in wanted} == {"tiny"}
    assert not list(csv_differences((made / "trials.csv").read_text(), csv_text(wanted)))
    said = (RESULTS / "skip_search" / "README.md").read_text()
    for name, measured in json.loads((made / "summary.json").read_text())["measured"].items():
        figures = f"| {measured['tokens_per_second']:.0f} | {measured['tokens_per_target_forward']:.2f} |"
        assert figures in said, name
    # What the search leaves there is no run folder's summary.
    unpack(RESULTS / "skip_search" / "runs.tar.xz", tmp_path / "study" / "runs")
    shutil.copy(made / "summary.json", tmp_path / "study" / "runs" / "tiny")
    assert rebuild([str(tmp_path / "study")]) == 0


def test_a_search_for_a_skip_set_that_is_not_complete_is_one_line(tmp_path, capsys):
    unpack(RESULTS / "skip_search" / "runs.tar.xz", tmp_path / "runs")
    journal = tmp_path / "runs" / "tiny" / "study.journal"
    journal.write_text("".join(journal.read_text().splitlines(keepends=True)[:200]))
    assert rebuild([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "a search that is not complete" in error and error.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tasks"])
def test_a_whole_study_is_unpacked_tabled_and_drawn(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = Path("results") / name
    own.mkdir(parents=True)
    shutil.copy(RESULTS / name / "runs.tar.xz", own)
    assert rebuild([str(own)]) == 0
    assert not list(csv_differences((own / "table.csv").read_text(), csv_text(read_table(RESULTS / name))))
    for panel in {row["panel"] for row in read_table(own)}:
        assert (own / "tables" / panel / "report.tex").is_file() and list((own / "figures" / panel).glob("*.pdf"))


def test_the_tables_of_temperature_are_its_runs():
    """Cell by cell, two tasks in each; of speed and tokens with a row for every case that ran."""
    runs = {(row["label"], float(row["temperature"]), row["task"]): row for row in read_table(RESULTS / "temperature")}
    text = (RESULTS / "temperature" / "README.md").read_text(encoding="utf-8")

    def wanted(label: str, cell: Callable[[dict[str, str]], str]) -> list[str]:
        found = [[runs.get((label, at, task)) for task in ("humaneval", "gsm8k")] for at in (0.0, 0.3, 0.7, 1.0)]
        return [" / ".join(cell(row) for row in pair if row) for pair in found]

    for heading, column in (
        ("tokens per target forward", "tokens_per_target_forward"),
        ("times plain sampling's decode speed", "decode_speedup"),
    ):
        shown = cells_below(text, f"{heading}, humaneval / gsm8k")
        assert shown.keys() == {label for label, *_ in runs}
        for label, cells in shown.items():
            assert cells == wanted(label, lambda row, column=column: f"{float(row[column]):.2f}"), (heading, label)
    shown = cells_below(text, "pass@1 of humaneval / exact match of gsm8k")
    assert shown.pop("plain sampling") == wanted("speculative", lambda row: scores(row)[1])
    assert shown.keys() == {label for (label, *_), row in runs.items() if row["verdict"] == "distribution"}
    for label, cells in shown.items():
        assert cells == wanted(label, lambda row: scores(row)[0]), label
    # Of the others the scores are plain sampling's, whose row stands for them.
    for row in runs.values():
        assert row["verdict"] == "distribution" or len({*scores(row)}) == 1


def cells_below(text: str, heading: str) -> dict[str, list[str]]:
    """A table's cells by the first of their row."""
    body = text[text.index(f"| {heading} |") :].partition("\n\n")[0].splitlines()[2:]
    return {name: cells for name, *cells in ([cell.strip() for cell in line.split("|")[1:-1]] for line in body)}


def scores(row: dict[str, str]) -> list[str]:
    """The method's and the reference's, by the first metric."""
    name, *both = re.split(r" / | ", row["quality"].partition(",")[0])
    assert name in ("pass@1", "exact_match")
    return [f"{float(score):.1f}" for score in both]


def test_a_study_that_is_not_there_is_one_line(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert rebuild(["results/nosuch"]) == 2
    error = capsys.readouterr().err
    assert "results/nosuch" in error and error.count("\n") == 1


def read_table(study: Path) -> list[dict[str, str]]:
    """The rows of a study's table."""
    with (study / "table.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
