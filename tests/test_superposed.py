"""Superposed drafts against forwards without a cache, and the n-grams that choose their tokens."""

import math
import random
from itertools import pairwise

import pytest
import torch
from families import VOCABULARY, blurred, make_model
from matrix import check, decode, make_pair, prompts, reference

from baselines import speculative
from baselines.ngram_counts import NgramCounts
from baselines.superposed import CANDIDATES, NGRAM_WEIGHTS, PENALTY, TEMPERATURE, Config, Superposed, build, shares
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree

Draft = tuple[float, tuple[int, ...]]


def known(text: list[int], token: int) -> float:
    """The weighted share of times that `token` followed the text's end in the text before it."""
    total = 0.0
    for length, weight in enumerate(NGRAM_WEIGHTS, start=1):
        end = text[-length:]
        after = [CONFIRMED[at + length] for at in range(len(CONFIRMED) - length) if CONFIRMED[at : at + length] == end]
        total += weight * after.count(token) / len(after) if after and len(text) >= length else 0.0
    return total


CONFIRMED: list[int] = []


def brute_force(model: torch.nn.Module, tokens: list[int], config: Config, gamma: int, eos: set[int]) -> list[Draft]:
    """The chains, from forwards over everything, the best first."""
    CONFIRMED[:] = tokens
    rows = model.get_input_embeddings()(torch.tensor([tokens]))
    alive: list[Draft] = [(0.0, ())]
    ended: list[Draft] = []
    for _ in range(gamma):
        with torch.no_grad():
            chances = (model(inputs_embeds=rows).logits[0, -1] / TEMPERATURE).softmax(-1)
        best = dict(zip(*[each.tolist() for each in chances.topk(CANDIDATES)[::-1]], strict=True))
        pairs: list[Draft] = []
        for score, chain in alive:
            for token, chance in best.items():
                worth = math.log(chance / sum(best.values()))
                if config.alpha:
                    ngrams = known([*tokens, *chain], token)
                    worth *= 1 - config.alpha
                    worth += config.alpha * math.log(ngrams) if ngrams else -PENALTY
                pairs.append((score + worth, (*chain, token)))
        pairs.sort(reverse=True)
        assert min(one[0] - other[0] for one, other in pairwise(pairs)) > 1e-7, "no rounding chooses among them"
        best_pairs = pairs[: config.paths - len(ended)]
        alive = [pair for pair in best_pairs if pair[1][-1] not in eos]
        ended += [pair for pair in best_pairs if pair[1][-1] in eos]
        if not alive:
            break
        weights = torch.tensor([score for score, _ in alive], dtype=torch.float64).softmax(-1)
        last = model.get_input_embeddings()(torch.tensor([chain[-1] for _, chain in alive]))
        rows = torch.cat([rows, (weights[:, None] * last).sum(0)[None, None]], dim=1)
    return sorted(alive + ended, reverse=True)


def leaves(tree: TokenTree) -> set[tuple[int, ...]]:
    """The texts from the root to every node that has no child."""
    texts: list[tuple[int, ...]] = [()]
    for node in range(1, len(tree)):
        texts.append((*texts[tree.parents[node]], tree.tokens[node]))
    return {texts[node] for node in range(1, len(tree)) if node not in tree.parents}


SETTINGS = [
    Config(),
    Config(paths=2, gamma=5, alpha=0.0),
    Config(paths=4, gamma=3, alpha=0.1),
    Config(paths=1),
]


@pytest.mark.parametrize("config", SETTINGS, ids=str)
def test_drafts_equal_those_from_cache_free_forwards(config: Config) -> None:
    """Whatever was accepted before, and wherever the limit lies; a draft row a token."""
    model = make_model("llama")
    eos = {5, 9}
    drafter = Superposed(config, ModelSession(model), frozenset(eos))
    draw = random.Random(4)
    tokens = [draw.randrange(8) for _ in range(12)]
    drafter.reset(tokens, 100)
    tokens = [*tokens, 4]
    forked = 0
    for number in range(8):
        limit = [9, 9, 3, 2][number % 4]
        tree = TokenTree(tokens[-1], room=50)
        before, missing = drafter.forwards(), len(tokens) - 1 - len(drafter.session.tokens)
        drafter.propose(tokens, tree, limit)
        drafts = brute_force(model, tokens, config, min(limit, config.gamma), eos)
        texts = {text for _, text in drafts}
        within = {text[:length] for text in texts for length in range(len(text))}
        assert leaves(tree) == texts - within
        assert drafter.session.tokens == tokens, "rows of true tokens alone"
        forwards, rows = (now - then for now, then in zip(drafter.forwards(), before, strict=True))
        assert rows == forwards + max(missing, 0), "of all chains together"
        forked += len(texts) > 1
        accepted = draw.choice(sorted(texts))[: draw.randrange(1 + config.gamma)]
        tokens = [*tokens, *accepted, draw.randrange(8)]
    assert forked or config.paths == 1


def test_one_chain_without_ngrams_is_the_greedy_chain() -> None:
    pair = make_pair("llama")
    stopping = Stopping(frozenset({5}), 30)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(2)]
    ours = check(pair, Config(paths=1, gamma=4, alpha=0.0), tests)
    theirs = check(pair, speculative.Config(gamma=4), tests)
    for one, other in zip(ours, theirs, strict=True):
        for column in ("drafted", "accepted", "emitted", "rows", "draft_forwards", "sources"):
            assert getattr(one.steps, column) == getattr(other.steps, column)


def test_ngrams_count_what_followed() -> None:
    counts = NgramCounts((0.5, 0.25))
    counts.read([1, 2, 1])
    counts.read([1, 2, 1, 3, 1, 2, 2])
    # After 1: 2, 3, 2. After 3, 1: 2. After 2, 1: 3. After 2: 1, 2.
    assert counts.chances([3, 1], [2, 3, 4]) == pytest.approx([0.5 * 2 / 3 + 0.25, 0.5 / 3, 0.0])
    assert counts.chances([9, 1], [2, 3]) == pytest.approx([0.5 * 2 / 3, 0.5 / 3])
    assert counts.chances([1], [2]) == pytest.approx([0.5 * 2 / 3])
    assert counts.chances([1, 9], [1]) == counts.chances([], [1]) == [0.0]
    counts.clear()
    counts.read([1, 1])
    assert counts.chances([2, 1], [1, 2]) == [0.5, 0.0]


def test_a_repeat_in_the_text_chooses_the_token() -> None:
    """With all the weight on n-grams the first chain is what followed before, where it is among
    the draft model's candidates."""
    text = [token % 8 for token in range(20)]
    model = make_model("llama", vocab_size=8)
    first = {}
    for alpha in (0.0, 1.0):
        drafter = Superposed(Config(alpha=alpha), ModelSession(model), frozenset())
        drafter.reset(text, 50)
        tree = TokenTree(text[-1], room=9)
        drafter.propose(text, tree, 9)
        first[alpha] = [tree.tokens[node] for node in tree.first_path()[1:]]
    assert first[1.0] == [4, 5, 6, 7] != first[0.0]


def test_weights_are_a_softmax() -> None:
    assert shares([-900.0, -900.0 + math.log(3)]) == pytest.approx([0.25, 0.75])


def test_the_context_of_the_draft_ends_the_chains() -> None:
    model = make_model("gpt2", n_positions=12)
    drafter = Superposed(Config(gamma=6), ModelSession(model), frozenset())
    depths = []
    for length in (8, 10, 11, 12, 13):
        text = list(range(length))
        drafter.reset(text, 50)
        tree = TokenTree(text[-1], room=99)
        drafter.propose(text, tree, 99)
        depths.append(max(tree.depths))
    assert depths == [5, 3, 2, 0, 0]


def test_drafts_are_accepted_down_several_chains() -> None:
    target = make_model("llama")
    pair = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.05)), frozenset(), decode)
    stopping = Stopping(frozenset(), 40)
    decoder = build(Config(alpha=0.0), pair)
    moved = 0
    keep = pair.target.keep

    def spy(path: list[int]) -> None:
        nonlocal moved
        moved += path != list(range(len(path)))
        keep(path)

    pair.target.keep = spy
    for prompt in prompts(3):
        decoder.generate(prompt, stopping)
    assert moved, "a chain that is not the first"
    assert VOCABULARY > CANDIDATES
