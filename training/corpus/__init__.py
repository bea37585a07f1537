"""The project's own data: seeded generators that write small corpora in the hub's schemas.

A machine without a network must still run every task. Each module here writes one task from
templates with slots to copy, numbers to compute and words to choose; `python -m training.corpus`
writes the bundled files, and `scripts/train_pair.py` draws its training text from the same place.
"""
