"""What a skip set is worth: tokens per second of Draft & Verify, measured or estimated.

Measured speed is what counts in the end, but it is slow to have and noisy, and a search climbs
noise. The cost model instead replays the method on paper: what the skipping model would draft at
every place of greedy's outputs comes from one forward a text, and every step and every drafted
token costs what was measured once, before the search. One skip set always has one value.
"""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from baselines.layer_skipping import LayerSkipper
from baselines.self_draft import likeliest
from baselines.self_speculative import AdaptiveExit, SelfSpeculative
from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify, propose, verify
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.view import SessionView

Layers = tuple[int, ...]
Guess = tuple[int, float]


@dataclass(frozen=True)
class Text:
    """A prompt, greedy's output for it, and the rule it ended by."""

    prompt: list[int]
    output: list[int]
    stopping: Stopping


@dataclass
class Worth:
    """What decoding came to: tokens after the prefill's, steps, drafted, accepted, seconds."""

    tokens: int = 0
    steps: int = 0
    drafted: int = 0
    accepted: int = 0
    seconds: float = 0.0

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds


@dataclass(frozen=True)
class Costs:
    """Seconds.

    steps: of the loop's step by how many tokens were drafted for it, their drafting left out; entry
    0 is greedy's. attention, mlp: of one such sub-layer in drafting one token. rest: of all else in
    drafting it.
    """

    steps: list[float]
    attention: float
    mlp: float
    rest: float

    def draft(self, attention: int, mlp: int) -> float:
        """Seconds of one drafted token with so many sub-layers left."""
        return self.rest + self.attention * attention + self.mlp * mlp


class _Given(Drafter):
    """Drafts what it was given."""

    def __init__(self, draft: list[int]) -> None:
        self.draft = draft

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:  # noqa: ARG002
        tree.add(0, self.draft, "given")


def measure_costs(
    target: ModelSession, skipper: LayerSkipper, text: Text, max_draft: int, rounds: int = 50
) -> Costs:
    """Medians over `rounds`, in which all that is measured takes turns.

    On a CPU the clock is the thread's own, which stands still while other processes have the core.
    """
    everything = range(skipper.layers)
    target.reset()
    target.reserve(len(text.prompt) + max_draft + 2)
    target.prefill(text.prompt)
    tokens = text.prompt + text.output[:1]
    filler = (text.output * (max_draft + 1))[:max_draft]

    def take_step(drafted: int) -> None:
        verify(target, propose(target, _Given(filler[:drafted]), tokens, drafted), tokens)
        target.truncate(len(text.prompt))

    views, equations = [], []
    for attention in (everything, ()):
        for mlp in (everything, ()):
            views.append(SessionView(target, skipper.skip(attention, mlp)))
            equations.append([skipper.layers - len(attention), skipper.layers - len(mlp), 1])

    def draft_one(view: SessionView) -> None:
        with view.ahead():
            likeliest(view.prefill(tokens[-1:]))

    works = [lambda n=n: take_step(n) for n in range(max_draft + 1)] + [lambda v=v: draft_one(v) for v in views]
    clock = time.perf_counter if target.device.type == "cuda" else time.thread_time
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, taken in zip(works, seconds, strict=True):
            begin = clock()
            work()
            taken.append(clock() - begin)
    medians = [statistics.median(taken) for taken in seconds]
    solution = np.linalg.lstsq(np.array(equations), np.array(medians[max_draft + 1 :]), rcond=None)[0]
    attention, mlp, rest = np.maximum(solution, 0.0).tolist()
    target.reset()
    return Costs(medians[: max_draft + 1], attention, mlp, rest)


class CostModel:
    """Reckons Draft & Verify's speed on `texts`.

    Their rows stay cached, a session for each text.
    """

    def __init__(
        self,
        pair: ModelPair,
        skipper: LayerSkipper,
        texts: Iterable[Text],
        early_exit: AdaptiveExit,
        max_draft: int,
        costs: Costs,
    ) -> None:
        self.skipper = skipper
        self.early_exit = early_exit
        self.max_draft = max_draft
        self.eos = pair.eos
        self.costs = costs
        self._read: list[tuple[Text, ModelSession]] = []
        for text in texts:
            session = ModelSession(pair.target.model, pair.target.vocabulary)
            session.prefill(text.prompt + text.output[:-1])
            self._read.append((text, session))

    def __call__(self, attention: Layers, mlp: Layers) -> Worth:
        """What skipping these layers is worth."""
        model = self.skipper.skip(attention, mlp)
        layers = self.skipper.layers
        draft = self.costs.draft(layers - len(attention), layers - len(mlp))
        worth = Worth()
        for text, session in self._read:
            best = SessionView(session, model).reread(len(text.prompt)).softmax(-1, dtype=torch.float32).max(-1)
            guesses = list(zip(best.indices.tolist(), best.values.tolist(), strict=True))
            self.early_exit.forget()
            for drafted, accepted in replay(guesses, text, self.early_exit, self.max_draft, self.eos):
                worth.steps += 1
                worth.drafted += drafted
                worth.accepted += accepted
                worth.seconds += self.costs.steps[drafted] + drafted * draft
            worth.tokens += len(text.output) - 1
        return worth


def replay(
    guesses: list[Guess], text: Text, early_exit: AdaptiveExit, max_draft: int, eos: frozenset[int]
) -> Iterable[tuple[int, int]]:
    """The steps, (drafted, accepted), that Draft & Verify takes to write text.output.

    guesses: the draft's token after each token of the output but the last, and its probability.
    They were made after the target's rows, where the method has draft rows for what it has just
    drafted; and after a wrong token the draft is taken to go on as it would after the right one.
    Otherwise these are the method's own steps.
    """
    output, place = text.output, 0
    while place < len(output) - 1:
        longest = min(max_draft, text.stopping.max_new_tokens - place - 2)
        limit = min(longest, len(output) - 1 - place)
        drafted, doubtful = 0, False
        while drafted < limit and not doubtful:
            token, probability = guesses[place + drafted]
            drafted += 1
            doubtful = probability < early_exit.threshold or token in eos
        accepted = 0
        while accepted < drafted and guesses[place + accepted][0] == output[place + accepted + 1]:
            accepted += 1
        if drafted and (doubtful or not drafted == longest < max_draft):
            early_exit.learn(accepted, drafted, drafted == max_draft)
        yield drafted, accepted
        place += accepted + 1


class Measured:
    """Measures Draft & Verify's decode speed on `texts`."""

    def __init__(
        self, pair: ModelPair, skipper: LayerSkipper, texts: Iterable[Text], early_exit: AdaptiveExit, max_draft: int
    ) -> None:
        self.pair = pair
        self.skipper = skipper
        self.texts = list(texts)
        self.early_exit = early_exit
        self.max_draft = max_draft

    def __call__(self, attention: Layers, mlp: Layers) -> Worth:
        """What skipping these layers is worth."""
        return self._run({"set": self._drafter(attention, mlp)})["set"]

    def beside_greedy(self, sets: dict[str, tuple[Layers, Layers]]) -> dict[str, Worth]:
        """What greedy and each of `sets` are worth.

        All run in turn on every text, so that they share its slow moments.
        """
        return self._run({"greedy": Drafter()} | {name: self._drafter(*layers) for name, layers in sets.items()})

    def _drafter(self, attention: Layers, mlp: Layers) -> SelfSpeculative:
        view = SessionView(self.pair.target, self.skipper.skip(attention, mlp))
        return SelfSpeculative(view, self.early_exit, self.max_draft, self.pair.eos)

    def _run(self, drafters: dict[str, Drafter]) -> dict[str, Worth]:
        worths = {name: Worth() for name in drafters}
        for text in self.texts:
            for name, drafter in drafters.items():
                drafter.forget()
                generation = DraftThenVerify(self.pair, drafter).generate(text.prompt, text.stopping)
                worth = worths[name]
                worth.tokens += len(generation.tokens) - 1
                worth.steps += len(generation.steps)
                worth.drafted += sum(generation.steps.drafted)
                worth.accepted += sum(generation.steps.accepted)
                worth.seconds += generation.decode_seconds
        return worths


Objective = Callable[[Layers, Layers], Worth]
