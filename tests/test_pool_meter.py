"""A pool's clock, and the columns that tell which part of a step is the pool's."""

import itertools
from types import SimpleNamespace

import pytest
from matrix import build, check, decode, make_pair, prompts, reference

from baselines import hybrid, lookahead, speculative
from baselines.phrase_pool import PhrasePool, TextPhrases
from decoding import stopwatch
from decoding.decoder import ModelPair
from decoding.stopping import Stopping
from ouroboros import method as ouroboros


@pytest.fixture
def ticking(monkeypatch) -> None:
    """A clock that moves by one second whenever it is read: what is entered and left once takes one
    second."""
    monkeypatch.setattr(stopwatch, "time", SimpleNamespace(perf_counter=itertools.count().__next__))


@pytest.mark.usefixtures("ticking")
def test_every_call_of_the_pool_is_on_its_clock_once() -> None:
    pool = PhrasePool(4)
    TextPhrases(pool, 2).read([1, 2, 3, 4, 5])
    assert len(pool) == 3 and pool.clock.seconds == 1, "inserts within the reading count once"
    calls = (
        lambda: pool.insert(1, (7,), "test"),
        lambda: pool.replace(1, (7,), (8,), "test"),
        lambda: pool.credit(1, (8,), 1),
        lambda: pool.best(1, 2),
        lambda: pool.best(99, 2),
    )
    for number, call in enumerate(calls, 2):
        call()
        assert pool.clock.seconds == number


@pytest.mark.usefixtures("ticking")
@pytest.mark.parametrize(
    "config",
    [
        ouroboros.Config(gamma=3, k=2, window=3, ngram=4),
        ouroboros.Config(drafter=lookahead.Config(), k=2, ngram=4),
        hybrid.Config(min_match=3, fallback=lookahead.Config()),
    ],
    ids=lambda config: f"{config.name} {getattr(config, 'drafter', '')}",
)
def test_pool_time_is_split_into_drafting_and_observing(config: object) -> None:
    """Reading the clocks around propose and observe gives the very columns, a nested drafter's pool
    included."""
    pair = make_pair("llama")
    decoder = build(config, ModelPair(pair.target, pair.draft, frozenset(), decode))
    inner = [getattr(decoder.drafter, name, None) for name in ("base", "fallback")]
    pools = [each.pool for each in (decoder.drafter, *inner) if hasattr(each, "pool")]
    assert len(pools) == (2 if config.name == "ouroboros" and config.drafter != ouroboros.DRAFT_MODEL else 1)
    spent: dict[str, list[float]] = {"propose": [], "observe": []}

    def spy(name: str) -> None:
        inner = getattr(decoder.drafter, name)

        def spied(*arguments: object) -> None:
            before = sum(pool.clock.seconds for pool in pools)
            inner(*arguments)
            spent[name].append(sum(pool.clock.seconds for pool in pools) - before)

        setattr(decoder.drafter, name, spied)

    for name in spent:
        spy(name)
    for prompt in prompts(2):
        for part in spent.values():
            part.clear()
        told = decoder.generate(prompt, Stopping(frozenset(), 40)).steps.drafter_metrics
        assert told["pool_draft_seconds"] == spent["propose"][1:], "the first ones are the prefill's"
        both = [sum(pair) for pair in zip(spent["propose"], spent["observe"], strict=True)]
        assert told["pool_seconds"] == both[1:]
        assert min(map(sum, spent.values())) > 0


def test_without_a_pool_there_are_no_columns_and_with_one_they_add_up() -> None:
    pair = make_pair("llama", traced=True)
    stopping = Stopping(frozenset(), 30)
    tests = [(prompt, stopping, reference(pair, prompt, stopping)) for prompt in prompts(1)]
    for config in (
        speculative.Config(),
        hybrid.Config(),
        lookahead.Config(),
        ouroboros.Config(),
        ouroboros.Config(drafter=lookahead.Config()),
        hybrid.Config(fallback=ouroboros.Config()),
    ):
        outcomes = check(pair, config, tests)
        assert all(bool(outcome.steps.drafter_metrics) == ("pool_size" in outcome.extra) for outcome in outcomes)
