"""The program in a model's answer: a table of answers in the forms models write."""

import asyncio
import json
from pathlib import Path

import pytest

from tasks import TASKS, make_task
from tasks.extraction import completed, solution
from tasks.fences import split_blocks
from tasks.sources import BUNDLED
from tasks.thinking import without_thinking

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
GOOD = "def add(a, b):\n    return a + b"
NEW = "\n"
BAD = "def add(a, b):\n    return a - b"
HEAD = 'def add(a, b):\n    """Add."""'
TESTS = (
    "import unittest\nfrom your_module import add\n\nclass TestAdd(unittest.TestCase):\n"
    "    def test_add(self):\n        self.assertEqual(add(1, 2), 3)\n"
)


def fenced(code, tag="python"):
    return f"```{tag}\n{code}\n```"


def indented(text, margin):
    return "\n".join(margin + line if line else line for line in text.split("\n"))


# Each answer's code must define `add` and add.
SHAPES = {
    "one block": f"Here it is:\n\n{fenced(GOOD)}\n\nIt adds.",
    "no tag": fenced(GOOD, ""),
    "tag in upper case": fenced(GOOD, "PYTHON"),
    "tag with attributes": fenced(GOOD, "python title='add.py'"),
    "tag in braces": fenced(GOOD, "{.python}"),
    "tag py3": fenced(GOOD, "py3"),
    "tilde fences": f"~~~python\n{GOOD}\n~~~",
    "longer fences": f"````python\n{GOOD}\n````",
    "spaces after the fences": f"```python  \n{GOOD}\n```  \nDone.",
    "usage first": f"Use it so:\n{fenced('add(1, 2)')}\n{fenced(GOOD)}",
    "shell first": f"{fenced('pip install numpy', 'bash')}\nthen\n{fenced(GOOD)}",
    "usage last": f"{fenced(GOOD)}\nExample:\n{fenced('print(add(1, 2))')}\nOutput:\n{fenced('3', '')}",
    "tests of another module last": f"{fenced(GOOD)}\n{fenced('from solution import other' + NEW + 'other()')}",
    "a draft, then its correction": f"{fenced(BAD)}\nThat subtracts. Corrected:\n{fenced(GOOD)}",
    "a whole solution, then one cut short": f"{fenced(GOOD)}\nOr:\n```python\ndef add(a, b):\n    a = a\n    return (",
    "helper in one block, function in the next": (
        f"{fenced('def plus(a, b):' + NEW + '    return a + b')}\nand\n"
        f"{fenced('def add(a, b):' + NEW + '    return plus(a, b)')}"
    ),
    "helper after the function": (
        f"{fenced('def add(a, b):' + NEW + '    return plus(a, b)')}\nwhere\n"
        f"{fenced('def plus(a, b):' + NEW + '    return a + b' + NEW * 2 + 'assert plus(1, 1) == 3')}"
    ),
    "helper's helper, constant and import": (
        f"{fenced('import operator' + NEW + 'NOTHING = 0')}\n"
        f"{fenced('def plus(a, b):' + NEW + '    return operator.add(a, b) + NOTHING')}\n"
        f"{fenced('from __future__ import annotations' + NEW + 'def add(a: X, b):' + NEW + '    return plus(a, b)')}"
    ),
    "usage before it that would fail": f"{fenced('result = add(1, 2)' + NEW + 'print(result)')}\n{fenced(GOOD)}",
    "tests that import it last": f"{fenced(GOOD)}\nTests:\n{fenced(TESTS)}",
    "tests that import it first": f"Tests:\n{fenced(TESTS)}\n{fenced(GOOD)}",
    "tests that import it and its helper last": (
        f"{fenced('def plus(a, b):' + NEW + '    return a + b')}\n"
        f"{fenced('def add(a, b):' + NEW + '    return plus(a, b)')}\n"
        f"{fenced('from your_module import add, plus' + NEW + 'assert plus(1, 2) == add(1, 2)')}"
    ),
    "tests that import it after code without fences": f"{GOOD}\n\nTests:\n{fenced(TESTS)}",
    "stub last": f"{fenced(GOOD)}\nIts interface:\n{fenced('def add(a, b): ...')}",
    "stub that passes last": f"{fenced(GOOD)}\n{fenced('def add(a, b):' + NEW + '    pass')}",
    "stub of a docstring last": f"{fenced(GOOD)}\n{fenced(HEAD)}",
    "stub that raises last": (
        f"{fenced(GOOD)}\n{fenced(HEAD + NEW + '    raise NotImplementedError(1)')}\n"
        f"{fenced('def add(a, b):' + NEW + '    raise NotImplementedError')}"
    ),
    "result under its name last": f"{fenced(GOOD)}\nUse:\n{fenced('add = add(1, 2)' + NEW + 'print(add)')}",
    "assignment after the function": f"{fenced(GOOD)}\n{fenced('add = 3')}",
    "assignment, then tests that import it": f"{fenced('add = lambda a, b: a + b')}\n{fenced(TESTS)}",
    "assignment, then its result under its name": (
        f"{fenced('add = lambda a, b: a + b')}\n{fenced('add = add(1, 2)' + NEW + 'print(add)')}"
    ),
    "recursive lambda, then tests that import it": (
        f"{fenced('add = lambda a, b: add(a + 1, b - 1) if b else a')}\n{fenced(TESTS)}"
    ),
    "partial, then a stub": (
        f"{fenced('from functools import partial' + NEW + 'add = partial(lambda a, b: a + b)')}\n{fenced(HEAD)}"
    ),
    "imported from the standard library": fenced("from operator import add"),
    "imported from the standard library, then tests": f"{fenced('from operator import add')}\n{fenced(TESTS)}",
    "stub, then imported from the standard library": f"{fenced(HEAD)}\n{fenced('from operator import add')}",
    "imported from the standard library, then a stub": f"{fenced('from operator import add')}\n{fenced(HEAD)}",
    "thinking with a draft": f"<think>\nPerhaps\n{fenced(BAD)}\nno.\n</think>\n\n{fenced(GOOD)}",
    "thinking after the solution": f"{fenced(GOOD)}\n<think>\nOr rather\n{fenced(BAD)}",
    "thinking opened by the template": f"Perhaps\n{fenced(BAD)}\nno.\n</think>\n\n{fenced(GOOD)}",
    "thinking ended within a line": f"<thinking>Perhaps {BAD}</thinking>{fenced(GOOD)}",
    "two thoughts": f"<THINK>a</THINK>\n<think>\n{fenced(BAD)}\n</think>\n{fenced(GOOD)}",
    "the tag named after the code": f"{fenced(GOOD)}\nI left out the </think> tag.",
    "the tag named in a comment": fenced(f"{GOOD}\n# ends with </think>\n"),
    "the tag within a string": fenced(f"{GOOD}\nTAGS = 'x</think>y'\n"),
    "the tag named in a docstring": fenced(GOOD + '\n\ndef other():\n    """Cut at the </think> tag."""\n'),
    "a tag of the language in the next line": f"```\npython\n{GOOD}\n```",
    "thinking ended after a sentence": f"Perhaps\n{fenced(BAD)}\nno.</think>{fenced(GOOD)}",
    "tags of thinking within the code": fenced(f"TAGS = ('<think>', '</think>')\n{GOOD}\n"),
    "fence in a docstring": fenced(
        'def add(a, b):\n    """Add.\n\n    ```\n    add(1, 2)\n    ```\n    """\n    return a + b'
    ),
    "fence in a docstring, shell session after it": fenced(
        'def add(a, b):\n    """Add.\n\n    ```\n    add(1, 2)\n    ```\n    """\n    return a + b\n\n>>> add(1, 2)\n3'
    ),
    "tagged fence in a docstring at the margin": fenced(
        'def add(a, b):\n    """Add.\n```python\nadd(1, 2)\n```\n    """\n    return a + b'
    ),
    "three ticks within a line": fenced("def add(a, b):\n    # no ``` here\n    return a + b"),
    "three ticks at a comment's end": fenced("def add(a, b):\n    b = b or 0\n    # as in ```\n    return a + b"),
    "list item": f"1. The function:\n\n{indented(fenced(GOOD), '   ')}\n\n2. It adds.",
    "list item that opens with the fence": f"- ```python\n{indented(GOOD, '  ')}\n  ```\n",
    "list item closed at the margin": f"1. So:\n    ```python\n{indented(GOOD, '    ')}\n```\nDone.",
    "list item indented by a tab": f"1. So:\n{indented(fenced(GOOD), chr(9))}\n",
    "quotation": indented(fenced(GOOD), "> "),
    "list item with a docstring at the margin": (
        '   ```python\n   def add(a, b):\n       """Add\nthem."""\n       return a + b\n   ```'
    ),
    "code on the fence's line": f"```{GOOD}\n```",
    "tag and code on the fence's line": f"```python {GOOD}\n```",
    "all on one line": "So: \n```python def add(a, b): return a + b```\nDone.",
    "fence after prose in its line": f"Here it is: ```python\n{GOOD}\n```",
    "closed at the end of a line": f"```python\n{GOOD}```\nIt adds.\n{fenced('ls', 'bash')}",
    "never closed": f"```python\n{GOOD}\n",
    "never closed before the next": f"```python\n{GOOD}\n\n```bash\nls\n```",
    "never closed, cut in its usage": f"```python\n{GOOD}\n\nprint(add(1,",
    "in a block of Markdown": f"````markdown\n# Answer\n{fenced(GOOD)}\n````",
    "line separator in a string": fenced("def add(a, b):\n    assert len('\u2028') == 1\n    return a + b"),
    "DOS line ends": f"Here:\n\n{fenced(GOOD)}\n".replace("\n", "\r\n"),
    "tabs": fenced("def add(a, b):\n\tif a:\n\t\treturn a + b\n\treturn b"),
    "no fences": GOOD,
    "no fences, prose around": f"Here is the function:\n\n{GOOD}\n\nThis function's result is the sum.",
    "no fences, prose that parses after it": f"{GOOD}\n\nDone\nComplexity: O(n)\n",
    "no fences, fence in its docstring": f'def add(a, b):\n    """\n    ```\n    x\n    ```\n    """\n{GOOD[15:]}',
    "no fences, shell after it": f"{GOOD}\n\nRun it:\n{fenced('python add.py', 'bash')}",
    "no fences, indented as Markdown has it": f"So:\n\n{indented(GOOD, '    ')}\n\nIt's done.",
    "no fences, from in the prose": f"from the text it follows:\nimport math\n\n{GOOD}",
    "whole module": fenced(f'"""Sums."""\nimport math\nfrom typing import List\n\n\n{GOOD}\n\n\nprint(add(1, 2))'),
    "called when run itself": fenced(f"{GOOD}\n\n\nif __name__ == '__main__':\n    print(add(1, 2))"),
    "shell session in the block": fenced(f"{GOOD}\n\n>>> add(1, 2)\n3"),
    "head over several lines": fenced("def add(\n    a: int,\n    b: int = 0,\n) -> int:\n    return a + b"),
    "decorated": f"{fenced('from functools import cache' + NEW * 2 + '@cache' + NEW + GOOD)}",
    "decorated, no fences": f"So:\n@staticmethod\n{GOOD}\nDone it is.",
    "lambda": fenced("add = lambda a, b: a + b"),
    "annotated lambda": fenced("from typing import Callable\nadd: Callable = lambda a, b: a + b"),
    "defined under a condition": fenced(
        "try:\n    from none_such import add\nexcept ImportError:\n    def add(a, b): return a + b"
    ),
    "nested": fenced("def add(a, b):\n    def inner(x):\n        return x + b\n    return inner(a)"),
    "class used by the function": fenced(
        "class Adder:\n    def add(self, a, b):\n        return a + b\n\ndef add(a, b):\n    return Adder().add(a, b)"
    ),
    "class in one block, function in the next": (
        f"{fenced('class Adder:' + NEW + '    def add(self, a, b):' + NEW + '        return a + b')}\n"
        f"{fenced('def add(a, b):' + NEW + '    return Adder().add(a, b)')}"
    ),
    "umlauts and an odd escape": fenced("def add(a, b):\n    größe = '\\d'\n    return a + b"),
    "async": fenced("async def add(a, b):\n    return a + b"),
}  # fmt: skip


def run(code):
    scope = {"__name__": "program"}
    exec(compile(code, "program.py", "exec"), scope)
    return scope


def value(function, *arguments):
    result = function(*arguments)
    return asyncio.run(result) if asyncio.iscoroutine(result) else result


@pytest.mark.parametrize("answer", SHAPES.values(), ids=SHAPES)
def test_the_code_of_an_answer_defines_what_is_tested(answer):
    code = solution(answer, ["add"])
    assert value(run(code)["add"], 1, 2) == 3
    # As the completion of a prompt, whose own head it replaces.
    whole = completed('import math\n\n\ndef add(a, b):\n    """Sum."""\n', answer, "add")
    assert value(run(whole)["add"], 1, 2) == 3


BODY = "for x in (a, b):\n    total += x\nreturn total"
BODIES = {
    "as it continues": "    total = 0\n" + indented(BODY, "    "),
    "block": fenced("    total = 0\n" + indented(BODY, "    ")),
    "block at the margin": fenced(f"total = 0\n{BODY}"),
    "first line without its indentation": fenced("total = 0\n" + indented(BODY, "    ")),
    "block of tabs": fenced("\ttotal = 0\n" + indented(BODY.replace("    ", "\t"), "\t")),
    "usage first": f"{fenced('add(1, 2)')}\n{fenced('total = 0' + NEW + BODY)}",
    "prose before": "The body:\n\n    total = 0\n" + indented(BODY, "    "),
    "thinking before": f"<think>return 7</think>\n{fenced('total = 0' + NEW + BODY)}",
    "signature repeated": f"def add(a, b):\n    total = 0\n{indented(BODY, '    ')}",
}


@pytest.mark.parametrize("answer", BODIES.values(), ids=BODIES)
def test_a_body_completes_the_prompt(answer):
    code = completed('SEVEN = 7\n\n\ndef add(a, b):\n    """Sum."""\n', answer, "add")
    assert run(code)["add"](1, 2) == 3


NO_ANSWERS = {
    "a method": fenced("class Solution:\n    def add(self, a, b):\n        return a + b"),
    "another name": fenced("def plus(a, b):\n    return a + b"),
    "thinking that never ends": f"<think>\nPerhaps\n{fenced(GOOD)}",
    "prose": "The sum of a and b.",
    "nothing": "",
    "annotation": fenced("add: int"),
    "another language": fenced("add = (a, b) => a + b", "js"),
    "parentheses without end": fenced("(" * 5000),
    "too deep for the parser": fenced("-" * 100_000 + "1"),
}


@pytest.mark.parametrize("answer", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer_stays_none(answer):
    try:
        scope = run(solution(answer, ["add"]))
    except (SyntaxError, NameError, MemoryError):
        scope = {}
    assert "add" not in scope


def test_what_only_names_the_function_is_taken_where_nothing_does_more():
    for stub in ("def add(a, b): ...", HEAD, "class add:\n    def plus(self): ..."):
        assert "add" in run(solution(f"So:\n{fenced(stub)}\n{fenced('1 + 2')}", ["add"]))
    assert "from your_module import add" in solution(f"So:\n{fenced(TESTS)}", ["add"])
    # Two names: the block that gives both a value, not the one that defines one of them.
    both = fenced("plus = lambda a, b: a + b\nadd = lambda a, b: plus(a, b)")
    assert "plus" in run(solution(f"{both}\n{fenced(BAD)}", ["add", "plus"]))


def test_the_blocks_of_a_text_and_the_text_around_them():
    blocks, outside = split_blocks(f"a\n{fenced('ls', 'Bash')}\nb ``` c\n{fenced('x = 1')}\nd")
    assert [(block.language, block.code) for block in blocks] == [("bash", "ls\n"), ("python", "x = 1\n")]
    assert outside == "a\nb ``` c\nd"
    assert without_thinking("a\n</think>b") == "b" and without_thinking("a <think> b") == "a <think> b"


def test_a_chat_answer_is_not_cut_at_stop_strings():
    row = {"task_id": "X", "prompt": "def add(a, b):\n", "entry_point": "add", "canonical_solution": "", "test": ""}
    text = f"Use it:\n{fenced('print(add(1, 2))')}\nCode:\n{fenced('import os' + NEW + NEW + GOOD)}"
    task = make_task({"name": "humaneval", "variant": "chat"})
    example = task.example(row)
    assert task.clean(example, text) == text and task.stop == example.stop == ()
    assert run(task.submission(row, task.clean(example, text)).code)["add"](1, 2) == 3


def test_a_completion_in_a_block_is_taken_out_of_it_and_any_other_left_alone():
    row = {"task_id": "X", "prompt": "def add(a, b):\n", "entry_point": "add", "canonical_solution": "", "test": ""}
    task = make_task({"name": "humaneval"})
    for text in ("```python\n    return a + b\n```\n", "```\nreturn a + b\n```\nDone.", "    return a + b\n\nprint()"):
        answer = task.clean(task.example(row), text)
        assert run(task.submission(row, answer).code)["add"](1, 2) == 3
    plain = "    x = '''\n    ```\n    '''\n    return a + b"
    assert task.submission(row, plain).code == row["prompt"] + plain


MBPP = {"task_id": 11, "text": "Add.", "code": f"R = 3\ndef plus(a, b):\n    return a + b\n{GOOD}",
        "test_list": ["assert add(1, 2) == 3"], "test_setup_code": ""}  # fmt: skip


@pytest.mark.parametrize("variant", ["base", "chat"])
def test_mbpp_takes_the_block_that_its_tests_call(variant):
    task = make_task({"name": "mbpp", "variant": variant})
    draft = f"R = 1\ndef plus(a, b):\n    return 7\n{BAD}"
    text = f"{fenced(draft)}\nOr rather:\n{fenced(GOOD)}\n[DONE]\nmore"
    code = task.submission(MBPP, task.clean(task.example(MBPP), text)).code
    assert run(code)["add"](1, 2) == 3
    if variant == "chat":
        kept = task.submission(MBPP, fenced(f"{GOOD}\nMARK = '[DONE]'")).code
        assert run(kept)["MARK"] == "[DONE]"
        assert run(task.submission(MBPP, f"{GOOD}\n[DONE]\n").code)["add"](1, 2) == 3


@pytest.mark.parametrize("source", [BUNDLED, DATA], ids=["bundled", "real"])
@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_every_reference_is_found_in_the_answers_that_hold_it(name, source):
    """Whole and, for HumanEval, as a body: what comes out is the reference's own program."""
    file = source / name / "test.jsonl"
    if not file.exists():
        pytest.skip(f"{file} is not there")
    task = TASKS[name]()
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        reply = f"<think>{fenced(BAD)}</think>{fenced('ls', 'bash')}\n{task.reply(row)}\n{fenced('1 + 1')}"
        if name == "humaneval":
            code = solution(reply, [row["entry_point"]])
            assert code.strip() == (row["prompt"] + row["canonical_solution"]).strip()
            body = completed(row["prompt"], fenced(row["canonical_solution"].rstrip()), row["entry_point"])
            assert compile(body, "x", "exec").co_code == compile(code, "x", "exec").co_code
        else:
            names = task.submission(row, "").names
            # Line ends and spaces at them aside.
            assert solution(reply, names).split() == task.answer(row).removesuffix("[DONE]").split()
