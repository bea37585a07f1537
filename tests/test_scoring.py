"""Scores from decoded texts."""

from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks import TASKS, make_task
from tasks.metrics import pass_at_k
from tasks.numbers import last_number, marked_number
from tasks.sandbox import SandboxError, runner

ADD = {
    "task_id": "X/0",
    "prompt": 'import math\n\n\ndef add(a, b):\n    """Sum."""\n',
    "entry_point": "add",
    "canonical_solution": "    return math.floor(a) + b\n",
    "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
}
MBPP = {
    "task_id": 11,
    "text": "Add.",
    "code": "def add(a, b):\n    return a + b",
    "test_list": ["assert add(1, 2) == 3 + ZERO", "assert add(2, 2) == 4"],
    "test_setup_code": "ZERO = 0",
}


def scored(name, rows, texts, **settings):
    task = make_task({"name": name, **settings})
    return task.score([task.example(row) for row in rows], texts)


def test_humaneval_runs_the_tests_on_the_answer_proper():
    right = ADD["canonical_solution"]
    texts = [right, f"{right}\ndef add(a, b):\n    return 0\n", "    return a - b\n", "    return (\n"]
    scores = scored("humaneval", [ADD] * 4, texts, stopped=False)
    assert [each["pass@1"] for each in scores.per_example] == [1, 1, 0, 0]
    assert scores.means == {"pass@1": 0.5} and "seccomp" in scores.notes["pass@1"]


@pytest.mark.parametrize(
    "text",
    [
        "Here it is:\n```python\ndef add(a, b):\n    return math.floor(a) + b\n```\nDone.",
        "```python\n    return a + b\n```",
        "def add(a, b):\n    return a + b",
        "```python\nfrom __future__ import annotations\n\ndef add(a: Number, b):\n    return a + b\n```",
        "```\nfrom __future__ import (\n    division,\n)  # x\nimport os\ndef add(a, b):\n    return a + b\n```",
    ],
)
def test_humaneval_takes_the_code_out_of_a_chat_answer(text):
    assert scored("humaneval", [ADD], [text], variant="chat").means == {"pass@1": 1.0}


@pytest.mark.parametrize("name", ["humaneval", "mbpp"])
def test_a_worked_chat_answer_passes_its_own_tests(name):
    """What the examples teach a chat model must be right."""
    row = {"humaneval": ADD, "mbpp": MBPP}[name]
    task = make_task({"name": name, "variant": "chat"})
    shown = task.example(row, [row]).messages[1]["content"]
    assert shown.startswith("```python\n") and shown.endswith("\n```") and "[DONE]" not in shown
    assert scored(name, [row], [shown], variant="chat").means == {"pass@1": 1.0}


def test_what_a_program_does_when_called_itself_is_not_done():
    text = f"{MBPP['code']}\n\nif __name__ == '__main__':\n    import unittest\n    unittest.main()\n"
    assert scored("mbpp", [MBPP], [text]).means == {"pass@1": 1.0}


def test_mbpp_runs_every_test_with_its_setup():
    texts = [f"{MBPP['code']}\n[DONE]\nrubbish(", "def add(a, b):\n    return 3\n"]
    assert [each["pass@1"] for each in scored("mbpp", [MBPP] * 2, texts).per_example] == [1, 0]


def test_code_that_is_not_run_has_no_score():
    scores = scored("humaneval", [ADD], ["    return 0\n"], run_tests=False)
    assert scores.means == {"pass@1": None} and scores.per_example == [{}] and scores.notes["pass@1"]


def test_code_that_cannot_be_shut_in_is_not_run(monkeypatch):
    def nothing():
        raise SandboxError("no isolation is available: landlock: needs Linux")

    monkeypatch.setattr(runner, "strongest", nothing)
    scores = scored("humaneval", [ADD], [ADD["canonical_solution"]])
    assert scores.means == {"pass@1": None} and scores.per_example == [{}]
    assert scores.notes["pass@1"] == "not run: no isolation is available: landlock: needs Linux"


def test_humaneval_tests_stand_on_the_helpers_of_the_prompt_not_of_the_answer():
    prompt = "import math\n\n\ndef half(x):\n    return x / 2\n\n\ndef root(x):\n    \"\"\"Half of x.\"\"\"\n"
    test = "def check(candidate):\n    assert math.floor(half(3)) == 1 and candidate(4) == half(4)\n"
    row = {**ADD, "prompt": prompt, "entry_point": "root", "test": test}
    cheat = "    return 0\n\nhalf = lambda x: 1.0 if x == 3 else 0\n"
    scores = scored("humaneval", [row] * 2, ["    return x / 2\n", cheat])
    assert [each["pass@1"] for each in scores.per_example] == [1, 0]


def test_mbpp_tests_may_make_objects_and_use_the_imports_of_the_solution():
    code = "import math\nclass Node:\n    def __init__(self, v):\n        self.v, self.next = v, None\n"
    code += "def sum(node):\n    return node.v + (sum(node.next) if node.next else 0)\n"
    setup = "first = Node(1)\nfirst.next = Node(2)"
    row = {**MBPP, "code": code, "test_setup_code": setup, "test_list": ["assert math.isclose(sum(first), 3)"]}
    wrong = code.replace("node.v +", "node.v -")
    assert [each["pass@1"] for each in scored("mbpp", [row] * 2, [code, wrong]).per_example] == [1, 0]


def test_code_of_several_samples_has_the_unbiased_pass_at_k():
    """Of problems with 2 of 5 and 1 of 5 programs right, whose samples stand among each other."""
    task = make_task({"name": "humaneval"})
    examples = [task.example({**ADD, "task_id": name}).sampled(number) for number in range(5) for name in "xy"]
    right, wrong = ADD["canonical_solution"], "    return a - b\n"
    correct = {("x", 1), ("x", 4), ("y", 2)}
    scores = task.score(examples, [right if (each.prompt_id, each.sample) in correct else wrong for each in examples])
    known = {"pass@1": (2 / 5 + 1 / 5) / 2, "pass@2": ((1 - 3 / 10) + (1 - 6 / 10)) / 2, "pass@5": 1.0}
    assert scores.means == pytest.approx(known)
    assert [each["pass@1"] for each in scores.per_example] == [
        float((each.prompt_id, each.sample) in correct) for each in examples
    ]
    # Of a problem with fewer samples, no pass@k of more: y has three, and one of them is right.
    fewer = [each for each in examples if each.prompt_id == "x" or each.sample < 3]
    scores = task.score(fewer, [right if (each.prompt_id, each.sample) in correct else wrong for each in fewer])
    assert scores.means == pytest.approx({"pass@1": 3 / 8, "pass@2": ((1 - 3 / 10) + 2 / 3) / 2})
    assert task.score(fewer[:1], [right]).means.keys() == {"pass@1"}


@given(st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_with_a_correct_program(case):
    samples, correct, k = case
    draws = [any(index < correct for index in draw) for draw in combinations(range(samples), k)]
    assert pass_at_k(samples, correct, k) == pytest.approx(sum(draws) / len(draws))


def test_pass_at_k_has_known_values():
    assert [pass_at_k(1, correct, 1) for correct in (0, 1)] == [0.0, 1.0]
    assert pass_at_k(200, 3, 1) == pytest.approx(3 / 200) and pass_at_k(5, 2, 4) == 1.0
    assert pass_at_k(10_000, 1, 100) == pytest.approx(0.01)
    for impossible in ((3, 4, 1), (3, 1, 4), (3, 1, 0), (3, -1, 1)):
        with pytest.raises(ValueError, match="cannot be estimated"):
            pass_at_k(*impossible)


def test_numbers_are_found_in_the_forms_models_write():
    assert marked_number("so\n#### $1,234.50\nmore 7") == Decimal("1234.5")
    assert marked_number("#### -3") == -3 and marked_number("the answer is 3") is None
    assert last_number("first 2, then 18.") == 18 and last_number("none") is None
    assert last_number("8 - 5") == 5 and last_number("3 - $5") == 5 and last_number("$ 5") == 5
    assert last_number("so -5") == last_number("so -$5") == last_number("so -$ 5") == -5


def test_gsm8k_matches_strictly_and_flexibly():
    row = {"question": "?", "answer": "#### 18"}
    texts = [" 9 * 2\n#### 18.0\n\nQuestion: 5", " So it is $18.", " #### 17 or 18", " no idea"]
    scores = scored("gsm8k", [row] * 4, texts)
    assert [each["exact_match"] for each in scores.per_example] == [1, 0, 0, 0]
    assert [each["exact_match_flexible"] for each in scores.per_example] == [1, 1, 1, 0]
    assert scores.means == {"exact_match": 0.25, "exact_match_flexible": 0.75}


def test_cnndm_scores_the_summary_alone():
    row = {"id": "a", "article": "x", "highlights": "Rain fell .\nIt was wet ."}
    scores = scored("cnndm", [row], [" Rain fell .\nIt was wet .\n\nArticle: another"])
    assert scores.means == dict.fromkeys(("rouge1", "rouge2", "rougeL", "rougeLsum"), 1.0)


def test_wmt16_scores_the_whole_set_and_records_the_signature():
    rows = [{"translation": {"de": "x", "en": text}} for text in ("The cat sat on the mat.", "It rained all day long.")]
    scores = scored("wmt16", rows, [" The cat sat on the mat.\nGerman:", " nothing alike"])
    assert 0 < scores.means["bleu"] < 100 and scores.per_example[0]["bleu"] == pytest.approx(100)
    assert all("version:" in scores.notes[metric] for metric in ("bleu", "chrf"))
    assert scored("wmt16", [], []).means == {"bleu": None, "chrf": None}


def test_spec_bench_scores_what_has_a_reference_and_problems_by_their_number():
    rows = [
        {"question_id": 1, "category": "rag", "turns": ["?"], "reference": [["a river", "a long road"]]},
        {"question_id": 2, "category": "writing", "turns": ["?"]},
        {"question_id": 3, "category": "math_reasoning", "turns": ["?"], "reference": ["2 * 4 = 8\n#### 8"]},
        {"question_id": 4, "category": "stem", "turns": ["?"], "reference": ["", "x"]},
    ]
    scores = scored("spec_bench", rows, [" a long road", " anything", " It is 8.", " 8"])
    assert scores.per_example[0] == {"rougeL": 1.0} and scores.per_example[1] == scores.per_example[3] == {}
    assert 0 < scores.per_example[2]["rougeL"] < 1 and scores.per_example[2]["exact_match"] == 1.0
    assert scores.means == {"rougeL": (1 + scores.per_example[2]["rougeL"]) / 2, "exact_match": 1.0}
    assert scored("spec_bench", rows[1:2], ["x"]).means == {"rougeL": None, "exact_match": None}


def test_custom_matches_exactly_where_there_is_a_reference():
    rows = [{"id": 1, "prompt": "a", "reference": "b", "stop": "."}, {"id": 2, "prompt": "c"}]
    assert scored("custom", rows, [" b. And on", "x"]).means == {"exact_match": 1.0}
    assert scored("custom", rows[1:], ["x"]).means == {"exact_match": None}


@pytest.mark.parametrize("name", TASKS)
def test_an_empty_set_scores_without_an_error(name):
    assert scored(name, [], []).per_example == []
