"""The bundled code problems: executed answers, schema, variety, disjoint splits."""

import random
from itertools import islice

import pytest
from samples import thinned

from training.corpus import humaneval, mbpp
from training.corpus.code import FAMILIES, UNSEEN
from training.corpus.corpus import SPLITS, content_hash

CORPORA = {"humaneval": humaneval.CORPUS, "mbpp": mbpp.CORPUS}


def check(row, body=None):
    """Runs the row's own tests against its solution, or against another body of the same function.
    """
    namespace = {}
    exec(row["prompt"] + (body or row["canonical_solution"]) + row["test"], namespace)
    namespace["check"](namespace[row["entry_point"]])


def rows_of(corpus, family, count, seed=0):
    rng = random.Random(f"{family}/{seed}")
    return [CORPORA[corpus].families[family](rng) for _ in range(count)]


def test_there_are_enough_families():
    assert len(UNSEEN) >= 10
    assert len(FAMILIES.keys() - UNSEEN) >= 60


@pytest.mark.parametrize("family", thinned([*FAMILIES], 25))
def test_solutions_pass_their_tests_and_a_wrong_body_fails(family):
    for row in rows_of("humaneval", family, 6):
        check(row)
        with pytest.raises(AssertionError):
            check(row, "    pass\n")
        assert 5 <= row["test"].count("assert") <= 8
        assert row["prompt"].count(">>>") in (2, 3)
        assert row["prompt"].endswith('"""\n')
        assert all(line.startswith("    ") for line in row["canonical_solution"].splitlines())
        assert len(row["canonical_solution"]) < 700


@pytest.mark.parametrize("family", thinned([*FAMILIES], 25))
def test_the_examples_in_the_docstring_are_true(family):
    for row in rows_of("humaneval", family, 4, seed=1):
        namespace = {}
        exec(row["prompt"] + row["canonical_solution"], namespace)
        lines = [line.strip() for line in row["prompt"].splitlines()]
        for call, result in zip(lines, lines[1:], strict=False):
            if call.startswith(">>> "):
                assert repr(eval(call[4:], namespace)) == result


@pytest.mark.parametrize("family", FAMILIES)
def test_the_asserts_of_the_sentence_rows_hold(family):
    for row in rows_of("mbpp", family, 5):
        namespace = {}
        exec(row["code"], namespace)
        assert len(row["test_list"]) == 3
        for line in row["test_list"]:
            exec(line, namespace)
        assert row["text"].startswith("Write a ")
        assert "\r" not in row["code"]


@pytest.mark.parametrize("family", thinned([*FAMILIES], 25))
def test_solutions_leave_their_arguments_alone(family):
    for row in rows_of("mbpp", family, 5, seed=2):
        namespace = {"calls": []}
        exec(row["code"], namespace)
        name = row["test_list"][0].removeprefix("assert ").split("(")[0]
        function = namespace[name]

        def watched(*arguments, function=function):
            before = repr(arguments)
            result = function(*arguments)
            assert repr(arguments) == before
            return result

        namespace[name] = watched
        for line in row["test_list"]:
            exec(line, namespace)


@pytest.mark.parametrize("family", thinned([*FAMILIES], 40))
def test_a_family_gives_many_different_solutions(family):
    solutions = {row["canonical_solution"] for row in rows_of("humaneval", family, 40, seed=3)}
    assert len(solutions) >= 20


COUNT = 60


@pytest.mark.parametrize("corpus", thinned([*CORPORA.values()], 1), ids=[*CORPORA])
def test_rows_are_deterministic_distinct_and_disjoint_between_splits(corpus):
    seen = set()
    for split in SPLITS:
        rows = list(islice(corpus.rows(split), COUNT))
        assert rows == list(islice(corpus.rows(split), COUNT))
        content = {content_hash({key: row[key] for key in row if key not in ("task_id", "family")}) for row in rows}
        assert len(content) == COUNT
        assert not content & seen
        seen |= content
        assert len({row["task_id"] for row in rows}) == COUNT
        assert {row["family"] for row in rows} <= (UNSEEN if split == "test_unseen" else FAMILIES.keys() - UNSEEN)


def test_schemas():
    row = next(humaneval.CORPUS.rows("test"))
    assert row.keys() == {"task_id", "prompt", "entry_point", "canonical_solution", "test", "family"}
    assert row["task_id"] == "Bundled/test/0"
    row = next(mbpp.CORPUS.rows("test"))
    assert row.keys() == {"task_id", "text", "code", "test_setup_code", "test_list", "challenge_test_list", "family"}
    assert isinstance(row["task_id"], int)
