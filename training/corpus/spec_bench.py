"""Instructions of one or two turns in the schema of Spec-Bench, with the reply to every turn.

The replies are functions of the turns: fields to copy, numbers to work out, facts of a small fixed
world to remember. Four families that use known skills in new ways are kept for `test_unseen`.
"""

from training.corpus.corpus import SPLITS, Corpus, Row
from training.corpus.questions import reading, reckoning, world, writing  # noqa: F401 - they register families
from training.corpus.questions.register import FAMILIES

UNSEEN = frozenset({"rag_compare", "extraction_pair", "letter_as_list", "ordering_of_ends"})
IDS_PER_SPLIT = 1_000_000


def identify(row: Row, split: str, number: int) -> Row:
    """A question id that no other row of any split has."""
    return {"question_id": SPLITS.index(split) * IDS_PER_SPLIT + number, **row}


CORPUS = Corpus("spec_bench", dict(FAMILIES), UNSEEN, identify)
