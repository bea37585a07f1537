"""Another model over a session's cache: drafts that read the target's own rows (arXiv 2309.08168).

The view's rows go after the session's in the same buffers, at the layers that the view's model
still has, and are cut off again before the session goes on: its next forward overwrites them at
every layer.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from transformers import PreTrainedModel

from decoding.session import Counters, ModelSession


class SessionView(ModelSession):
    """`model` on the cache and the tokens of `session`; what it works is counted apart.

    Args:
        model: one whose layers write rows of the same shapes, as a copy of the session's model
            without some of them does.
        changes: whether the model's layers change from forward to forward. No trace would follow
            that, so it runs in its own forward whatever the session does.
    """

    def __init__(self, session: ModelSession, model: PreTrainedModel, changes: bool = False) -> None:
        # In place of super().__init__: one cache and one list of tokens for both.
        vars(self).update(vars(session))
        self.model = model
        self.counters = Counters()
        self._pending = None
        # Nobody reads what a view's model makes of its rows.
        self._hidden = self._seen = None
        if changes:
            self._traced = None
        elif self._traced:
            self.trace()

    def reset(self) -> None:
        """Zero the view's counters; the sequence is the session's."""
        self.counters = Counters()

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Within, the view may cache more; afterwards the cache ends where it did."""
        length = len(self.tokens)
        try:
            yield
        finally:
            self.truncate(length)

    @torch.inference_mode()
    def reread(self, start: int) -> torch.Tensor:
        """Logits [cached tokens - start, vocabulary] after each cached token from `start` on.

        The view reads each token alone, after the session's own rows of all tokens before it: what
        the first token of a draft there would be. One forward, which leaves the cache as it is and
        is not counted.
        """
        cached = len(self.tokens)
        count = cached - start
        visible = np.concatenate([np.tri(count, k=-1, dtype=bool), np.eye(count, dtype=bool)], axis=1)
        return self._attend(
            self.tokens[start:], np.arange(start, cached), visible, list(range(count)), before=start
        )

    @torch.inference_mode()
    def repeat_last(self, rows: int) -> None:
        """Read the last cached token in `rows` rows at once.

        Each sees the session's own rows of all tokens before it and itself, none of the others. One
        forward, which leaves the cache as it is. What it is for happens in the model's layers.

        Raises:
            ValueError: nothing is cached.
        """
        last = len(self.tokens) - 1
        if last < 0:
            raise ValueError("no token is cached")
        beside_the_last = np.eye(rows, rows + 1, k=1, dtype=bool)
        self._attend(self.tokens[-1:] * rows, np.full(rows, last), beside_the_last, [0], before=last)
        self.counters.forwards += 1
        self.counters.rows += rows
