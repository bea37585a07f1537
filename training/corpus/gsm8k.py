"""Writes maths word problems in the schema of `openai/gsm8k`.

A problem is a story, and an answer with one sentence a step. Every step carries its equation as
`<<3*12=36>>`, and the answer ends with `#### N`, as in the original.
"""

from training.corpus.corpus import Corpus, Row
from training.corpus.maths import farms, kitchen, savings, school, shopping, travel, unseen, work


def _identify(row: Row, split: str, number: int) -> Row:
    return {**row, "id": f"gsm8k/{split}/{number}"}


_THEMES = (shopping, farms, travel, work, kitchen, school, savings, unseen)

CORPUS = Corpus(
    task="gsm8k",
    families={name: family for theme in _THEMES for name, family in theme.FAMILIES.items()},
    unseen=frozenset(unseen.FAMILIES),
    identify=_identify,
)
