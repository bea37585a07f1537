"""What every exactness test shares: prompts, a pair, greedy's outcome, and the comparison with it.
"""

import random
from collections import Counter
from dataclasses import fields
from functools import cache

from families import VOCABULARY, attending, blurred, make_model, reading

from baselines import greedy
from baselines.pool_meter import COLUMNS
from bench.plan.methods import METHODS
from decoding.cross_session import CrossSession
from decoding.decoder import ModelPair
from decoding.feature_session import FeatureSession
from decoding.loop import DraftThenVerify
from decoding.records import Generation
from decoding.session import ModelSession
from decoding.stopping import Stopping
from ouroboros.method import Config
from ouroboros.settings import DraftingConfig, LearningConfig, PoolConfig


def decode(tokens: list[int]) -> str:
    return "".join(chr(97 + token) for token in tokens)


def prompts(count: int, length: int = 9) -> list[list[int]]:
    draw = random.Random(11)
    return [[draw.randrange(VOCABULARY) for _ in range(length)] for _ in range(count)]


def make_pair(
    family: str,
    noise: float = 0.12,
    draft_family: str | None = None,
    context: int | None = None,
    traced: bool = False,
) -> ModelPair:
    """A random target and a draft that agrees with it now and then.

    Args:
        context: the target's, in tokens; None: the family's.
        traced: whether target and draft run traced, which takes half of eager's time: for long
            grids.
    """
    name = "n_positions" if family == "gpt2" else "max_position_embeddings"
    target = make_model(family, **({name: context} if context else {}))
    draft = make_model(draft_family, seed=3) if draft_family else blurred(target, noise)
    draft.config.pard_token = VOCABULARY - 1  # it reads masks as well as it can
    session, small = ModelSession(target), ModelSession(draft)
    if traced:
        session.trace()
        small.trace()

    @cache
    def feature_draft() -> FeatureSession:
        return FeatureSession(reading(blurred(target, noise)), session)

    @cache
    def cross_draft() -> CrossSession:
        return CrossSession(attending(blurred(target, noise), target), session)

    return ModelPair(session, small, frozenset({5}), decode, feature_draft=feature_draft, cross_draft=cross_draft)


def build(config: object, pair: ModelPair) -> DraftThenVerify:
    return METHODS[config.name].load().build(config, pair)


PARTS = {"drafting": DraftingConfig, "learning": LearningConfig, "pool": PoolConfig}


def ouroboros_config(**settings: object) -> Config:
    """Ouroboros' config, each setting of a part by its own name: no two parts have one of the same
    name."""
    parts = {}
    for part, kind in PARTS.items():
        parts[part] = kind(**{each.name: settings.pop(each.name) for each in fields(kind) if each.name in settings})
    return Config(**settings, **parts)


def reference(pair: ModelPair, prompt: list[int], stopping: Stopping) -> Generation:
    return greedy.build(greedy.Config(), pair).generate(prompt, stopping)


def generate(decoder: DraftThenVerify, prompt: list[int], stopping: Stopping) -> tuple[Generation, dict]:
    """The outcome, and what the drafter had to say of the prefill.

    Of the oracle, which has no loop, nothing.
    """
    if not isinstance(decoder, DraftThenVerify):
        return decoder.generate(prompt, stopping), {}
    steps = decoder.stream(prompt, stopping)
    next(steps)
    prefill = decoder.drafter.metrics()
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value, prefill


def check_pool(outcome: Generation, prefill: dict) -> None:
    """The pool's columns tell step by step what the pool itself has counted since the prefill."""
    steps, told = outcome.steps, outcome.steps.drafter_metrics
    if "pool_size" not in outcome.extra:
        assert not told
        return
    assert set(told) == set(COLUMNS) and {len(column) for column in told.values()} == {len(steps)}
    if not len(steps):
        return
    pool_seconds = told["pool_draft_seconds"], told["pool_seconds"]
    for draft, observe, while_drafting, pool in zip(
        steps.draft_seconds, steps.observe_seconds, *pool_seconds, strict=True
    ):
        assert 0 <= while_drafting <= draft + 1e-6, "within the clocks around it, but for rounding"
        assert 0 <= pool - while_drafting + 1e-9 <= observe + 1e-6
    assert told["pool_size"][-1] == outcome.extra["pool_size"]
    for name in ("pool_lookups", "pool_hits", "phrases_learned"):
        entries = told[name]
        assert sum(map(Counter, entries), Counter(prefill[name])) == outcome.extra[name]
        assert all(count > 0 for entry in entries for count in entry.values())


def check(pair: ModelPair, config: object, tests: list[tuple[list[int], Stopping, Generation]]) -> list[Generation]:
    """Decode every test with one decoder, history running on, and compare with greedy's outcome."""
    decoder = build(config, pair)
    outcomes = []
    for prompt, stopping, expected in tests:
        outcome, prefill = generate(decoder, prompt, stopping)
        assert (outcome.tokens, outcome.stop) == (expected.tokens, expected.stop), f"{config}"
        steps = outcome.steps
        assert outcome.prefill_tokens + sum(steps.emitted) == len(outcome.tokens) and outcome.prefill_tokens
        assert all(a <= d for a, d in zip(steps.accepted, steps.drafted, strict=True))
        assert all(e <= a + 1 for a, e in zip(steps.accepted, steps.emitted, strict=True))
        assert all(len(s) == a for a, s in zip(steps.accepted, steps.sources, strict=True))
        check_pool(outcome, prefill)
        outcomes.append(outcome)
    return outcomes
