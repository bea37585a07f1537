"""What kind of token each token of an output is, by the tokenizer's text for it."""

from collections.abc import Callable, Collection, Sequence

from decoding.text import TAIL, UNFINISHED, continuation

WORD_START, WORD_PART, NUMBER, PUNCTUATION, WHITESPACE, SPECIAL = CLASSES = (
    "word start", "word continuation", "number", "punctuation", "whitespace", "special",
)  # fmt: skip


def token_classes(
    decode: Callable[[list[int]], str], prompt: Sequence[int], output: Sequence[int], special: Collection[int]
) -> list[str]:
    """One of CLASSES for every token of an output.

    Args:
        decode: token ids to text.
        prompt: token ids before the output.
        output: token ids.
        special: ids that stand for no text, such as the end of a sequence.
    """
    whole = [*prompt, *output]

    def piece(at: int) -> str:
        return continuation(decode, whole[max(at - 2 * TAIL, 0) : at], [whole[at]])

    before = piece(len(prompt) - 1) if prompt else ""
    found = []
    for at in range(len(prompt), len(whole)):
        text = piece(at)
        found.append(SPECIAL if whole[at] in special else class_of(text, before))
        before = text
    return found


def class_of(text: str, before: str) -> str:
    """The class of a token that is not special.

    Its first visible character decides. A part of a character, of which bytes alone are known,
    counts as a letter: letters outside of ASCII are what is cut.

    Args:
        text: what the token adds.
        before: what the token before it added.
    """
    visible = text.strip()
    if not visible:
        return WHITESPACE
    if visible[0].isdigit():
        return NUMBER
    if not _letter(visible[0]):
        return PUNCTUATION
    return WORD_PART if text[0] == visible[0] and before and _letter(before[-1]) else WORD_START


def _letter(character: str) -> bool:
    return character.isalpha() or character == UNFINISHED
