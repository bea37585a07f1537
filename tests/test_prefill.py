"""Which clock work is billed to: the prompt's is the prefill's, a step's gather is that step's."""

import random
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from families import VOCABULARY, blurred, make_model
from matrix import build, decode, make_pair, ouroboros_config, prompts

from baselines import (
    cascade,
    greedy,
    hybrid,
    lookahead,
    multi_candidate,
    prompt_lookup,
    speculative,
    suffix,
    token_recycling,
)
from decoding import loop, recorder, session
from decoding.decoder import Drafter, ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from ouroboros import method as ouroboros

LONG = 2000
METHODS = [
    speculative.Config(),
    multi_candidate.Config(),
    cascade.Config(),
    prompt_lookup.Config(),
    suffix.Config(),
    hybrid.Config(),
    hybrid.Config(fallback=lookahead.Config()),
    hybrid.Config(fallback=ouroboros.Config()),
    token_recycling.Config(prompt=True),
    lookahead.Config(),
    ouroboros.Config(),
    ouroboros.Config(drafter=lookahead.Config(), k=2),
    ouroboros.Config(drafter=prompt_lookup.Config(), k=2),
    ouroboros.Config(gamma="auto", k="auto"),
]
# Where methods keep what they learn, and look it up. Their models' rows are counted apart.
WATCHED = {
    str(Path(module.__file__).resolve().parent / name)
    for module, names in (
        (loop, ("suffix_automaton.py", "copying.py", "draft_model.py")),
        (lookahead, tuple(f"{name}.py" for name in ("prompt_lookup", "suffix", "hybrid", "token_recycling", "cascade",
                                                   "lookahead", "multi_candidate", "speculative", "phrase_pool"))),
        (ouroboros, ("method.py", "learning.py", "adaptive.py")),
    )
    for name in names
}  # fmt: skip


@pytest.fixture(scope="module")
def long_pair() -> ModelPair:
    target = make_model("llama", max_position_embeddings=2 * LONG)
    return ModelPair(ModelSession(target), ModelSession(blurred(target, 0.1)), frozenset(), decode)


def lines(action) -> int:
    """Lines of WATCHED files that `action` runs."""
    count = 0

    def trace(frame, event, argument):  # noqa: ARG001
        nonlocal count
        if frame.f_code.co_filename not in WATCHED:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("config", METHODS, ids=lambda config: f"{config}"[:90])
def test_the_first_step_finds_the_prompt_read(long_pair: ModelPair, config: object) -> None:
    """A prompt of 2000 tokens leaves no loop of as many rounds to the first step, nor rows to its
    draft model."""
    draw = random.Random(5)
    prompt = [draw.randrange(VOCABULARY) for _ in range(LONG)]
    decoder = build(config, long_pair)
    seen = []
    take = decoder.drafter.propose

    def propose(*arguments: object) -> None:
        seen.append(lines(lambda: take(*arguments)))

    decoder.drafter.propose = propose
    outcome = decoder.generate(prompt, Stopping(frozenset(), 6))
    assert seen[0] < LONG, "lines run in the first step's proposal"
    assert outcome.steps.draft_rows[0] < LONG / 4


def test_lines_of_a_prompt_that_is_read_late_would_be_seen() -> None:
    pool = lookahead.PhrasePool(2)
    reader = lookahead.TextPhrases(pool, 2)
    assert lines(lambda: reader.read([1, 2, 3] * (LONG // 3))) > 2 * LONG


def after_prefill(config: object, pair: ModelPair, prompt: list[int]) -> Drafter:
    """The drafter as the first step finds it."""
    decoder = build(config, pair)
    next(decoder.stream(prompt, Stopping(frozenset(), 20)))
    return decoder.drafter


def test_what_the_prefill_leaves() -> None:
    """Method by method, in its own words: all of the prompt, but for the last token where that is
    to be looked up."""
    pair = make_pair("llama")
    prompt = prompts(1, length=12)[0]
    runs = {(prompt[at], tuple(prompt[at + 1 : at + 3])) for at in range(len(prompt) - 2)}

    def phrases(pool) -> set:
        return {(key, phrase) for key, those in pool.phrases().items() for phrase in those}

    assert after_prefill(prompt_lookup.Config(), pair, prompt).index._text == prompt[:-1]
    assert after_prefill(cascade.Config(), pair, prompt).lookup.index._text == prompt[:-1]
    assert after_prefill(suffix.Config(), pair, prompt).text.tokens == prompt
    assert set(after_prefill(token_recycling.Config(prompt=True), pair, prompt).matrix) == set(prompt[:-1])
    keep = {"max_guesses": 20, "ngram": 3, "text_phrases": True}
    assert phrases(after_prefill(lookahead.Config(**keep), pair, prompt).pool) == runs
    lazy = after_prefill(hybrid.Config(fallback=lookahead.Config(**keep)), pair, prompt)
    assert lazy.matcher.text.tokens == prompt and phrases(lazy.fallback.pool) == runs
    both = ouroboros_config(capacity=20, ngram=3, text_phrases=True)
    assert phrases(after_prefill(both, pair, prompt).pool) == runs
    only = ouroboros_config(capacity=20, ngram=3, text_phrases="output")
    assert not phrases(after_prefill(only, pair, prompt).pool)
    for config in (speculative.Config(), multi_candidate.Config(), ouroboros.Config(gamma="auto")):
        after_prefill(config, pair, prompt)
        assert pair.draft.tokens == prompt


def test_the_prompts_phrases_count_for_the_first_step_and_their_time_for_the_prefill() -> None:
    pair = make_pair("llama")
    prompt = prompts(1, length=40)[0]
    decoder = build(lookahead.Config(max_guesses=50, text_phrases=True), pair)
    steps = decoder.generate(prompt, Stopping(frozenset(), 12)).steps
    first, *later = steps.drafter_metrics["phrases_learned"]
    assert first["prompt"] > 20
    assert not any("prompt" in entry for entry in later)
    clock = decoder.drafter.pool.clock
    assert sum(steps.drafter_metrics["pool_seconds"]) < clock.seconds, "the rest is the prompt's"


def test_a_steps_gather_is_waited_for_within_its_own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """On an accelerator `keep` only asks for the gather: between it and the clock must lie a wait.
    """
    pair = make_pair("llama")
    target = pair.target
    steps = build(greedy.Config(), pair).stream(prompts(1)[0], Stopping(frozenset(), 3))
    next(steps)
    events: list[str] = []
    keep, wait = target._cache.keep, ModelSession._wait

    monkeypatch.setattr(target._cache, "keep", lambda rows: (events.append("keep"), keep(rows)))
    monkeypatch.setattr(ModelSession, "_wait", lambda self: (events.append("wait"), wait(self)))

    def clock() -> float:
        events.append("clock")
        return float(len(events))

    monkeypatch.setattr(recorder, "time", SimpleNamespace(perf_counter=clock))
    next(steps)
    propose, verify, observe = ["clock", "clock"], ["clock", "wait", "keep", "wait", "clock"], ["clock", "clock"]
    assert events == propose + verify + observe


def test_waiting_is_for_every_device_that_holds_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    target = make_pair("llama").target
    waited = []
    monkeypatch.setattr(session.torch.cuda, "synchronize", waited.append)
    target._wait()
    assert not waited, "a CPU has done its work when it returns"
    target._cache.devices = {torch.device("cuda:0"), torch.device("cuda:1")}
    target._wait()
    assert set(waited) == target._cache.devices
