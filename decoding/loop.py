"""The one decoding loop: propose a tree, verify it with the target, observe the verdict.

Greedy decoding is the loop whose drafter proposes nothing, so every method shares the target's code
path. The prefill is the loop's first turn: a draft that needs the prompt alone is verified in the
target's forward over the prompt.
"""

import time
from collections.abc import Generator, Mapping
from typing import Any

from decoding.classic import ClassicChoice
from decoding.decoder import Drafter, ModelPair
from decoding.errors import UserError
from decoding.recorder import StepRecorder
from decoding.records import Generation
from decoding.sampling import Sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping, StoppingRule
from decoding.tree import TokenTree
from decoding.verification import Choose, Verdict, walk


def propose(session: ModelSession, drafter: Drafter, tokens: list[int], limit: int) -> TokenTree:
    """The drafter's tree, whose root is tokens[-1], as large as `session` has room for.

    Args:
        session: the model that will verify it.
        drafter: proposes the tree.
        tokens: everything confirmed so far, the prompt included.
        limit: depth in tokens that can serve.
    """
    tree = TokenTree(tokens[-1], session.room(len(tokens) - 1))
    drafter.propose(tokens, tree, min(limit, tree.room))
    return tree


def verify(
    session: ModelSession,
    tree: TokenTree,
    tokens: list[int],
    choose: Choose | None = None,
    sure: bool = False,
    lenience: float = 1.0,
) -> Verdict:
    """What the model says about `tree`, in one forward; the accepted path is cached afterwards.

    Args:
        session: the model.
        tree: what was drafted.
        tokens: the confirmed ones, the root included; those that `session` lacks go before the
            tree.
        choose: the model's token after a text, where it is not the argmax of its logits.
        sure: see `walk`.
        lenience: see `walk`.
    """
    nodes = tree.wanted_nodes()
    logits = session.forward(tokens[len(session.tokens) : -1], tree, nodes)
    verdict = walk(tree, nodes, logits, tokens, choose, sure, lenience)
    session.keep(verdict.path)
    return verdict


class DraftThenVerify:
    """A decoder of ours: one target, one drafter."""

    def __init__(self, pair: ModelPair, drafter: Drafter) -> None:
        self.target = pair.target
        self.drafter = drafter

    def forget(self) -> None:
        """Drop everything learned from earlier prompts."""
        self.drafter.forget()

    def save_state(self) -> dict[str, Any]:
        """What the drafter has learned, as plain containers."""
        return self.drafter.save_state()

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Begin from what `save_state` gave."""
        self.drafter.load_state(state)

    def own_session(self) -> ModelSession | None:
        """What the drafter drafts with, if that is a model that is not the pair's."""
        return self.drafter.own_session()

    def generate(self, prompt: list[int], stopping: Stopping, sampler: Sampler | None = None) -> Generation:
        """Continue `prompt`.

        Raises:
            UserError: the prompt is empty or leaves no room in the context.
        """
        self.drafter.draw_with(sampler.drafts if sampler else None)
        classic = sampler is not None and not self.repeats(sampler)
        choose = ClassicChoice(sampler, self.drafter.rule) if sampler and classic else sampler
        return whole(self.stream(prompt, stopping, choose))

    def repeats(self, sampler: Sampler) -> bool:
        """Whether its samples are token by token those of plain sampling.

        In the classic way they are so in distribution alone.
        """
        return not (sampler.classic or self.drafter.classic_only)

    def stream(
        self, prompt: list[int], stopping: StoppingRule, choose: Choose | None = None
    ) -> Generator[list[int], None, Generation]:
        """Continue `prompt`, yielding the tokens that every step adds to the output.

        The clock runs on while the caller holds a step.

        Args:
            prompt: token ids.
            stopping: when to end.
            choose: the target's token after a text, where it is not the argmax of its logits (a
                repetition penalty, say).

        Returns:
            The whole generation.

        Raises:
            UserError: as `generate` does.
        """
        target, drafter = self.target, self.drafter
        check_prompt(prompt, target.context)
        begin = time.perf_counter()
        target.reset()
        target.reserve(len(prompt) + stopping.max_new_tokens)
        drafter.reset(prompt, len(prompt) + stopping.max_new_tokens)
        output: list[int] = []
        tokens, stop = list(prompt), None
        recorder = StepRecorder(drafter)
        prefill_seconds, prefill_tokens = 0.0, 0
        while stop is None and len(tokens) < target.context:
            limit = stopping.max_new_tokens - len(output) - 1
            with recorder.drafting:
                tree = propose(target, drafter, tokens, limit)
            with recorder.verifying:
                verdict = verify(target, tree, tokens, choose)
            with recorder.observing:
                drafter.observe(verdict)
            stop = stopping.extend(output, verdict.tokens[: target.context - len(tokens)])
            emitted = output[len(tokens) - len(prompt) :]
            tokens += emitted
            if prefill_tokens:
                recorder.add(verdict, len(emitted), limit)
            else:
                recorder.begin()
                prefill_seconds, prefill_tokens = time.perf_counter() - begin, len(emitted)
            yield emitted
        return Generation(
            tokens=output,
            stop=stop or "context",
            prefill_seconds=prefill_seconds,
            total_seconds=time.perf_counter() - begin,
            steps=recorder.steps,
            extra=drafter.metrics(),
            prefill_tokens=prefill_tokens,
        )


def whole(steps: Generator[list[int], None, Generation]) -> Generation:
    """The generation that a stream ends with."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            generation: Generation = end.value
            return generation


def check_prompt(prompt: list[int], context: int) -> None:
    """Raise UserError for a prompt that cannot be continued."""
    if not prompt:
        raise UserError("the prompt has no tokens: nothing can be continued")
    if len(prompt) >= context:
        raise UserError(f"the prompt has {len(prompt)} tokens, but the model's context holds {context}")
