"""What a phrase pool has learned, as a state that can be saved (arXiv 2402.13720, section 3.5).

A state is bound to one phrase length; the file it lies in, to one tokenizer
(decoding/state_file.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baselines.phrase_pool import Phrase, PhrasePool
from decoding.errors import UserError

FORMAT, VERSION = "ouroboros phrase pool", 2
READABLE = (1, 2)  # version 1 knew no credits


@dataclass
class PoolState:
    """Phrases with what they are bound to.

    Attributes:
        ngram: N, the longest phrase's length + 1.
        phrases: by first token, oldest first.
        credits: in the same order, how many tokens of each phrase were accepted, None where that is
            not known.
    """

    ngram: int
    phrases: Mapping[int, list[Phrase]]
    credits: Mapping[int, list[int]] | None = None
    version: int = VERSION

    @classmethod
    def of(cls, pool: PhrasePool, ngram: int) -> "PoolState":
        """What `pool` holds now."""
        return cls(ngram, pool.phrases(), pool.credits())

    @classmethod
    def read(cls, state: Mapping[str, Any], ngram: int | None = None) -> "PoolState":
        """What `plain` gave, from JSON or not.

        Args:
            state: as it was saved.
            ngram: N of the method that it is for; None for any.

        Raises:
            UserError: it is no pool, damaged, of another version or of another N.
        """
        if state.get("format") != FORMAT:
            raise UserError("no phrase pool: the state is another method's")
        version = state.get("version")
        if version not in READABLE:
            known = " and ".join(map(str, READABLE))
            raise UserError(f"a phrase pool of version {version!r}, {known} are read here: write it anew")
        try:
            phrases = {_id(key): [_phrase(each) for each in listed] for key, listed in state["phrases"].items()}
            found = cls(_of(int, state["ngram"]), phrases, _credits(state.get("credits"), phrases), version)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"damaged ({error!r}): write it anew") from error
        if not all(0 < len(phrase) < found.ngram for listed in phrases.values() for phrase in listed):
            raise UserError("damaged: it holds phrases that cannot be; write it anew")
        if ngram not in (None, found.ngram):
            raise UserError(f"made with ngram={found.ngram}, this method has ngram={ngram}: set ngram={found.ngram}")
        return found

    def plain(self) -> dict[str, Any]:
        """As plain containers for JSON."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "ngram": self.ngram,
            "phrases": self.phrases,
            "credits": self.credits,
        }

    def fill(self, pool: PhrasePool) -> None:
        """Let `pool` hold these phrases, as far as its capacity allows."""
        pool.load(self.phrases, self.credits)


def _of(kind: type, value: Any) -> Any:
    """`value`, if it is of this very type (a bool is no int). Raises TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:40]} is no {kind.__name__}")
    return value


def _credits(saved: Any, phrases: Mapping[int, list[Phrase]]) -> dict[int, list[int]] | None:
    """Raise TypeError or ValueError for anything but a count for every phrase.

    None where nothing was saved.
    """
    if saved is None:
        return None
    credits = {_id(key): [_of(int, count) for count in _of(list, counts)] for key, counts in _of(dict, saved).items()}
    if {key: len(counts) for key, counts in credits.items()} != {key: len(each) for key, each in phrases.items()}:
        raise ValueError("credits and phrases differ in number")
    if any(count < 0 for counts in credits.values() for count in counts):
        raise ValueError("a credit is below zero")
    return credits


def _id(key: str | int) -> int:
    """The token that stands as a key. Raises ValueError for anything but a plain number."""
    if str(int(key)) != str(key) or int(key) < 0:
        raise ValueError(f"{str(key)[:40]} is no token id")
    return int(key)


def _phrase(tokens: Any) -> Phrase:
    """Raises TypeError or ValueError for anything but a list of token ids."""
    if not isinstance(tokens, list | tuple):
        raise TypeError(f"{str(tokens)[:40]} is no list")
    phrase = tuple(_of(int, token) for token in tokens)
    if min(phrase, default=0) < 0:
        raise ValueError(f"{min(phrase)} is no token id")
    return phrase
