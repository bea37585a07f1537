"""By the classic rules samples have the target's law to nine digits, for every method and warper:
every course that chance can take is gone through.

Chance itself is another matter: what draws with it is measured in test_sampling.py and
test_distribution.py.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
import torch
from families import attending, blurred, make_model, reading
from matrix import build, ouroboros_config
from samples import covering
from tables import TableSession
from wrong_rules import biased, late

from baselines import (
    cascade,
    clasp,
    eagle,
    glide,
    hybrid,
    lookahead,
    multi_candidate,
    parallel,
    prompt_lookup,
    racer,
    sam,
    self_speculative,
    spectr,
    speculative,
    suffix,
    superposed,
    synthetic,
    tapout,
    token_recycling,
)
from decoding import acceptance
from decoding.cross_session import CrossSession
from decoding.decoder import ModelPair
from decoding.draws import CLASSIC, Sampling
from decoding.feature_session import FeatureSession
from decoding.sampling import Noise, Sampler, make_sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping

SIZE, EOS = 3, 2
PROMPT = [1, 2, 0, 1, 2]
WARPERS = [Sampling(0.7, top_k=2), Sampling(1.4, top_p=0.8), Sampling(1.0, min_p=0.5)]
RULES = [
    speculative.Config(gamma=2),
    multi_candidate.Config(branching=[2, 2]),
    spectr.Config(paths=2, gamma=2),
]
METHODS = [
    *RULES,
    speculative.Config(gamma=3, confidence=0.5),
    multi_candidate.Config(branching=[3], nodes=2),
    multi_candidate.Config(branching=[2, 1], cape=True),
    tapout.Config(gamma=2),
    cascade.Config(gamma=2, tail=1, draft_length=2),
    cascade.Config(gamma=2, tail=1, lenience=3.0),
    hybrid.Config(min_match=2, fallback=speculative.Config(gamma=2)),
    ouroboros_config(gamma=2, k=2, window=2, ngram=3),
    ouroboros_config(gamma=2, k=1, window=0, ngram=3, capacity=2, text_phrases=True),
    lookahead.Config(window=2, ngram=3, max_guesses=2),
    prompt_lookup.Config(),
    sam.Config(),
    suffix.Config(),
    racer.Config(nodes=6),
    token_recycling.Config(nodes=6),
    synthetic.Config(gamma=2),
]


class Courses:
    """Runs a program once for every course that chance can take in it."""

    def __init__(self) -> None:
        self._taken: list[int] = []  # of those possible, at every point where chance decides
        self._widths: list[int] = []
        self._weight = 1.0

    def pick(self, chances: Sequence[float]) -> int:
        """What chance decides; none of the possible outcomes is left out over all runs."""
        possible = [index for index, chance in enumerate(chances) if chance > 0]
        point = len(self._widths)
        if point == len(self._taken):
            self._taken.append(0)
        self._widths.append(len(possible))
        index = possible[self._taken[point]]
        self._weight *= chances[index] / sum(chances)
        return index

    def __call__(self, program: Callable[[], tuple[int, ...]]) -> Iterator[tuple[tuple[int, ...], float]]:
        """(what a run came to, how likely its course is)."""
        self._taken = []
        while True:
            self._widths, self._weight = [], 1.0
            yield program(), self._weight
            while self._taken and self._taken[-1] + 1 == self._widths[len(self._taken) - 1]:
                self._taken.pop()
            if not self._taken:
                return
            self._taken[-1] += 1


@pytest.fixture
def courses(monkeypatch: pytest.MonkeyPatch) -> Courses:
    """Everything that is drawn is drawn by it."""
    found = Courses()

    class Number:
        """Between 0 and 1: all that is asked of it is whether it is below a chance."""

        def __lt__(self, chance: float) -> bool:
            return found.pick([1 - chance, chance]) == 1

    class Numbers:
        def __init__(self, key: int) -> None:
            pass

        def random(self) -> Number:
            return Number()

    def scores(sampler: Sampler, logits: torch.Tensor, position: int) -> torch.Tensor:  # noqa: ARG001
        """Any order, as draws without replacement come."""
        left = sampler.distribution(logits)
        ordered = torch.full_like(logits, -torch.inf, dtype=torch.float64)
        for rank in range(len(left)):
            if left.sum() > 0:
                token = found.pick(left)
                ordered[token] = -float(rank)
                left[token] = 0.0
        return ordered

    monkeypatch.setattr(Sampler, "choice", lambda sampler, logits, _: found.pick(sampler.distribution(logits)))
    monkeypatch.setattr(Sampler, "scores", scores)
    monkeypatch.setattr(acceptance, "draw", lambda distribution, _: found.pick(distribution))
    monkeypatch.setattr("decoding.classic.draw", lambda distribution, _: found.pick(distribution))
    monkeypatch.setattr(np.random, "default_rng", Numbers)
    return found


def table(seed: int) -> torch.Tensor:
    return torch.randn(SIZE, SIZE, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def tables(known: int = SIZE) -> ModelPair:
    """known: how many tokens the draft knows."""
    draft = (table(0) + 0.8 * table(1))[:, :, :known]
    return ModelPair(TableSession(table(0)), TableSession(draft), frozenset({EOS}), str)


def law(pair: ModelPair, sampling: Sampling, length: int) -> dict[tuple[int, ...], float]:
    """The exact chance of every output, which ends at the first EOS."""
    target, warp = pair.target, Sampler(sampling, Noise(0))
    target.reset()
    found: dict[tuple[int, ...], float] = defaultdict(float)

    def grow(output: tuple[int, ...], chance: float) -> None:
        if len(output) == length or EOS in output:
            found[output] += chance
            return
        for token, own in enumerate(warp.distribution(after(target, [*PROMPT, *output]))):
            if own:
                grow((*output, token), chance * own)

    grow((), 1.0)
    return found


def after(target: object, text: list[int]) -> torch.Tensor:
    """The target's logits after a text."""
    if isinstance(target, TableSession):
        return target.table[text[-2], text[-1]]
    with torch.inference_mode():
        return target.model(torch.tensor([text])).logits[0, -1]


def found_law(
    courses: Courses, pair: ModelPair, config: object, sampling: Sampling, length: int
) -> dict[tuple[int, ...], float]:
    """The chance of every output, over all courses of the method."""
    stopping = Stopping(frozenset({EOS}), length)

    def program() -> tuple[int, ...]:
        decoder = build(config, pair)
        return tuple(decoder.generate(PROMPT, stopping, make_sampler(sampling, (0,), "own", CLASSIC)).tokens)

    found: dict[tuple[int, ...], float] = defaultdict(float)
    for output, weight in courses(program):
        found[output] += weight
    assert sum(found.values()) == pytest.approx(1.0, abs=1e-9)
    return found


def differs(one: dict[tuple[int, ...], float], other: dict[tuple[int, ...], float]) -> float:
    """By how much, of the output whose chances differ most."""
    return max(abs(one.get(output, 0.0) - other.get(output, 0.0)) for output in {*one, *other})


@pytest.mark.parametrize("config", covering(METHODS, lambda config: [config.name]), ids=lambda config: config.name)
def test_every_method_has_the_law(courses, config):
    pair = tables()
    assert differs(found_law(courses, pair, config, Sampling(1.0), 3), law(pair, Sampling(1.0), 3)) < 1e-9


@pytest.mark.parametrize("sampling", WARPERS, ids=str)
@pytest.mark.parametrize("config", RULES, ids=lambda config: config.name)
def test_every_warper_has_the_law(courses, config, sampling):
    pair = tables()
    exact = law(pair, sampling, 3)
    assert differs(exact, law(pair, Sampling(sampling.temperature), 3)) > 0.01, "something is cut"
    assert differs(found_law(courses, pair, config, sampling, 3), exact) < 1e-9


@pytest.mark.parametrize("config", RULES, ids=lambda config: config.name)
def test_a_draft_that_lacks_a_token_of_the_targets(courses, config):
    pair = tables(known=SIZE - 1)
    assert differs(found_law(courses, pair, config, Sampling(1.0), 3), law(pair, Sampling(1.0), 3)) < 1e-9


@pytest.mark.parametrize(
    "config",
    [
        self_speculative.Config(skip=None, skip_attention=[1], max_draft=1, threshold=0.0),
        clasp.Config(interval=1, max_draft=1, threshold=0.0),
        parallel.Config(gamma=2),
        superposed.Config(paths=2, gamma=1),
        pytest.param(eagle.Config(depth=2, children=1, width=1, nodes=None), marks=pytest.mark.slow),
        eagle.Config(depth=1, children=2, width=None, nodes=None),
        glide.Config(gamma=2),
        glide.Config(gamma=1, cape=True),
    ],
    ids=lambda config: config.name,
)
def test_what_needs_a_real_model_has_the_law(courses, config):
    target = make_model("llama", vocab_size=SIZE + 1, eos_token_id=EOS)
    draft = blurred(target, 0.2)
    draft.config.pard_token = SIZE
    session = ModelSession(target)
    pair = ModelPair(
        session, ModelSession(draft), frozenset({EOS}), str,
        feature_draft=lambda: FeatureSession(reading(blurred(target, 0.2)), session),
        cross_draft=lambda: CrossSession(attending(blurred(target, 0.2), target), session),
    )  # fmt: skip
    assert differs(found_law(courses, pair, config, Sampling(1.0), 2), law(pair, Sampling(1.0), 2)) < 1e-9


@pytest.mark.parametrize("wrong", [lambda rule, *given: biased(rule, 0.02, *given), late], ids=["biased", "late"])
@pytest.mark.parametrize("config", RULES, ids=lambda config: config.name)
def test_a_wrong_rule_is_seen(courses, monkeypatch, config, wrong):
    drafter = type(build(config, tables()).drafter)
    rule = drafter.rule
    monkeypatch.setattr(drafter, "rule", staticmethod(lambda *given: wrong(rule, *given)))
    pair = tables()
    assert differs(found_law(courses, pair, config, Sampling(1.0), 2), law(pair, Sampling(1.0), 2)) > 1e-3
