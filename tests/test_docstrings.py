"""Docstrings of public functions and classes have sections for arguments, fields and errors.

What ruff's rules let pass: arguments or fields described within a paragraph, and errors told there
in a sentence.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("decoding", "baselines", "ouroboros", "bench", "tasks")
SECTIONS = ("Args:", "Attributes:", "Returns:", "Yields:", "Raises:")
Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef

# "gamma: ..." or "first, second: ..." where a line, a sentence or a part of one begins.
DESCRIBED = re.compile(r"(?:^|(?<=[.;)] ))(\w+(?:(?:, | and )\w+)*): ", re.MULTILINE)
TOLD = re.compile(r"(?:^|(?<=[.;)] ))Raises\s", re.MULTILINE)


def public(statements: Iterable[ast.stmt]) -> Iterator[Documented]:
    """The public classes and functions among them, and what these classes hold."""
    for node in statements:
        if isinstance(node, Documented) and (not node.name.startswith("_") or node.name.startswith("__")):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


def own_names(node: Documented) -> set[str]:
    """A function's arguments; a class's fields and attributes, and what its __init__ takes."""
    if not isinstance(node, ast.ClassDef):
        return {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)}
    stored = [each for each in ast.walk(node) if isinstance(getattr(each, "ctx", None), ast.Store)]
    names = {each.attr for each in stored if isinstance(each, ast.Attribute)}
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            names |= own_names(each)
        elif isinstance(each, ast.Assign | ast.AnnAssign):
            names |= {part.id for part in ast.walk(each) if part in stored and isinstance(part, ast.Name)}
    return names


def by_section(docstring: str) -> dict[str, str]:
    """The text of every section by its heading; "" for what lies in none."""
    lines: dict[str, list[str]] = {"": []}
    section = ""
    for line in docstring.splitlines():
        if line and not line[0].isspace():
            section = line if line in SECTIONS else ""
        lines.setdefault(section, []).append(line)
    return {section: "\n".join(each) for section, each in lines.items()}


def outside_of_sections(node: Documented) -> list[str]:
    """What a docstring says in a paragraph that belongs in a section."""
    sections = by_section(ast.get_docstring(node) or "")
    names = own_names(node)
    described = [found[1] for found in DESCRIBED.finditer(sections[""])]
    found = [each for each in described if names & set(re.split(", | and ", each))]
    sections.pop("Raises:", None)
    return found + ["Raises" for text in sections.values() if TOLD.search(text)]


@pytest.mark.parametrize("package", PACKAGES)
def test_arguments_fields_and_errors_stand_in_sections(package):
    files = list((ROOT / package).rglob("*.py"))
    assert files
    wrong = {
        f"{file.relative_to(ROOT)}: {node.name}": found
        for file in files
        for node in public(ast.parse(file.read_text(encoding="utf-8")).body)
        if (found := outside_of_sections(node))
    }
    assert not wrong


@pytest.mark.parametrize(
    ("docstring", "found"),
    [
        ("What it gives.\n\n    left: one side.", ["left"]),
        ("What it gives.\n\n    left, right: both sides.", ["left, right"]),
        ("left and right: both sides.", ["left and right"]),
        ("What it gives. right: a side.", ["right"]),
        ("What it gives; right: a side.", ["right"]),
        ("What it gives. Raises ValueError if it cannot.", ["Raises"]),
        ("What it gives.\n\n    Args:\n        left: a side. Raises ValueError if it is none.", ["Raises"]),
        ("What it gives.\n\n    Raises:\n        ValueError: it cannot.\n\n    right: a side.", ["right"]),
        ("Two sides: left and right. other: it is no argument.", []),
        ("What it gives.\n\n    Args:\n        left: a side.\n\n    Raises:\n        ValueError: it cannot.", []),
    ],
)
def test_what_belongs_into_a_section_is_found(docstring, found):
    (function,) = ast.parse(f'def give(left, right):\n    """{docstring}\n    """').body
    assert outside_of_sections(function) == found


@pytest.mark.parametrize(
    "body", ["left: int", "left = 0", "def __init__(self, left): ...", "def turn(self): self.left = 0"]
)
def test_fields_and_attributes_are_a_class_s_own(body):
    (kind,) = ast.parse(f'class Kind:\n    """Some.\n\n    left: a side.\n    """\n    {body}').body
    assert outside_of_sections(kind) == ["left"]
