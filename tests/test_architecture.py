"""The folders are the architecture: who may import whom."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# What each package may import of the project's own. The corpus generator in training is for no run: nothing imports it.
ALLOWED = {
    "decoding": set(),
    "tasks": {"decoding"},
    "baselines": {"decoding"},
    "ouroboros": {"decoding", "baselines"},
    "bench": {"decoding", "baselines", "ouroboros", "tasks"},
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
