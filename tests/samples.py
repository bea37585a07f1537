"""Long grids: a seeded sample of the cases runs always, the rest is marked slow (`make test-all`).
"""

import random
import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

import pytest

SEED = 12


def thinned(cases: Sequence[Any], count: int) -> list[Any]:
    """All cases for pytest.mark.parametrize, of which a sample of `count` is not slow.

    Another one in every module: what one leaves out, another is likely to hold.
    """
    draw = random.Random(f"{SEED} {sys._getframe(1).f_globals['__name__']}")
    return _marked(cases, set(draw.sample(range(len(cases)), min(count, len(cases)))))


def chosen(cases: Sequence[Any], *kept: Any) -> list[Any]:
    """All cases, of which those that are named are not slow."""
    assert all(each in cases for each in kept)
    return _marked(cases, {index for index, case in enumerate(cases) if case in kept})


def covering(cases: Sequence[Any], facts: Callable[[Any], Iterable[Hashable]]) -> list[Any]:
    """All cases, of which a sample is not slow: every fact of any case is one of a case in the
    sample."""
    left = [set(facts(case)) for case in cases]
    order = random.Random(SEED).sample(range(len(cases)), len(cases))
    kept: set[int] = set()
    while any(left):
        best = max(order, key=lambda index: len(left[index]))
        kept.add(best)
        shown = set(left[best])
        left = [each - shown for each in left]
    return _marked(cases, kept)


def _marked(cases: Sequence[Any], kept: set[int]) -> list[Any]:
    return [pytest.param(case, marks=[] if index in kept else pytest.mark.slow) for index, case in enumerate(cases)]
