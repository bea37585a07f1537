"""At a temperature every method gives the very tokens of plain sampling, whatever drafts draw with.

float64 and strict, as at temperature 0.
"""

import pytest
from families import blurred, make_model
from matrix import build, decode, make_pair, prompts
from samples import covering
from test_lossless import COVERING, WITH_A_DRAFT

from baselines import greedy, multi_candidate, spectr, speculative
from decoding.decoder import ModelPair
from decoding.draws import DRAFT_NOISES, SHARED, Sampling
from decoding.sampling import make_sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping

SAMPLINGS = [Sampling(1.0), Sampling(0.7, top_k=6), Sampling(1.2, top_p=0.8), Sampling(0.9, min_p=0.1)]
STOPPINGS = [Stopping(frozenset({5}), 32), Stopping(frozenset(), 18)]


@pytest.fixture(scope="module")
def llama() -> ModelPair:
    return make_pair("llama", traced=True)


def plain(pair: ModelPair, prompt: list[int], stopping: Stopping, sampler: object) -> list[int]:
    return greedy.build(greedy.Config(), pair).generate(prompt, stopping, sampler).tokens


@pytest.mark.parametrize("config", covering(COVERING, lambda config: [config.name]), ids=lambda config: config.name)
def test_every_method_samples_what_plain_sampling_samples(llama, config):
    decoder = build(config, llama)
    first = COVERING.index(config)
    draws = config in WITH_A_DRAFT or config.name in ("self_speculative", "clasp")
    for number, prompt in enumerate(prompts(1), first):
        sampling, stopping = SAMPLINGS[number % len(SAMPLINGS)], STOPPINGS[number % 2]
        expected = plain(llama, prompt, stopping, make_sampler(sampling, (7, number)))
        for noise in DRAFT_NOISES if draws else (SHARED,):
            found = decoder.generate(prompt, stopping, make_sampler(sampling, (7, number), noise)).tokens
            assert found == expected, (config, sampling, noise)


def test_a_step_of_many_tokens_and_one_of_few_draw_alike(llama):
    """Counters show that drafts were really accepted, and really rejected."""
    accepted = rejected = 0
    for number, prompt in enumerate(prompts(6)):
        sampler = make_sampler(Sampling(1.0), (1, number))
        outcome = build(speculative.Config(gamma=4), llama).generate(prompt, STOPPINGS[0], sampler)
        accepted += sum(outcome.steps.accepted)
        rejected += sum(outcome.steps.drafted) - sum(outcome.steps.accepted)
    assert accepted > 10 and rejected > 10


def test_shared_noise_raises_agreement():
    target = make_model("llama")
    pair = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.12)), frozenset(), decode)
    shares = {}
    for noise in DRAFT_NOISES:
        steps = [
            build(speculative.Config(gamma=3), pair)
            .generate(prompt, Stopping(frozenset(), 40), make_sampler(Sampling(1.0), (2, number), noise)).steps
            for number, prompt in enumerate(prompts(3))
        ]  # fmt: skip
        shares[noise] = sum(sum(each.accepted) for each in steps) / sum(sum(each.drafted) for each in steps)
    assert shares["shared"] > shares["own"] and shares["shared"] > shares["greedy"]


def test_outputs_are_a_samples_own(llama):
    prompt, stopping = prompts(1)[0], STOPPINGS[1]
    found = [tuple(plain(llama, prompt, stopping, make_sampler(Sampling(1.0), (seed, 0)))) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_after_a_sample_drafts_are_greedy_again(llama):
    decoder = build(speculative.Config(gamma=4), llama)
    prompt, stopping = prompts(1)[0], STOPPINGS[1]
    before = decoder.generate(prompt, stopping)
    decoder.generate(prompt, stopping, make_sampler(Sampling(1.0), (3, 0)))
    after = decoder.generate(prompt, stopping)
    assert (before.tokens, before.steps.accepted) == (after.tokens, after.steps.accepted)


@pytest.mark.parametrize("sampling", [Sampling(), Sampling(0.8)], ids=["greedy", "classic"])
@pytest.mark.parametrize(
    "config",
    [speculative.Config(gamma=3), multi_candidate.Config(branching=[2, 1, 1]), spectr.Config(paths=2, gamma=3)],
    ids=lambda config: config.name,
)
def test_what_a_draft_equal_to_its_target_draws_is_accepted_to_the_last(config, sampling):
    target = make_model("llama")
    pair = ModelPair(ModelSession(target), ModelSession(target), frozenset(), decode)
    for number, prompt in enumerate(prompts(3)):
        sampler = make_sampler(sampling, (4, number), "own", "classic")
        outcome = build(config, pair).generate(prompt, Stopping(frozenset(), 25), sampler)
        assert outcome.steps.accepted[:5] == [3] * 5 and len(outcome.tokens) == 25
        assert outcome.steps.draft_forwards[:5] == [3] * 5, "nobody reads the last token that it has drafted"
        if sampling.greedy:
            assert outcome.tokens == plain(pair, prompt, Stopping(frozenset(), 25), None)
