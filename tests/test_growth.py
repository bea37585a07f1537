"""A step's work does not grow with the text but in attention, its rows cost what they are, and
nothing piles up."""

import gc
import random
import sys
import tracemalloc
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from families import VOCABULARY, blurred, make_model
from matrix import build, decode, ouroboros_config
from samples import chosen
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from baselines import (
    cascade,
    clasp,
    greedy,
    hybrid,
    lookahead,
    multi_candidate,
    prompt_lookup,
    racer,
    sam,
    self_speculative,
    speculative,
    suffix,
    superposed,
    tapout,
    token_recycling,
)
from decoding import loop
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from ouroboros import method as ouroboros

FOLDERS = tuple(str(Path(module.__file__).parent.resolve()) for module in (loop, greedy, ouroboros))
SHORT, LONG, TOKENS = 100, 1600, 16
METHODS = [
    greedy.Config(),
    speculative.Config(gamma=4),
    multi_candidate.Config(branching=[3, 2, 1]),
    multi_candidate.Config(branching=[3, 3, 3], nodes=10, pruning=0.1, sharing=1),
    superposed.Config(),
    cascade.Config(gamma=4, tail=2),
    lookahead.Config(window=3, ngram=3, max_guesses=3, text_phrases=True),
    prompt_lookup.Config(draft_length=5),
    sam.Config(draft_length=6),
    suffix.Config(depth=16, draft_length=6),
    racer.Config(nodes=12),
    tapout.Config(gamma=4),
    token_recycling.Config(nodes=12, prompt=True),
    self_speculative.Config(skip=None, skip_attention=[1], max_draft=4, threshold=0.0),
    clasp.Config(interval=4, max_draft=4, threshold=0.0),
    hybrid.Config(min_match=3, draft_length=6, fallback=speculative.Config(gamma=4)),
    ouroboros_config(gamma=4, k=2, window=3, ngram=3, text_phrases=True),
    ouroboros_config(gamma="auto", k="auto", window=0, capacity=3, ngram=4, confidence=0.3),
]


class Work(TorchDispatchMode):
    """Within, lines of ours that run are counted, and numbers that operators write outside the
    models.

    lines, numbers: so far. inside: whether a model is running.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines = self.numbers = 0
        self.inside = False

    def __enter__(self) -> "Work":
        """Begin."""
        sys.settrace(self._trace)
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        """End."""
        super().__exit__(*error)
        sys.settrace(None)

    def watch(self, model: torch.nn.Module) -> None:
        """What `model` does in its forward is attention, and all else that a forward is."""
        forward = model.forward

        def watched(**inputs: Any) -> Any:
            self.inside = True
            try:
                return forward(**inputs)
            finally:
                self.inside = False

        model.forward = watched

    def _trace(self, frame: Any, event: str, _: Any) -> Callable | None:
        if not frame.f_code.co_filename.startswith(FOLDERS):
            return None
        self.lines += event == "line" and not self.inside
        return self._trace

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count what is no view."""
        result = function(*args, **(kwargs or {}))
        if not self.inside and not function.is_view and function.overloadpacket is not torch.ops.aten.empty:
            self.numbers += sum(leaf.numel() for leaf in tree_leaves(result) if isinstance(leaf, torch.Tensor))
        return result


def work_of_steps(config: object, context: int) -> tuple[int, int, Counter[str]]:
    """Lines and numbers of all steps after `context` tokens, and what the steps did."""
    work = Work()
    target = make_model("llama", max_position_embeddings=2 * LONG)
    pair = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.05)), frozenset(), decode)
    decoder = build(config, pair)
    view = getattr(decoder.drafter, "view", None)
    for session in filter(None, (pair.target, pair.draft, view)):
        work.watch(session.model)
    draw = random.Random(3)
    prompt = [draw.randrange(VOCABULARY) for _ in range(context)]
    steps = decoder.stream(prompt, Stopping(frozenset(), TOKENS))
    next(steps)
    outcome = None
    while outcome is None:
        try:
            with work:
                next(steps)
        except StopIteration as end:
            outcome = end.value
    told = outcome.steps
    return work.lines, work.numbers, Counter(steps=len(told), rows=sum(told.rows) + sum(told.draft_rows))


@pytest.mark.parametrize("config", chosen(METHODS, *METHODS[:10:3]), ids=lambda config: f"{config}"[:60])
def test_a_steps_work_outside_the_models_does_not_grow_with_the_text(config: object) -> None:
    """A text 16 times as long: about as many lines a row, and numbers of the masks alone."""
    lines, numbers, did = work_of_steps(config, SHORT)
    more_lines, more_numbers, did_then = work_of_steps(config, LONG)
    assert more_lines / did_then["rows"] < 2 * lines / did["rows"], "some: other texts, other drafts"
    masks = did_then["rows"] * (LONG + TOKENS)
    assert more_numbers < masks + 1.5 * numbers / did["rows"] * did_then["rows"]
    if config == greedy.Config():
        assert more_numbers < numbers + 3 * LONG, "a row alone has its mask already, once it is written"


def test_work_that_grows_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    lines, numbers, _ = work_of_steps(greedy.Config(), SHORT)
    propose = loop.propose

    def slow(session: ModelSession, drafter: object, tokens: list[int], limit: int) -> object:
        torch.zeros(len(tokens))
        for end in range(len(tokens)):
            loop.check_prompt(tokens[:1], end + 2)
        return propose(session, drafter, tokens, limit)

    monkeypatch.setattr(loop, "propose", slow)
    more_lines, more_numbers, _ = work_of_steps(greedy.Config(), LONG)
    assert more_lines > 10 * lines and more_numbers > (TOKENS - 2) * LONG + numbers


@pytest.mark.parametrize("context", [40, 400])
def test_rows_cost_what_they_are(context: int) -> None:
    """Four times the nodes are at most four times the lines, and numbers in proportion to rows and
    columns."""
    per_row = {}
    for nodes in (20, 80):
        lines, numbers, did = work_of_steps(token_recycling.Config(nodes=nodes), context)
        per_row[nodes] = lines / did["rows"]
        assert did["rows"] > 5 * did["steps"], "trees"
        # Of a row: its mask, and its logits looked at.
        assert numbers < did["rows"] * (context + TOKENS + 2 * 81 + 4 * VOCABULARY)
    assert per_row[80] < 1.2 * per_row[20]


# Generation after generation


@pytest.fixture(scope="module")
def pair() -> ModelPair:
    target = make_model("llama", num_hidden_layers=1)
    return ModelPair(ModelSession(target), ModelSession(blurred(target, 0.1)), frozenset({5}), decode)


MANY = [
    speculative.Config(gamma=3),
    multi_candidate.Config(branching=[2, 2]),
    superposed.Config(paths=2, gamma=2),
    hybrid.Config(min_match=3, fallback=lookahead.Config(window=2, ngram=3, max_guesses=2)),
    token_recycling.Config(nodes=8),
    self_speculative.Config(skip=None, skip_mlp=[0], max_draft=3),
    clasp.Config(interval=2, max_draft=3),
    ouroboros_config(gamma=3, k=2, window=2, ngram=3, text_phrases=True),
]


def generations(pair: ModelPair, length: int = 4) -> Iterator[None]:
    """One after another, of every method in turn, on a few prompts of several lengths; forever."""
    decoders = [build(config, pair) for config in MANY]
    draw = random.Random(7)
    prompts = [[draw.randrange(VOCABULARY) for _ in range(3 + 2 * number)] for number in range(7)]
    while True:
        for prompt in prompts:
            for decoder in decoders:
                decoder.forget()
                decoder.generate(prompt, Stopping(frozenset({5}), length))
                yield


def held() -> Counter[str]:
    """Objects that are alive, and tensors among them."""
    gc.collect()
    alive = gc.get_objects()
    return Counter(objects=len(alive), tensors=sum(type(each) is torch.Tensor for each in alive))


def test_memory_is_flat_over_many_generations(pair: ModelPair) -> None:
    """After two rounds of all prompts with all methods, 84 generations more leave nothing
    behind."""
    run = generations(pair)
    rounds = 7 * len(MANY)
    for _ in range(2 * rounds):
        next(run)
    before = held()
    tracemalloc.start()
    try:
        first = tracemalloc.get_traced_memory()[0]
        for _ in range(2 * rounds):
            next(run)
        after = held()
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert after["tensors"] <= before["tensors"]
    assert after["objects"] - before["objects"] < 60, "the last generation's"
    assert grown < 120_000, "bytes: what the last generation of every method left"


@pytest.mark.slow
def test_ten_thousand_generations_take_no_more_memory_than_a_hundred(pair: ModelPair) -> None:
    run, process = generations(pair), psutil.Process()
    for _ in range(500):
        next(run)
    before, resident = held(), process.memory_info().rss
    for _ in range(10_000):
        next(run)
    after, then = held(), process.memory_info().rss
    sys.stdout.write(f"resident: {resident / 2**20:.1f} MiB, after 10000 generations {then / 2**20:.1f} MiB\n")
    assert after["tensors"] <= before["tensors"] and after["objects"] - before["objects"] < 60
    assert then - resident < 24 * 2**20


def test_a_session_that_is_gone_leaves_no_weights_in_memory() -> None:
    """A sweep loads a pair a run; torch itself keeps the graphs of whatever it has ever traced."""
    gone = []
    model = make_model("llama", dtype=torch.float32)
    for parameter in model.parameters():
        # Memory that numpy frees tells when nothing holds it any more, C++ included.
        memory = parameter.detach().numpy().copy()
        gone.append(weakref.ref(memory))
        parameter.data = torch.from_numpy(memory)
        del memory
    session = ModelSession(model)
    session.trace()
    session.prefill(list(range(9)))
    assert all(each() is not None for each in gone)
    del model, parameter, session
    gc.collect()
    assert all(each() is None for each in gone)
