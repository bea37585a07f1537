"""results/paper: its tables and figures follow from its packed records alone, and its README says
what they say."""

import csv
import json
import math
import random
import re
import shutil
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from close import csv_differences
from refolding import check_summary
from samples import thinned
from test_bench_cli import composed

from bench.plan.methods import METHODS, REFERENCE_METHOD, method_config, of_today
from bench.plan.settings import read_plan
from bench.report import published
from bench.report.archive import unpack
from bench.report.arguments import figures as draw
from bench.report.markdown import csv_text
from bench.report.tables import main as report

PAPER = Path(__file__).resolve().parent.parent / "results" / "paper"
SCRIPTS = PAPER.parent.parent / "scripts"
ARCHIVE = PAPER / "runs.tar.xz"
TABLE = list(csv.DictReader((PAPER / "table.csv").open(encoding="utf-8", newline=""))) if ARCHIVE.exists() else []
PRESETS = sorted({row["panel"] for row in TABLE})
FEW_FIGURES = ("contamination",)  # which are drawn in a second
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
INTERVAL = re.compile(r"(\d+\.\d+) \[(\d+\.\d+), (\d+\.\d+)\]")

pytestmark = pytest.mark.skipif(not ARCHIVE.exists(), reason="no results/paper: make paper has not been run")


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    """A folder that holds results/paper/runs, as the checkout of who measured did."""
    root = tmp_path_factory.mktemp("paper")
    unpack(ARCHIVE, root / "results" / "paper" / "runs")
    return root


@pytest.fixture(scope="module")
def folders(unpacked):
    """Every run folder."""
    found = sorted(file.parent for file in unpacked.rglob("summary.json"))
    assert found
    return found


def test_it_is_small_enough_for_git():
    assert sum(file.stat().st_size for file in PAPER.rglob("*") if "runs" not in file.parts[:-1]) < 15 * 2**20


@pytest.mark.parametrize("preset", PRESETS)
def test_summaries_follow_from_their_records(folders, preset):
    """Of a sample; all of them below."""
    own = [path for path in folders if path.parts[-4] == preset]
    for path in random.Random(preset).sample(own, 1):
        check_summary(path)


@pytest.mark.slow
@pytest.mark.parametrize("preset", PRESETS)
def test_every_summary_follows_from_its_records(folders, preset):
    for path in folders:
        if path.parts[-4] == preset:
            check_summary(path)


def test_acceptance_by_depth_is_censored_where_outputs_end(folders):
    for path in folders:
        summary = json.loads((path / "summary.json").read_text())
        found = summary["acceptance"]
        if found["drafted"] is not None:
            excess = found["cut_steps"] / summary["target_forwards"]
            assert 1 + sum(found["marginal"]) == pytest.approx(summary["tokens_per_target_forward"] + excess, rel=1e-9)
    # Short outputs, many of which end with a drafted token: whole steps left out would give .515
    # .345 .491.
    [warm] = [path for path in folders if path.parts[-4:] == ("main_text", "wmt16", "tiny", "ouroboros-ff78d4054b")]
    found = json.loads((warm / "summary.json").read_text())["acceptance"]
    assert found["conditional"] == pytest.approx([0.555, 0.410, 0.532], abs=5e-4)
    assert found["cut_steps"] == 35


def test_every_run_tells_where_it_comes_from(folders):
    for path in folders:
        provenance = json.loads((path / "provenance.json").read_text())
        assert provenance["git"]["commit"] and provenance["cpu"] and provenance["sessions"], path
        assert json.loads((path / "summary.json").read_text())["lossless"]["mismatch"] == 0, path


@pytest.mark.parametrize("preset", thinned(PRESETS, 4))
def test_the_table_is_made_from_these_runs(unpacked, monkeypatch, preset):
    monkeypatch.chdir(unpacked)
    assert report([f"results/paper/runs/{preset}", "--output", f"tables/{preset}"]) == 0
    assert not list(csv_differences(Path(f"tables/{preset}/report.csv").read_text(), csv_text(table(preset))))


def config_of_today(settings: dict) -> object:
    """The typed config of a method's settings as a harness of any age wrote them.

    Settings that came later have the value that changes nothing.
    """
    name = of_today(settings["name"], settings)
    inner = {role: config_of_today(settings[role]) for role in METHODS[name].within
             if isinstance(settings.get(role), dict)}  # fmt: skip
    older = {"lenience": 1.0} if name == "cascade" else {}
    outer = older | {role: value for role, value in settings.items() if role not in inner}
    return replace(method_config({**outer, "name": name}), **inner)


@pytest.mark.parametrize("preset", thinned(PRESETS, 2))
def test_the_runs_are_the_preset_s_own(folders, preset):
    """None of an older edition of the preset, or of settings that were tuned again since."""
    own = [path for path in folders if path.parts[-4] == preset]
    for task in {path.parts[-3] for path in own}:
        plan = read_plan(composed(f"experiment={preset.removesuffix('_unseen')}", f"task={task}"))
        summaries = [json.loads((path / "summary.json").read_text()) for path in own if path.parts[-3] == task]
        left_out = {label for each in summaries for label in each["left_out"]}
        # Kept runs may be older than the A/A case of their panel.
        absent = {REFERENCE_METHOD} - {each["method"] for each in summaries}
        ran = [each for each in plan.methods if each.label not in left_out and each.config.name not in absent]
        wanted = [(asdict(each.config), each.history) for each in ran]
        found = [(asdict(config_of_today(each["method_config"])), each["history"]) for each in summaries]
        assert all(each in wanted for each in found) and all(each in found for each in wanted)
        assert len(found) % len(wanted) == 0


@pytest.mark.parametrize("preset", PRESETS)
def test_no_interval_is_infinite(preset):
    for row in table(preset):
        low, value, high = (float(row[f"decode_speedup{end}"]) for end in ("_low", "", "_high"))
        assert 0 < low <= value <= high < math.inf


@pytest.mark.parametrize(
    "preset", [pytest.param(each, marks=[] if each in FEW_FIGURES else pytest.mark.slow) for each in PRESETS]
)
def test_the_figures_are_drawn_from_these_runs(unpacked, monkeypatch, preset):
    """Those that the README shows among them, and none is empty."""
    monkeypatch.chdir(unpacked)
    assert draw([f"results/paper/runs/{preset}", "--output", f"figures/{preset}"]) == 0
    drawn = list(Path("figures", preset).glob("*.png"))
    assert drawn and {file.name for file in (PAPER / "figures" / preset).glob("*.png")} <= {file.name for file in drawn}
    for file in drawn:
        picture = plt.imread(file)[..., :3]
        # Where anything but white, black and grey is drawn: bars, lines, points or cells.
        assert (picture.max(axis=2) - picture.min(axis=2) > 0.2).mean() > 0.0005, file


def test_the_numbers_of_the_readme_s_tables_are_in_the_tables(folders):
    """Under a heading that names presets, in theirs; as they are printed.

    An interval only with its value.
    """
    others = [row for file in sorted(published.FOLDER.glob("*.csv")) for row in rows(file)]
    ratios = [str(each.value) for each in published.speedups(published.rows())]

    @cache
    def printable(chosen: tuple[str, ...]) -> tuple[set[float], list[tuple[str, ...]]]:
        """(the numbers, the intervals) of presets."""
        here = [row for preset in chosen for row in table(preset)]
        panels = [row for path in folders if path.parts[-4] in chosen for row in rows(path / "comparison.csv")]
        texts = [text for row in [*here, *panels, *others] for text in row.values()]
        known = {float(found) for text in texts for found in NUMBER.findall(text)}
        known |= {float(each) for each in ratios}
        known |= {100 * float(row["acceptance_rate"]) for row in here if row["acceptance_rate"]}
        intervals = [
            tuple(row[f"{name}{end}"] for end in ("_value", "_low", "_high"))
            if f"{name}_value" in row
            else tuple(row[f"{name}{end}"] for end in ("", "_low", "_high"))
            for row in [*here, *panels]
            for name in ("decode_speedup", "end_to_end_speedup", "decode", "end_to_end")
            if f"{name}_low" in row
        ]
        return known, intervals

    chosen = tuple(PRESETS)
    for line in (PAPER / "README.md").read_text().splitlines():
        if line.startswith("#"):
            chosen = tuple(preset for preset in PRESETS if preset in re.findall(r"\w+", line)) or tuple(PRESETS)
        if not line.startswith("|"):
            continue
        known, intervals = printable(chosen)
        for printed in INTERVAL.findall(line):
            assert any(all(map(says, printed, found)) for found in intervals), (printed, line)
        for printed in NUMBER.findall(INTERVAL.sub("", line)):
            assert any(says(printed, value) for value in known), (printed, line)


def test_the_readme_s_tables_are_as_the_script_writes_them(unpacked, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPTS)
    import study_tables

    study = unpacked / "results" / "paper"
    shutil.copy(PAPER / "table.csv", study)
    text = (PAPER / "README.md").read_text(encoding="utf-8")
    assert study_tables.renewed(text, study) == text, "python scripts/study_tables.py results/paper"


def says(printed: str, value: str | float) -> bool:
    """Whether a value is printed so, rounded to as many digits as there are.

    Half up or half to even.
    """
    digits = len(printed.partition(".")[2])
    return value not in ("", None) and abs(float(printed) - float(value)) <= 0.5 * 10**-digits + 1e-9


def table(preset: str) -> list[dict[str, str]]:
    """The rows of a preset, as its report has them."""
    return [{name: cell for name, cell in row.items() if name != "panel"} for row in TABLE if row["panel"] == preset]


def rows(file: Path) -> list[dict[str, str]]:
    """Of a table; [] if there is none."""
    if not file.exists():
        return []
    with file.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
