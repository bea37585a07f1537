"""TapOut: the bandit against fixed rewards, each rule against its formula, and what is learned from
which draft."""

import math
import random

import pytest
import torch
from families import blurred, make_model
from matrix import build, decode, make_pair, prompts, reference

from baselines import tapout
from baselines.tapout import RULES, Ucb1, doubt_of
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import walk


def played(rewards: list[float], rounds: int) -> list[int]:
    bandit = Ucb1(len(rewards))
    for _ in range(rounds):
        arm = bandit.choose()
        bandit.learn(arm, rewards[arm])
    return bandit.pulls


def test_the_better_arm_is_pulled_in_nine_of_ten_rounds() -> None:
    worse, better = played([0.3, 0.6], 2000)
    assert better > 0.9 * 2000 and worse + better == 2000
    assert played([0.3, 0.6], 2000) == [worse, better]


def test_the_bounds_are_ucb1s() -> None:
    """Each arm once, and then the largest of mean + sqrt(2 ln N / n)."""
    draw = random.Random(3)
    bandit, seen = Ucb1(3), [[], [], []]
    for number in range(60):
        arm = bandit.choose()
        if number < 3:
            assert arm == number
        else:
            bounds = [sum(own) / len(own) + math.sqrt(2 * math.log(number) / len(own)) for own in seen]
            assert bounds[arm] == pytest.approx(max(bounds))
        seen[arm].append(draw.random())
        bandit.learn(arm, seen[arm][-1])


def test_doubt_is_the_rows_own() -> None:
    doubt = doubt_of(torch.tensor([0.5, 0.25, 0.25, 0.0]).log())
    assert (doubt.first, doubt.second) == pytest.approx((0.5, 0.25))
    assert doubt.entropy == pytest.approx(1.5 * math.log(2))


@pytest.mark.parametrize(
    ("row", "ended"),
    [
        ([0.99, 0.01], set()),
        ([0.8, 0.1, 0.1], {"svip"}),
        ([0.55, 0.45], {"svip", "margin"}),
        ([0.3, 0.05] + [0.65 / 13] * 13, {"confidence", "adaedl", "svip"}),
        ([0.01] * 100, set(RULES)),
    ],
)
def test_which_rules_end_a_draft(row: list[float], ended: set[str]) -> None:
    doubt = doubt_of(torch.tensor(row).log())
    assert {name for name, rule in RULES.items() if rule(doubt)} == ended


def test_drafts_are_the_draft_models_own_text_up_to_the_first_token_of_doubt() -> None:
    pair = make_pair("llama", noise=0.05)
    drafter = build(tapout.Config(gamma=6), pair).drafter
    judge = ModelSession(pair.draft.model)
    lengths: dict[str, set[int]] = {name: set() for name in RULES}
    for arm, (name, rule) in enumerate(RULES.items()):
        for prompt in prompts(4):
            drafter.bandit.choose = lambda arm=arm: arm
            drafter.reset(prompt, 60)
            drafter.propose(prompt, tree := TokenTree(prompt[-1], 50), 50)
            judge.reset()
            logits = judge.prefill(prompt)
            for place, token in enumerate(tree.tokens[1:], 1):
                assert token == int(logits.argmax())
                last = place == len(tree) - 1
                assert rule(doubt_of(logits)) == last or (last and place == 6)
                logits = judge.prefill([token])
            lengths[name].add(len(tree))
    assert len(set().union(*lengths.values())) > 1


def test_the_reward_is_half_of_gamma_and_half_of_the_draft() -> None:
    """Nothing is learned from another's tree, or from a draft that the output's length ended."""
    pair = make_pair("llama", noise=0.0)
    drafter = build(tapout.Config(gamma=4), pair).drafter
    (prompt,) = prompts(1)
    drafter._rules = [lambda doubt: False] * 4
    for limit, accepted, reward in ((9, 4, 1.0), (9, 1, 0.25), (4, 2, 0.5), (3, 3, None), (0, 0, None)):
        before = sum(drafter.bandit.rewards), sum(drafter.bandit.pulls)
        drafter.reset(prompt, 60)
        drafter.propose(prompt, tree := TokenTree(prompt[-1], 50), limit)
        logits = torch.zeros(len(tree), 32)
        for node in range(accepted):
            logits[node, tree.tokens[node + 1]] = 9.0
        for node in range(accepted, len(tree)):
            logits[node, (tree.tokens[min(node + 1, len(tree) - 1)] + 1) % 32] = 9.0
        drafter.observe(walk(foreign := TokenTree(1, 9), [0], torch.zeros(1, 32)))
        assert len(foreign) == 1 and (sum(drafter.bandit.rewards), sum(drafter.bandit.pulls)) == before
        drafter.observe(walk(tree, tree.wanted_nodes(), logits))
        gained = sum(drafter.bandit.rewards) - before[0], sum(drafter.bandit.pulls) - before[1]
        assert gained == ((0, 0) if reward is None else (pytest.approx(reward), 1))


def test_counts_live_on_until_they_are_forgotten() -> None:
    target = make_model("llama")
    pair = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.05)), frozenset(), decode)
    decoder, stopping = build(tapout.Config(gamma=5), pair), Stopping(frozenset(), 30)
    (prompt,) = prompts(1)
    once = decoder.generate(prompt, stopping)
    pulls = list(decoder.drafter.bandit.pulls)
    warm = decoder.generate(prompt, stopping)
    assert all(after >= before for before, after in zip(pulls, decoder.drafter.bandit.pulls, strict=True))
    assert sum(decoder.drafter.bandit.pulls) > sum(pulls) > 4
    decoder.forget()
    again = decoder.generate(prompt, stopping)
    assert once.tokens == warm.tokens == again.tokens == reference(pair, prompt, stopping).tokens
    assert (once.extra, once.steps.drafted) == (again.extra, again.steps.drafted)
