"""make paper: its lists of commands, the driver that runs them, and the archive of what they leave.
"""

import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from test_bench_cli import composed
from test_experiments import tuned  # noqa: F401 (a fixture)

import bench.paper
from bench import CONF
from bench.paper import LISTS, Step, main, minutes, read_programme, read_steps
from bench.report.archive import main as archive
from bench.report.archive import unpack

TASKS = ("humaneval", "mbpp", "gsm8k", "cnndm", "wmt16")
STEPS: dict[str, list[Step]] = {}
TINY = {file.stem: read_programme("tiny", file.stem) for file in (LISTS / "tiny").glob("*.yaml")}


@pytest.fixture
def steps_of(tuned):  # noqa: F811
    """A function from a list's name to its steps, which are composed once for all tests."""

    def composed_once(size: str) -> list[Step]:
        if size not in STEPS:
            for task in TASKS:
                tuned("tiny", task)
            STEPS[size] = read_steps(TINY[size].commands)
        return STEPS[size]

    return composed_once


@pytest.mark.parametrize(("size", "most"), [pytest.param("full", 110, marks=pytest.mark.slow), ("quick", 9)])
def test_the_lists_are_sound_and_fit_their_time(steps_of, size, most):
    steps = steps_of(size)
    assert 0 < minutes(steps, TINY[size]) < most
    runs = [step for step in steps if step.command.startswith("python -m bench ")]
    assert all(step.generations and " cores=1 " in step.command and " -m " not in step.command[9:] for step in runs)
    folder = {"full": "results/paper", "quick": "results/paper_quick"}[size]
    words = {word for step in runs for word in step.command.split()}
    outputs = [word for word in words if word.startswith(f"output={folder}/runs/")]
    # The pools of the contamination are no result of their own.
    assert len(outputs) == len(TINY[size].commands) - 2 * (size == "full")
    last = [step.command for step in steps if step.generations == 0 and "scripts/" not in step.command]
    packing = f"python -m bench.archive pack {folder}/runs {folder}/runs.tar.xz"
    assert last == [f"python -m bench.study {folder}", packing]


@pytest.mark.slow
def test_what_others_need_is_made_before_them(steps_of):
    commands = [step.command for step in steps_of("full")]
    layers = next(place for place, command in enumerate(commands) if "first_layers.py" in command)
    needed = [place for place, command in enumerate(commands) if "contamination_pools" in command]
    using = [place for place, command in enumerate(commands) if "=contamination " in command or "tiny-8" in command]
    # What measures nothing waits for all before it, and all after it wait for it.
    assert len(needed) == 5 and max(needed) < layers < min(using)


def test_the_full_list_holds_every_experiment_of_the_paper():
    """But `tuned`, which `methods` and the main tables hold; `temperature` and `lookups` are not
    the paper's."""
    presets = {file.stem for file in (CONF / "experiment").glob("*.yaml")} - {"tuned", "temperature", "lookups"}
    assert {preset for preset in presets if f"experiment={preset} " not in " ".join(TINY["full"].commands)} == set()


@pytest.mark.slow
def test_the_real_pairs_list_is_sound_and_fits_its_time(tuned):  # noqa: F811
    """Each job alone, on real prompts, after settings that a list before it chooses."""
    whole, before = (read_programme("smollm2_135m", size) for size in ("full", "tune"))
    chosen = [step.command for step in read_steps(before.commands)]
    assert all(" model=smollm2_135m " in each and "split=test" not in each for each in chosen)
    for task in ("humaneval", "gsm8k", "cnndm", "spec_bench"):
        assert sum(f" task={task}" in each for each in chosen) == 4
        tuned("smollm2_135m", task)
    steps = read_steps(whole.commands)
    assert whole.side_by_side == before.side_by_side == 1 and minutes(steps, whole) < 240
    runs = [step for step in steps if step.generations]
    assert all(f"{option} " in step.command for step in runs for option in ("model=smollm2_135m", "data=local"))


def test_a_list_that_is_not_there_is_one_line(capsys):
    assert main(["quick", "--model", "smollm2_135m"]) == 2
    error = capsys.readouterr().err
    assert "no list quick of smollm2_135m" in error and "full of tiny" in error and error.count("\n") == 1


@pytest.mark.slow
def test_what_the_lists_need_tuned_is_tuned_by_the_list_before():
    tunings = [set(step.command.split()) for step in read_steps(TINY["tune"].commands)]
    for command in [*TINY["full"].commands, *TINY["quick"].commands]:
        words = dict(word.split("=", 1) for word in command.split() if "=" in word)
        if "experiment" not in words:
            continue
        cases = OmegaConf.to_container(composed(f"experiment={words['experiment']}"), resolve=False)["cases"]
        methods = {case["name"].split("/")[-1] for case in cases if case["name"].startswith("tuned/")}
        for task in words["task"].split(","):
            for method in methods:
                asked = {f"method={method.removesuffix('_warm')}", f"task={task}"}
                asked |= {"history=warm"} if method.endswith("_warm") else set()
                assert any(asked <= each for each in tunings)


def test_missing_settings_are_said_before_anything_runs(tuned, monkeypatch, capsys):  # noqa: F811
    monkeypatch.setattr(bench.paper.subprocess, "run", lambda *_, **__: pytest.fail("something ran"))
    assert main(["quick"]) == 2
    assert "python -m bench.tune" in capsys.readouterr().err


def test_all_commands_run_and_the_worst_status_is_kept(tmp_path, capsys):
    def step(code: str) -> Step:
        return Step(f"python -c '{code}'", 1)

    file = tmp_path / "ran"
    steps = [step("import sys; sys.exit(2)"), step("import os; os.kill(os.getpid(), 9)")]
    assert bench.paper.run([*steps, step(f'open("{file}", "w")')], "test", 2) == 2
    assert file.exists()
    said = capsys.readouterr().err
    assert said.count("error: failed: ") == 2 and "3/3" in said
    assert bench.paper.run(steps[1:], "test", 2) == 1
    with pytest.raises(KeyboardInterrupt):
        bench.paper.run([step("import sys; sys.exit(130)")], "test", 2)


def test_an_archive_gives_the_same_folders_back_and_the_same_bytes(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    texts = {"a/one/records.jsonl": "x" * 10000, "a/two/records.jsonl": "y", "summary.json": "{}"}
    for name, text in {**texts, "a/one/.lock": "", ".jobs/multirun.yaml": ""}.items():
        file = Path("runs") / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    assert archive(["pack", "runs", "runs.tar.xz"]) == 0
    unpack(Path("runs.tar.xz"), Path("again"))
    assert {str(each.relative_to("again")): each.read_text() for each in Path("again").rglob("*.*")} == texts
    assert archive(["pack", "again", "again.tar.xz"]) == 0
    assert Path("runs.tar.xz").read_bytes() == Path("again.tar.xz").read_bytes()
    assert Path("runs.tar.xz").stat().st_size < 1000
    Path("broken.tar.xz").write_text("no archive")
    for wrong in (["unpack", "broken.tar.xz", "x"], ["unpack", "none.tar.xz", "x"], ["pack", "none", "x.tar.xz"]):
        capsys.readouterr()
        assert archive(wrong) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_python_is_the_one_that_runs(monkeypatch, capfd):
    assert bench.paper.run([Step("python -c 'import sys; sys.stdout.write(sys.executable)'", 0)], "test", 2) == 0
    assert sys.executable in capfd.readouterr().out
