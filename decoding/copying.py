"""Drafts copied from text that is already there, up to where nothing after it could be accepted."""

from collections.abc import Sequence


def copied(source: Sequence[int], start: int, count: int, eos: frozenset[int], vocabulary: int) -> list[int]:
    """At most `count` tokens of `source`, token ids, from index `start` on.

    A copy that reaches the source's end runs on into itself, as in LZ77 compression, and so
    continues a period. It ends with an end-of-sequence token, and in front of what the target
    cannot choose: an id beyond `vocabulary`, or the negative one that separates texts.
    """
    tokens: list[int] = []
    for index in range(start, start + count):
        token = source[index] if index < len(source) else tokens[index - len(source)]
        if not 0 <= token < vocabulary:
            break
        tokens.append(token)
        if token in eos:
            break
    return tokens
