"""What a forward costs by its number of rows, measured: the ground for choosing draft lengths."""

import statistics
import time
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import torch
from transformers import PreTrainedModel

from decoding.session import ModelSession
from decoding.tree import TokenTree

ROWS = (1, 2, 4, 8, 16, 32, 64)
CACHED, TIMES = 128, 5


@dataclass(frozen=True)
class ForwardCosts:
    """Seconds of one forward at the measured numbers of rows; in between it is a straight line."""

    rows: tuple[int, ...]
    seconds: tuple[float, ...]

    def __call__(self, rows: float) -> float:
        """Seconds of a forward of `rows` rows.

        Beyond the last measured one the last slope goes on.
        """
        if rows <= self.rows[-1] or len(self.rows) == 1:
            return float(np.interp(rows, self.rows, self.seconds))
        slope = (self.seconds[-1] - self.seconds[-2]) / (self.rows[-1] - self.rows[-2])
        return self.seconds[-1] + max(slope, 0.0) * (rows - self.rows[-1])


Key = tuple[torch.dtype, torch.device]  # which a model may change
_measured: WeakKeyDictionary[PreTrainedModel, dict[Key, ForwardCosts]] = WeakKeyDictionary()


def measure_costs(session: ModelSession) -> ForwardCosts:
    """Median seconds of five forwards for each number of rows, after 128 cached tokens.

    Measured once a model.
    Fewer of either where the model's context is short. The session is reset.
    """
    known = _measured.setdefault(session.model, {})
    key = (session.model.dtype, session.model.device)
    if key not in known:
        known[key] = _measure(session)
    session.reset()
    return known[key]


def _measure(session: ModelSession) -> ForwardCosts:
    cached = max(1, min(CACHED, session.context // 2))
    rows = tuple(number for number in ROWS if number <= session.context - cached)
    session.reset()
    session.prefill([token % session.vocabulary for token in range(cached)])
    seconds = []
    for number in rows:
        tree = TokenTree(0, session.room(cached))
        tree.add(0, [token % session.vocabulary for token in range(number - 1)], "cost")
        wanted = tree.wanted_nodes()
        taken = []
        for _ in range(TIMES + 1):
            begin = time.perf_counter()
            session.forward([], tree, wanted).argmax(dim=-1).tolist()
            taken.append(time.perf_counter() - begin)
            session.truncate(cached)
        seconds.append(statistics.median(taken[1:]))  # the first one warms up
    return ForwardCosts(rows, tuple(seconds))
