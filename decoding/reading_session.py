"""The session of a draft that reads, beside its tokens, what its target has made of the text."""

import torch
from transformers import PreTrainedModel

from decoding.session import ModelSession


class ReadingSession(ModelSession):
    """A draft beside its target, from which it reads confirmed rows.

    Args:
        model: the draft.
        target: what it reads from.
        vocabulary: see ModelSession.
    """

    def __init__(self, model: PreTrainedModel, target: ModelSession, vocabulary: int | None = None) -> None:
        super().__init__(model, vocabulary)
        self.target = target

    def begin(self, prompt: list[int], length: int) -> None:  # noqa: ARG002
        """A new sequence; the prompt is read once the target has read it."""
        self.reset()
        self.reserve(length)

    def ready(self, tokens: list[int]) -> bool:
        """Whether the target has read all of `tokens` but the last."""
        return 0 < len(tokens) - 1 <= len(self.target.tokens)

    def is_finite(self, tokens: list[int], rows: int) -> bool:
        """See ModelSession.is_finite; here with a forward a row, which leaves the session empty.

        They are read beside the target as it stands; what it has not read is left out.
        """
        tokens = tokens[: min(self.context, len(self.target.tokens))]
        first = max(len(tokens) - rows, 0)
        self.reset()
        pieces = [tokens[: first + 1], *([token] for token in tokens[first + 1 :])]
        fine = [bool(torch.isfinite(self.prefill(piece)).all()) for piece in pieces if piece]
        self.reset()
        return all(fine)


def reading(session: ModelSession) -> ReadingSession | None:
    """The session, if its model reads its target: then it is not the pair's draft."""
    return session if isinstance(session, ReadingSession) else None
