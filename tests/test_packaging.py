"""pyproject.toml: what a wheel holds, what it depends on, and where an installed harness reads and
writes."""

import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from setuptools import Distribution
from test_bench_cli import composed

from bench import GENERATED, paper
from bench.console import search_path
from bench.measure import environment
from bench.measure.provenance import Checkout
from bench.plan import methods as registry
from bench.plan.methods import method_file, settings_file, written_file

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LIBRARY = ("decoding", "baselines", "ouroboros")
CODE = (*LIBRARY, "tasks", "bench", "training")
DATA = ("conf", "generated", "models", "results/published")
# What the library must not pull in: it is for other people's programs.
HEAVY = ("hydra", "omegaconf", "datasets", "matplotlib", "optuna", "pandas", "bench", "tasks", "training")


@pytest.fixture(scope="module")
def listed():
    """The files of a wheel, by their path in it, as pyproject.toml has them; nothing is written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)
        distribution = Distribution({"script_name": "setup.py"})
        distribution.parse_config_files()
        command = distribution.get_command_obj("build_py")
        command.ensure_finalized()
        files = [(package, Path(file).name) for package, _, file in command.find_all_modules()]
        files += [(package, name) for package, _, _, names in command.data_files for name in names]
    return {f"{package.replace('.', '/')}/{name}" for package, name in files}


def tracked(folder: str) -> set[str]:
    """The files that git holds below a folder of the project, by their path in it."""
    command = ["git", "ls-files", "-co", "--exclude-standard", folder]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    files = {line for line in done.stdout.splitlines() if (ROOT / line).is_file()}
    if not files:
        pytest.skip("no checkout")
    return files


@pytest.mark.parametrize("folder", CODE)
def test_a_wheel_holds_every_file_of_a_package(listed, folder):
    papers = {file for file in tracked(folder) if file.endswith("README.md") and "bundled" not in file}
    assert tracked(folder) - papers == {file for file in listed if file.startswith(f"{folder}/")}


@pytest.mark.parametrize("folder", DATA)
def test_a_wheel_holds_the_data_beside_the_packages(listed, folder):
    inside = f"ouroboros_bench_data/{folder}/"
    held = {file.removeprefix("ouroboros_bench_data/") for file in listed if file.startswith(inside)}
    assert held == tracked(folder) and len(held) > 1


@pytest.mark.parametrize("package", ["decoding", "baselines", "ouroboros", "tasks", "bench"])
def test_a_package_says_that_it_is_typed(listed, package):
    assert f"{package}/py.typed" in listed


@pytest.mark.slow
def test_the_library_is_light():
    names = {each.split(">")[0].split("[")[0] for each in PROJECT["project"]["dependencies"]}
    assert names == {"torch", "transformers", "numpy"}
    program = f"import ouroboros, sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "[]\n", done.stderr
    assert "UserError" in __import__("ouroboros").__all__


def imported(file: Path) -> set[str]:
    """The top-level modules that a source imports, wherever in it."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module]
    return {name.split(".")[0] for name in names}


def test_everything_that_is_imported_is_declared():
    """By its name of distribution; of the harness, in the extra `bench`."""
    distributions = metadata.packages_distributions()
    extras = PROJECT["project"]["optional-dependencies"]
    declared = [*PROJECT["project"]["dependencies"], *extras["bench"]]
    declared = {each.split(">")[0].lower().replace("_", "-") for each in declared}
    found = {name for folder in CODE for file in (ROOT / folder).rglob("*.py") for name in imported(file)}
    # Programs of the sandbox import each other as the scripts they are.
    own = {file.stem for file in (ROOT / "tasks/sandbox/inside").glob("*.py")}
    found -= {*sys.stdlib_module_names, *CODE, *own, "_typeshed"}  # which type checkers alone know
    assert "torch" in found
    for name in found:
        assert {each.lower().replace("_", "-") for each in distributions.get(name, [])} & declared, name


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """As in an installed harness, with an empty folder as the current one."""
    monkeypatch.chdir(tmp_path)
    for module in (registry, search_path, environment, paper):
        monkeypatch.setattr(module, "INSTALLED", True)


def test_an_installed_harness_writes_below_the_current_folder_and_finds_it_there(installed, tmp_path):
    name = "tuned/tiny/gsm8k/speculative"
    shipped = method_file(name, "method")
    assert settings_file(name).is_relative_to(GENERATED)
    own = tmp_path / written_file(name)
    assert not own.is_relative_to(ROOT)
    own.parent.mkdir(parents=True)
    OmegaConf.save({**shipped, "gamma": 17}, own)
    assert method_file(name, "method")["gamma"] == 17 != shipped["gamma"]
    other = own.parent.parent / "mine.yaml"
    OmegaConf.save({**shipped, "gamma": 18}, other)
    assert composed("method=tuned/tiny/mine").method.gamma == 18, "and so does Hydra"


def test_an_installed_harness_has_no_commit(installed):
    """A repository around it, such as that of a user's own project, holds other code."""
    assert environment.environment("cpu").git == Checkout(None, None, None)


def test_the_paper_s_list_needs_a_checkout(installed, capsys):
    assert paper.main(["quick"]) == 2
    assert "checkout" in capsys.readouterr().err


def test_without_its_extra_the_harness_says_how_to_install_it():
    """None in sys.modules stands for a module that is not installed."""
    program = "import sys; sys.modules['hydra'] = None; from bench.console.entry import console; console()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2 and "pip install 'ouroboros-bench[bench]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.slow
def test_a_built_wheel_runs_from_an_empty_folder(tmp_path):
    for file in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / file, tmp_path)
    for folder in (*CODE, *DATA):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    build = "from setuptools.build_meta import build_wheel; build_wheel('wheels')"
    subprocess.run([sys.executable, "-c", build], cwd=tmp_path, capture_output=True, check=True, timeout=300)
    [wheel] = (tmp_path / "wheels").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "empty").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "HF_HUB_OFFLINE": "1"}
    bench = [sys.executable, "-c", "from bench.console.entry import console; console()"]
    command = [*bench, "method=speculative", "task=gsm8k", "limit=1", "warmup=0", "max_new_tokens=8"]
    done = subprocess.run(
        command, cwd=tmp_path / "empty", env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "generated/method/tuned/tiny/gsm8k/speculative.yaml" in done.stdout and "identical" in done.stdout
    assert [file.name for file in (tmp_path / "empty").iterdir()] == ["results"]
