"""The bundled translations and Spec-Bench-like questions: form, grammar, and answers that are
right."""

import json
import re
from itertools import islice

import pytest
from samples import thinned

from training.corpus import spec_bench, wmt16
from training.corpus.corpus import SPLITS, content_hash
from training.corpus.questions.world import RIVERS, TOWNS, WRITERS
from training.corpus.translation.clause import Clause
from training.corpus.translation.lexicon import ADJECTIVES, NOUN, NOUNS, VERB
from training.corpus.translation.noun_phrase import CASES, Fixed, NounPhrase

CORPORA = [wmt16.CORPUS, spec_bench.CORPUS]
SPEC_BENCH_CATEGORIES = {
    *("writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"),
    *("translation", "summarization", "qa", "math_reasoning", "rag"),
}


def rows(corpus, split, count=600, seed=0):
    return list(islice(corpus.rows(split, seed), count))


def adjective(kind, german):
    return next(word for word in ADJECTIVES[kind] if word.german == german)


@pytest.mark.parametrize("corpus", CORPORA, ids=lambda corpus: corpus.task)
def test_the_same_seed_gives_the_same_rows(corpus):
    assert rows(corpus, "train", 200) == rows(corpus, "train", 200)
    assert rows(corpus, "train", 200) != rows(corpus, "train", 200, seed=1)


@pytest.mark.parametrize("corpus", thinned(CORPORA, 1), ids=lambda corpus: corpus.task)
def test_rows_are_distinct_and_splits_disjoint(corpus):
    id_field = "question_id" if corpus.task == "spec_bench" else "id"
    every = [row for split in SPLITS for row in rows(corpus, split)]
    contents = [{key: value for key, value in row.items() if key not in (id_field, "family")} for row in every]
    assert len({content_hash(row) for row in contents}) == len({row[id_field] for row in every}) == 4 * 600


@pytest.mark.parametrize("corpus", thinned(CORPORA, 1), ids=lambda corpus: corpus.task)
def test_training_has_ten_thousand_rows_and_no_unseen_family(corpus):
    drawn = rows(corpus, "train", 12_000)
    assert len(drawn) == 12_000
    assert {row["family"] for row in drawn} == corpus.families.keys() - corpus.unseen
    assert {row["family"] for row in rows(corpus, "test_unseen")} == corpus.unseen
    assert len(corpus.unseen) >= 3 and len(corpus.families) >= 16


def test_one_german_sentence_has_one_translation():
    english = {}
    for row in rows(wmt16.CORPUS, "train", 8000) + rows(wmt16.CORPUS, "test_unseen", 1000):
        pair = row["translation"]
        assert english.setdefault(pair["de"], pair["en"]) == pair["en"]


def test_sentences_are_well_formed():
    for row in rows(wmt16.CORPUS, "train", 4000) + rows(wmt16.CORPUS, "test_unseen", 400):
        for text in row["translation"].values():
            assert re.fullmatch(r"[“„]?[A-ZÄÖÜ0-9].*[.?]", text), text
            assert not re.search(r"  | [,.?]|,[,.?“]|\b(None|NOTHING)\b", text), text
        assert wmt16.SHORTEST <= len(row["translation"]["de"].split()) <= wmt16.LONGEST
        assert 5 <= len(row["translation"]["en"].split()) <= 34, row


@pytest.mark.parametrize(
    ("phrase", "forms"),
    [
        (
            NounPhrase(NOUN["Richter"], "the", adjective=adjective("person", "jung")),
            ("der junge Richter", "den jungen Richter", "dem jungen Richter", "des jungen Richters"),
        ),
        (
            NounPhrase(NOUN["Haus"], "a", adjective=adjective("building", "teuer")),
            ("ein teures Haus", "ein teures Haus", "einem teuren Haus", "eines teuren Hauses"),
        ),
        (
            NounPhrase(NOUN["Steuer"], "no", adjective=adjective("rate", "hoch")),
            ("keine hohe Steuer", "keine hohe Steuer", "keiner hohen Steuer", "keiner hohen Steuer"),
        ),
        (
            NounPhrase(NOUN["Zeuge"], "this"),
            ("dieser Zeuge", "diesen Zeugen", "diesem Zeugen", "dieses Zeugen"),
        ),
        (
            NounPhrase(NOUN["Zug"], 3, True, adjective("goods", "rot")),
            ("drei rote Züge", "drei rote Züge", "drei roten Zügen", "drei roter Züge"),
        ),
        (
            NounPhrase(NOUN["Auto"], "her", True, adjective("goods", "alt")),
            ("ihre alten Autos", "ihre alten Autos", "ihren alten Autos", "ihrer alten Autos"),
        ),
    ],
)
def test_noun_phrases_inflect(phrase, forms):
    assert tuple(phrase.german(case) for case in CASES) == forms


def test_only_nouns_in_n_are_weak():
    assert {noun.singular for nouns in NOUNS.values() for noun in nouns if noun.weak} == {
        *("Präsident", "Student", "Journalist", "Kunde", "Nachbar", "Zeuge", "Bauer", "Experte")
    }


def test_word_order_and_tenses():
    plan = NounPhrase(NOUN["Plan"])
    clause = Clause(Fixed("Anna", "Anna"), VERB["vorstellen"], plan, time=("gestern", "yesterday"))
    assert clause.german_main() == "Anna stellte gestern den Plan vor"
    assert clause.german_main("time") == "gestern stellte Anna den Plan vor"
    assert clause.german_main("object") == "den Plan stellte Anna gestern vor"
    assert clause.german_sub("weil") == "weil Anna gestern den Plan vorstellte"
    assert clause.but(tense="perfect").german_sub("dass") == "dass Anna gestern den Plan vorgestellt hat"
    assert clause.german_infinitive() == "gestern den Plan vorzustellen"
    assert clause.but(modal="must").german_sub("dass") == "dass Anna gestern den Plan vorstellen muss"
    assert clause.but(negated=True).german_main() == "Anna stellte gestern den Plan nicht vor"
    assert clause.but(negated=True).english_main() == "Anna did not present the plan yesterday"
    assert clause.english_main("time") == "yesterday, Anna presented the plan"
    assert clause.but(tense="present", time=("", "")).english_question() == "does Anna present the plan"
    passive = Clause(plan, VERB["vorstellen"], passive=True, modal="must")
    assert passive.german_main() == "der Plan muss vorgestellt werden"
    assert passive.english_main() == "the plan must be presented"
    with pytest.raises(ValueError, match="cannot begin"):
        clause.german_main("manner")


@pytest.fixture(scope="module")
def questions():
    return rows(spec_bench.CORPUS, "train", 4000) + rows(spec_bench.CORPUS, "test_unseen", 400)


def test_questions_have_the_schema(questions):
    assert {row["category"] for row in questions} == SPEC_BENCH_CATEGORIES
    for row in questions:
        assert list(row) == ["question_id", "category", "turns", "reference", "family"]
        assert isinstance(row["question_id"], int)
        assert len(row["turns"]) == len(row["reference"]) in (1, 2)
        for text in (*row["turns"], *row["reference"]):
            assert 3 <= len(text.split()) <= 250
            assert not re.search(r"[{}]|\. [a-z]|\bNone\b", text) or text[0] == "{", text


def test_sums_in_replies_are_right(questions):
    checked = 0
    for row in questions:
        for left, sign, right, result in re.findall(r"(\d+) ([-+*/]) (\d+) = (\d+)", " ".join(row["reference"])):
            a, b = int(left), int(right)
            assert {"+": a + b, "-": a - b, "*": a * b, "/": a / b}[sign] == int(result), row
            checked += 1
    assert checked > 1000


def test_json_replies_hold_what_the_passage_says(questions):
    replies = [(row, row["reference"][-1]) for row in questions if row["reference"][-1].startswith("{")]
    assert len(replies) > 50
    for row, reply in replies:
        for value in json.loads(reply).values():
            assert str(value) in row["turns"][0].replace(",", "") or str(value) in row["turns"][0]


def test_answers_from_passages_stand_in_the_passages(questions):
    for row in questions:
        if row["family"] in ("rag_facts", "summary_record", "rag_who"):
            names = re.findall(r"\b(?!Passage|According|The|It|Besides)[A-Z][a-z]+|\d[\d,]*\d", row["reference"][0])
            assert all(name in row["turns"][0] for name in names), row


def test_code_replies_run(questions):
    for row in questions:
        if row["category"] == "coding":
            for reply in row["reference"]:
                code = reply.split("\n\n")[1]
                scope = {}
                exec(code, scope)
                name = re.search(r"def (\w+)", code).group(1)
                operation, condition = re.search(r"return \[(.*) for value in \w+(?: if (.*))?\]", code).groups()
                values = list(range(-60, 60, 7))
                kept = [value for value in values if condition is None or eval(condition, {"value": value})]
                assert scope[name](values) == [eval(operation, {"value": value}) for value in kept]


def test_the_world_has_no_two_members_of_one_name():
    assert [len(set(names)) for names in (TOWNS, RIVERS, WRITERS)] == [40, 40, 40]


def test_a_question_about_the_world_has_one_answer(questions):
    answers = {}
    for row in questions:
        if row["category"] in ("qa", "humanities"):
            key = tuple(row["turns"])
            assert answers.setdefault(key, row["reference"]) == row["reference"]


def test_times_and_orders_are_worked_out_right(questions):
    for row in questions:
        if row["family"] == "timetable":
            start, length = (
                re.search(r"(\d+:\d\d)", row["turns"][0]).group(1),
                re.search(r"(\d+) minutes", row["turns"][0]),
            )
            end = re.search(r"ends at (\d+:\d\d)", row["reference"][0]).group(1)
            assert minutes(end) - minutes(start) == int(length.group(1))
        if row["family"] == "ordering":
            order = re.search(r"they are (.*?)\.", row["reference"][0]).group(1).replace(" and ", ", ").split(", ")
            for first, word, second in re.findall(r"(\w+) is (\w+) than (\w+)", row["turns"][0]):
                ahead = word in ("older", "taller", "faster", "richer")
                assert (order.index(first) < order.index(second)) == ahead


def minutes(clock):
    hours, rest = clock.split(":")
    return 60 * int(hours) + int(rest)
