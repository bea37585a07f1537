"""A draft that attends to its target's keys and values: exact, and it sees what it should."""

import copy

import pytest
import torch
from families import attending, blurred, make_model
from matrix import check, decode, make_pair, prompts, reference
from samples import chosen, thinned
from transformers.cache_utils import DynamicCache
from transformers.models.llama.modeling_llama import rotate_half

from baselines import glide, multi_candidate, speculative
from decoding.cross import BLOCK, attend_to
from decoding.cross_session import CrossSession
from decoding.decoder import ModelPair
from decoding.errors import MissingCrossDraft, UserError
from decoding.loop import DraftThenVerify
from decoding.reading import reader_of
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from training.drafter.cross import keys_and_values, learning
from training.drafter.student import student_of

CHAIN, CAPE = glide.Config(gamma=4), glide.Config(gamma=4, cape=True)
BOTH = pytest.mark.parametrize("config", [CHAIN, CAPE], ids=["chain", "cape"])
# The chain only in make test-all.
CAPE_MOSTLY = pytest.mark.parametrize("config", chosen([CHAIN, CAPE], CAPE), ids=["chain", "cape"])
TRACED = pytest.mark.parametrize("trace", [False, True], ids=["eager", "traced"])
LONG = Stopping(frozenset(), 40)
FAMILIES = ["llama", "qwen2", "qwen3", "mistral", "phi3", "phi3_longrope"]


class Recording(CrossSession):
    """Keeps the target's rows that every forward was given, and how many were confirmed then."""

    def begin(self, prompt: list[int], length: int) -> None:
        super().begin(prompt, length)
        self.given: list[tuple[int, list[torch.Tensor]]] = []

    def _beside(self, chain, tree, standing):
        mask, *rows = super()._beside(chain, tree, standing)
        self.given.append((len(self.target.tokens), [each.clone() for each in rows]))
        return [mask, *rows]


def deep_pair(kind=CrossSession, trace: bool = False, share: float = 0.1) -> ModelPair:
    """A target of four layers, and a draft that begins as its first and its last."""
    target = make_model("llama", num_hidden_layers=4)
    draft = attending(student_of(target, [0, 3]).double(), target, share)
    session = ModelSession(target)
    drafting = kind(draft, session)
    if trace:
        session.trace()
        drafting.trace()
    return ModelPair(session, None, frozenset({5}), decode, cross_draft=lambda: drafting)


def rows_of(target: torch.nn.Module, text: list[int]) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """(keys, values) of every layer, by transformers' own cache."""
    cache = DynamicCache()
    with torch.no_grad():
        target(torch.tensor([text]), past_key_values=cache)
    return [(layer.keys, layer.values) for layer in cache.layers]


def taught(draft: torch.nn.Module, text: list[int], rows: torch.Tensor) -> torch.Tensor:
    """Logits [tokens, vocabulary] of the draft as it learns."""
    with torch.no_grad():
        return draft.lm_head(learning(draft, torch.tensor([text]), rows)[0])


@BOTH
def test_a_draft_that_adds_nothing_is_the_plain_one(config):
    target = make_model("llama")
    plain = blurred(target, 0.12)
    draft = copy.deepcopy(plain)
    attend_to(target, draft)
    text = prompts(1, length=23)[0]
    with torch.no_grad():
        rows = keys_and_values(target, torch.tensor([text]), 2)[None]
        assert torch.equal(taught(draft, text, rows), plain(torch.tensor([text])).logits[0])
    session = ModelSession(target)
    pair = ModelPair(
        session, ModelSession(plain), frozenset(), decode, cross_draft=lambda: CrossSession(draft, session)
    )
    same = multi_candidate.Config(branching=[8] * 4, width=1, cape=True)
    method, other = (multi_candidate, same) if config.cape else (speculative, speculative.Config(gamma=4))
    prompt = prompts(1)[0]
    found = []
    for decoder in (glide.build(config, pair), method.build(other, pair)):
        outcome = decoder.generate(prompt, LONG)
        begin, at = outcome.prefill_tokens, {}
        for drafted, accepted, emitted in zip(
            outcome.steps.drafted, outcome.steps.accepted, outcome.steps.emitted, strict=True
        ):
            at[begin] = drafted, accepted
            begin += emitted
        found.append(at)
    # Steps begin at other places, for a plain model drafts in the prefill already.
    both = found[0].keys() & found[1].keys()
    assert len(both) > 5 and all(found[0][place] == found[1][place] for place in both)


def test_training_shows_a_row_the_blocks_before_its_own():
    """Another row of the target changes what comes in later blocks; in the first, from it on."""
    target = make_model("llama")
    draft = attending(blurred(target, 0.1), target)
    text = prompts(1, length=23)[0]
    rows = keys_and_values(target, torch.tensor([text]), 2)[None].detach()
    before = taught(draft, text, rows)
    for changed in range(len(text)):
        other = rows.clone()
        other[0, changed] += 1.0
        differs = (taught(draft, text, other) - before).abs().amax(-1) > 1e-12
        first = changed if changed < BLOCK else (changed // BLOCK + 1) * BLOCK
        assert differs.tolist() == [place >= first for place in range(len(text))], changed


@TRACED
def test_a_draft_at_a_blocks_begin_is_a_block_of_training(trace):
    """Prompt and draft, row by row, as in one forward over both with training's mask."""
    pair = deep_pair(trace=trace)
    session, draft = pair.target, pair.cross_draft()
    for root in (BLOCK, 3 * BLOCK):
        text = prompts(1, length=root + BLOCK)[0]
        session.reset()
        session.prefill(text[:root])
        draft.begin(text, 60)
        logits, chain = [], text[:root]
        for place in range(root, len(text)):
            tree = TokenTree(text[place], draft.room(place))
            logits.append(draft.forward(chain, tree, [0])[0])
            draft.keep([0])
            chain = []
        with torch.no_grad():
            rows = keys_and_values(session.model, torch.tensor([text]), 2)[None]
        assert torch.allclose(torch.stack(logits), taught(draft.model, text, rows)[root:], atol=1e-9)


def test_cross_attention_is_what_the_paper_says():
    """By hand: no norm, the query turned at its own place, keys and values as they are cached,
    repeated for the heads that share them. The second of two layers reads the last of three."""
    target = make_model("llama", num_hidden_layers=3)
    draft = attending(student_of(target, [0, 2]).double(), target)
    cross = reader_of(draft).layers[1]
    text = torch.tensor(prompts(1, length=4))
    keys, values = (each[0].repeat_interleave(2, 0) for each in rows_of(target, text[0].tolist())[2])
    added = []
    norm = draft.model.layers[1].post_attention_layernorm
    norm.register_forward_pre_hook(lambda _, inputs: added.append(inputs[0][0]))
    with torch.no_grad():
        rows = keys_and_values(target, text, 2)[None]
        output = cross.o_proj.weight.clone()
        for weight in (torch.zeros_like(output), output):
            cross.o_proj.weight.copy_(weight)
            learning(draft, text, rows)
        middle, found = added
        cosine, sine = draft.model.rotary_emb(middle[None], torch.arange(4)[None])
        query = cross.q_proj(middle).view(4, 4, 8).transpose(0, 1)
        query = query * cosine[0] + rotate_half(query) * sine[0]
        scores = (query @ keys.transpose(1, 2) / 8**0.5).masked_fill(~torch.ones(4, 4).tril().bool(), -torch.inf)
        wanted = middle + cross.o_proj((scores.softmax(-1) @ values).transpose(0, 1).flatten(1))
    assert torch.allclose(found, wanted, atol=1e-9)
    assert not torch.allclose(wanted, middle, atol=1e-3)


@CAPE_MOSTLY
@TRACED
def test_it_reads_the_last_layers_rows_of_confirmed_tokens(config, trace):
    """Whatever was rejected before: each forward sees the text's own rows and no other."""
    pair = deep_pair(Recording, trace)
    prompt = prompts(1)[0]
    outcome = glide.build(config, pair).generate(prompt, LONG)
    assert sum(outcome.steps.drafted) - sum(outcome.steps.accepted) > 10
    whole = [each for layer in rows_of(pair.target.model, prompt + outcome.tokens)[2:] for each in layer]
    given = pair.cross_draft().given
    assert len(given) > 40
    for confirmed, rows in given:
        assert len(rows) == 4
        for own, wanted in zip(rows, whole, strict=True):
            assert own.shape[2] == confirmed and torch.allclose(own, wanted[:, :, :confirmed], atol=1e-9)


@BOTH
def test_the_targets_cache_stays_as_it_is(config):
    pair = deep_pair()
    drafter = glide.build(config, pair).drafter
    prompt = prompts(1)[0]
    drafter.reset(prompt, 60)
    pair.target.reserve(60)
    pair.target.prefill(prompt[:-1])
    before = [each.clone() for each in pair.target._cache.buffers()]
    tree = TokenTree(prompt[-1], 40)
    drafter.propose(prompt, tree, 8)
    assert len(tree) > 4 and pair.target.tokens == prompt[:-1]
    assert all(torch.equal(*each) for each in zip(before, pair.target._cache.buffers(), strict=True))


def test_the_view_of_a_cache_ends_with_what_is_confirmed():
    target = make_model("llama")
    session = ModelSession(target)
    text = prompts(1)[0]
    session.prefill(text)
    session.forward([], TokenTree(3, 4), [0])  # rows that nobody has confirmed
    for layer, wanted in enumerate(rows_of(target, text)):
        for own, each in zip(session.cached(layer, 7), wanted, strict=True):
            assert own.shape[2] == 7 and torch.allclose(own, each[:, :, :7], atol=1e-9)
    for count in (-1, len(text) + 1):
        with pytest.raises(ValueError, match="of a cache of 9"):
            session.cached(0, count)


@BOTH
@pytest.mark.parametrize("family", thinned(FAMILIES, 2))
def test_output_is_greedys(family, config):
    """One prompt after another, sliding windows and the longer rotary factors included."""
    pair = make_pair(family, noise=0.03)
    stoppings = [Stopping(frozenset({5}) if number % 2 else frozenset(), 40) for number in range(2)]
    tests = [(p, s, reference(pair, p, s)) for p, s in zip(prompts(2), stoppings, strict=True)]
    assert sum(sum(each.steps.accepted) for each in check(pair, config, tests)) > 5


@BOTH
def test_the_end_of_sequence_inside_a_draft(config):
    pair = make_pair("llama", noise=0.0)
    target = pair.target
    # The target itself as draft: all is accepted.
    draft = CrossSession(attending(copy.deepcopy(target.model), target.model, 0.0), target)
    prompt = prompts(1)[0]
    free = reference(pair, prompt, Stopping(frozenset(), 20)).tokens
    inside = 0
    for eos in sorted(set(free)):
        pair = ModelPair(target, None, frozenset({eos}), decode, cross_draft=lambda: draft)
        outcome = glide.build(config, pair).generate(prompt, Stopping(frozenset({eos}), 20))
        assert outcome.tokens == free[: free.index(eos) + 1]
        inside += bool(len(outcome.steps)) and outcome.steps.emitted[-1] <= len(outcome.steps.sources[-1])
    assert inside > 3


@BOTH
def test_prompts_of_one_token_and_contexts_that_end(config):
    """Nothing is drafted before the target has read anything, nor past the context's end."""
    pair = make_pair("llama", noise=0.03, context=24)
    decoder = glide.build(config, pair)
    for prompt in ([7], [7, 8], *prompts(2), *prompts(1, length=23)):
        expected = reference(pair, prompt, Stopping(frozenset(), 60))
        found = decoder.generate(prompt, Stopping(frozenset(), 60))
        assert expected.stop == "context" and found.tokens == expected.tokens
        assert all(drafted <= 24 for drafted in found.steps.drafted[-1:])


@CAPE_MOSTLY
def test_traced_models_draft_alike(config):
    found = []
    for trace in (False, True):
        decoder: DraftThenVerify = glide.build(config, deep_pair(trace=trace, share=0.02))
        found.append([decoder.generate(prompt, LONG) for prompt in prompts(2)])
    for eager, traced in zip(*found, strict=True):
        assert eager.tokens == traced.tokens and eager.steps.accepted == traced.steps.accepted


@pytest.mark.parametrize("family", ["gpt2", "opt", "gpt_neox", "gemma2", "gemma3"])
def test_layers_that_have_no_place_for_it_are_refused(family):
    target = make_model(family)
    with pytest.raises(UserError, match="^a .* cannot attend .*: its layers are not self-attention and MLP"):
        attend_to(target, blurred(target, 0.1))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"num_hidden_layers": 3}, "it has more layers than the target"),
        ({"head_dim": 16}, "its rotary embedding is not the target's"),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 5000.0}}, "its rotary embedding is not"),
    ],
)
def test_a_draft_of_another_shape_is_refused(changes, reason):
    with pytest.raises(UserError, match=reason):
        attend_to(make_model("llama"), make_model("llama", **changes))


def test_a_narrower_draft_reads_a_wider_target():
    target = make_model("llama", hidden_size=48, num_attention_heads=6)
    draft = attending(make_model("llama", seed=3, hidden_size=16, num_attention_heads=2, num_hidden_layers=1), target)
    assert [*reader_of(draft).layers[0].q_proj.weight.shape] == [6 * 8, 16]
    session = ModelSession(target)
    pair = ModelPair(session, None, frozenset(), decode, cross_draft=lambda: CrossSession(draft, session))
    prompt = prompts(1)[0]
    found = glide.build(CHAIN, pair).generate(prompt, LONG)
    assert found.tokens == reference(pair, prompt, LONG).tokens and sum(found.steps.drafted) > 20


def test_a_pair_without_such_a_draft_is_refused():
    target = ModelSession(make_model("llama"))
    with pytest.raises(MissingCrossDraft, match="glide"):
        glide.build(CHAIN, ModelPair(target, None, frozenset(), decode))
