"""HumanEval rows: a signature and a docstring with examples, to be completed with the body."""

from training.corpus.code import FAMILIES, UNSEEN
from training.corpus.code.render import docstring_family
from training.corpus.corpus import Corpus, Row


def _identify(row: Row, split: str, number: int) -> Row:
    return {"task_id": f"Bundled/{split}/{number}", **row}


CORPUS = Corpus("humaneval", {name: docstring_family(draw) for name, draw in FAMILIES.items()}, UNSEEN, _identify)
