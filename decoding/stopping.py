"""The one stopping rule, for every method, token by token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from decoding.text import UNFINISHED, continuation, text_from


class StoppingRule(Protocol):
    """What the decoding loop asks of a rule; `Stopping` is the harness' own."""

    @property
    def max_new_tokens(self) -> int:
        """The longest output."""
        ...

    def extend(self, output: list[int], tokens: list[int]) -> str | None:
        """Append `tokens` to `output` up to the one that ends it; the reason, or None to go on."""
        ...


@dataclass(frozen=True)
class Stopping:
    """When an output ends, decided from token ids alone so that every method ends alike.

    Attributes:
        eos: end-of-sequence ids; the output ends with the first of them.
        max_new_tokens: the longest output.
        strings: the output ends with the token that completes one of these in the decoded text.
        decode: token ids to text; needed only with strings.
        prompt: the prompt's token ids, of which the last few tell how the output's first tokens
            read: some tokenizers drop the space that a text begins with. A stop string counts where
            it begins and ends in the output.
        pieces: by token its own text, which spares decoding; only where pieces joined are the text
            of tokens in a row.

    Raises:
        ValueError: max_new_tokens is below 1, or a stop string is empty.
    """

    eos: frozenset[int]
    max_new_tokens: int
    strings: tuple[str, ...] = ()
    decode: Callable[[list[int]], str] | None = None
    prompt: tuple[int, ...] = ()
    pieces: Mapping[int, str] | None = None

    def __post_init__(self) -> None:
        if self.max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {self.max_new_tokens}")
        if "" in self.strings:
            raise ValueError("a stop string cannot be empty")
        if self.strings and self.decode is None:
            raise ValueError("stop strings need a decode function")

    def extend(self, output: list[int], tokens: list[int]) -> str | None:
        """Append `tokens` to `output` up to the one that ends it; the reason, or None to go on.

        The reason is "eos", "stop_string" or "length".
        """
        check_strings = bool(self.strings) and self._may_hold_stop(output, tokens)
        for token in tokens:
            output.append(token)
            if token in self.eos:
                return "eos"
            if check_strings and self._ends_with_stop(output):
                return "stop_string"
            if len(output) >= self.max_new_tokens:
                return "length"
        return None

    def _may_hold_stop(self, output: list[int], tokens: list[int]) -> bool:
        """One look at all new tokens together, so that the token-by-token check is rarely needed.

        A character cut at the end may hide what stands before it.
        """
        recent = [*output[-self._reach - 3 :], *tokens]
        if self.pieces is not None:
            text = "".join([self.pieces[token] for token in recent])
            if UNFINISHED not in text:
                return self._holds_stop(text)
        text = self._end(recent, self._reach + len(tokens))
        return UNFINISHED in text or self._holds_stop(text)

    def _ends_with_stop(self, output: list[int]) -> bool:
        return self._holds_stop(self._end(output[-self._reach - 4 :], self._reach + 1))

    def _holds_stop(self, text: str) -> bool:
        return any(string in text for string in self.strings)

    def _end(self, tokens: list[int], count: int) -> str:
        """The text of the last `count` tokens of an output that ends in `tokens`."""
        assert self.decode is not None
        if len(tokens) > count:
            # No stop string begins in the first of them, so that it may read as at the start of a
            # text.
            return text_from(self.decode, tokens, len(tokens) - count)[0]
        return continuation(self.decode, self.prompt, tokens)

    @cached_property
    def _reach(self) -> int:
        """Earlier tokens that a stop string can begin in.

        A byte each at least (tokens without text aside), and 4 spare for split characters.
        """
        return max(len(string.encode()) for string in self.strings) + 4
