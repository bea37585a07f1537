"""The two protocols of the harness, and the pair of models that methods are built from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from transformers import PreTrainedModel

from decoding.acceptance import Rule, with_replacement
from decoding.errors import UserError
from decoding.records import Generation
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import Verdict


class Decoder(Protocol):
    """What the bench runs. A rival from outside implements only this."""

    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """Continue `prompt` (token ids) until `stopping` ends it, greedily or as `sampler` does."""
        ...

    def forget(self) -> None:
        """Drop everything learned from earlier prompts, but for a loaded state."""
        ...


class StatefulDecoder(Decoder, Protocol):
    """A decoder whose learning can be saved, and loaded into another of the same settings."""

    def save_state(self) -> dict[str, Any]:
        """What it has learned, as plain containers for JSON."""
        ...

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Begin with what `save_state` gave, now and after every `forget`.

        Raises:
            UserError: the state is damaged, or of another method or other settings.
        """
        ...


class Drafter:
    """What the draft-then-verify loop drives: all methods of the harness.

    This base proposes nothing, which makes the loop greedy decoding.

    Attributes:
        step_columns: the names of `step_metrics`.
        rule: by which its draws, those that it notes in the tree, are accepted where samples are
            accepted in the classic way. Whatever it does not note counts as a point mass.
        classic_only: whether that is the only way, because the method is the rule.
    """

    step_columns: tuple[str, ...] = ()
    rule: Rule = staticmethod(with_replacement)
    classic_only = False

    def reset(self, prompt: list[int], length: int) -> None:
        """A new prompt begins; in the end at most `length` tokens will stand, the prompt included.

        What was learned from earlier prompts stays. All that is done with the prompt is done here,
        in the prefill's time, by every method, asked for a first draft or not: the first step finds
        it read.
        """

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        """Add proposals to `tree`, whose root is tokens[-1].

        The first time the target has not read the prompt yet: what is proposed then is verified in
        its prefill. A drafter that needs the target's rows leaves the tree as it is.

        Args:
            tokens: everything confirmed so far, the prompt included.
            tree: the step's tree, so far its root alone.
            limit: depth in tokens below the root; deeper paths cannot serve.
        """

    def observe(self, verdict: Verdict) -> None:
        """Learn from what the target said about the step's tree.

        That is the last one proposed to or, in a hybrid, one that another drafter filled.
        """

    def draw_with(self, sampler: Sampler | None) -> None:
        """From now on draft models choose tokens by `sampler`; None: greedily.

        Asked before `reset`. What drafts without a model has nothing to draw.
        """

    def forget(self) -> None:
        """Drop everything learned from earlier prompts, but for a loaded state."""

    def save_state(self) -> dict[str, Any]:
        """What was learned, as plain containers for JSON.

        Raises:
            UserError: the drafter has no state that can be saved.
        """
        raise UserError(f"{type(self).__name__} learns nothing that can be saved")

    def load_state(self, state: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Begin with what `save_state` gave, now and after every `forget`.

        Raises:
            UserError: the state does not fit.
        """
        raise UserError(f"{type(self).__name__} learns nothing that can be loaded")

    def forwards(self) -> tuple[int, int]:
        """(forwards, rows) of draft models since the last reset; (0, 0) without any."""
        return 0, 0

    def own_session(self) -> ModelSession | None:
        """What it drafts with, if that is a model that is not the pair's."""
        return None

    def step_metrics(self) -> Mapping[str, Any]:
        """What the drafter alone has to say about the step that it has just observed.

        A value for each of `step_columns`; asked once a step, and once when the prefill is over.
        """
        return {}

    def metrics(self) -> dict[str, Any]:
        """The same of the whole generation, for its `extra`."""
        return {}


@dataclass
class ModelPair:
    """The loaded models that a method may use.

    Attributes:
        target: the session whose greedy output every method must give.
        draft: the small model's session, None where the pair has none.
        eos: end-of-sequence ids of the target.
        decode: token ids to text, for stop strings.
        seed: for methods that draw (lookahead's first window).
        plain: loads the target anew as transformers gives it, prepared for no engine; None where
            nobody knows how.
        feature_draft: loads a draft that reads the target's hidden states, once; None where there
            is none.
        cross_draft: the same of one that attends to the target's keys and values.
    """

    target: ModelSession
    draft: ModelSession | None
    eos: frozenset[int]
    decode: Callable[[list[int]], str]
    seed: int = 0
    plain: Callable[[], PreTrainedModel] | None = None
    feature_draft: Callable[[], ModelSession] | None = None
    cross_draft: Callable[[], ModelSession] | None = None
