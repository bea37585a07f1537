"""A clock that runs while something is being done: `with watch: ...`."""

import time


class Stopwatch:
    """Adds up the time spent inside; entered again inside itself it counts the outermost alone.

    Attributes:
        seconds: spent inside so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._depth = 0
        self._begin = 0.0

    def __enter__(self) -> None:
        if not self._depth:
            self._begin = time.perf_counter()
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self.seconds += time.perf_counter() - self._begin
