"""The modules of figures that drafters alone know the meaning of (decoding/figures.py)."""

import importlib
from collections.abc import Mapping
from typing import Any, cast

from bench.plan.methods import METHODS
from decoding.figures import OwnFigures

OWN = [
    cast(OwnFigures, importlib.import_module(name))
    for name in dict.fromkeys(method.figures for method in METHODS.values() if method.figures)
]
NAMES = tuple(name for each in OWN for name in each.NAMES)
# By name, with words for a legend.
CLOCKS = {name: words for each in OWN for name, words in each.CLOCKS.items()}
# The seconds of each that a summary holds: all, and those within drafting.
CLOCK_SECONDS = tuple(f"{name}{part}" for name in CLOCKS for part in ("", "_draft"))


def rows(figures: Mapping[str, Any]) -> list[list[object]]:
    """The lines of a report."""
    return [list(row) for each in OWN for row in each.rows(figures)]
