"""Verdicts by synthetic records and gaps, stops by the rule, and the noise floor on a small model.
"""

import math

import pytest
import torch
from bench_pair import make_tokenizer, save_model
from made_records import made_record

from bench.measure.lossless import agreement, noise_floor, stop_fault, token_gaps
from bench.measure.verdicts import IDENTICAL, MISMATCH, TIE, divergence, verdict
from decoding.stopping import Stopping


def record(tokens, gap=0.0, stop="length", fault=None):
    return made_record(tokens=tokens, stop=stop, gap=gap, stop_fault=fault)


def test_equal_ids_are_identical():
    assert verdict(record([1, 2]), record([1, 2]), record([1, 2])) == IDENTICAL


def test_other_ids_within_the_tolerance_are_a_tie():
    mine = record([1, 3], gap=0.1)
    assert verdict(mine, record([1, 2]), mine) == TIE


@pytest.mark.parametrize("gap", [0.11, math.inf])
def test_other_ids_beyond_the_tolerance_are_a_mismatch(gap):
    mine = record([1, 3], gap=gap)
    assert verdict(mine, record([1, 2]), mine) == MISMATCH


def test_a_wrong_stop_is_a_mismatch():
    mine = record([1], fault="ended before any stop")
    assert verdict(mine, record([1, 2]), mine) == MISMATCH


def test_equal_to_a_wrong_greedy_is_a_mismatch():
    mine = record([1, 2])
    assert verdict(mine, record([1, 2], gap=5.0), mine) == MISMATCH


def test_a_repeat_that_differs_is_a_mismatch():
    mine = record([1, 3], gap=0.05)
    assert verdict(mine, record([1, 2]), record([1, 2])) == MISMATCH


def test_an_empty_output_is_a_mismatch():
    assert verdict(record([]), record([]), record([])) == MISMATCH


def test_divergence_names_the_place():
    found = divergence(record([1, 2, 3]), record([1, 2, 4]), TIE)
    assert (found.first_difference, found.token, found.greedy_token) == (2, 3, 4)
    assert divergence(record([1]), record([1, 2]), TIE).first_difference == 1


def test_agreement_takes_the_worst_and_no_number_is_infinite():
    assert (agreement([0.0, 0.2, 0.1], None).gap, agreement([0.0, 0.2, 0.1], None).gap_at) == (0.2, 1)
    assert agreement([0.0, math.nan], None).gap == math.inf
    assert agreement([0.0], None).gap_at is None


RULE = Stopping(eos=frozenset({0}), max_new_tokens=4)


@pytest.mark.parametrize(
    ("output", "stop", "right"),
    [
        ([1, 0], "eos", True),
        ([1, 2, 3, 4], "length", True),
        ([1, 2, 3, 0], "eos", True),
        ([1, 2, 3, 0], "length", False),
        ([1, 0, 2], "length", False),
        ([1, 2], "length", False),
        ([1, 2, 3, 4, 5], "length", False),
    ],
)
def test_stops(output, stop, right):
    assert (stop_fault(output, stop, RULE, prompt_length=3, context=100) is None) == right


def test_the_end_of_the_context_is_a_stop():
    assert stop_fault([1, 2], "context", RULE, prompt_length=3, context=5) is None
    assert stop_fault([1, 2], "context", RULE, prompt_length=3, context=6) is not None


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    from transformers import LlamaForCausalLM

    folder = save_model(tmp_path_factory.mktemp("pair") / "target", make_tokenizer(), seed=0)
    return LlamaForCausalLM.from_pretrained(folder, dtype=torch.float64).eval()


def test_teacher_forcing_accepts_the_argmax_and_finds_a_wrong_token(model):
    prompt = [5, 6, 7, 8]
    output = []
    for _ in range(6):
        output.append(int(model(torch.tensor([prompt + output])).logits[0, -1].argmax()))
    assert agreement(token_gaps(model, 300, prompt, output), None).gap == 0
    output[3] = (output[3] + 1) % 300
    wrong = agreement(token_gaps(model, 300, prompt, output), None)
    assert token_gaps(model, 300, prompt, output)[:3] == [0, 0, 0]
    assert wrong.gap > 1e-3


def test_a_token_outside_the_vocabulary_is_infinitely_wrong(model):
    gaps = token_gaps(model, 290, [5, 6, 7], [295, 8, 4000])
    assert [gap == math.inf for gap in gaps] == [True, False, True]


def test_noise_floor_is_small_in_float64_and_at_least_one_spacing(model):
    noise = noise_floor(model, 300, [[3, 4, 5, 6, 7, 8], list(range(60))])
    assert 1e-16 < noise < 1e-9
    assert noise_floor(model.bfloat16(), 300, [[3, 4, 5, 6]]) >= 2**-7 * 0.5
    model.double()


def test_an_output_that_crosses_the_longrope_boundary_is_still_the_targets():
    """Greedy switches factors where generate() does.

    A single forward of the whole would call it a mismatch.
    """
    from families import make_model

    from baselines import greedy
    from decoding.decoder import ModelPair
    from decoding.session import ModelSession
    from decoding.stopping import Stopping

    session = ModelSession(make_model("phi3_longrope"))
    prompt = list(range(3, 17))
    pair = ModelPair(session, None, frozenset(), str)
    output = greedy.build(greedy.Config(), pair).generate(prompt, Stopping(frozenset(), 40)).tokens
    gaps = token_gaps(session.model, session.vocabulary, prompt, output, session.rope_boundary)
    assert len(gaps) == 40
    assert max(gaps) < 1e-9
    assert max(token_gaps(session.model, session.vocabulary, prompt, output)) > 1e-3
