"""The bounds: a draft that is always right, and one that is never there."""

import pytest
from matrix import build, check, decode, make_pair, prompts, reference
from samples import chosen

from baselines import greedy, hybrid, oracle, speculative
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.stopping import Stopping


@pytest.fixture(scope="module")
def llama() -> ModelPair:
    return make_pair("llama", traced=True)


@pytest.mark.parametrize("length", chosen([1, 3, 8, 20], 1, 8))
def test_every_step_but_the_last_emits_the_draft_and_the_bonus(llama: ModelPair, length: int) -> None:
    config = oracle.Config(draft_length=length)
    for new_tokens in (1, 2, 9, 4 * (length + 1), 60):
        stopping = Stopping(frozenset(), new_tokens)
        tests = [(p, stopping, reference(llama, p, stopping)) for p in prompts(2)]
        for outcome in check(llama, config, tests):
            steps, rest = divmod(new_tokens, length + 1)
            emitted = [outcome.prefill_tokens, *outcome.steps.emitted]
            assert emitted == [length + 1] * steps + [rest] * (rest > 0)
            assert outcome.steps.accepted == outcome.steps.drafted
            assert outcome.steps.rows == [1 + drafted for drafted in outcome.steps.drafted]


def test_the_defaults_emit_nine_tokens_a_forward_up_to_an_end_of_sequence(llama: ModelPair) -> None:
    prompt = prompts(1)[0]
    free = reference(llama, prompt, Stopping(frozenset(), 60)).tokens
    ends = [place for place, token in enumerate(free) if token not in free[:place]]
    for place in ends:
        stopping = Stopping(frozenset({free[place]}), 60)
        outcome = build(oracle.Config(), llama).generate(prompt, stopping)
        assert (outcome.tokens, outcome.stop) == (free[: place + 1], "eos")
        assert set(outcome.steps.emitted[:-1]) <= {9}
    assert max(ends) > 9


def test_the_first_run_is_neither_timed_nor_counted(llama: ModelPair) -> None:
    decoder = build(oracle.Config(), llama)
    calls = []
    for name in ("_greedy", "_loop"):
        loop = getattr(decoder, name)

        def spy(prompt, stopping, sampler, name=name, generate=loop.generate):
            generation = generate(prompt, stopping, sampler)
            calls.append((name, generation))
            return generation

        loop.generate = spy
    outcome = decoder.generate(prompts(1)[0], Stopping(frozenset(), 40))
    (first, output), (second, timed) = calls
    assert (first, second) == ("_greedy", "_loop")
    assert outcome is timed
    assert outcome.tokens == output.tokens
    assert llama.target.counters.forwards == 1 + len(outcome.steps)
    assert llama.target.counters.rows == len(prompts(1)[0]) + 8 + sum(outcome.steps.rows)
    assert len(outcome.steps) == 4 < len(output.steps) == 39


def test_one_decoder_serves_many_prompts(llama: ModelPair) -> None:
    stoppings = [Stopping(frozenset({5}), 30), Stopping(frozenset(), 30, ("ab", "q"), decode), Stopping(frozenset(), 7)]
    check(llama, oracle.Config(), [(p, s, reference(llama, p, s)) for p in prompts(3) for s in stoppings])


def test_gamma_0_costs_exactly_what_greedy_costs(llama: ModelPair) -> None:
    for prompt in prompts(3):
        costs = []
        for config in (greedy.Config(), speculative.Config(gamma=0)):
            llama.draft.reset()
            outcome = build(config, llama).generate(prompt, Stopping(frozenset({5}), 40))
            counters = llama.target.counters
            steps = outcome.steps
            costs.append((outcome.tokens, steps.rows, steps.drafted, steps.emitted, counters.forwards, counters.rows))
            assert sum(steps.draft_forwards) + sum(steps.draft_rows) == 0
            assert (llama.draft.counters.forwards, llama.draft.counters.rows) == (0, 0), "the prompt is not read either"
        assert costs[0] == costs[1]
        assert set(costs[0][1]) == {1}


def test_refusals(llama: ModelPair) -> None:
    with pytest.raises(UserError, match="^draft_length must be at least 1"):
        oracle.Config(draft_length=0)
    with pytest.raises(UserError, match="fallback=oracle is no drafter"):
        build(hybrid.Config(fallback=oracle.Config()), llama)
