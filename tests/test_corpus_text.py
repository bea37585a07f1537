"""The word problems and the news: rows that are right, distinct, repeatable, and splits that share
nothing."""

import itertools
import re

import pytest
from samples import thinned

from training.corpus import cnndm, gsm8k
from training.corpus.corpus import SPLITS, Corpus, content_hash
from training.corpus.maths.problem import UnsuitableError, learnable_result

CORPORA = [gsm8k.CORPUS, cnndm.CORPUS]
EQUATION = re.compile(r"(\S+ [-+*/] .*?) = \$?<<(.*?)=(\d+)>>(\d+)")


def draw(corpus: Corpus, split: str, count: int = 200) -> list[dict]:
    return list(itertools.islice(corpus.rows(split), count))


def contents(corpus: Corpus, rows: list[dict]) -> set[str]:
    keys = {"gsm8k": ("question", "answer"), "cnndm": ("article", "highlights")}[corpus.task]
    return {content_hash({key: row[key] for key in keys}) for row in rows}


@pytest.mark.parametrize("corpus", thinned(CORPORA, 1), ids=lambda corpus: corpus.task)
def test_rows_are_repeatable_distinct_and_split(corpus):
    drawn = {split: draw(corpus, split) for split in SPLITS}
    assert drawn["train"] == draw(corpus, "train")
    sets = [contents(corpus, rows) for rows in drawn.values()]
    assert [len(each) for each in sets] == [200] * len(SPLITS)
    assert len(set().union(*sets)) == 200 * len(SPLITS)
    assert {row["family"] for row in drawn["test_unseen"]} == corpus.unseen
    assert len({row["id"] for rows in drawn.values() for row in rows}) == 200 * len(SPLITS)


@pytest.mark.parametrize(("corpus", "seen", "unseen"), [(gsm8k.CORPUS, 34, 6), (cnndm.CORPUS, 11, 3)])
def test_there_are_enough_families(corpus, seen, unseen):
    assert len(corpus.unseen) >= unseen
    assert len(corpus.families) - len(corpus.unseen) >= seen


@pytest.mark.parametrize("split", ["train", "test_unseen"])
def test_every_step_of_a_solution_is_right(split):
    for row in draw(gsm8k.CORPUS, split, 600):
        assert set(row) == {"question", "answer", "family", "id"}
        *steps, final = row["answer"].split("\n")
        assert 2 <= len(steps) <= 5
        for step in steps:
            shown, formula, result, repeated = EQUATION.search(step).groups()
            left, sign, right, *percent = re.findall(r"\d+|[-+*/]", formula)
            assert shown.endswith(re.sub(r"([-+*/])", r" \1 ", formula))
            assert learnable_result(int(left), "%" if percent else sign, int(right)) == int(result) == int(repeated)
            assert eval(formula) == int(result), "digits and signs only, as the pattern above shows"
        assert final == f"#### {result}"


def test_the_numbers_of_a_solution_come_from_the_story_or_an_earlier_step():
    # Halves, per cent and the notes that are named by their value.
    implied = {"2", "100", "10", "5"}
    for row in draw(gsm8k.CORPUS, "train", 600):
        known = set(re.findall(r"\d+", row["question"])) | implied
        for formula, result in re.findall(r"<<(.*?)=(\d+)>>", row["answer"]):
            assert set(re.findall(r"\d+", formula)) <= known, row
            known.add(result)


@pytest.mark.parametrize(
    ("left", "sign", "right"), [(13, "*", 14), (350, "+", 60), (7, "/", 2), (3, "-", 5), (50, "%", 25)]
)
def test_hard_steps_are_refused(left, sign, right):
    with pytest.raises(UnsuitableError):
        learnable_result(left, sign, right)


def test_an_unknown_sign_is_an_error():
    with pytest.raises(ValueError, match="unknown sign"):
        learnable_result(2, "^", 3)


@pytest.mark.parametrize("split", ["train", "test_unseen"])
def test_highlights_copy_the_names_and_numbers_of_the_article(split):
    for row in draw(cnndm.CORPUS, split, 600):
        assert set(row) == {"article", "highlights", "family", "id"}
        assert re.fullmatch("[0-9a-f]{40}", row["id"])
        article, highlights = row["article"], row["highlights"].split("\n")
        assert len(highlights) in (2, 3) and all(line.endswith(" .") for line in highlights)
        assert not article.startswith(highlights[0][:40])
        words = re.findall(r"[A-Z][a-z]+|\d+", " ".join(re.sub(r"^\W*\w+", "", line) for line in highlights))
        openers = ("Crews", "Investigators")
        missing = [word for word in words if word.lower() not in article.lower() and word not in openers]
        assert not missing, (missing, row)
        assert 500 <= len(article) <= 1100 and 100 <= len(row["highlights"]) <= 230
