"""Drafts of every kind leave greedy's tokens as they are: none at all, all wrong, the target's own
choices and a small model's, with an end of sequence within them."""

import copy
import random

import pytest
import torch
from families import VOCABULARY, blurred, make_model
from matrix import check, decode, reference
from transformers import PreTrainedModel

from baselines import multi_candidate, speculative, superposed
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping

METHODS = {
    "chain": speculative.Config(gamma=4),
    "tree": multi_candidate.Config(branching=[3, 2, 2]),
    "cape": multi_candidate.Config(branching=[8, 8, 8], width=1, cape=True),
    "graph": multi_candidate.Config(branching=[4, 4, 4], nodes=12, pruning=0.1, sharing=0),
    "superposed": superposed.Config(alpha=0.0),
}
LENGTH = 10


def negated(model: PreTrainedModel) -> PreTrainedModel:
    """A model that finds likeliest what `model` finds least likely."""
    model = copy.deepcopy(model)
    with torch.no_grad():
        model.lm_head.weight.neg_()
    return model


def drafts(kind: str, target: PreTrainedModel) -> PreTrainedModel:
    if kind == "empty":
        return make_model("llama", max_position_embeddings=4)
    return {"wrong": negated(target), "oracle": target, "real": blurred(target, 0.08)}[kind]


@pytest.mark.parametrize("count", [2, pytest.param(200, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", ["empty", "wrong", "oracle", "real"])
@pytest.mark.parametrize("name", METHODS)
def test_the_output_is_greedys(name: str, kind: str, count: int) -> None:
    draw = random.Random(count)
    target = make_model("llama", num_hidden_layers=1)
    draft = drafts(kind, target)
    accepted = drafted = 0
    for number in range(count):
        prompt = [draw.randrange(VOCABULARY) for _ in range(draw.randrange(4, 12))]
        eos = frozenset([draw.randrange(VOCABULARY)] if number % 2 else [])
        pair = ModelPair(ModelSession(target), ModelSession(draft), eos, decode)
        stopping = Stopping(eos, LENGTH)
        (outcome,) = check(pair, METHODS[name], [(prompt, stopping, reference(pair, prompt, stopping))])
        accepted += sum(outcome.steps.accepted)
        drafted += sum(outcome.steps.drafted)
    if kind in ("empty", "wrong"):
        assert accepted == 0 and bool(drafted) == (kind == "wrong")
    elif kind == "oracle":
        # A shared node or a mixed row stands for several texts, of which only one is the target's.
        alone = name in ("chain", "tree", "cape")
        assert accepted == drafted if alone else accepted > drafted / 2
    assert accepted or kind in ("empty", "wrong")


@pytest.mark.parametrize("name", METHODS)
def test_any_token_may_be_the_end_within_a_draft(name: str) -> None:
    """Its last node, its first, or one between them: nothing after it is emitted."""
    target = make_model("llama", num_hidden_layers=1)
    sessions = ModelSession(target), ModelSession(blurred(target, 0.03))
    prompt = [3, 1, 4, 1, 5, 9]
    free = reference(ModelPair(*sessions, frozenset(), decode), prompt, Stopping(frozenset(), LENGTH)).tokens
    within = 0
    for end in sorted(set(free)):
        pair = ModelPair(*sessions, frozenset({end}), decode)
        stopping = Stopping(frozenset({end}), LENGTH)
        expected = reference(pair, prompt, stopping)
        assert expected.tokens == free[: free.index(end) + 1]
        (outcome,) = check(pair, METHODS[name], [(prompt, stopping, expected)])
        within += outcome.steps.accepted[-1:] == outcome.steps.emitted[-1:]
    assert within
