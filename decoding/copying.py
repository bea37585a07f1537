"""Drafts copied from text that is already there, up to where nothing behind could be accepted."""

from collections.abc import Sequence


def copied(text: Sequence[int], start: int, count: int, eos: frozenset[int], vocabulary: int) -> list[int]:
    """At most `count` tokens of `text` from `start` (a place in it) on.

    A copy that reaches the text's end runs on into itself, as in LZ77 compression, and so continues a period. It ends
    with an end-of-sequence token, and in front of what the target cannot choose: an id beyond `vocabulary`, or the
    negative one that separates texts.
    """
    tokens: list[int] = []
    for place in range(start, start + count):
        token = text[place] if place < len(text) else tokens[place - len(text)]
        if not 0 <= token < vocabulary:
            break
        tokens.append(token)
        if token in eos:
            break
    return tokens
