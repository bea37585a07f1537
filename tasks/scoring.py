"""From answers to scores by a metric of tasks/metrics.py.

All tasks that compare text are scored this way.
"""

from collections.abc import Sequence

from tasks.base import Scores


def compared(metric: str, answers: Sequence[str], references: Sequence[Sequence[str]], **settings: object) -> Scores:
    """Scores of answers by a metric.

    Args:
        metric: its name in tasks/metrics.py.
        answers: what is scored, a text for each example.
        references: for each answer its alternatives; an answer without any has no score, and where
            none has, the figures are None.
        settings: passed on to the metric.
    """
    # Imported here: evaluate takes a second or more, which a job needs only at its end.
    from tasks.metrics import METRICS
    from tasks.metrics import metric as loaded

    rated = [index for index, known in enumerate(references) if known]
    if not rated:
        names = METRICS[metric].figures
        reason = "no example has a reference" if answers else "no examples"
        return Scores(dict.fromkeys(names), [{} for _ in answers], dict.fromkeys(names, reason))
    found = loaded(metric).compute(
        predictions=[_encodable(answers[index]) for index in rated],
        references=[[_encodable(text) for text in references[index]] for index in rated],
        **settings,
    )
    notes, each = found.pop("notes"), dict(zip(rated, found.pop("per_example"), strict=True))
    return Scores(found, [each.get(index, {}) for index in range(len(answers))], notes)


def _encodable(text: str) -> str:
    """The text without lone surrogates, which JSON may hold and Arrow does not."""
    return text.encode("utf-8", "replace").decode()
