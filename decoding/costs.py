"""What a forward costs by its number of rows, measured: the ground on which draft lengths are chosen."""

import statistics
import time
from dataclasses import dataclass

import numpy as np

from decoding.session import ModelSession
from decoding.tree import TokenTree

ROWS = (1, 2, 4, 8, 16, 32, 64)


@dataclass(frozen=True)
class ForwardCosts:
    """Seconds of one forward at the measured numbers of rows; in between it is a straight line."""

    rows: tuple[int, ...]
    seconds: tuple[float, ...]

    def __call__(self, rows: float) -> float:
        """Seconds of a forward of `rows` rows; beyond the last measured one the last slope goes on."""
        if rows <= self.rows[-1] or len(self.rows) == 1:
            return float(np.interp(rows, self.rows, self.seconds))
        slope = (self.seconds[-1] - self.seconds[-2]) / (self.rows[-1] - self.rows[-2])
        return self.seconds[-1] + max(slope, 0.0) * (rows - self.rows[-1])


def measure_costs(session: ModelSession, context: int = 128, times: int = 5) -> ForwardCosts:
    """Median seconds of `times` forwards for each number of rows, behind `context` cached tokens.

    Fewer of either where the model's context is short. The session is reset.
    """
    context = max(1, min(context, session.context // 2))
    rows = tuple(number for number in ROWS if number <= session.context - context)
    session.reset()
    session.prefill([place % session.vocabulary for place in range(context)])
    seconds = []
    for number in rows:
        tree = TokenTree(0, session.room(context))
        tree.add(0, [place % session.vocabulary for place in range(number - 1)], "cost")
        wanted = tree.rows()
        taken = []
        for _ in range(times + 1):
            begin = time.perf_counter()
            session.forward([], tree, wanted).argmax(dim=-1).tolist()
            taken.append(time.perf_counter() - begin)
            session.truncate(context)
        seconds.append(statistics.median(taken[1:]))  # the first one warms up
    session.reset()
    return ForwardCosts(rows, tuple(seconds))
