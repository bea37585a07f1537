"""The text that tokens add to a prompt, which is not always what they decode to alone."""

from collections.abc import Callable, Sequence
from typing import cast

from tokenizers import decoders
from transformers import PreTrainedTokenizerBase

# Enough of a prompt's end for a tokenizer to see that the output does not begin a text.
TAIL = 16
# What the bytes of a part of a character decode to.
UNFINISHED = "\ufffd"


def text_from(decode: Callable[[list[int]], str], tokens: Sequence[int], start: int) -> tuple[str, int]:
    """The text of `tokens` from `start` on, and the place that it was taken from.

    Up to three tokens earlier where that is in the middle of a character: tokenizers with single
    bytes show all bytes in a row as unfinished if one is.
    """
    start = max(start, 0)
    tried = []
    for first in range(start, max(start - 4, -1), -1):
        text = decode(list(tokens[first:]))
        tried.append((text, first))
        if not text.startswith(UNFINISHED):
            return tried[-1]
    # The text itself may hold such a mark.
    return min(tried, key=lambda each: each[0].count(UNFINISHED))


def continuation(decode: Callable[[list[int]], str], before: Sequence[int], tokens: Sequence[int]) -> str:
    """The text that `tokens` add to a text of the tokens `before`.

    Special tokens are as `decode` has them.
    Decoded alone, tokenizers of the Llama 2 kind would drop the space it begins with.
    """
    known, start = text_from(decode, before, len(before) - TAIL)
    whole = decode([*before[start:], *tokens])
    return whole[len(known) :] if whole.startswith(known) else decode(list(tokens))


def text_of(tokenizer: PreTrainedTokenizerBase, ids: list[int], skip_special_tokens: bool) -> str:
    """What the tokenizer decodes one text's ids to; of several texts it would give a list."""
    return cast(str, tokenizer.decode(ids, skip_special_tokens=skip_special_tokens, clean_up_tokenization_spaces=False))


def bytewise(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether a text's bytes are those of its tokens in a row, whatever stands beside each."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return backend is not None and isinstance(backend.decoder, decoders.ByteLevel)


class Pieces(dict[int, str]):
    """By token its own text, looked up once.

    Joined they are the text of tokens in a row, if the tokenizer is bytewise.
    But for parts of characters: such a token's text holds UNFINISHED.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        super().__init__()
        self._decode = decode

    def __missing__(self, token: int) -> str:
        """Decode the token alone."""
        self[token] = text = self._decode([token])
        return text


class TextStream:
    """The text of an output, piece by piece as its tokens come.

    The pieces joined are the text of the whole output: its first space is kept, and a character
    whose bytes come in several tokens is given with its last one. Special tokens are left out.

        stream = TextStream(tokenizer, prompt_ids)
        for token in tokens:
            print(stream.add(token), end="", flush=True)
        print(stream.end())
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, prompt: Sequence[int] = ()) -> None:
        """Begin an output.

        Args:
            tokenizer: of the model.
            prompt: token ids that the output continues; none if it begins a text.
        """
        self._tokenizer = tokenizer
        self._before = list(prompt)[-2 * TAIL :]
        self._held: list[int] = []
        self._given = 0

    def add(self, token: int) -> str:
        """The text that is certain with this token and was not before.

        "" in the middle of a character.
        """
        self._held.append(token)
        text = continuation(self._decode, self._before, self._held)
        # All bytes at the end that make no character yet may still become one.
        certain = text.rstrip(UNFINISHED)
        piece = certain[self._given :]
        self._given = len(certain)
        if certain == text:
            self._settle()
        return piece

    def end(self) -> str:
        """The text still held back when the output ends.

        These are the replacement marks of a character that was cut.
        """
        piece = continuation(self._decode, self._before, self._held)[self._given :]
        self._settle()
        return piece

    def _settle(self) -> None:
        self._before = [*self._before, *self._held][-2 * TAIL :]
        self._held, self._given = [], 0

    def _decode(self, ids: list[int]) -> str:
        return text_of(self._tokenizer, ids, skip_special_tokens=True)
