"""Acceptance rules with a fault, from a right one: what tests of the target's law must see."""

from collections.abc import Sequence

import numpy as np

from decoding.acceptance import Course, Rule


def biased(rule: Rule, bias: float, p: np.ndarray, q: np.ndarray, candidates: Sequence[int]) -> Course:
    """The likeliest token's chance is too small by `bias`, which the second has."""
    shifted = p.copy()
    *_, second, best = p.argsort()
    shifted[[best, second]] += [-bias, bias]
    return rule(shifted, q, candidates)


def late(rule: Rule, p: np.ndarray, q: np.ndarray, candidates: Sequence[int]) -> Course:
    """The residual is that of one candidate less."""
    return Course(rule(p, q, candidates).chances, rule(p, q, candidates[:-1]).residual)
