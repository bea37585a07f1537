"""Samples have the target's law, measured with the noise and the generators that runs draw with: of
sequences of three tokens for every method that draws, every rule and every warper, and of first
tokens so many that a bias of two per cent is seen.

On tables of five tokens. That the rules themselves are exact test_classic_law.py shows.
"""

import itertools
from collections import Counter
from functools import partial

import numpy as np
import pytest
import torch
from matrix import build, ouroboros_config
from samples import chosen, covering
from scipy import stats
from tables import TableSession
from wrong_rules import biased, late

from baselines import cascade, greedy, lookahead, multi_candidate, prompt_lookup, spectr, speculative
from decoding import acceptance
from decoding.decoder import ModelPair
from decoding.draws import CLASSIC, KEYED, Sampling
from decoding.sampling import Noise, Sampler, make_sampler
from decoding.stopping import Stopping

# Of one test: all 35 of them here and in test_sampling.py err less than once in a million.
ALPHA = 2.5e-8
SIZE, LENGTH = 5, 3
PROMPT = [1, 2, 3, 1, 2]
WARPERS = [Sampling(0.7, top_k=3), Sampling(1.4, top_p=0.8), Sampling(1.0, min_p=0.2)]
METHODS = {
    "speculative": speculative.Config(gamma=3),
    "multi_candidate": multi_candidate.Config(branching=[2, 2]),
    "spectr": spectr.Config(paths=3, gamma=2),
    "ouroboros": ouroboros_config(gamma=2, k=2, window=2, ngram=3),
    "cascade": cascade.Config(gamma=2, tail=1, draft_length=2),
    "lookahead": lookahead.Config(window=2, ngram=3, max_guesses=2),
    "prompt_lookup": prompt_lookup.Config(),
}
# Outputs behind a test, by how samples are accepted. In the keyed way they are besides token by
# token those of plain sampling (test_sampled_lossless).
COUNTS = {KEYED: 60, CLASSIC: 500}
# Noise of several drafts, and rules by which several are accepted.
ALWAYS = [("multi_candidate", CLASSIC), ("spectr", KEYED), ("spectr", CLASSIC), ("ouroboros", KEYED)]


def table(seed: int) -> torch.Tensor:
    return torch.randn(SIZE, SIZE, SIZE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def pair(scale: float = 1.0) -> ModelPair:
    target = scale * table(0)
    return ModelPair(TableSession(target), TableSession(target + 0.8 * table(1)), frozenset(), str)


def law(sampling: Sampling, length: int = LENGTH, scale: float = 1.0) -> dict[tuple[int, ...], float]:
    """The exact chance of every output."""
    rows, warp = scale * table(0), Sampler(sampling, Noise(0))
    chances = {}
    for output in itertools.product(range(SIZE), repeat=length):
        text, chance = list(PROMPT), 1.0
        for token in output:
            chance *= warp.distribution(rows[text[-2], text[-1]])[token]
            text.append(token)
        if chance:
            chances[output] = chance
    return chances


def outputs(config: object, sampling: Sampling, way: str, count: int) -> Counter:
    decoder = build(config, pair())
    stopping = Stopping(frozenset(), LENGTH)
    return Counter(
        tuple(decoder.generate(PROMPT, stopping, make_sampler(sampling, ("law", number), "own", way)).tokens)
        for number in range(count)
    )


def first_tokens(config: object, count: int, scale: float = 1.0) -> Counter:
    """Of outputs of two tokens: nothing is drafted in the last one's place."""
    decoder = build(config, pair(scale))
    stopping = Stopping(frozenset(), 2)
    return Counter(
        tuple(decoder.generate(PROMPT, stopping, make_sampler(Sampling(1.0), (number,), "own", CLASSIC)).tokens[:1])
        for number in range(count)
    )


def each_of(case: tuple[object, ...]) -> list[str]:
    """For samples that lack no value of any parameter."""
    return [str(value) for value in case]


def p_value(found: Counter, chances: dict[tuple[int, ...], float], kind: str = "pearson") -> float:
    """Of a chi-square or G-test; outputs that are expected less than five times count together."""
    count = sum(found.values())
    assert set(found) <= set(chances), "what warping leaves out is never drawn"
    cells: list[tuple[float, float]] = []
    rest = [0.0, 0.0]
    for output, chance in chances.items():
        if chance * count >= 5:
            cells.append((found[output], chance * count))
        else:
            rest = [rest[0] + found[output], rest[1] + chance * count]
    cells += [(rest[0], rest[1])] if rest[1] > 0 else []
    observed, expected = np.array(cells).T
    return float(stats.power_divergence(observed, expected * observed.sum() / expected.sum(), lambda_=kind).pvalue)


@pytest.mark.parametrize("case", chosen([*itertools.product(METHODS, [KEYED, CLASSIC])], *ALWAYS), ids="-".join)
def test_every_method_has_the_targets_law(case):
    name, way = case
    assert p_value(outputs(METHODS[name], Sampling(1.0), way, COUNTS[way]), law(Sampling(1.0))) > ALPHA


@pytest.mark.parametrize(
    "case", covering([*itertools.product(["speculative", "multi_candidate", "spectr"], WARPERS)], each_of), ids=str
)
def test_every_warper_is_followed(case):
    name, sampling = case
    assert p_value(outputs(METHODS[name], sampling, CLASSIC, 300), law(sampling)) > ALPHA


def test_plain_sampling_has_the_law():
    assert p_value(outputs(greedy.Config(), Sampling(1.0), KEYED, 2000), law(Sampling(1.0))) > ALPHA


def test_drafts_are_accepted_and_rejected():
    decoder = build(METHODS["speculative"], pair())
    runs = [
        decoder.generate(PROMPT, Stopping(frozenset(), 30), make_sampler(Sampling(1.0), (number,), "own", CLASSIC))
        for number in range(40)
    ]
    accepted, drafted = (sum(sum(getattr(each.steps, name)) for each in runs) for name in ("accepted", "drafted"))
    assert 0.3 < accepted / drafted < 0.95


# Of a first token with nearly all of the mass: there two per cent are seen soonest.
PEAKED = 18.0


FIRST = [speculative.Config(gamma=1), multi_candidate.Config(branching=[2]), spectr.Config(paths=2, gamma=1)]


@pytest.mark.parametrize(
    "case", covering([*itertools.product(FIRST, [0.0, 0.02])], each_of), ids=str
)
def test_a_bias_of_two_per_cent_is_seen(monkeypatch, case):
    """Of the likeliest token's chance, by a G-test on first tokens; and none is seen without."""
    config, bias = case
    drafter = type(build(config, pair()).drafter)
    rule = drafter.rule

    monkeypatch.setattr(drafter, "rule", staticmethod(partial(biased, rule, bias)))
    found = first_tokens(config, 3000 if bias else 1000, PEAKED)
    chances = law(Sampling(1.0), 1, PEAKED)
    assert 0.97 < max(chances.values()) < 0.99
    assert (p_value(found, chances, "log-likelihood") < ALPHA) == bool(bias)


def test_a_residual_that_is_off_by_one_is_seen(monkeypatch):
    """The rule's residual with the target's reduced once too seldom."""
    wrong = partial(late, acceptance.without_replacement)
    monkeypatch.setattr(multi_candidate.MultiCandidate, "rule", staticmethod(wrong))
    found = first_tokens(multi_candidate.Config(branching=[2]), 3000)
    assert p_value(found, law(Sampling(1.0), 1)) < ALPHA
