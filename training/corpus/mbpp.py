"""MBPP rows: a task in one sentence and three asserts, to be answered with a whole function."""

from training.corpus.code import FAMILIES, UNSEEN
from training.corpus.code.render import sentence_family
from training.corpus.corpus import SPLITS, Corpus, Row


def _identify(row: Row, split: str, number: int) -> Row:
    """Adds an integer id; every split counts from its own million."""
    return {"task_id": SPLITS.index(split) * 1_000_000 + number + 1, **row}


CORPUS = Corpus("mbpp", {name: sentence_family(draw) for name, draw in FAMILIES.items()}, UNSEEN, _identify)
