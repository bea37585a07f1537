"""A draft that reads the target's hidden states: exact, and what it reads is what it should."""

import pytest
import torch
from families import blurred, make_model, reading
from matrix import check, decode, make_pair, prompts, reference
from samples import chosen

from baselines import eagle, multi_candidate, self_speculative, speculative
from decoding.decoder import ModelPair
from decoding.errors import MissingFeatureDraft
from decoding.feature_session import FeatureSession
from decoding.reading import reader_of
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree

CHAIN = eagle.Config(depth=4, children=1)
TREE = eagle.Config(depth=3, children=3, width=2, nodes=9)
MODULES = {"speculative": speculative, "multi_candidate": multi_candidate}
LONG = Stopping(frozenset(), 40)


def pair_of(draft: torch.nn.Module, target: torch.nn.Module, trace: bool = False) -> ModelPair:
    session = ModelSession(target)
    if trace:
        session.trace()
    features = FeatureSession(draft, session)
    if trace:
        features.trace()
    return ModelPair(session, None, frozenset({5}), decode, feature_draft=lambda: features)


@pytest.mark.parametrize(
    ("config", "same"),
    [
        (CHAIN, speculative.Config(gamma=4)),
        pytest.param(
            eagle.Config(depth=6, children=1, confidence=0.4),
            speculative.Config(gamma=6, confidence=0.4),
            marks=pytest.mark.slow,
        ),
        (TREE, multi_candidate.Config(branching=[3, 3, 3], width=2, nodes=9)),
    ],
    ids=["chain", "confidence", "tree"],
)
def test_a_draft_that_minds_no_feature_drafts_as_a_plain_model(config, same):
    target = make_model("llama")
    plain = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.12)), frozenset({5}), decode)
    other = pair_of(reading(blurred(target, 0.12), share=0.0), target)
    common = 0
    for prompt in prompts(2):
        found = []
        for method, each, pair in ((eagle, config, other), (MODULES[same.name], same, plain)):
            outcome = method.build(each, pair).generate(prompt, LONG)
            steps = zip(outcome.steps.drafted, outcome.steps.accepted, outcome.steps.emitted, strict=True)
            begin, at = outcome.prefill_tokens, {}
            for drafted, accepted, emitted in steps:
                at[begin] = drafted, accepted
                begin += emitted
            found.append(at)
        # Steps begin at other places, for a plain model drafts in the prefill already.
        both = found[0].keys() & found[1].keys()
        assert all(found[0][place] == found[1][place] for place in both)
        common += sum(found[0][place][1] for place in both)
    assert common > 5


@pytest.mark.parametrize(
    ("family", "config"),
    [
        ("llama", TREE),
        pytest.param("gpt2", CHAIN, marks=pytest.mark.slow),
        pytest.param("opt", CHAIN, marks=pytest.mark.slow),
        pytest.param("gemma2", TREE, marks=pytest.mark.slow),
        ("phi3_longrope", CHAIN),
    ],
    ids=lambda each: each if isinstance(each, str) else "chain" if each == CHAIN else "tree",
)
def test_output_is_greedys(family, config):
    pair = make_pair(family)
    stoppings = [Stopping(frozenset({5}) if number % 2 else frozenset(), 40) for number in range(3)]
    tests = [(p, s, reference(pair, p, s)) for p, s in zip(prompts(3), stoppings, strict=True)]
    assert sum(sum(each.steps.accepted) for each in check(pair, config, tests)) > 5


def test_traced_models_draft_alike():
    target = make_model("llama", dtype=torch.float32)
    found = [
        [eagle.build(config, pair).generate(prompt, LONG) for prompt in prompts(2)]
        for pair in (pair_of(reading(blurred(target, 0.12)), target, trace) for trace in (False, True))
        for config in (CHAIN, TREE)
    ]
    for eager, traced in zip(found[:2], found[2:], strict=True):
        assert [each.tokens for each in eager] == [each.tokens for each in traced]
        assert [each.steps.accepted for each in eager] == [each.steps.accepted for each in traced]


class Recording(FeatureSession):
    """Keeps what every row was given, by position."""

    def begin(self, prompt: list[int], length: int) -> None:
        super().begin(prompt, length)
        self.read: dict[int, torch.Tensor] = {}

    def _features(self, chain, tree, standing):
        found = super()._features(chain, tree, standing)
        if len(tree) == 1:
            self.read |= {len(self.tokens) + place: row for place, row in enumerate(found)}
        return found


@pytest.mark.parametrize("config", chosen([CHAIN, TREE], TREE), ids=["chain", "tree"])
@pytest.mark.parametrize("trace", [False, True], ids=["eager", "traced"])
def test_confirmed_rows_read_the_state_before_them(trace, config):
    """After many rounds with rejections as in one forward over the whole text."""
    target = make_model("llama", dtype=torch.float64)
    session = ModelSession(target)
    if trace:
        session.trace()
    draft = Recording(reading(blurred(target, 0.2)), session)
    pair = ModelPair(session, None, frozenset(), decode, feature_draft=lambda: draft)
    prompt = prompts(1)[0]
    outcome = eagle.build(config, pair).generate(prompt, Stopping(frozenset(), 60))
    assert sum(outcome.steps.accepted) > 10
    assert sum(outcome.steps.drafted) - sum(outcome.steps.accepted) > 10
    text = prompt + outcome.tokens
    with torch.no_grad():
        states = target.model(torch.tensor([text])).last_hidden_state[0]
    sure = min(draft._true, len(draft.tokens))
    assert sure > len(prompt) + 40 and draft.tokens[:sure] == text[:sure]
    assert torch.equal(draft.read[0], torch.zeros(32, dtype=torch.float64))
    for position in range(1, sure):
        assert torch.allclose(draft.read[position], states[position - 1], atol=1e-9), position
    with torch.no_grad():
        reader_of(draft.model).features = torch.cat([torch.zeros(1, 32, dtype=torch.float64), states[: sure - 1]])[None]
        whole = draft.model(torch.tensor([text[:sure]])).logits[0]
    draft.truncate(sure - 1)
    again = draft.forward([], TokenTree(text[sure - 1], draft.room(sure - 1)), [0])
    assert torch.allclose(again[0], whole[-1], atol=1e-8)


def test_a_state_of_another_row_is_another_draft():
    target = make_model("llama")

    class Shifted(FeatureSession):
        def _features(self, chain, tree, standing):
            return super()._features(chain, tree, standing).roll(1, 0) * 0.5

    shares = []
    for kind in (FeatureSession, Shifted):
        session = ModelSession(target)
        draft = kind(reading(blurred(target, 0.05), share=0.3), session)
        pair = ModelPair(session, None, frozenset(), decode, feature_draft=lambda draft=draft: draft)
        decoder = eagle.build(CHAIN, pair)
        shares.append([decoder.generate(prompt, LONG).steps.accepted for prompt in prompts(1)])
    assert shares[0] != shares[1]


def test_a_node_of_a_tree_reads_its_parents_state():
    """As it does in a chain of the same tokens, whatever stands beside it."""
    target = make_model("llama")
    prompt = prompts(1)[0]
    logits = []
    for branched in (True, False):
        session = ModelSession(target)
        draft = FeatureSession(reading(blurred(target, 0.1), share=0.5), session)
        session.prefill(prompt[:-1])
        draft.begin(prompt, 40)
        tree = TokenTree(prompt[-1], draft.room(len(prompt) - 1))
        draft.forward(prompt[:-1], tree, [0])
        if branched:
            first, second = tree.add_each([0, 0], [3, 4], "draft")
            draft.extend([first, second])
            tree.add_each([first, second], [9, 7], "draft")
            logits.append(draft.extend([4])[0])
        else:
            draft.keep([0])
            draft.prefill([4])
            logits.append(draft.prefill([7]))
    assert torch.allclose(*logits, atol=1e-9)


@pytest.mark.parametrize("trace", chosen([False, True], True), ids=["eager", "traced"])
def test_a_view_of_the_target_beside_it_changes_nothing(trace):
    """Draft & Verify's forwards leave the states that a feature draft reads alone."""
    pair = pair_of(reading(blurred(make_model("llama"), 0.1)), make_model("llama"), trace)
    skipping = self_speculative.Config(skip=None, skip_attention=[1], max_draft=5, threshold=0.3)
    decoders = [eagle.build(CHAIN, pair), self_speculative.build(skipping, pair)]
    for prompt in prompts(2):
        expected = reference(pair, prompt, LONG).tokens
        first, between, again = (decoders[number].generate(prompt, LONG) for number in (0, 1, 0))
        assert first.tokens == between.tokens == again.tokens == expected
        assert first.steps.accepted == again.steps.accepted


def test_levels_that_were_not_read_are_refused():
    target = make_model("llama")
    session = ModelSession(target)
    draft = FeatureSession(reading(blurred(target, 0.1)), session)
    prompt = prompts(1)[0]
    session.prefill(prompt[:-1])
    draft.begin(prompt, 40)
    assert draft.ready(prompt) and not draft.ready(prompt + [1, 2])
    tree = TokenTree(prompt[-1], room=8)
    tree.add(0, [3, 4], "draft")
    with pytest.raises(RuntimeError, match="one level"):
        draft.forward(prompt[:-1], tree, [0])


def test_a_pair_without_such_a_draft_is_refused():
    target = ModelSession(make_model("llama"))
    with pytest.raises(MissingFeatureDraft, match="eagle"):
        eagle.build(CHAIN, ModelPair(target, None, frozenset(), decode))


def test_inactive_settings_are_canonical():
    assert eagle.Config(depth=4, children=1, width=10, nodes=59).canonical() == eagle.Config(
        depth=4, children=1, width=None, nodes=None
    )
    assert eagle.Config(confidence=0.5).canonical().confidence == 0.0
    assert eagle.Config(depth=1, children=3, width=99, nodes=99).canonical().nodes is None
