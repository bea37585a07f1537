"""What a draft says along greedy's text: one forward a text, and nothing is drafted."""

from dataclasses import dataclass
from typing import ClassVar

from bench.measure.teacher_forcing import teacher_forced
from decoding.finite import require_finite
from decoding.session import ModelSession

# A line a text.
TEXTS = "texts.jsonl"


@dataclass(frozen=True, kw_only=True)
class ReadText:
    """A text of the target's, and the draft's opinion of each of its tokens.

    Attributes:
        prompt: its id.
        prompt_tokens: its length.
        tokens: greedy's output.
        ranks: for each token how many others the draft puts before it (0: it would draft the
            token); None where the draft's context leaves no room.
        chances: the draft's probability of its own first choice there; None as well.
        classes: what kind of token each is (see bench.measure.token_class).
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    prompt: str
    prompt_tokens: int
    tokens: list[int]
    ranks: list[int | None]
    chances: list[float | None]
    classes: list[str]


def opinions(draft: ModelSession, prompt: list[int], output: list[int]) -> tuple[list[int | None], list[float | None]]:
    """(ranks, chances) as in ReadText, from one forward of the draft.

    Args:
        draft: the model.
        prompt: token ids.
        output: the target's, at least one.

    Raises:
        NotFinite: the draft's logits are no numbers.
    """
    # A draft for the token after a text needs that text to be shorter than the context.
    room = max(0, min(len(output), draft.context - len(prompt)))
    if not room:
        return [None] * len(output), [None] * len(output)
    logits = teacher_forced(draft.model, draft.vocabulary, prompt, output[:room], draft.rope_boundary)
    require_finite(logits, draft.model, "draft")
    ranks: list[int | None] = []
    for row, token in zip(logits, output, strict=False):
        if token >= draft.vocabulary:
            ranks.append(draft.vocabulary)  # it has no such token, so all of its own come first
        else:
            # A tie goes to the lowest id, as in an argmax.
            ranks.append(int((row > row[token]).sum() + (row[:token] == row[token]).sum()))
    chances = logits.float().softmax(-1).amax(-1).tolist()
    missing = [None] * (len(output) - room)
    return ranks + missing, chances + missing
