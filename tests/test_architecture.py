"""The folders are the architecture: who may import whom."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What each package may import of the project's own. The corpus generator in training is for no run:
# nothing imports it.
ALLOWED = {
    "decoding": set(),
    "tasks": {"decoding"},
    "baselines": {"decoding"},
    "ouroboros": {"decoding", "baselines"},
    # It finds methods by their names, and knows of what they learn only that it is a state.
    "bench": {"decoding", "tasks"},
    "training": {"decoding", "baselines", "ouroboros", "tasks", "bench"},
}


def imported(file: Path) -> set[str]:
    """The packages that a file imports, at whatever depth."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.split(".")[0])
    return found


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_imports_only_what_stands_below_it(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    for file in files:
        assert imported(file) & ALLOWED.keys() <= ALLOWED[package] | {package}, file


# Pools of threads, and figures that are pooled, are no phrase pools.
POOL = re.compile(r"(?<!thread)pool(?!ed)", re.IGNORECASE)


@pytest.mark.parametrize("package", ["decoding", "bench"])
def test_who_runs_methods_knows_no_phrase_pool(package):
    """Its figures and its clock are the drafter's own, and what it learned is a state."""
    files = list((ROOT / package).rglob("*.py"))
    assert files and not [file for file in files if POOL.search(file.read_text(encoding="utf-8"))]


# What only the command line knows: groups of settings, engines of the harness, and scripts.
TYPED = re.compile(r"\b(method|model|task|data)\.\w+|engine=|\bscripts/")


def strings(file: Path) -> list[str]:
    """A file's strings, and the parts of those with values in them.

    Not its docstrings, and not its SPEC, which is what the command line shows of a method.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    left_out: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            left_out.add(node.value)
        elif isinstance(node, ast.Assign) and [ast.unparse(each) for each in node.targets] == ["SPEC"]:
            left_out |= {*ast.walk(node)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and node not in left_out]
    return [node.value for node in constants if isinstance(node.value, str)]


@pytest.mark.parametrize("package", ["decoding", "baselines", "ouroboros"])
def test_what_the_library_says_names_parameters_alone(package):
    """Its errors and what they are made of; bench/console/naming.py adds the rest."""
    said = {file: strings(file) for file in (ROOT / package).rglob("*.py")}
    assert any(said.values())
    for file, texts in said.items():
        assert not [text for text in texts if TYPED.search(text)], file


# The rooms of bench: what each may import of the others. Jobs and entry points stand above them
# all.
ROOMS = {
    "console": set(),
    "models": {"console"},
    "plan": {"console", "models"},
    "measure": {"console", "models", "plan"},
    "report": {"console", "models", "plan", "measure"},
    "tune": {"console", "models", "plan", "measure", "report"},
}


def rooms_of(file: Path) -> set[str]:
    """The rooms of bench that a file imports from, at whatever depth.

    A module outside of rooms by its own name.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
        found |= {name.split(".")[1] for name in names if name.startswith("bench.")}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_from_those_before_it(room):
    files = list((ROOT / "bench" / room).rglob("*.py"))
    assert files
    for file in files:
        assert rooms_of(file) <= ROOMS[room] | {room}, file


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_in_a_sentence_what_comes_in_and_what_goes_out(room):
    said = ast.get_docstring(ast.parse((ROOT / "bench" / room / "__init__.py").read_text(encoding="utf-8")))
    assert said.startswith("In: ") and " Out: " in said and "\n" not in said


def calls(file: Path, name: str) -> bool:
    """Whether a file calls a method of that name."""
    called = [node.func for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return any(isinstance(each, ast.Attribute) and each.attr == name for each in called)


def test_one_loop_measures():
    """The race's own, which runs and searches share; checks measure one prompt."""
    files = [file for package in ALLOWED for file in (ROOT / package).rglob("*.py")]
    found = {file.relative_to(ROOT).as_posix() for file in files if calls(file, "measure")}
    assert found == {f"bench/measure/{name}.py" for name in ("runner", "check", "planted")}


# What loads models and times them is a job's to call.
MEASURING = {"bench.models.loading", *(f"bench.measure.{name}" for name in ("cores", "entrants", "probe", "runner"))}


def test_reports_are_made_without_a_model():
    for file in (ROOT / "bench" / "report").rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert not modules & MEASURING and "torch" not in imported(file), file


# What a record measured of a generation: seconds, and counts a step.
MEASURED = {"prefill_seconds", "total_seconds", "prefill_tokens", "steps", "rounds"}


def test_one_package_computes_every_figure():
    """Nobody else in reports or searches reads what figures are made of, or takes the formulas for
    them."""
    everything: set[str] = set()
    for file in [*(ROOT / "bench" / "report").rglob("*.py"), *(ROOT / "bench" / "tune").rglob("*.py")]:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        read = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)} & MEASURED
        modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        if file.parent.name == "metrics":
            everything |= read
        else:
            assert not read, file
            assert file.name == "figure_types.py" or "bench.report.statistics" not in modules, file
    assert everything == MEASURED


# Where mappings with any values may stand: the edges of files. to_json and typed_json.py are edges
# by their names.
RAW = {
    # Settings as YAML and the command line give them, before they are typed.
    "plan/methods.py": {"panel_config", "method_file"},
    "plan/nesting.py": {"flat", "flat_config", "nested", "merged"},
    "plan/settings.py": {"Plan.resolved", "read_plan", "_chosen", "_settled", "group_of"},
    "plan/tuned.py": {"settle", "_refused", "chosen_entry", "_of_presets"},
    "report/collection.py": {"Run.settings", "Run.settings_as_written", "Run.config", "_json"},
    # The same as files keep them: a method and a task know their own settings alone.
    "plan/case.py": {"Identity.method", "Identity.task_config"},
    "report/summary.py": {"Conditions.method_config"},
    # What a drafter tells of itself, and the figures made of that.
    "measure/record.py": {"Record.extra"},
    "report/figure_types.py": {"Figures.own"},
    "report/metrics/own.py": {"own_figures"},
    "report/own_figures.py": {"rows"},
    # What a saved state says of its making; a file of the first version.
    "measure/provenance.py": {"Provenance.history_made_by", "_of_first_version"},
    # A summary.json that is brought up to date key by key.
    "report/refold.py": {"folded", "_summary"},
    # Of matplotlib.
    "report/figures/style.py": {"Keywords"},
}


def raw(node: ast.AST, place: str = "", function: bool = False) -> Iterator[str]:
    """The fields and functions in which a mapping by names has values of any type."""
    if not function and isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AnnAssign | ast.Assign):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        place += f".{ast.unparse(target) if target else node.name}"
        function = isinstance(node, ast.FunctionDef)
    if isinstance(node, ast.Subscript) and re.fullmatch(r"(dict|Mapping)\[str, Any\]", ast.unparse(node)):
        yield place.removeprefix(".")
    for each in ast.iter_child_nodes(node):
        yield from raw(each, place, function)


@pytest.mark.parametrize("room", ["plan", "measure", "report"])
def test_mappings_of_anything_end_at_the_files_edge(room):
    found = {}
    for file in (ROOT / "bench" / room).rglob("*.py"):
        places = {each for each in raw(ast.parse(file.read_text(encoding="utf-8"))) if not each.endswith(".to_json")}
        if places and file.name != "typed_json.py":
            found[file.relative_to(ROOT / "bench").as_posix()] = places
    assert found == {name: places for name, places in RAW.items() if name.startswith(f"{room}/")}


def test_a_mapping_of_anything_is_found_wherever_it_stands():
    text = """
class A:
    field: dict[str, Any] | None = None
    typed: dict[str, int]
    def method(self, given, more: list[Mapping[str, Any]]): ...
    def to_json(self):
        content: dict[str, Any] = {}
"""
    assert list(raw(ast.parse(text))) == ["A.field", "A.method", "A.to_json"]
