"""The engine on every family: greedy equals generate(), tree rows equal a plain forward, the cache
keeps and cuts."""

import random

import numpy as np
import pytest
import torch
from families import CONTEXT, EOS, FAMILIES, VOCABULARY, make_model, plain_logits

from baselines import greedy
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.session import ModelSession, check_masks
from decoding.stopping import Stopping
from decoding.tree import TokenTree

# transformers' eager attention takes its softmax in float32 whatever the model's dtype.
TOLERANCE = {"gemma2": 1e-4}


def pair_of(session: ModelSession) -> ModelPair:
    return ModelPair(session, None, frozenset({EOS}), lambda ids: " ".join(map(str, ids)))


def prompt_of(length: int, seed: int) -> list[int]:
    draw = random.Random(seed)
    return [draw.randrange(VOCABULARY) for _ in range(length)]


@pytest.mark.parametrize("family", [*FAMILIES, "llama_eager"])
def test_greedy_equals_generate(family: str) -> None:
    attention = "eager" if family == "llama_eager" else None
    model = make_model(family.removesuffix("_eager"), attention=attention)
    session = ModelSession(model)
    decoder = greedy.build(greedy.Config(), pair_of(session))
    for seed, eos in enumerate([EOS, None]):
        prompt = prompt_of(10 + 7 * seed, seed)
        room = session.context - len(prompt)
        ours = decoder.generate(prompt, Stopping(frozenset({eos} - {None}), min(40, room))).tokens
        theirs = model.generate(
            torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long), do_sample=False,
            max_new_tokens=min(40, room), eos_token_id=eos, pad_token_id=0,
        )[0, len(prompt) :].tolist()  # fmt: skip
        assert ours == theirs
        assert eos or len(ours) == min(40, room)


@pytest.mark.parametrize("family", [name for name in FAMILIES if "rope" not in name])
def test_tree_rows_equal_plain_forwards(family: str) -> None:
    """Every node's logits are those of a cache-free forward of the text that leads to it, far past
    the window."""
    model = make_model(family)
    session = ModelSession(model)
    prompt = prompt_of(30, 1)
    session.prefill(prompt[:-4])
    tree = TokenTree(prompt[-1], room=session.room(len(prompt) - 1))
    draw = random.Random(2)
    for _ in range(14):
        tree.add(draw.randrange(len(tree)), [draw.randrange(VOCABULARY) for _ in range(3)], "test")
    logits = session.forward(prompt[-4:-1], tree, tree.wanted_nodes())
    texts = []
    for node in range(len(tree)):
        path, at = [], node
        while at != -1:
            path.insert(0, tree.tokens[at])
            at = tree.parents[at]
        texts.append(prompt[:-1] + path)
    for node, plain in enumerate(plain_logits(model, texts)):
        assert torch.allclose(logits[node], plain, atol=TOLERANCE.get(family, 1e-9)), f"node {node}"


@pytest.mark.parametrize("family", [name for name in FAMILIES if "rope" not in name])
def test_a_tree_that_grows_by_forwards_equals_plain_forwards(family: str) -> None:
    """Level by level, each forward takes the new nodes only, sees their ancestors among the rows
    that stand, and any path may be kept at the end; far past the window, and past what the cache
    had room for."""
    model = make_model(family)
    session = ModelSession(model)
    prompt = prompt_of(30, 1)
    session.prefill(prompt[:-4])
    draw = random.Random(2)
    grown = 0
    for _ in range(3):
        tree = TokenTree(prompt[-1], room=session.room(len(prompt) - 1))
        logits = {0: session.forward(prompt[len(session.tokens) : -1], tree, [0])[0]}
        rows, capacity = session.counters.rows, session._cache.capacity
        for _ in range(5):
            before = len(tree)
            for _ in range(5):
                tree.add(draw.randrange(len(tree)), [draw.randrange(VOCABULARY) for _ in range(2)], "test")
            added = list(range(before, len(tree)))
            wanted = draw.sample(added, len(added) - 1)
            logits |= dict(zip(wanted, session.extend(wanted), strict=True))
        assert session.counters.rows - rows == len(tree) - 1
        grown += session._cache.capacity > capacity
        texts = []
        for node in logits:
            path, at = [], node
            while at != -1:
                path.insert(0, at)
                at = tree.parents[at]
            text = prompt[:-1] + [tree.tokens[each] for each in path]
            texts.append(text)
        for (node, found), plain in zip(logits.items(), plain_logits(model, texts), strict=True):
            assert torch.allclose(found, plain, atol=TOLERANCE.get(family, 1e-9)), f"node {node}"
        session.keep(path)
        assert session.tokens == text
        prompt = [*text, *prompt_of(2, 3)]
    assert grown


@pytest.mark.parametrize("family", ["llama_dynamic_rope", "phi3_longrope"])
def test_a_tree_that_grows_ends_where_the_rotation_changes(family: str) -> None:
    session = ModelSession(make_model(family))
    prompt = prompt_of(28, 1)
    session.prefill(prompt[:-1])
    tree = TokenTree(prompt[-1], session.room(len(prompt) - 1))
    session.forward([], tree, [0])
    chain = tree.add(0, prompt_of(40, 2), "test")
    assert len(chain) == min(session.rope_boundary or 99, session.context) - len(prompt)
    logits = session.extend(chain)
    fresh = ModelSession(session.model)
    fresh.prefill(prompt)
    for token, found in zip(prompt_of(40, 2), logits, strict=False):
        assert torch.allclose(found, fresh.prefill([token]), atol=1e-9)


def test_keep_and_truncate_against_a_fresh_forward() -> None:
    """However paths are kept and cut, the next logits are those of a fresh session over the same
    tokens."""
    model = make_model("llama")
    session = ModelSession(model)
    draw = random.Random(0)
    session.prefill(prompt_of(8, 0))
    moved = 0
    for _ in range(25):
        root = draw.randrange(VOCABULARY)
        tree = TokenTree(root, room=6)
        for _ in range(6):
            tree.add(draw.randrange(len(tree)), [draw.randrange(VOCABULARY) for _ in range(2)], "test")
        context = [draw.randrange(VOCABULARY) for _ in range(draw.randrange(3))]
        session.forward(context, tree, [0])
        path = [draw.randrange(len(tree))]
        while tree.parents[path[0]] != -1:
            path.insert(0, tree.parents[path[0]])
        moved += path != list(range(len(path)))
        session.keep(path)
        if draw.random() < 0.5:
            session.truncate(len(session.tokens) - draw.randrange(3))
        if len(session.tokens) > 80:
            session.truncate(5)
        probe = draw.randrange(VOCABULARY)
        fresh = ModelSession(model).prefill([*session.tokens, probe])
        assert torch.allclose(session.prefill([probe]), fresh, atol=1e-9)
    assert moved > 5


def test_cut_below_zero_or_beyond_the_cache_is_refused() -> None:
    session = ModelSession(make_model("llama"))
    session.prefill([1, 2, 3])
    with pytest.raises(ValueError, match="cannot cut"):
        session.truncate(4)
    for confirm in (session.keep, session.extend):
        with pytest.raises(RuntimeError, match="forward before"):
            confirm([0])
    tree = TokenTree(1, room=3)
    session.forward([], tree, [0])
    tree.add(0, [2], "test")
    with pytest.raises(RuntimeError, match="forward before"):
        session.keep([0, 1])


@pytest.mark.parametrize(
    ("text", "known", "left"), [([1, 2, 3, 4], 0, 3), ([1, 9, 3], 0, 1), ([1, 2, 3], 2, 2), ([9, 1], 0, 0), ([1], 5, 0)]
)
def test_align_forgets_from_the_first_difference(text: list[int], known: int, left: int) -> None:
    session = ModelSession(make_model("llama"))
    session.prefill([1, 2, 3])
    session.align(text, known)
    assert session.tokens == [1, 2, 3][:left]


def test_ancestors_against_brute_force() -> None:
    draw = random.Random(4)
    tree = TokenTree(0, room=50)
    for _ in range(40):
        tree.add(draw.randrange(len(tree)), [draw.randrange(9)], "test")
    relation = tree.ancestors()
    for node in range(len(tree)):
        line, at = {node}, node
        while at:
            at = tree.parents[at]
            line.add(at)
        assert set(np.flatnonzero(relation[node])) == line
        assert tree.depths[node] == len(line) - 1


@pytest.mark.parametrize("family", [*FAMILIES])
def test_mask_check_passes_with_rounding_noise(family: str) -> None:
    assert check_masks(ModelSession(make_model(family))) < TOLERANCE.get(family, 1e-9)


def test_model_that_ignores_the_mask_is_refused() -> None:
    model = make_model("llama")
    session = ModelSession(model)
    session._masks.build = lambda *_: None
    with pytest.raises(UserError, match="does not follow the mask"):
        check_masks(session)


def test_unsupported_attention_is_refused() -> None:
    model = make_model("llama")
    model.config._attn_implementation = "flash_attention_2"
    with pytest.raises(UserError, match="takes no explicit mask"):
        ModelSession(model)
    model = make_model("qwen2")
    model.config.layer_types = ["linear_attention", "full_attention"]
    with pytest.raises(UserError, match="linear_attention"):
        ModelSession(model)


def test_generation_ends_at_the_context_and_a_full_prompt_is_refused() -> None:
    model = make_model("llama", max_position_embeddings=32)
    decoder = greedy.build(greedy.Config(), pair_of(ModelSession(model)))
    output = decoder.generate(prompt_of(20, 3), Stopping(frozenset(), CONTEXT))
    assert output.stop == "context"
    assert len(output.tokens) == 12
    with pytest.raises(UserError, match="context holds 32"):
        decoder.generate(prompt_of(32, 3), Stopping(frozenset(), 4))
    with pytest.raises(UserError, match="no tokens"):
        decoder.generate([], Stopping(frozenset(), 4))
