"""Which clock work is billed to: the prompt's is the prefill's, a step's gather is that step's."""

import random
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from families import VOCABULARY, blurred, make_model
from matrix import build, decode, make_pair, ouroboros_config, prompts
from samples import chosen, thinned

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
    token_recycling,
)
from decoding import loop, recorder, session
from decoding.decoder import Drafter, ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from ouroboros import method as ouroboros

LONG = 2000
METHODS = [
    speculative.Config(),
    multi_candidate.Config(),
    superposed.Config(),
    cascade.Config(),
    prompt_lookup.Config(),
    sam.Config(),
    suffix.Config(),
    racer.Config(),
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
        (lookahead, tuple(f"{name}.py" for name in ("prompt_lookup", "racer", "sam", "suffix", "suffix_tree", "hybrid",
                                                   "token_recycling", "cascade", "superposed", "draft_graph",
                                                   "ngram_counts", "lookahead", "multi_candidate", "speculative",
                                                   "phrase_pool"))),
        (ouroboros, ("method.py", "learning.py", "adaptive.py")),
    )
    for name in names
}  # fmt: skip


@pytest.fixture(scope="module")
def long_pair() -> ModelPair:
    target = make_model("llama", dtype=torch.float32, max_position_embeddings=2 * LONG)
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


@pytest.mark.parametrize("config", thinned(METHODS, 10), ids=lambda config: f"{config}"[:90])
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
    steps = decoder.generate(prompt, Stopping(frozenset(), 6)).steps
    assert len(steps) and max(seen) < LONG, "lines run in a proposal"
    assert max(steps.draft_rows) < LONG / 4


def test_lines_of_a_prompt_that_is_read_late_would_be_seen() -> None:
    pool = lookahead.PhrasePool(2)
    reader = lookahead.TextPhrases(pool, 2)
    assert lines(lambda: reader.read([1, 2, 3] * (LONG // 3))) > 2 * LONG


def begun(config: object, pair: ModelPair, prompt: list[int]) -> Drafter:
    """The drafter as the first proposal finds it."""
    drafter = build(config, pair).drafter
    drafter.reset(prompt, len(prompt) + 20)
    return drafter


def test_what_the_first_proposal_finds_read() -> None:
    """Method by method, in its own words: all of the prompt, but for the last token where that is
    to be looked up."""
    pair = make_pair("llama")
    prompt = prompts(1, length=12)[0]
    runs = {(prompt[at], tuple(prompt[at + 1 : at + 3])) for at in range(len(prompt) - 2)}

    def phrases(pool) -> set:
        return {(key, phrase) for key, those in pool.phrases().items() for phrase in those}

    assert begun(prompt_lookup.Config(), pair, prompt).index._ids == prompt[:-1]
    assert begun(cascade.Config(max_ngram=3), pair, prompt).lookup.index._ids == prompt[:-1]
    assert begun(sam.Config(), pair, prompt).text.tokens == prompt
    assert set(begun(token_recycling.Config(prompt=True), pair, prompt).matrix) == set(prompt[:-1])
    keep = {"max_guesses": 20, "ngram": 3, "text_phrases": True}
    assert phrases(begun(lookahead.Config(**keep), pair, prompt).pool) == runs
    lazy = begun(hybrid.Config(fallback=lookahead.Config(**keep)), pair, prompt)
    assert lazy.matcher.text.tokens == prompt and phrases(lazy.fallback.pool) == runs
    both = ouroboros_config(capacity=20, ngram=3, text_phrases=True)
    assert phrases(begun(both, pair, prompt).pool) == runs
    only = ouroboros_config(capacity=20, ngram=3, text_phrases="output")
    assert not phrases(begun(only, pair, prompt).pool)
    assert begun(superposed.Config(), pair, prompt).ngrams._read == len(prompt)
    drafting = (speculative.Config(), multi_candidate.Config(), superposed.Config(), ouroboros.Config(gamma="auto"))
    for config in drafting:
        begun(config, pair, prompt)
        assert pair.draft.tokens == prompt[:-1], "the last is the draft's root"


def test_what_the_prefill_counts_and_takes_is_no_steps() -> None:
    """Phrases of the prompt, look-ups and rows of the first draft: in `extra` alone."""
    pair = make_pair("llama")
    prompt = prompts(1, length=40)[0]
    decoder = build(lookahead.Config(max_guesses=50, text_phrases=True), pair)
    outcome = decoder.generate(prompt, Stopping(frozenset(), 12))
    told = outcome.steps.drafter_metrics
    assert outcome.extra["phrases_learned"]["prompt"] > 20
    assert not any("prompt" in entry for entry in told["phrases_learned"])
    assert sum(entry["guess"] for entry in told["pool_lookups"]) == outcome.extra["pool_lookups"]["guess"] - 1
    assert sum(told["pool_seconds"]) < decoder.drafter.pool.clock.seconds, "the rest is the prefill's"
    decoder = build(speculative.Config(gamma=4), pair)
    steps = decoder.generate(prompt, Stopping(frozenset(), 30)).steps
    forwards, rows = decoder.drafter.forwards()
    assert (sum(steps.draft_forwards), sum(steps.draft_rows)) == (forwards - 1 - 4, rows - 39 - 4)


@pytest.mark.parametrize("length", chosen([1, 2, 12], 1, 12))
def test_a_draft_that_needs_the_prompt_alone_rides_in_the_prefill(length: int) -> None:
    """The target reads prompt and draft in one forward, and what it confirms comes with
    the first token; only where the draft is the target's own with fewer layers must the target's
    rows be there before."""
    target = make_model("llama")
    pair = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.0)), frozenset(), decode)
    prompt = prompts(1, length=length)[0]
    stopping = Stopping(frozenset(), 40)
    text = build(greedy.Config(), pair).generate(prompt, stopping).tokens
    same = self_speculative.Config(skip=None, threshold=0.0, max_draft=4)
    alone = 5 if length == 1 else 1  # there is no row before the root
    for config, given in (
        (greedy.Config(), 1),
        (same, alone),
        (hybrid.Config(min_match=30, fallback=same), alone),
        (clasp.Config(skip_share=0.0, threshold=0.0, max_draft=4), 1),
        (speculative.Config(gamma=4), 5),
        (multi_candidate.Config(branching=[2, 2, 1]), 4),
        (superposed.Config(paths=1, gamma=3, alpha=0.0), 4),
        (cascade.Config(gamma=6, tail=0, max_ngram=3), 7),
        (ouroboros_config(gamma=3, k=0, phrases=False), 4),
        (ouroboros_config(drafter=speculative.Config(gamma=2), k=0), 3),
        (hybrid.Config(min_match=30, fallback=speculative.Config(gamma=4)), 5),
    ):
        outcome = build(config, pair).generate(prompt, stopping)
        assert (outcome.tokens, outcome.prefill_tokens) == (text, given), config
        assert pair.target.counters.forwards == 1 + len(outcome.steps)


@pytest.mark.parametrize("config", [prompt_lookup.Config(draft_length=3), sam.Config(alpha=None, draft_length=4)])
def test_a_repeat_in_the_prompt_rides_in_the_prefill(config: object) -> None:
    pair = make_pair("llama")
    steps = build(config, pair).generate([1, 2, 3, 4, 1, 2], Stopping(frozenset(), 20)).steps
    assert pair.target.counters.rows - sum(steps.rows) == 6 + 3


def test_the_first_tokens_come_as_soon_as_they_are_verified() -> None:
    pair = make_pair("llama", noise=0.0)
    steps = build(speculative.Config(gamma=4), pair).stream(prompts(1)[0], Stopping(frozenset(), 20))
    assert len(next(steps)) == 5 and pair.target.counters.forwards == 1


class Second(Drafter):
    """Two guesses for the next token, the right one last: its row must be moved."""

    def __init__(self, text: list[int]) -> None:
        self.text = text

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:  # noqa: ARG002
        right = self.text[len(tokens)]
        tree.add(0, [(right + 1) % VOCABULARY], "wrong")
        tree.add(0, [right], "right")


@pytest.mark.parametrize("moving", [False, True])
def test_a_step_keeps_its_rows_within_its_own_clock(monkeypatch: pytest.MonkeyPatch, moving: bool) -> None:
    """On an accelerator `keep` only asks for rows to be moved: between that and the clock must lie
    a wait."""
    pair = make_pair("llama")
    target, prompt = pair.target, prompts(1)[0]
    text = prompt + build(greedy.Config(), pair).generate(prompt, Stopping(frozenset(), 9)).tokens
    decoder = loop.DraftThenVerify(pair, Second(text) if moving else Drafter())
    steps = decoder.stream(prompt, Stopping(frozenset(), 5))
    next(steps)
    events: list[str] = []
    keep, wait = target._cache.keep, ModelSession._wait

    def told(rows: list[int]) -> bool:
        events.append("keep")
        return keep(rows)

    monkeypatch.setattr(target._cache, "keep", told)
    monkeypatch.setattr(ModelSession, "_wait", lambda self: (events.append("wait"), wait(self)))

    def clock() -> float:
        events.append("clock")
        return float(len(events))

    monkeypatch.setattr(recorder, "time", SimpleNamespace(perf_counter=clock))
    assert len(next(steps)) == 1 + moving
    propose, verify, observe = ["clock", "clock"], ["clock", "keep", *["wait"] * moving, "clock"], ["clock", "clock"]
    assert events == [*propose, *verify, *observe, "clock"], "the last tells how long the step took"


def test_waiting_is_for_every_device_that_holds_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    target = make_pair("llama").target
    waited = []
    monkeypatch.setattr(session.torch.cuda, "synchronize", waited.append)
    target._wait()
    assert not waited, "a CPU has done its work when it returns"
    target._cache.devices = {torch.device("cuda:0"), torch.device("cuda:1")}
    target._wait()
    assert set(waited) == target._cache.devices
