"""A library of small programming problems, told in words and solved in ordinary Python.

A family draws a `Problem` (problem.py) out of the shared vocabulary (vocabulary.py): which
elements, what is done with them, what is returned. render.py executes the solution and writes the
rows.
"""

from training.corpus.code import (
    characters,
    formulas,
    mappings,
    numbers,
    pairs,
    phrases,
    progressions,
    reductions,
    searches,
    selections,
    sequences,
    string_pairs,
    substrings,
    tables,
    tallies,
    word_lists,
)

MODULES = (
    reductions,
    searches,
    selections,
    sequences,
    pairs,
    tables,
    characters,
    substrings,
    string_pairs,
    phrases,
    word_lists,
    numbers,
    formulas,
    progressions,
    mappings,
    tallies,
)

FAMILIES = {family.__name__: family for module in MODULES for family in module.FAMILIES}

UNSEEN = frozenset(
    {
        "longest_streak",
        "kth_extreme",
        "window_values",
        "move_to_end",
        "has_pair",
        "column_values",
        "shared_prefix",
        "nesting_depth",
        "longest_word",
        "halving_steps",
        "divisor_list",
        "merge_tables",
        "key_of_extreme",
    }
)
