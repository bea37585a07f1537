"""From a model's answer to the program in it: the code that defines what the tests call.

What is no answer stays none: a method of a class is no function, and a draft in unfinished thinking
is no solution.
"""

import ast
import re
from collections.abc import Sequence

from tasks.fences import PYTHON, Block, split_blocks
from tasks.python_source import (
    after_futures,
    as_body,
    bound,
    dedented,
    defines,
    definitions,
    lacking,
    leading,
    parsed,
    rank,
)
from tasks.thinking import without_thinking

_START = re.compile(r"\s*(?:(?:async\s+def|def|class|import|from)\s|@\w|\w+\s*(?::[^=]+)?=[^=])")
FENCED = re.compile(r"^[ \t]*(?:`{3}|~{3})", re.MULTILINE)


def solution(answer: str, entry_points: Sequence[str]) -> str:
    """The code of an answer that defines the entry points.

    Helpers that it takes from other blocks come with it. An answer that is a program as it stands
    is taken whole. Of several blocks that define them the last whole one counts, for models correct
    themselves; but a block that only assigns them comes after one that defines them, and one that
    only names them, such as tests that import them or a stub, after both. Where none does more, the
    text outside of blocks is looked at; and where nothing names them, the code is a function's
    body: the last block that returns something, else the first one in Python, else the text itself.

    Args:
        answer: the model's text, stop strings cut.
        entry_points: names that the tests use.
    """
    text = without_thinking(answer.replace("\r\n", "\n"))
    if defines(text, entry_points):
        return _without_remarks(text)
    blocks, outside = split_blocks(text)
    codes = [_usable(block.code) for block in blocks]
    rated = [
        (rank(parsed(code), entry_points), code == block.code, index)
        for index, (block, code) in enumerate(zip(blocks, codes, strict=True))
    ]
    found, _, chosen = max(rated, default=((0,), False, 0))
    loose = "" if found[0] else _loose(outside, entry_points)
    if any(found) and found >= rank(parsed(loose), entry_points):
        return _with_helpers(codes[chosen], [*codes[:chosen], *codes[chosen + 1 :]], entry_points)
    return _with_helpers(loose, codes, entry_points) if loose else _body(blocks, outside)


def completed(prompt: str, answer: str, entry_point: str) -> str:
    """The program that a chat answer makes of a prompt ending in a function's head and docstring.

    A whole function replaces the prompt's, whose imports and helpers it may use; a body continues
    the prompt.
    """
    code = solution(answer, [entry_point])
    stub = f"{prompt.rstrip()}\n    pass\n"
    return after_futures(code, stub) if defines(code, [entry_point]) else f"{prompt.rstrip()}\n{as_body(code)}"


def _usable(code: str) -> str:
    """The code, or where it does not parse the part before the fault.

    Faults are examples as in a shell, or a cut end.
    """
    return code if parsed(code) else leading(code) or code


def _loose(text: str, entry_points: Sequence[str]) -> str:
    """Code that defines an entry point among prose without fences, else such that names one.

    "" if there is none.
    """
    named = ""
    lines = text.splitlines(keepends=True)
    for index, line in enumerate(lines):
        if _START.match(line):
            margin = line[: len(line) - len(line.lstrip())]
            code = _without_remarks(leading(dedented("".join(lines[index:]), margin)))
            found = rank(parsed(code), entry_points)
            if found[0]:
                return code
            named = named or (code if any(found) else "")
    return named


def _without_remarks(code: str) -> str:
    """The code up to prose that happens to parse: `Done`, `Complexity: O(n)`."""
    tree = parsed(code)
    while tree and tree.body and _remark(tree.body[-1]):
        code = "".join(code.splitlines(keepends=True)[: tree.body[-1].lineno - 1])
        tree = parsed(code)
    return code


def _remark(node: ast.stmt) -> bool:
    bare = isinstance(node, ast.Expr) and isinstance(node.value, ast.Name)
    return bare or isinstance(node, ast.AnnAssign) and node.value is None


def _with_helpers(code: str, others: Sequence[str], entry_points: Sequence[str]) -> str:
    """The code after the definitions of other blocks that it lacks, and that those lack in turn."""
    tree = parsed(code)
    own = bound(tree.body)
    wanted = (lacking(tree) | set(entry_points)) - own
    trees = {index: other for index, each in enumerate(others) if (other := parsed(each))}
    taken: dict[int, str] = {}
    while trees:
        found, index = max((rank(other, wanted), index) for index, other in trees.items())
        if not any(found):
            break
        other = trees.pop(index)
        taken[index] = definitions(other)
        wanted = (wanted | lacking(other)) - bound(other.body) - own
    return after_futures(code, "".join(taken[index] for index in sorted(taken))) if taken else code


def _body(blocks: Sequence[Block], outside: str) -> str:
    """The code that looks most like the body of a function."""
    ours = [block.code for block in blocks if not block.language or block.language in PYTHON]
    returning = [code for code in ours if re.search(r"\b(?:return|yield)\b", code)]
    if returning:
        return returning[-1]
    tagged = [block.code for block in blocks if block.language in PYTHON]
    if blocks:
        return [*tagged, *ours, blocks[0].code][0]
    lines = outside.splitlines(keepends=True)
    for index, line in enumerate(lines):
        code = leading(dedented("".join(lines[index:]), line[: len(line) - len(line.lstrip())]))
        if code and any(isinstance(node, ast.Return) for node in ast.walk(parsed(code))):
            return code
    return outside
