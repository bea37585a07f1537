"""Scores: subclasses of `evaluate.Metric`.

Those for texts wrap the libraries that define them, rouge_score and sacrebleu.

Our own subclasses, because `evaluate.load` would fetch a script from the hub. Those for texts take
answers (`predictions`) and for every answer its alternatives (`references`, at least one); pass@k
takes what became of each problem's programs. All give the figures over the set, `per_example`: one
mapping an answer or problem, and `notes`: how each figure was computed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import evaluate
from datasets import Features, List, Value
from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF

Result = dict[str, Any]


class OwnMetric(evaluate.Metric):
    """What the metrics share.

    Attributes:
        figures: the names of what `compute` gives.
        citation_of: where it was defined.
    """

    figures: ClassVar[tuple[str, ...]]
    citation_of: ClassVar[str]
    inputs: ClassVar[str]
    columns: ClassVar[Features]

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description=type(self).__doc__,
            citation=self.citation_of,
            inputs_description=self.inputs,
            features=self.columns,
        )


class TextMetric(OwnMetric):
    """What the metrics for texts share."""

    inputs = "predictions: strings; references: for each a list of strings, its alternatives"
    columns = Features({"predictions": Value("string"), "references": List(Value("string"))})


class ExactMatch(TextMetric):
    """Share of answers that equal an alternative, after the same extraction from both.

    `compute(..., extractions={figure: function})` gives one figure an extraction, a strict beside a
    flexible one, say; an answer from which nothing can be extracted (None) matches nothing.
    """

    figures = ("exact_match",)
    citation_of = "SQuAD (arXiv 1606.05250), section 6.1"

    def _compute(
        self,
        predictions: list[str],
        references: list[list[str]],
        extractions: Mapping[str, Callable[[str], object | None]] | None = None,
    ) -> Result:
        extractions = extractions or {self.figures[0]: str.strip}
        per_example = [
            {name: float(_matches(extract, answer, known)) for name, extract in extractions.items()}
            for answer, known in zip(predictions, references, strict=True)
        ]
        return _averaged(per_example, {})


class Rouge(TextMetric):
    """F-measure of ROUGE-1, -2, -L and -Lsum, stemmed, in 0..1; the best of the alternatives.

    For -Lsum lines are sentences.
    """

    figures = ("rouge1", "rouge2", "rougeL", "rougeLsum")
    citation_of = "ROUGE: A Package for Automatic Evaluation of Summaries (W04-1013)"

    def _compute(self, predictions: list[str], references: list[list[str]]) -> Result:
        scorer = RougeScorer(list(self.figures), use_stemmer=True)
        per_example = []
        for answer, known in zip(predictions, references, strict=True):
            scores = [scorer.score(alternative, answer) for alternative in known]
            per_example.append({name: max(score[name].fmeasure for score in scores) for name in self.figures})
        note = f"rouge_score {version('rouge-score')}, stemmed, F-measure"
        return _averaged(per_example, dict.fromkeys(self.figures, note))


class Translation(TextMetric):
    """BLEU and chrF in 0..100 over the whole set, with sacrebleu's signatures.

    Per example there are the sentence-level figures, whose mean is not the set's figure.
    """

    figures = ("bleu", "chrf")
    citation_of = "A Call for Clarity in Reporting BLEU Scores (arXiv 1804.08771); chrF (W15-3049)"

    def _compute(self, predictions: list[str], references: list[list[str]]) -> Result:
        # sacrebleu takes one stream of references after another, with None where an answer has
        # fewer alternatives.
        longest = max(map(len, references))
        streams = [[known[at] if at < len(known) else None for known in references] for at in range(longest)]
        corpus = {"bleu": BLEU(), "chrf": CHRF()}
        sentence = {"bleu": BLEU(effective_order=True), "chrf": CHRF()}
        return {
            **{name: metric.corpus_score(predictions, streams).score for name, metric in corpus.items()},
            "per_example": [
                {name: metric.sentence_score(answer, known).score for name, metric in sentence.items()}
                for answer, known in zip(predictions, references, strict=True)
            ],
            "notes": {name: f"sacrebleu {metric.get_signature()}" for name, metric in corpus.items()},
        }


class PassAtK(OwnMetric):
    """The chance that one of k programs drawn from a problem's samples passes its tests.

    It is averaged over the problems.
    `compute(..., k=[1, 10])` gives pass@1 and pass@10; no k may be more than a problem has samples.
    """

    figures = ("pass@1",)
    citation_of = "Evaluating Large Language Models Trained on Code (arXiv 2107.03374), equation 1"
    inputs = "predictions: for each problem a list of booleans, whether each of its samples passes"
    columns = Features({"predictions": List(Value("bool"))})

    def _compute(self, predictions: list[list[bool]], k: Sequence[int] = (1,)) -> Result:
        counts = [(len(passed), sum(passed)) for passed in predictions]
        return _averaged([{f"pass@{each}": pass_at_k(*count, each) for each in k} for count in counts], {})


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """Unbiased estimate of the chance that one of k programs passes.

    There are n `samples`, of which c are `correct`. 1 - C(n-c, k) / C(n, k), equation 1 of Chen et
    al. 2021 (arXiv 2107.03374); the mean over problems is pass@k.

    Raises:
        ValueError: not 0 <= correct <= samples, or not 1 <= k <= samples.
    """
    if not (0 <= correct <= samples and 1 <= k <= samples):
        raise ValueError(f"pass@{k} cannot be estimated from {correct} correct of {samples} samples")
    return 1.0 - math.comb(samples - correct, k) / math.comb(samples, k)


METRICS: dict[str, type[OwnMetric]] = {
    "exact_match": ExactMatch, "rouge": Rouge, "translation": Translation, "pass_at_k": PassAtK,
}  # fmt: skip


@cache
def metric(name: str) -> OwnMetric:
    """The metric `name` of METRICS, ready to compute."""
    # evaluate makes a folder for the cache that a metric kept in memory never writes.
    with TemporaryDirectory() as folder:
        return METRICS[name](keep_in_memory=True, cache_dir=folder)


def _matches(extract: Callable[[str], object | None], answer: str, known: list[str]) -> bool:
    found = extract(answer)
    return found is not None and any(found == extract(alternative) for alternative in known)


def _averaged(per_example: list[dict[str, float]], notes: dict[str, str]) -> Result:
    means = {name: fmean(values[name] for values in per_example) for name in per_example[0]}
    return {**means, "per_example": per_example, "notes": notes}
