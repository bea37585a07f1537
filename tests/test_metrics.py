"""The text metrics, against values worked out by hand and against the libraries' own commands."""

import csv
import json
import subprocess
import sys

import evaluate
import pytest

from tasks.metrics import METRICS, TextMetric, metric
from tasks.numbers import last_number, marked_number
from tasks.scoring import compared

ANSWERS = [
    "The cat sat on the mat.",
    "It rains all day in the old town, and nobody goes out.",
    "Completely different words",
    "running runners ran",
]
REFERENCES = [
    "The cat is sitting on the mat.",
    "It rained all day long in the old town; nobody went out.",
    "The minister spoke to the press.",
    "a runner runs",
]


def command(*arguments, folder):
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def written(folder, name, lines):
    (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return name


def single(texts):
    return [[text] for text in texts]


def test_every_metric_is_one_of_evaluate_and_leaves_nothing_on_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", str(tmp_path))
    metric.cache_clear()
    for name, kind in METRICS.items():
        found = metric(name)
        assert isinstance(found, evaluate.Metric) and isinstance(found, kind)
        texts = {"predictions": ANSWERS, "references": single(REFERENCES)}
        given = texts if issubclass(kind, TextMetric) else {"predictions": [[True, False]] * len(ANSWERS)}
        result = found.compute(**given)
        assert set(result) == {*kind.figures, "per_example", "notes"} and len(result["per_example"]) == len(ANSWERS)
        assert found.compute(**given) == result
    assert not list(tmp_path.iterdir())


def test_bleu_and_chrf_are_those_of_the_sacrebleu_command(tmp_path):
    files = written(tmp_path, "references", REFERENCES), "-i", written(tmp_path, "answers", ANSWERS)
    told = json.loads(command("sacrebleu", *files, "-m", "bleu", "chrf", "-w", "10", folder=tmp_path))
    scores = compared("translation", ANSWERS, single(REFERENCES))
    for name, theirs in zip(("bleu", "chrf"), told, strict=True):
        assert scores.means[name] == pytest.approx(theirs["score"], abs=1e-9)
        assert scores.notes[name] == f"sacrebleu {theirs['signature']}"


def test_bleu_takes_several_references(tmp_path):
    alternatives = [[text, answer] if place % 2 else [text] for place, (text, answer) in
                    enumerate(zip(REFERENCES, ANSWERS, strict=True))]  # fmt: skip
    scores = compared("translation", ANSWERS, alternatives)
    assert [each["chrf"] == pytest.approx(100) for each in scores.per_example] == [False, True, False, True]
    assert "nrefs:var" in scores.notes["bleu"]


@pytest.mark.slow
def test_rouge_is_that_of_the_rouge_score_command(tmp_path):
    types = METRICS["rouge"].figures
    command(
        "rouge_score.rouge", f"--target_filepattern={written(tmp_path, 'references', REFERENCES)}",
        f"--prediction_filepattern={written(tmp_path, 'answers', ANSWERS)}", "--output_filename=scores.csv",
        "--use_stemmer", "--noaggregate", f"--rouge_types={','.join(types)}", folder=tmp_path,
    )  # fmt: skip
    told = list(csv.DictReader((tmp_path / "scores.csv").open()))
    scores = compared("rouge", ANSWERS, single(REFERENCES))
    for ours, theirs in zip(scores.per_example, told, strict=True):
        assert ours == {name: pytest.approx(float(theirs[f"{name}-F"]), abs=1e-6) for name in types}
    assert scores.per_example[3]["rouge1"] > 0  # the stemmer's doing


def test_rouge_has_known_values_and_takes_the_best_alternative():
    scores = compared("rouge", ["the cat sat"] * 2, [["the cat ran"], ["a dog", "the cat ran"]])
    known = {"rouge1": 2 / 3, "rouge2": 1 / 2, "rougeL": 2 / 3, "rougeLsum": 2 / 3}
    assert scores.per_example == [pytest.approx(known)] * 2
    lines = compared("rouge", ["b c\na d"], [["a d\nb c"]])
    assert (lines.means["rougeL"], lines.means["rougeLsum"]) == (0.5, 1.0)


def test_exact_match_by_strict_and_flexible_extraction():
    scores = compared(
        "exact_match", ["#### 18", "so 18", "#### 17 or $18.0", "none"], [["#### 18"]] * 4,
        extractions={"strict": marked_number, "flexible": last_number},
    )  # fmt: skip
    assert [(each["strict"], each["flexible"]) for each in scores.per_example] == [(1, 1), (0, 1), (0, 1), (0, 0)]
    assert scores.means == {"strict": 0.25, "flexible": 0.75}
    assert compared("exact_match", [" b\n", "c"], [["a", "b"], ["d"]]).means == {"exact_match": 0.5}


def test_pass_at_k_is_the_unbiased_estimate_averaged_over_the_problems():
    # 1 - C(n - c, k) / C(n, k) by hand, with n = 5 samples and c = 2, 0, 5 correct ones.
    problems = [[True, False, False, True, False], [False] * 5, [True] * 5]
    result = metric("pass_at_k").compute(predictions=problems, k=[1, 2, 4])
    known = {"pass@1": 2 / 5, "pass@2": 1 - 3 / 10, "pass@4": 1.0}
    assert result["per_example"] == [pytest.approx(known), dict.fromkeys(known, 0.0), dict.fromkeys(known, 1.0)]
    assert [result[name] for name in known] == pytest.approx([1.4 / 3, 1.7 / 3, 2 / 3])
    with pytest.raises(ValueError, match=r"pass@6 cannot be estimated from 2 correct of 5 samples"):
        metric("pass_at_k").compute(predictions=problems, k=[6])


def test_what_has_no_reference_has_no_score():
    scores = compared("rouge", ["x", "the cat", "y"], [[], ["the cat"], []])
    assert [bool(each) for each in scores.per_example] == [False, True, False] and scores.means["rouge1"] == 1.0
    for answers, reason in ((["x"], "no example has a reference"), ([], "no examples")):
        scores = compared("exact_match", answers, [[] for _ in answers])
        assert scores.means == {"exact_match": None} and scores.notes == {"exact_match": reason}


def test_a_lone_surrogate_is_scored_too():
    assert compared("exact_match", ["a\ud800", "b"], [["a\ud800"], ["b"]]).means == {"exact_match": 1.0}
