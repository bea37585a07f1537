"""Who proposed each token of an answer."""

from bench.measure.record import Record

TARGET = "target"


def proposers(record: Record) -> list[str]:
    """For each token of an answer the source that proposed it, or TARGET where nobody did.

    A rival that does not tell its steps is given as TARGET throughout.
    """
    found = [TARGET] * record.prefill_tokens
    if record.steps is not None:
        for sources, emitted in zip(record.steps.sources, record.steps.emitted, strict=True):
            found += [*sources, *[TARGET] * (emitted - len(sources))]
    return (found + [TARGET] * len(record.tokens))[: len(record.tokens)]
