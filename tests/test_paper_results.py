"""results/paper: its tables and figures follow from its packed records alone, and its README says
what they say."""

import csv
import json
import math
import random
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from close import csv_differences, differences
from samples import thinned
from test_bench_cli import composed

from bench.measure.float32 import roles
from bench.measure.store import RunFolder
from bench.models.place import Place
from bench.plan.methods import METHODS
from bench.plan.nesting import flat
from bench.plan.settings import read_plan
from bench.plan.typed_json import to_json
from bench.report import published
from bench.report.archive import unpack
from bench.report.arguments import figures as draw
from bench.report.case_records import CaseRecords
from bench.report.markdown import csv_text
from bench.report.metrics.case import figures
from bench.report.tables import main as report
from bench.report.writing import json_text
from ouroboros.method import DRAFT_MODEL

PAPER = Path(__file__).resolve().parent.parent / "results" / "paper"
ARCHIVE = PAPER / "runs.tar.xz"
TABLE = list(csv.DictReader((PAPER / "table.csv").open(encoding="utf-8", newline=""))) if ARCHIVE.exists() else []
PRESETS = sorted({row["panel"] for row in TABLE})
FEW_FIGURES = ("contamination",)  # which are drawn in a second
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
# Cases that their preset has had only since it was measured, by their labels.
PAPERS_OWN = ["ouroboros paper", "ouroboros paper warm"]
ADDED = {
    "block_efficiency": ["lookahead as its authors advise"], "methods": PAPERS_OWN[:1],
    **dict.fromkeys(("main_code", "main_code_unseen", "main_text", "main_text_unseen"), PAPERS_OWN),
}  # fmt: skip
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


def check_summary(path: Path) -> None:
    """A run's summary is what its records give today."""
    summary = json.loads((path / "summary.json").read_text())
    wanted = roles(Place(summary["device"], summary["dtype"]))
    with RunFolder(path) as folder:
        ids = list(dict.fromkeys(prompt for prompt, *_ in folder.records))
        records = CaseRecords.of(folder, ids, summary["repeats"], wanted)
        assert len(ids) == summary["prompts"]
        again = json.loads(json_text(to_json(figures(records, summary["seed"]))))
    kept = {key: summary[key] for key in again.keys() & summary.keys()}
    assert not list(differences(again, kept, str(path)))


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
    # Short outputs, of which nearly every one ends with a drafted token: whole steps left out gave
    # .491 .472 .326 .308.
    [warm] = [path for path in folders if path.parts[-4:] == ("main_text", "wmt16", "tiny", "ouroboros-2759bf2436")]
    found = json.loads((warm / "summary.json").read_text())["acceptance"]
    assert found["conditional"][:4] == pytest.approx([0.535, 0.550, 0.466, 0.400], abs=5e-4)
    assert found["cut_steps"] == 38


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


@pytest.mark.parametrize("preset", thinned(PRESETS, 2))
def test_the_runs_are_the_preset_s_own(folders, preset):
    """None of an older edition of the preset, or of settings that were tuned again since.

    Settings alone are compared. That suffix and hybrid have counted the root among a draft's rows
    since, which leaves one token fewer at the same setting, is said in results/paper/README.md.
    """
    own = [path for path in folders if path.parts[-4] == preset]
    for task in {path.parts[-3] for path in own}:
        plan = read_plan(composed(f"experiment={preset.removesuffix('_unseen')}", f"task={task}"))
        measured = [each for each in plan.methods if each.label not in ADDED.get(preset, ())]
        assert len(plan.methods) - len(measured) == len(ADDED.get(preset, ()))
        wanted = [as_then(json.loads(json.dumps(asdict(each.config))), each.history) for each in measured]
        summaries = [json.loads((path / "summary.json").read_text()) for path in own if path.parts[-3] == task]
        found = [as_then(each["method_config"], each["history"]) for each in summaries]
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
    chosen = PRESETS
    for line in (PAPER / "README.md").read_text().splitlines():
        if line.startswith("#"):
            chosen = [preset for preset in PRESETS if preset in re.findall(r"\w+", line)] or PRESETS
        if not line.startswith("|"):
            continue
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
        for printed in INTERVAL.findall(line):
            assert any(all(map(says, printed, found)) for found in intervals), (printed, line)
        for printed in NUMBER.findall(INTERVAL.sub("", line)):
            assert any(says(printed, value) for value in known), (printed, line)


def as_then(config: dict[str, Any], history: str) -> dict[str, Any]:
    """A config by the names of then, without the settings that there were none of yet where they
    say what was the rule.

    Cold, nothing is in the history that history_bias is about. What a foreign drafter silences
    stood at other defaults.
    """
    renamed = METHODS[config["name"]].renamed
    names = {new: old for old, new in renamed.items()}
    config = {names.get(key, key): value for key, value in flat(config).items()}
    later = {"accepted_only": False, "engine": "prepared"}
    later |= {"history_bias": config.get("history_bias")} if history == "cold" else {}
    if config.get("drafter", DRAFT_MODEL) != DRAFT_MODEL:
        silent = ["gamma", *(old for old, new in renamed.items() if new.startswith("drafting."))]
        later |= {name: config[name] for name in silent}
    return {
        key: as_then(value, history) if isinstance(value, dict) else value
        for key, value in config.items()
        if key not in later or value != later[key]
    }


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
