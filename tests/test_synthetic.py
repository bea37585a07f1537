"""The synthetic draft: right as often as asked at every place, and no token depends on it."""

from dataclasses import replace
from math import sqrt

import pytest
from made_records import made_record
from matrix import build, check, make_pair, prompts, reference

from baselines import speculative, synthetic
from baselines.synthetic import Synthetic
from bench.measure.steps import RecordedSteps
from bench.report.metrics.drafts import acceptance_of, drafts
from decoding.decoder import ModelPair
from decoding.errors import SettingError, UserError
from decoding.settings import canonical
from decoding.stopping import Stopping

FREE = Stopping(frozenset(), 90)


@pytest.fixture(scope="module")
def llama() -> ModelPair:
    return make_pair("llama", context=128)


def accepted(drafter: Synthetic, count: int) -> RecordedSteps:
    """The steps of an output of `count` tokens, verified by comparison with it."""
    output = [(7 * place) % 11 for place in range(count)]
    drafter.know([1, 2, 3], output)
    steps = {name: [] for name in ("drafted", "accepted", "emitted", "rows")}
    done = 1
    while done + drafter.draft_length < count:
        chain = drafter.chain(done, 99)
        right = [one == two for one, two in zip(chain, output[done:], strict=False)]
        kept = right.index(False) if False in right else len(chain)
        done += kept + 1
        for name, value in zip(steps, (len(chain), kept, kept + 1, len(chain) + 1), strict=True):
            steps[name].append(value)
    zeros = [0] * len(steps["rows"])
    seconds = [0.0] * len(zeros)
    return RecordedSteps(
        **steps, draft_forwards=zeros, draft_rows=zeros, draft_seconds=seconds, verify_seconds=seconds,
        sources=[[] for _ in zeros],
    )  # fmt: skip


@pytest.mark.parametrize(
    "config",
    [
        synthetic.Config(gamma=5, acceptance=0.7),
        synthetic.Config(gamma=4, acceptance=[0.9, 0.5, 0.8, 0.2]),
        synthetic.Config(gamma=3, acceptance=[1.0, 0.3, 0.0]),
    ],
    ids=str,
)
def test_the_measured_curve_is_the_one_that_was_asked_for(config: synthetic.Config) -> None:
    steps = accepted(Synthetic(config.curve, seed=5), 6000)
    found = acceptance_of([[made_record(steps=steps, tokens=[1] * (1 + sum(steps.emitted)))]])
    reached = len(steps.rows)
    for place, share in enumerate(config.curve):
        if reached == 0:
            break
        told = found.conditional[place]
        assert abs(told - share) <= 4 * sqrt(share * (1 - share) / reached), (place, told, reached)
        reached = sum(each > place for each in steps.accepted)


@pytest.mark.parametrize(("gamma", "length"), [(4, 1.0), (4, 2.6), (7, 3.78), (3, 4.0)])
def test_a_length_is_the_mean_acceptance_length(gamma: int, length: float) -> None:
    config = synthetic.Config(gamma=gamma, length=length)
    assert 1 + sum(config.curve) == pytest.approx(length), "each place is reached where the one before is sure"
    steps = accepted(Synthetic(config.curve, seed=2), 6000)
    found = drafts([[made_record(steps=steps, tokens=[1] * (1 + sum(steps.emitted)))]])
    rest = length % 1
    assert abs(found.length - length) <= 4 * sqrt(rest * (1 - rest) / len(steps.rows))
    assert {each + 1 for each in steps.accepted} == {int(length), int(length) + (rest > 0)}


def test_on_models_too_and_repeats_agree(llama: ModelPair) -> None:
    config = synthetic.Config(gamma=4, acceptance=[0.9, 0.7, 0.6, 0.5], draft_forwards=False)
    tests = [(prompt, FREE, reference(llama, prompt, FREE)) for prompt in prompts(3)]
    first = check(llama, config, tests)
    steps = [each.steps for each in first]
    assert steps[0].accepted == check(llama, config, tests[:1])[0].steps.accepted
    grid = [[made_record(steps=RecordedSteps.of(each.steps), tokens=each.tokens)] for each in first]
    found = acceptance_of(grid)
    tried = sum(len(each) for each in steps)
    assert tried > 60 and abs(found.conditional[0] - 0.9) <= 4 * sqrt(0.09 / tried)
    other = replace(llama, seed=1)
    assert steps[0].accepted != check(other, config, tests[:1])[0].steps.accepted


def test_the_draft_model_runs_for_its_time_alone(llama: ModelPair) -> None:
    """As many forwards and rows as a model takes that drafts itself and is always right."""
    (prompt,) = prompts(1)
    expected = reference(llama, prompt, FREE)
    same = ModelPair(llama.target, type(llama.target)(llama.target.model), frozenset(), llama.decode)
    (own,) = check(same, speculative.Config(gamma=4), [(prompt, FREE, expected)])
    (run,) = check(same, synthetic.Config(gamma=4, acceptance=1.0), [(prompt, FREE, expected)])
    for name in ("rows", "accepted", "draft_forwards", "draft_rows"):
        assert getattr(run.steps, name) == getattr(own.steps, name)
    config = synthetic.Config(gamma=4, acceptance=0.5)
    (half,) = check(llama, config, [(prompt, FREE, expected)])
    assert half.steps.draft_forwards == half.steps.drafted, "wrong or not, a forward a token"
    assert set(half.steps.drafted[:-4]) == {4}
    # The draft has read all that is accepted but its last token, so that two rows at most are new.
    assert max(half.steps.draft_rows) <= 5
    (none,) = check(llama, synthetic.Config(gamma=4, draft_forwards=False), [(prompt, FREE, expected)])
    assert set(none.steps.draft_forwards) == {0}


def test_refusals_and_what_is_silenced(llama: ModelPair) -> None:
    for settings, said in (
        ({"acceptance": [0.5]}, "acceptance must have gamma=4 numbers, not 1"),
        ({"acceptance": 1.5}, "acceptance must be between 0 and 1, not 1.5"),
        ({"acceptance": "high"}, "acceptance must be a number or a list"),
        ({"length": 5.1}, r"length must be between 1 and gamma \+ 1 = 5, not 5.1"),
        ({"gamma": 0}, "gamma must be at least 1"),
    ):
        with pytest.raises(SettingError, match=said):
            synthetic.Config(**settings)
    alone = ModelPair(llama.target, None, llama.eos, llama.decode)
    with pytest.raises(UserError, match="method synthetic needs a draft model"):
        build(synthetic.Config(), alone)
    assert canonical(synthetic.Config(length=2, acceptance=0.1)) == canonical(synthetic.Config(length=2))
