"""The session of a draft that reads, beside its tokens, what its target has made of the text."""

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
