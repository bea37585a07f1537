"""The loop's bookkeeping: what every step took and brought, as columns."""

import time

from decoding.decoder import Drafter
from decoding.records import Steps
from decoding.sampling import SAMPLING
from decoding.session import MODELS
from decoding.verification import Verdict


class Clock:
    """Times one thing at a time: `with clock: ...`.

    Attributes:
        seconds: what the last `with clock:` took.
    """

    __slots__ = ("_begin", "seconds")

    def __enter__(self) -> None:
        self._begin = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._begin


class StepRecorder:
    """Fills the columns of `steps`, from the prefill's end on.

    Args:
        drafter: whose forwards are counted, and whose own metrics are kept, whatever they mean.

    Attributes:
        drafting, verifying, observing: the clocks of a step's three parts.
    """

    def __init__(self, drafter: Drafter) -> None:
        self.steps = Steps(drafter_metrics={name: [] for name in drafter.step_columns})
        self.drafting = Clock()
        self.verifying = Clock()
        self.observing = Clock()
        self._drafter = drafter
        self._forwards = self._rows = 0
        self._models = self._sampling = self._last = 0.0

    def begin(self) -> None:
        """The prefill is over: what it counted, the first draft's work too, is no step's."""
        self._forwards, self._rows = self._drafter.forwards()
        self._models, self._sampling = MODELS.seconds, SAMPLING.seconds
        self._drafter.step_metrics()
        self._last = time.perf_counter()

    def add(self, verdict: Verdict, emitted: int, limit: int) -> None:
        """A step is over.

        Args:
            verdict: what the target said about its tree.
            emitted: tokens that it added to the output.
            limit: depth to which a draft could have been accepted.
        """
        steps, tree = self.steps, verdict.tree
        kept = verdict.path[1 : 1 + min(emitted, limit)]
        forwards, rows = self._drafter.forwards()
        steps.drafted.append(tree.drafted(limit))
        steps.accepted.append(len(kept))
        steps.emitted.append(emitted)
        steps.rows.append(len(tree))
        steps.draft_forwards.append(forwards - self._forwards)
        steps.draft_rows.append(rows - self._rows)
        steps.draft_seconds.append(self.drafting.seconds)
        steps.verify_seconds.append(self.verifying.seconds)
        steps.observe_seconds.append(self.observing.seconds)
        steps.model_seconds.append(MODELS.seconds - self._models)
        steps.sampling_seconds.append(SAMPLING.seconds - self._sampling)
        now = time.perf_counter()
        steps.step_seconds.append(now - self._last)
        steps.sources.append([tree.sources[node][0] for node in kept])
        if steps.drafter_metrics:
            for name, value in self._drafter.step_metrics().items():
                steps.drafter_metrics[name].append(value)
        self._forwards, self._rows, self._last = forwards, rows, now
        self._models, self._sampling = MODELS.seconds, SAMPLING.seconds
