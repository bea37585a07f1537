"""Token Recycling: the tree's shape, the walk over the matrix, and the matrix against cache-free
forwards."""

from itertools import product

import pytest
import torch
from families import VOCABULARY, make_model, plain_logits
from hypothesis import given
from hypothesis import strategies as st
from matrix import make_pair, prompts, reference

from baselines import token_recycling
from baselines.token_recycling import TokenRecycling, shape
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import Verdict, walk


def paths_of(layout: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    paths: list[tuple[int, ...]] = [()]
    for parent, rank in layout:
        paths.append((*paths[parent], rank))
    return paths[1:]


def texts_of(tree: TokenTree) -> set[tuple[int, ...]]:
    texts = [()]
    for node in range(1, len(tree)):
        texts.append((*texts[tree.parents[node]], tree.tokens[node]))
    return set(texts[1:])


def test_full_shape_is_the_papers() -> None:
    """80 nodes, 8/21/25/15/8/3 of them per depth, with the deepest ones and the ends of some lines
    by name."""
    paths = paths_of(shape(80))
    assert [sum(len(path) == depth for path in paths) for depth in range(1, 8)] == [8, 21, 25, 15, 8, 3, 0]
    assert {path for path in paths if len(path) == 6} == {(0,) * 6, (0, 0, 0, 0, 0, 1), (0, 0, 0, 1, 0, 0)}
    assert {(0, 7, 0), (0, 2, 1), (0, 0, 4, 0), (3, 0, 0, 0), (1, 1, 0), (5, 0, 0), (7, 0), (1, 0, 0, 0, 0)} <= {*paths}
    assert not {(6, 0, 0), (0, 2, 2), (1, 2, 0), (0, 0, 5, 0), (0, 2, 0, 0, 0), (0, 0, 1, 0, 0, 0)} & {*paths}


@pytest.mark.parametrize("nodes", range(1, 81))
def test_every_shape_is_a_tree_in_row_order_and_part_of_the_next(nodes: int) -> None:
    paths = paths_of(shape(nodes))
    assert len(set(paths)) == len(paths) == nodes
    assert [len(path) for path in paths] == sorted(len(path) for path in paths), "breadth first"
    for path in paths:
        assert path[-1] == 0 or (*path[:-1], path[-1] - 1) in paths, "the better ranks come first"
    assert set(paths) <= set(paths_of(shape(min(nodes + 1, 80))))


matrices = st.dictionaries(st.integers(0, 5), st.lists(st.integers(0, 5), min_size=1, max_size=6, unique=True))


@given(matrices, st.integers(1, 80), st.integers(-1, 7), st.sets(st.integers(0, 5), max_size=2))
def test_the_walk_against_brute_force(matrix: dict, nodes: int, limit: int, eos: set) -> None:
    """A path of ranks is proposed when every rank on the way is known.

    Nothing is made up, nothing follows the end.
    """
    drafter = TokenRecycling(shape(nodes), prompt=False, eos=frozenset(eos))
    drafter.matrix = matrix
    tree = TokenTree(0, room=20)
    drafter.propose([3, 0], tree, limit)
    expected = set()
    for path in paths_of(shape(nodes)):
        text = [0]
        while len(text) <= len(path) and text[-1] not in eos and path[len(text) - 1] < len(matrix.get(text[-1], ())):
            text.append(matrix[text[-1]][path[len(text) - 1]])
        if len(path) < len(text) and len(path) <= limit:
            expected.add(tuple(text[1:]))
    assert texts_of(tree) == expected


def test_the_room_ends_the_walk() -> None:
    drafter = TokenRecycling(shape(80), prompt=False, eos=frozenset())
    drafter.matrix = {token: [(token + rank + 1) % 20 for rank in range(8)] for token in range(20)}
    tree = TokenTree(0, room=2)
    drafter.propose([0], tree, limit=9)
    assert (max(tree.depths), len(tree)) == (2, 1 + 8 + 21)


@given(st.lists(st.integers(0, 4), max_size=25), st.integers(1, 12))
def test_pairs_of_the_prompt_the_newest_first(prompt: list[int], nodes: int) -> None:
    drafter = TokenRecycling(shape(nodes), prompt=True, eos=frozenset())
    drafter.reset(prompt, 99)
    for token in range(5):
        followers = [prompt[place + 1] for place in range(len(prompt) - 1) if prompt[place] == token]
        newest = list(dict.fromkeys(reversed(followers)))
        assert drafter.matrix.get(token, []) == newest[: drafter.ranks]


def test_the_prompt_is_left_alone_on_request_and_does_not_wipe_history() -> None:
    silent = TokenRecycling(shape(4), prompt=False, eos=frozenset())
    silent.reset([1, 2, 3], 99)
    assert silent.matrix == {}
    drafter = TokenRecycling(shape(4), prompt=True, eos=frozenset())
    drafter.matrix = {1: [7, 8], 4: [5]}
    drafter.reset([1, 2], 99)
    assert drafter.ranks == 2
    assert drafter.matrix == {1: [2, 7], 4: [5]}


def test_of_a_token_that_stands_twice_the_last_row_counts() -> None:
    drafter = TokenRecycling(shape(4), prompt=False, eos=frozenset())
    tree = TokenTree(1, room=4)
    tree.add(0, [2, 1], "test")
    logits = torch.tensor([[0.0, 0.1, 0.2], [0.3, 0.2, 0.1], [0.5, 0.7, 0.0]])
    drafter.observe(walk(tree, tree.wanted_nodes(), logits))
    assert drafter.matrix == {1: [1, 0], 2: [0, 1]}


@pytest.mark.parametrize("nodes", [12, 80])
def test_lines_are_the_best_tokens_of_cache_free_forwards(nodes: int) -> None:
    """After every step the line of each verified token is the top of a plain forward of the text
    that leads to its last row, rejected rows too; until then nothing but such lines is ever
    proposed."""
    pair = make_pair("llama")
    decoder = token_recycling.build(token_recycling.Config(nodes=nodes, prompt=False), pair)
    drafter, known, checked = decoder.drafter, {}, 0
    propose, observe = drafter.propose, drafter.observe
    text: list[int] = []

    def spy_propose(tokens, tree, limit):
        text[:] = tokens
        propose(tokens, tree, limit)
        for node in range(1, len(tree)):
            assert tree.tokens[node] in known[tree.tokens[tree.parents[node]]]

    def spy_observe(verdict: Verdict) -> None:
        nonlocal checked
        tree = verdict.tree
        branches = [text]
        for node in range(1, len(tree)):
            branches.append([*branches[tree.parents[node]], tree.tokens[node]])
        for branch, logits in zip(branches, plain_logits(pair.target.model, branches), strict=True):
            known[branch[-1]] = logits.topk(drafter.ranks).indices.tolist()
        observe(verdict)
        assert drafter.matrix == known
        checked += len(tree) - len(verdict.path)

    drafter.propose, drafter.observe = spy_propose, spy_observe
    outcome = decoder.generate(prompts(1)[0], Stopping(frozenset(), 25))
    assert checked > 50, "rejected rows"
    assert sum(outcome.steps.accepted)
    assert {source for sources in outcome.steps.sources for source in sources} == {"recycled"}
    assert outcome.extra == {"matrix_tokens": len(known)}


@pytest.mark.parametrize("ranks", [(0,) * 6, (0, 0, 0, 1, 0, 0), (3, 0, 0, 0), (7, 0)])
def test_a_known_text_is_accepted_down_to_the_trees_depth(ranks: tuple[int, ...]) -> None:
    """The matrix holds the text to come, at the ranks of one of the tree's longest paths, after
    decoys."""
    pair = ModelPair(ModelSession(make_model("llama")), None, frozenset(), str)
    stopping = Stopping(frozenset(), 9)
    texts = ((prompt, reference(pair, prompt, stopping).tokens) for prompt in prompts(200))
    prompt, text = next((prompt, text) for prompt, text in texts if len(set(text[:7])) == 7)
    decoder = token_recycling.build(token_recycling.Config(nodes=80, prompt=False), pair)
    for token, following, rank in zip(text, text[1:], (*ranks, 0), strict=False):
        decoys = [other for other in range(VOCABULARY) if other not in text]
        decoder.drafter.matrix[token] = [*decoys[:rank], following]
    outcome = decoder.generate(prompt, stopping)
    assert outcome.tokens == text
    assert outcome.steps.emitted[0] == len(ranks) + 1
    assert outcome.steps.sources[0] == ["recycled"] * len(ranks)


def test_history_lives_from_prompt_to_prompt_until_it_is_forgotten() -> None:
    pair = make_pair("llama")
    decoder = token_recycling.build(token_recycling.Config(nodes=80, prompt=False), pair)
    steps = {"cold": 0, "warm": 0}
    for (number, prompt), heat in product(enumerate(prompts(4)), steps):
        if heat == "cold":
            decoder.forget()
            assert decoder.drafter.matrix == {}
        outcome = decoder.generate(prompt, Stopping(frozenset(), 30))
        assert (outcome.steps.drafted[0] > 0) == (heat == "warm"), number
        assert 0 < outcome.extra["matrix_tokens"] <= VOCABULARY
        steps[heat] += len(outcome.steps)
    assert steps["warm"] < steps["cold"]
