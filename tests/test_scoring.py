"""Scores from decoded texts, and the limits of the process that runs generated code."""

import time
from decimal import Decimal
from pathlib import Path

import pytest

from tasks import TASKS, make_task
from tasks.execution import Limits, run_program, run_programs
from tasks.gsm8k import last_number, marked_number

LIMITS = Limits(seconds=5.0, memory_mib=256)

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
    "code": "def add(a, b):\n    return a + b + ZERO",
    "test_list": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"],
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
    assert scores.means == {"pass@1": 0.5} and "rlimits" in scores.notes["pass@1"]


@pytest.mark.parametrize(
    "text",
    [
        "Here it is:\n```python\ndef add(a, b):\n    return math.floor(a) + b\n```\nDone.",
        "```python\n    return a + b\n```",
        "def add(a, b):\n    return a + b",
    ],
)
def test_humaneval_takes_the_code_out_of_a_chat_answer(text):
    assert scored("humaneval", [ADD], [text], variant="chat").means == {"pass@1": 1.0}


def test_mbpp_runs_every_test_with_its_setup():
    texts = [f"{MBPP['code']}\n[DONE]\nrubbish(", "def add(a, b):\n    return 3\n"]
    assert [each["pass@1"] for each in scored("mbpp", [MBPP] * 2, texts).per_example] == [1, 0]


def test_code_that_is_not_run_has_no_score():
    scores = scored("humaneval", [ADD], ["    return 0\n"], run_tests=False)
    assert scores.means == {"pass@1": None} and scores.per_example == [{}] and scores.notes["pass@1"]


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(0)",
        "import os\nos._exit(0)",
        "assert False",
        "print('passed' * 1000)\nraise ValueError",
        "import os\nfor fd in range(3, 20):\n"
        "    try:\n        os.write(fd, b'0' * 32)\n    except OSError:\n        pass",
        "import __main__\nimport os\nfor fd in range(3, 20):\n"
        "    try:\n        os.write(fd, __main__.token)\n    except OSError:\n        pass\nos._exit(0)",
        "x = bytearray(1 << 30)",
        "open('big', 'wb').write(b'0' * (2 << 20))",
        "import os\nassert os.environ.get('HOME')",
    ],
)
def test_only_a_program_that_reaches_its_end_passes(program):
    assert run_program(program, LIMITS) == "failed"


def test_an_endless_program_is_cut_off_with_its_children():
    start = time.monotonic()
    assert run_program("while True:\n    pass", Limits(0.5, 256)) == "timeout"
    assert run_program("import time\ntime.sleep(60)", Limits(0.5, 256)) == "timeout"
    assert time.monotonic() - start < 10


def test_programs_run_in_an_empty_scratch_folder_that_is_removed():
    before = set(Path.cwd().iterdir())
    outcome = run_program("import os\nassert os.listdir() == []\nopen('f', 'w').write('x')\nprint('é')", LIMITS)
    assert outcome == "passed" and set(Path.cwd().iterdir()) == before


def test_outcomes_keep_the_order_of_the_programs():
    programs = ["pass", "raise ValueError", "import time\ntime.sleep(0.2)", "1 / 0"]
    assert run_programs(programs, LIMITS) == ["passed", "failed", "passed", "failed"]


def test_numbers_are_found_in_the_forms_models_write():
    assert marked_number("so\n#### $1,234.50\nmore 7") == Decimal("1234.5")
    assert marked_number("#### -3") == -3 and marked_number("the answer is 3") is None
    assert last_number("first 2, then 18.") == 18 and last_number("none") is None


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
