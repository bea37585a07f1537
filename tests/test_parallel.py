"""Drafts of several tokens in one forward: exact, and trained on the rows that they draft from."""

import random
from collections import Counter

import pytest
import torch
from families import EOS, blurred, make_model
from matrix import decode, prompts, reference
from samples import chosen

from baselines import parallel, speculative
from decoding.decoder import ModelPair
from decoding.draws import Sampling
from decoding.errors import UserError
from decoding.sampling import make_sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from training.drafter.batch import Batch
from training.drafter.masks import with_masks
from training.drafter.train import _hidden

MASK = 23
LONG = Stopping(frozenset(), 40)


def pair_of(mask: int | None = MASK, noise: float = 0.1) -> ModelPair:
    target = make_model("llama")
    draft = blurred(target, noise)
    if mask is not None:
        draft.config.pard_token = mask
    return ModelPair(ModelSession(target), ModelSession(draft), frozenset({EOS}), decode)


@pytest.mark.parametrize("gamma", chosen([1, 2, 5, 9], 1, 5))
def test_output_is_greedys_and_a_step_has_one_forward(gamma):
    pair = pair_of()
    decoder = parallel.build(parallel.Config(gamma=gamma), pair)
    accepted = 0
    for number, prompt in enumerate(prompts(3)):
        stopping = Stopping(frozenset({EOS}) if number % 2 else frozenset(), 40)
        expected, found = reference(pair, prompt, stopping), decoder.generate(prompt, stopping)
        assert (found.tokens, found.stop) == (expected.tokens, expected.stop)
        assert set(found.steps.draft_forwards) <= {0, 1} and 1 in found.steps.draft_forwards
        accepted += sum(found.steps.accepted)
    assert accepted > 5


def test_one_token_is_a_plain_draft():
    pair = pair_of()
    prompt = prompts(1)[0]
    found = [
        method.build(method.Config(gamma=1), pair).generate(prompt, LONG).steps.accepted
        for method in (parallel, speculative)
    ]
    assert found[0] == found[1] and sum(found[0]) > 5


@pytest.mark.parametrize("noise", ["shared", "own", "greedy"])
def test_samples_are_those_of_plain_sampling(noise):
    pair = pair_of()
    decoder = parallel.build(parallel.Config(gamma=4), pair)
    for number, prompt in enumerate(prompts(2)):
        sampler = make_sampler(Sampling(0.9, top_k=8), (5, number), noise)
        plain = speculative.build(speculative.Config(gamma=0), pair).generate(prompt, LONG, sampler)
        assert decoder.generate(prompt, LONG, sampler).tokens == plain.tokens


def test_a_draft_is_what_the_model_says_of_the_text_and_masks():
    """Also after drafts that were rejected: their rows are gone."""
    pair = pair_of(noise=0.3)
    drafter = parallel.build(parallel.Config(gamma=4), pair).drafter
    text = prompts(1)[0]
    drafter.reset(text, 40)
    for token in (7, 9, 11):
        tree = TokenTree(text[-1], 20)
        drafter.propose(text, tree, 10)
        with torch.no_grad():
            rows = pair.draft.model(torch.tensor([text + [MASK] * 3])).logits[0, -4:]
        wanted = rows.argmax(-1).tolist()
        end = next((place for place, each in enumerate(wanted) if each == EOS), 3)
        assert tree.tokens[1:] == wanted[: end + 1]
        text = [*text, token]


def test_a_shared_draw_is_of_the_tokens_own_place():
    """A draft equal to its target then draws its very first token."""
    pair = pair_of(noise=0.0)
    sampler = make_sampler(Sampling(1.0), (6,), "shared")
    steps = parallel.build(parallel.Config(gamma=1), pair).generate(prompts(1)[0], LONG, sampler).steps
    assert steps.accepted == steps.drafted and sum(steps.accepted) > 15


def test_unsure_tokens_end_a_draft():
    pair = pair_of()
    decoders = [parallel.build(parallel.Config(gamma=6, confidence=least), pair) for least in (0.0, 0.9)]
    lengths = [sum(decoder.generate(prompts(1)[0], LONG).steps.drafted) for decoder in decoders]
    assert 0 < lengths[1] < lengths[0]


@pytest.mark.parametrize("mask", [None, 24, -1])
def test_a_draft_that_knows_no_mask_is_refused(mask):
    with pytest.raises(UserError, match="pard_token"):
        parallel.build(parallel.Config(), pair_of(mask))


def batch_of(text: list[int]) -> Batch:
    """Labels that tell their place."""
    length = len(text)
    labels = torch.arange(length)[None, :, None]
    return Batch(torch.tensor([text]), torch.ones(1, length), labels, torch.ones(1, length, 1))


def test_a_row_is_trained_as_it_drafts():
    """The hidden state at group i, place t, is that of the text up to t - i and i masks."""
    model = make_model("llama")
    text = [7, 3, 9, 11, 2, 14, 8, 6]
    packed = with_masks(batch_of(text), 4, MASK, random.Random(3))
    groups = Counter()
    with torch.no_grad():
        hidden = _hidden(model, packed)[0]
        for row, place in enumerate(packed.positions.tolist()):
            if row < len(text):
                known, masks = text[: place + 1], 0
            else:
                seen = packed.seen[row, : len(text)].sum().item()
                known, masks = text[:seen], place + 1 - seen
                assert packed.seen[row, len(text) :].sum().item() == masks
            groups[masks] += 1
            alone = model.model(torch.tensor([known + [MASK] * masks])).last_hidden_state[0, -1]
            assert torch.allclose(hidden[row], alone, atol=1e-9), (row, place)
            assert packed.labels[0, row].item() == place
    assert groups[0] == 8 and groups[1] > groups[2] >= groups[3] > 0


def test_a_dropped_anchor_is_in_no_later_group():
    packed = with_masks(batch_of(list(range(20))), 5, MASK, random.Random(0))
    seen = packed.seen[20:, :20].sum(1)
    masks = packed.positions[20:] + 1 - seen
    told = list(zip(seen.tolist(), masks.tolist(), strict=True))
    anchors = [{anchor for anchor, group in told if group == number} for number in range(1, 5)]
    assert all(later <= earlier for earlier, later in zip(anchors, anchors[1:], strict=False))
    assert [len(each) for each in anchors] == sorted((len(each) for each in anchors), reverse=True)
