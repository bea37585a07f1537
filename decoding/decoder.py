"""The two protocols of the harness, and the pair of models that methods are built from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from transformers import PreTrainedModel

from decoding.phrase_pool import PhrasePool
from decoding.records import Generation
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import Verdict


class Decoder(Protocol):
    """What the bench runs. A rival from outside implements only this.

    keeps_history: whether anything learned on one prompt can serve the next.
    ours: whether a mismatch is our fault (exit status 1) or only reported.
    """

    keeps_history: bool
    ours: bool

    def generate(self, prompt: list[int], stopping: Stopping) -> Generation:
        """Continue `prompt` (token ids) until `stopping` says so."""
        ...

    def forget(self) -> None:
        """Drop everything learned from earlier prompts."""
        ...


class Drafter:
    """What the draft-then-verify loop drives: all methods of the harness.

    This base proposes nothing, which makes the loop greedy decoding.
    keeps_history: whether anything learned on one prompt can serve the next.
    """

    keeps_history = False

    def reset(self, prompt: list[int], length: int) -> None:
        """A new prompt begins, of which at most `length` tokens will stand in the end, the prompt included.

        What was learned from earlier prompts stays. All that is done with the prompt is done here, in the prefill's
        time, by every method: the first step finds it read.
        """

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Add proposals to `tree`, whose root is tokens[-1]; paths deeper than `limit` cannot serve.

        tokens: everything confirmed so far, the prompt included.
        """

    def observe(self, verdict: Verdict) -> None:
        """Learn from what the target said about the step's tree: the last one proposed to or, in a hybrid, one that
        another drafter filled."""

    def forget(self) -> None:
        """Drop everything learned from earlier prompts."""

    def forwards(self) -> tuple[int, int]:
        """(forwards, rows) of draft models since the last reset; (0, 0) without any."""
        return 0, 0

    def pools(self) -> list[PhrasePool]:
        """The phrase pools that drafting asks and feeds, its own first and those of a drafter within it behind."""
        return []

    def report(self) -> dict[str, object]:
        """What goes into the generation's `extra`."""
        return {}


@dataclass
class ModelPair:
    """The loaded models that a method may use.

    target: the session whose greedy output every method must give.
    draft: the small model's session, None where the pair has none.
    eos: end-of-sequence ids of the target.
    decode: token ids to text, for stop strings.
    seed: for methods that draw (lookahead's first window).
    plain: loads the target anew as transformers gives it, prepared for no engine; None where nobody knows how.
    """

    target: ModelSession
    draft: ModelSession | None
    eos: frozenset[int]
    decode: Callable[[list[int]], str]
    seed: int = 0
    plain: Callable[[], PreTrainedModel] | None = None
