"""What a step takes by its forwards and their rows: as measured, or by a roofline elsewhere."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.report.metrics.hardware import Gpu, Pair, Shape

# Of all forwards, so many of one width make a figure; fewer are at outputs' ends, and all noise.
SHARE = 1 / 20
# Assumed, not measured: which share of the datasheets' figures a good kernel reaches, what a layer
# takes beyond that (launches, norms, a graph replayed), and which part of the memory weights may
# fill.
BANDWIDTH_REACHED, FLOPS_REACHED, LAYER_SECONDS, FILLED = 0.8, 0.6, 4e-6, 0.9
# Of a weight, and of a number in the cache: 16 bits.
NUMBER_BYTES = 2


@dataclass(frozen=True)
class Curve:
    """Seconds of a forward by its rows: lines between widths that were measured.

    Beyond the widest goes on the line through the narrowest and the widest.

    Attributes:
        seconds: by rows, ascending.
    """

    seconds: dict[int, float]

    @classmethod
    def of(cls, forwards: Iterable[tuple[float, float, int]]) -> "Curve":
        """The mean seconds by width, of widths that a share of all forwards have.

        Args:
            forwards: (rows, seconds of all of them together, how many) of some forwards each; rows
                are rounded.
        """
        sums: dict[int, list[float]] = defaultdict(lambda: [0.0, 0.0])
        for rows, seconds, count in forwards:
            sums[round(rows)][0] += seconds
            sums[round(rows)][1] += count
        least = SHARE * sum(count for _, count in sums.values())
        return cls({rows: sums[rows][0] / sums[rows][1] for rows in sorted(sums) if sums[rows][1] >= max(least, 1)})

    @classmethod
    def flat(cls, seconds: float) -> "Curve":
        """The same however many rows."""
        return cls({1: seconds})

    def __call__(self, rows: np.ndarray | float) -> np.ndarray:
        """Seconds of one forward of so many rows each."""
        widths, known = list(self.seconds), list(self.seconds.values())
        first, last = widths[0], widths[-1]
        slope = (known[-1] - known[0]) / (last - first) if last > first else 0.0
        beyond = np.maximum(np.asarray(rows, float) - last, 0.0)
        found: np.ndarray = np.interp(rows, widths, known) + slope * beyond
        return found


@dataclass(frozen=True)
class Costs:
    """Seconds of the parts of a step at batch size 1, as measured.

    Attributes:
        draft: of one draft forward by its rows, all of `propose` shared out; None without any.
        verify: of a target forward, by rows.
        rest: of a step, what drafting and verification leave.
        greedy: of a token of greedy decoding beside the run.
    """

    draft: Curve | None
    verify: Curve
    rest: float
    greedy: float

    def step(
        self, rows: np.ndarray | float, draft_forwards: np.ndarray | float, draft_rows: np.ndarray | float
    ) -> np.ndarray:
        """Seconds of steps.

        Args:
            rows: of the target's forward.
            draft_forwards: how many the draft model made.
            draft_rows: of all of them together.
        """
        seconds: np.ndarray = self.verify(rows) + self.rest
        if self.draft is None:
            return seconds
        width = np.asarray(draft_rows, float) / np.maximum(draft_forwards, 1)
        return seconds + draft_forwards * self.draft(width)


@dataclass(frozen=True)
class Roofline:
    """Forwards of a pair of models on as few GPUs as hold it, by their datasheet.

    Tensor parallelism is taken to be perfect: all the GPUs' bandwidth and operations, and nothing
    for what they tell each other.

    Attributes:
        gpu: of one.
        pair: of models, in 16 bits.
    """

    gpu: Gpu
    pair: Pair

    @property
    def gpus(self) -> int:
        """The fewest that hold both models' weights, a power of two."""
        count, needed = 1, NUMBER_BYTES * (self.pair.target.parameters + self.pair.draft.parameters)
        while count * self.gpu.memory * FILLED < needed:
            count *= 2
        return count

    def target(self, rows: np.ndarray | float, context: np.ndarray | float, batch: int) -> np.ndarray:
        """Seconds of the target's forwards, as `forward` has them."""
        return self.forward(self.pair.target, rows, context, batch)

    def draft(self, rows: np.ndarray | float, context: np.ndarray | float, batch: int) -> np.ndarray:
        """Seconds of the draft's forwards, as `forward` has them."""
        return self.forward(self.pair.draft, rows, context, batch)

    def forward(
        self, model: Shape, rows: np.ndarray | float, context: np.ndarray | float, batch: int
    ) -> np.ndarray:
        """Seconds of forwards: reading or multiplying, whichever takes longer, and the layers' own.

        Read are all weights once and every sequence's cache; of the multiplications, those of
        attention scores are left out.

        Args:
            model: whose.
            rows: of each sequence.
            context: cached tokens of each sequence.
            batch: sequences.
        """
        read = NUMBER_BYTES * (model.parameters + batch * np.asarray(context, float) * model.cached_numbers)
        flops = 2.0 * model.parameters * np.asarray(rows, float) * batch
        reading = read / (self.gpus * self.gpu.bandwidth * BANDWIDTH_REACHED)
        multiplying = flops / (self.gpus * self.gpu.flops * FLOPS_REACHED)
        found: np.ndarray = np.maximum(reading, multiplying) + LAYER_SECONDS * model.layers
        return found
