"""Text scores, computed by the libraries that define them: rouge_score and sacrebleu."""

from functools import cache

from rouge_score.rouge_scorer import RougeScorer
from sacrebleu.metrics import BLEU, CHRF

ROUGE = ("rouge1", "rouge2", "rougeL", "rougeLsum")


@cache
def _scorer() -> RougeScorer:
    return RougeScorer(list(ROUGE), use_stemmer=True)


def rouge(answer: str, reference: str) -> dict[str, float]:
    """F-measure of ROUGE-1, -2, -L and -Lsum, stemmed; Lsum takes lines as sentences. In 0..1."""
    scores = _scorer().score(reference, answer)
    return {name: scores[name].fmeasure for name in ROUGE}


def translation_scores(
    answers: list[str], references: list[str]
) -> tuple[dict[str, float | None], list[dict[str, float]], dict[str, str]]:
    """BLEU and chrF in 0..100: over the set, per sentence, and the sacrebleu signatures."""
    if not answers:
        return {"bleu": None, "chrf": None}, [], {"bleu": "no examples", "chrf": "no examples"}
    bleu, sentence_bleu, chrf = BLEU(), BLEU(effective_order=True), CHRF()
    means = {
        "bleu": bleu.corpus_score(answers, [references]).score,
        "chrf": chrf.corpus_score(answers, [references]).score,
    }
    per_example = [
        {
            "bleu": sentence_bleu.sentence_score(answer, [reference]).score,
            "chrf": chrf.sentence_score(answer, [reference]).score,
        }
        for answer, reference in zip(answers, references, strict=True)
    ]
    notes = {"bleu": f"sacrebleu {bleu.get_signature()}", "chrf": f"sacrebleu {chrf.get_signature()}"}
    return means, per_example, notes
