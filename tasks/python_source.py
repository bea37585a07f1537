"""Python source as text: does it parse, what does it define, what does it lack. Nothing is run.

The text is a model's, so any of the parser's errors may come up; all of them mean "this is no program".
"""

import ast
import builtins
import re
import warnings
from collections.abc import Iterable, Sequence
from os.path import commonprefix

FUTURE = re.compile(r"^from __future__ import (?:\([^)]*\).*|.*)\n?", re.MULTILINE)

_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)


def parsed(code: str) -> ast.Module | None:
    """The syntax tree, None for what is no Python."""
    try:
        with warnings.catch_warnings():
            # An odd escape in a model's string is none of the reader's business.
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def leading(code: str) -> str:
    """The lines from the first on that parse as a whole, all of them if they do; "" where not even the first does."""
    lines = code.splitlines(keepends=True)
    while lines:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ast.parse("".join(lines))
        except SyntaxError as error:
            del lines[max(min(error.lineno or 1, len(lines)) - 1, 0) :]
        except (ValueError, RecursionError, MemoryError):
            return ""
        else:
            break
    return "".join(lines)


def dedented(code: str, margin: str | None = None) -> str:
    """The code without the whitespace that all its lines begin with, or without `margin` in the lines that have it.

    Unlike textwrap.dedent this leaves code at the margin untouched, blank lines in its strings too.
    """
    lines = code.splitlines(keepends=True)
    if margin is None:
        margin = commonprefix([line[: len(line) - len(line.lstrip())] for line in lines if line.strip()])
    return "".join(line.removeprefix(margin) for line in lines) if margin else code


def bound(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that statements bind where they stand: functions, classes, imports and assignments."""
    names, rest = set(), list(nodes)
    while rest:
        node = rest.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Store):
                names.add(node.id)
        elif not (isinstance(node, ast.AnnAssign) and node.value is None):
            rest.extend(ast.iter_child_nodes(node))
    return names


def defines(code: str, names: Sequence[str]) -> int:
    """How many of `names` the code binds at its top level; 0 for what does not parse."""
    tree = parsed(code)
    return len(bound(tree.body).intersection(names)) if tree else 0


def lacking(tree: ast.Module) -> set[str]:
    """Names that the code reads and binds nowhere, builtins aside."""
    nodes = list(ast.walk(tree))
    own = {node.arg for node in nodes if isinstance(node, ast.arg)} | bound(nodes)
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return read - own - vars(builtins).keys()


def definitions(tree: ast.Module) -> str:
    """The top-level definitions alone: what a block prints or asserts is left out."""
    kept = [node for node in tree.body if isinstance(node, _DEFINING)]
    try:
        return ast.unparse(ast.Module(kept, [])) + "\n"
    except RecursionError:
        return ""


def behind_futures(code: str, before: str) -> str:
    """`before` and then `code`, whose imports from __future__ must stay the first statements."""
    future = "\n".join(FUTURE.findall(code))
    return f"{future}\n{before}\n{FUTURE.sub('', code)}"


def as_body(code: str) -> str:
    """The code indented as the body of a function at the margin.

    Models that continue a line lose the first line's indentation alone, so that is tried as well.
    """
    flush = dedented(code)
    whole = "".join(f"    {line}" if line.strip() else line for line in flush.splitlines(keepends=True))
    return next((each for each in (whole, f"    {code.lstrip()}") if parsed(f"def f():\n{each}")), whole)
