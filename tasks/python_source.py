"""Python source as text: does it parse, what does it define, what does it lack. Nothing is run.

The text is a model's, so any of the parser's errors may come up; all of them mean "this is no
program".
"""

import ast
import builtins
import re
import sys
import warnings
from collections.abc import Iterable, Sequence
from enum import IntEnum
from os.path import commonprefix

FUTURE = re.compile(r"^from __future__ import (?:\([^)]*\).*|.*)\n?", re.MULTILINE)

_DEFINING = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign)


class Binding(IntEnum):
    """How a name is bound, from what says least of its value on.

    Attributes:
        NAMED: an import from an unknown module, a stub, an assignment from the name itself, any
            other statement.
    """

    NAMED = 0
    LIBRARY = 1
    ASSIGNED = 2
    DEFINED = 3


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
    """The lines from the first on that parse as a whole, all of them if they do.

    "" where not even the first does.
    """
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
    """The code without the whitespace that all its lines begin with.

    Or without `margin`, where it is given, in the lines that have it.
    Unlike textwrap.dedent this leaves code at the margin untouched, blank lines in its strings too.
    """
    lines = code.splitlines(keepends=True)
    if margin is None:
        margin = commonprefix([line[: len(line) - len(line.lstrip())] for line in lines if line.strip()])
    return "".join(line.removeprefix(margin) for line in lines) if margin else code


def bound(nodes: Iterable[ast.AST]) -> set[str]:
    """The names bound by functions, classes, imports and assignments where they stand."""
    return set(bindings(nodes))


def bindings(nodes: Iterable[ast.AST]) -> dict[str, Binding]:
    """The names that statements bind where they stand, each with the strongest of its bindings."""
    found: dict[str, Binding] = {}
    rest = list(nodes)
    while rest:
        node = rest.pop()
        names, kind = [], Binding.NAMED
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names, kind = [node.name], Binding.NAMED if _stub(node) else Binding.DEFINED
        elif isinstance(node, ast.alias):
            names = [_alias_name(node)]
        elif isinstance(node, ast.Name):
            names = [node.id] if isinstance(node.ctx, ast.Store) else []
        elif not (isinstance(node, ast.AnnAssign) and node.value is None):
            rest.extend(ast.iter_child_nodes(node))
            if isinstance(node, ast.ImportFrom) and not node.level and _in_library(node.module):
                names, kind = [_alias_name(alias) for alias in node.names], Binding.LIBRARY
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names, kind = list(bound(targets) - _read_at_once(node.value)), Binding.ASSIGNED
        for name in names:
            found[name] = max(kind, found.get(name, kind))
    return found


def rank(tree: ast.Module | None, names: Iterable[str]) -> tuple[int, ...]:
    """How well the top level binds `names`; the greater the better, all zeros where it binds none.

    How many it gives a value of its own, how many of those it defines, how many it has at least
    from the standard library, how many it binds at all.
    """
    found = bindings(tree.body) if tree else {}
    kinds = [found[name] for name in names if name in found]
    order = (Binding.ASSIGNED, Binding.DEFINED, Binding.LIBRARY, Binding.NAMED)
    return tuple(sum(kind >= least for kind in kinds) for least in order)


def _alias_name(alias: ast.alias) -> str:
    return (alias.asname or alias.name).split(".")[0]


def _in_library(module: str | None) -> bool:
    return (module or "").split(".")[0] in sys.stdlib_module_names


def _stub(node: ast.AST) -> bool:
    """Whether a statement does nothing.

    That is `...`, a docstring, `pass`, `raise NotImplementedError`, or a head over these.
    """
    if isinstance(node, ast.Raise):
        raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return all(_stub(each) for each in node.body)
    return isinstance(node, ast.Pass) or isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _read_at_once(value: ast.expr) -> set[str]:
    """The names that an expression reads when it is evaluated.

    A lambda reads its own, as in recursion, only later.
    """
    names, rest = set(), [value]
    while rest:
        node = rest.pop()
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif not isinstance(node, ast.Lambda):
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


def after_futures(code: str, before: str) -> str:
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
