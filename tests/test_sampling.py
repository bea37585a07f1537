"""Sampling: the noise is Gumbel's and no one's but its place's, warpers are transformers' own, and
choices have the law of the softmax."""

import math
from collections import Counter

import pytest
import torch
from samples import chosen
from scipy import stats
from transformers import GenerationConfig
from transformers.generation.utils import GenerationMixin

from decoding.draws import COLDEST, Sampling
from decoding.errors import UserError
from decoding.sampling import FreshNoise, Noise, Sampler, _mixed, _scrambled, _signed

# As in test_distribution.py.
ALPHA = 2.5e-8


def test_the_hash_is_splitmix64():
    """The first numbers of the stream from state 1234567, as its authors' code gives them."""
    known = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821]
    step = 0x9E3779B97F4A7C15
    states = [(1234567 + (place + 1) * step) % 2**64 for place in range(5)]
    assert [_mixed(state) for state in states] == known
    signed = torch.tensor([_signed(state) for state in states])
    assert [number % 2**64 for number in _scrambled(signed).tolist()] == known


def test_noise_is_gumbels():
    tokens = torch.arange(200_000)
    found = Noise(0, "p", 0)(7, tokens)
    assert torch.isfinite(found).all() and found.dtype == torch.float64
    assert stats.kstest(found.numpy(), stats.gumbel_r.cdf).pvalue > ALPHA


def test_noise_belongs_to_its_place_alone():
    tokens = torch.arange(1000)
    noise = Noise(0, "p", 0)
    row = noise(3, tokens)
    assert torch.equal(row[[5, 900]], noise(3, torch.tensor([5, 900]))), "not to what stands beside it"
    others = [Noise(1, "p", 0)(3, tokens), Noise(0, "q", 0)(3, tokens), Noise(0, "p", 1)(3, tokens), noise(4, tokens)]
    for other in others:
        assert abs(stats.pearsonr(row.numpy(), other.numpy()).statistic) < 0.17
    # A row is no other row shifted.
    assert not set(row.tolist()) & set(noise(4, tokens).tolist())
    assert not torch.equal(Noise("1", "2")(0, tokens), Noise("12", "")(0, tokens))


@pytest.mark.parametrize(
    "sampling",
    [Sampling(1.0), Sampling(0.7, top_k=5), Sampling(1.3, top_p=0.8), Sampling(0.9, min_p=0.1),
     Sampling(0.6, top_k=9, top_p=0.7, min_p=0.05)],
)  # fmt: skip
def test_warping_is_generates_own(sampling):
    logits = torch.randn(50, generator=torch.Generator().manual_seed(3)) * 2
    config = GenerationConfig(
        do_sample=True, temperature=sampling.temperature, top_k=sampling.top_k, top_p=sampling.top_p,
        min_p=sampling.min_p or None, eos_token_id=0,
    )  # fmt: skip
    theirs = GenerationMixin()._get_logits_processor(config)(torch.empty((1, 0), dtype=torch.long), logits[None])[0]
    assert torch.equal(Sampler(sampling, Noise(0)).warped(logits), theirs.double())


DRAWN = [Sampling(1.0), Sampling(0.5, top_k=4), Sampling(2.0, top_p=0.6)]


@pytest.mark.parametrize("sampling", chosen(DRAWN, DRAWN[0]), ids=str)
def test_choices_have_the_law_of_the_softmax(sampling):
    """A chi-square test over positions."""
    logits = torch.tensor([1.0, 0.2, -0.5, 2.0, 0.9, -3.0], dtype=torch.float64)
    law = torch.softmax(Sampler(sampling, Noise(0)).warped(logits), -1)
    count = 5_000
    sampler = Sampler(sampling, Noise(1))
    drawn = [int(sampler.scores(logits, position).argmax()) for position in range(count)]
    found = Counter(drawn)
    kept = [token for token in range(6) if law[token] > 0]
    assert set(found) <= set(kept)
    expected = [count * float(law[token]) for token in kept]
    assert stats.chisquare([found[token] for token in kept], expected).pvalue > ALPHA
    if len(kept) > 1:
        biased = [value * (1.2 if place == 0 else 1) for place, value in enumerate(expected)]
        biased = [value * count / sum(biased) for value in biased]
        assert stats.chisquare([found[token] for token in kept], biased).pvalue < 0.01, "the test sees a bias"


def test_the_choice_is_the_largest_score_and_depends_on_the_length_alone():
    logits = torch.randn(40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    sampler = Sampler(Sampling(1.0), Noise(5, "x", 0))
    assert sampler([1, 2, 3], logits) == sampler([9, 9, 9], logits) == int(sampler.scores(logits, 3).argmax())
    tokens = {sampler([0] * length, logits) for length in range(60)}
    assert len(tokens) > 10


def test_the_gap_of_a_sample_is_that_of_its_scores():
    logits = torch.randn(30, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
    sampler = Sampler(Sampling(0.5), Noise(2))
    scores = sampler.scores(logits, 9)
    best, *others = scores.argsort(descending=True).tolist()
    assert sampler.gap(logits, best, 9, 0.0) == 0.0
    assert all(sampler.gap(logits, token, 9, 0.0) == float(scores[best]) - float(scores[token]) for token in others)


def test_a_boundary_of_warping_within_the_tolerance_is_a_tie():
    logits = torch.tensor([2.0, 1.0 + 1e-6, 1.0, -4.0], dtype=torch.float64)
    sampler, free = Sampler(Sampling(1.0, top_k=2), Noise(0)), Sampler(Sampling(1.0), Noise(0))
    # Where the noise would have the third token, it is out by a millionth.
    position = next(at for at in range(1000) if int(free.scores(logits, at).argmax()) == 2)
    assert sampler.gap(logits, 2, position, 0.0) == math.inf
    assert sampler.gap(logits, 2, position, 1e-5) == 0.0
    # And what the exact warping keeps by as little need not have been kept.
    position = next(at for at in range(1000) if int(sampler.scores(logits, at).argmax()) == 1)
    kept = sampler.scores(logits, position)
    assert sampler.gap(logits, 0, position, 0.0) == float(kept[1]) - float(kept[0])
    assert sampler.gap(logits, 0, position, 1e-5) == 0.0


@pytest.mark.parametrize("kept", [False, True])
def test_of_top_p_the_mass_of_all_that_is_likelier_may_be_off(kept):
    """By more than a token's own logit could move it."""
    logits = torch.tensor([3.0, 2.9, 2.8, 2.7, 2.6, 0.01, *[0.0] * 85], dtype=torch.float64)
    mass = float(logits.softmax(-1)[:5].sum())
    assert 0.4 < mass < 0.6, "of tokens that are likelier than the sixth"
    sampler = Sampler(Sampling(1.0, top_p=mass + (1e-6 if kept else -1e-6)), Noise(0))
    assert bool(torch.isfinite(sampler.warped(logits)[5])) == kept
    free = Sampler(Sampling(1.0, top_k=6), Noise(0))
    position = next(at for at in range(10_000) if int(free.scores(logits, at).argmax()) == 5)
    other = int(free.scores(logits, position).argsort()[-2])
    # Another output than the warped model's own: with the sixth where it is out, without where in.
    output = other if kept else 5
    assert sampler.gap(logits, output, position, 0.0) > 0
    assert sampler.gap(logits, output, position, 1e-6) > 0
    assert sampler.gap(logits, output, position, 1e-5) == 0.0


def test_fresh_noise_never_comes_again():
    noise, tokens = FreshNoise(0, "p", "draft"), torch.arange(5)
    rows = torch.stack([noise(position, tokens) for position in (7, 7, 8, 7)])
    assert len(rows.unique()) == rows.numel()
    assert torch.equal(FreshNoise(0, "p", "draft")(99, tokens), rows[0]), "but in another run"


def test_a_cold_temperature_is_greedy():
    logits = torch.randn(40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    sampler = Sampler(Sampling(COLDEST), Noise(0))
    assert all(sampler([0] * length, logits) == int(logits.argmax()) for length in range(50))
    # Larger logits than any model's are not too large over the least temperature.
    assert torch.isfinite(sampler.warped(logits.float() * 1e6)).all()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"temperature": -1.0}, "temperature=-1 must be"),
        ({"temperature": math.nan}, "temperature=nan must be"),
        ({"temperature": math.inf}, "temperature=inf must be"),
        ({"temperature": 1e-39}, "temperature=1e-39 must be .* at least 1e-06: logits over a smaller one overflow"),
        ({"temperature": 1.0, "top_p": math.nan}, "top_p=nan"),
        ({"temperature": 1.0, "min_p": math.nan}, "min_p=nan"),
        ({"temperature": 1.0, "top_k": -1}, "top_k=-1"),
        ({"temperature": 1.0, "top_p": 0.0}, "top_p=0"),
        ({"temperature": 1.0, "min_p": 1.0}, "min_p=1"),
        ({"top_k": 5}, "say nothing at temperature 0"),
    ],
)
def test_what_is_refused(values, said):
    with pytest.raises(UserError, match=said):
        Sampling(**values)


def test_extreme_noise_is_finite():
    smallest, largest = 0.5 * 2.0**-52, (2**52 - 0.5) * 2.0**-52
    assert smallest > 0 and largest < 1
    assert math.isfinite(-math.log(-math.log(smallest))) and math.isfinite(-math.log(-math.log(largest)))
