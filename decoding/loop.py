"""The one decoding loop: propose a tree, verify it with the target, observe the verdict.

Greedy decoding is the loop whose drafter proposes nothing, so every method shares the target's code path.
"""

import time
from collections.abc import Generator

from decoding.decoder import Drafter, ModelPair
from decoding.errors import UserError
from decoding.phrase_pool import PhrasePool
from decoding.pool_meter import PoolMeter
from decoding.records import Generation, Steps
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import Choose, Verdict, verify


def step(
    session: ModelSession, drafter: Drafter, tokens: list[int], limit: int, choose: Choose | None = None
) -> tuple[Verdict, float, float]:
    """One round: tokens[-1] is the tree's root; confirmed tokens that `session` lacks go before it.

    choose: the model's token after a text, where it is not the argmax of its logits.
    Returns the verdict and the seconds spent proposing and verifying; the accepted path is cached afterwards.
    """
    begin = time.perf_counter()
    tree = TokenTree(tokens[-1], session.room(len(tokens) - 1))
    drafter.propose(tokens, tree, min(limit, tree.room))
    proposed = time.perf_counter()
    nodes = tree.wanted_nodes()
    logits = session.forward(tokens[len(session.tokens) : -1], tree, nodes)
    verdict = verify(tree, nodes, logits, tokens, choose)
    session.keep(verdict.path)
    return verdict, proposed - begin, time.perf_counter() - proposed


class DraftThenVerify:
    """A decoder of ours: one target, one drafter."""

    ours = True

    def __init__(self, pair: ModelPair, drafter: Drafter) -> None:
        self.target = pair.target
        self.drafter = drafter

    @property
    def keeps_history(self) -> bool:
        return self.drafter.keeps_history

    @property
    def pool(self) -> PhrasePool | None:
        """The drafter's phrase pool, None where it keeps none."""
        return getattr(self.drafter, "pool", None)

    def forget(self) -> None:
        self.drafter.forget()

    def generate(self, prompt: list[int], stopping: Stopping) -> Generation:
        """Continue `prompt`. Raises UserError if it is empty or leaves no room in the context."""
        steps = self.stream(prompt, stopping)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value

    def stream(
        self, prompt: list[int], stopping: Stopping, choose: Choose | None = None
    ) -> Generator[list[int], None, Generation]:
        """Continue `prompt`, yielding the tokens that every step adds to the output; returns the whole generation.

        choose: the target's token after a text, where it is not the argmax of its logits (a repetition penalty, say).
        The clock runs on while the caller holds a step. Raises UserError as `generate` does.
        """
        check_prompt(prompt, self.target.context)
        begin = time.perf_counter()
        self.target.reset()
        self.target.reserve(len(prompt) + stopping.max_new_tokens)
        self.drafter.reset(prompt, len(prompt) + stopping.max_new_tokens)
        output: list[int] = []
        steps = Steps()
        meter = PoolMeter(self.drafter.pools(), steps)
        logits = self.target.prefill(prompt)
        stop = stopping.extend(output, [choose(prompt, logits) if choose else int(logits.argmax())])
        prefilled = time.perf_counter()
        yield list(output)
        tokens = prompt + output
        while stop is None and len(tokens) < self.target.context:
            forwards, rows = self.drafter.forwards()
            limit = stopping.max_new_tokens - len(output) - 1
            verdict, draft_seconds, verify_seconds = step(self.target, self.drafter, tokens, limit, choose)
            meter.drafted()
            observing = time.perf_counter()
            self.drafter.observe(verdict)
            observe_seconds = time.perf_counter() - observing
            emitted = -len(output)
            stop = stopping.extend(output, verdict.tokens[: self.target.context - len(tokens)])
            emitted += len(output)
            tokens += output[len(output) - emitted :]
            forwards_after, rows_after = self.drafter.forwards()
            steps.drafted.append(verdict.tree.drafted(limit))
            kept = verdict.path[1 : 1 + min(emitted, limit)]
            steps.accepted.append(len(kept))
            steps.emitted.append(emitted)
            steps.rows.append(len(verdict.tree))
            steps.draft_forwards.append(forwards_after - forwards)
            steps.draft_rows.append(rows_after - rows)
            steps.draft_seconds.append(draft_seconds)
            steps.verify_seconds.append(verify_seconds)
            steps.sources.append([verdict.tree.sources[node][0] for node in kept])
            steps.observe_seconds.append(observe_seconds)
            meter.record()
            yield tokens[len(tokens) - emitted :]
        total = time.perf_counter() - begin
        return Generation(output, stop or "context", prefilled - begin, total, steps, self.drafter.report())


def check_prompt(prompt: list[int], context: int) -> None:
    """Raise UserError for a prompt that cannot be continued."""
    if not prompt:
        raise UserError("the prompt has no tokens: nothing can be continued")
    if len(prompt) >= context:
        raise UserError(f"the prompt has {len(prompt)} tokens, but the model's context holds {context}")
