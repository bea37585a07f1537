"""Drafts as graphs: what is shared, how it is unrolled, and the settings that prune a tree's nodes.
"""

import math
import random

import pytest
import torch
from families import make_model
from matrix import check, make_pair, prompts, reference
from tables import TableSession

from baselines.draft_graph import DraftGraph
from baselines.multi_candidate import EXPANSION, Config, MultiCandidate, expansion
from decoding.draws import CLASSIC, Sampling
from decoding.sampling import make_sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree

A, B, C = 1, 2, 3
LIMIT = 20


def grown(sharing: int | None, *edges: tuple[int | None, int, float], text: tuple[int, ...] = (7, A)) -> DraftGraph:
    graph = DraftGraph(text, sharing)
    for parent, token, chance in edges:
        graph.add(parent, token, math.log(chance))
    return graph


def unrolled(graph: DraftGraph, count: int | None, depth: int) -> list[tuple[int, ...]]:
    """The texts of the copies, in their order."""
    texts: list[tuple[int, ...]] = [()]
    for parent, node in graph.unrolled(count, depth):
        texts.append((*texts[parent], graph.tokens[node]))
    return texts[1:]


def test_equal_tokens_are_one_node_and_a_cycle_is_cut():
    """B is followed by C and C by B: two nodes stand for all there is."""
    graph = grown(0, (None, B, 0.6), (None, C, 0.4), (0, C, 0.5), (1, B, 0.5))
    assert len(graph) == 2
    assert unrolled(graph, 5, LIMIT) == [(B,), (C,), (B, C), (C, B), (B, C, B)], "the likeliest first"
    assert len(unrolled(graph, 37, LIMIT)) == 37
    assert sorted(unrolled(graph, None, 2)) == [(B,), (B, C), (C,), (C, B)]


def test_the_tokens_before_decide_too():
    edges = (None, B, 0.6), (None, C, 0.4), (0, C, 0.5)
    assert [len(grown(sharing, *edges)) for sharing in (None, 0, 1)] == [3, 2, 3]
    # After a text that ends with B, the first C stands after a B as well.
    assert [len(grown(sharing, *edges, text=(7, B))) for sharing in (0, 1, 2)] == [2, 2, 3]


def test_no_node_is_shared_with_its_own_path():
    graph = grown(0, (None, A, 0.9), (0, A, 0.9), (1, A, 0.9))
    assert len(graph) == 3 and unrolled(graph, None, LIMIT) == [(A,), (A, A), (A, A, A)]


def test_nothing_is_led_to_a_leaf():
    graph = grown(0, (None, B, 0.6), (None, C, 0.4))
    graph.end(0, {0})
    graph.add(0, C, math.log(0.5))
    assert len(graph) == 3


def test_a_shared_node_is_as_likely_as_the_likeliest_path_to_it():
    graph = grown(0, (None, B, 0.2), (None, C, 0.7), (0, A, 0.5), (1, A, 0.5))
    assert math.isclose(math.exp(graph.scores[2]), 0.35) and graph.likeliest(2) == [1, 2]


def table(*chances: dict[int, float]) -> TableSession:
    """A model whose next token hangs on the last one alone, of which it knows some chances.

    The rest is spread evenly.
    """
    rows = []
    for known in chances:
        left = (1 - sum(known.values())) / (len(chances) - len(known))
        rows.append([known.get(token, left) for token in range(len(chances))])
    return TableSession(torch.tensor(rows, dtype=torch.float64).log().expand(len(rows), -1, -1))


def drafted(config: Config, session: TableSession, text: list[int]) -> tuple[TokenTree, MultiCandidate]:
    drafter = MultiCandidate(config, session, frozenset())
    drafter.reset(text[:-1], 100)
    tree = TokenTree(text[-1], LIMIT)
    drafter.propose(text, tree, LIMIT)
    return tree, drafter


def test_a_b_a_b_is_unrolled_up_to_its_budget():
    """The draft reads a few nodes, and the target gets as many as are wanted, deeper than that."""
    ab = table({A: 0.5, B: 0.3}, {B: 0.5, C: 0.3}, {A: 0.5, C: 0.3}, {A: 0.4, B: 0.3}, {A: 0.4}, {A: 0.4})
    trees, rows = {}, {}
    for sharing in (None, 0):
        trees[sharing], drafter = drafted(Config(branching=[2] * 4, nodes=30, sharing=sharing), ab, [A, B, A, B, A])
        rows[sharing] = len(drafter._expanded)
    assert [len(tree) for tree in trees.values()] == [1 + 30, 1 + 30]
    assert max(trees[None].depths) == 4 < max(trees[0].depths)
    assert rows[0] < rows[None] / 2


@pytest.mark.parametrize("sharing", [0, 1])
def test_a_path_through_a_copy_is_read_again(sharing: int) -> None:
    """The draft's cache holds the text's own tokens whatever path the text took, and the next draft
    is that of a drafter which has read nothing else."""
    few = 8
    model = make_model("llama", vocab_size=few)
    config = Config(branching=[3] * 4, nodes=20, pruning=0.05, sharing=sharing)
    drafter = MultiCandidate(config, ModelSession(model), frozenset())
    draw = random.Random(5)
    tokens = [draw.randrange(few) for _ in range(8)]
    drafter.reset(tokens, 100)
    tokens = [*tokens, 4]
    fresh = MultiCandidate(config, ModelSession(model), frozenset())
    through = 0
    for _ in range(10):
        tree, other = TokenTree(tokens[-1], room=50), TokenTree(tokens[-1], room=50)
        drafter.propose(tokens, tree, LIMIT)
        assert drafter.session.tokens == tokens[: len(drafter.session.tokens)]
        fresh.reset(tokens, 100)
        fresh.propose(tokens, other, LIMIT)
        assert (tree.tokens, tree.parents) == (other.tokens, other.parents)
        at = draw.choice([node for node in range(len(tree)) if tree.depths[node] == max(tree.depths)])
        path: list[int] = []
        while at:
            path, at = [tree.tokens[at], *path], tree.parents[at]
        node: int | None = 0
        for token in path[:-1]:
            node = None if node is None else drafter._expanded.child(node, token)
        through += node is None
        tokens = [*tokens, *path, draw.randrange(few)]
    assert through > 2


def test_less_sure_tokens_have_more_alternatives():
    """CaPE's example: .55 twice is six candidates twice."""
    text = [0, 1]
    even = [{(token + 1) % 24: 0.55} for token in range(24)]
    tree, drafter = drafted(Config(branching=[8, 8], width=1, cape=True), table(*even), text)
    assert len(tree) == 1 + 12
    assert drafter.forwards()[0] == len(drafter._expanded) == 2, "a chain's work"
    assert [sum(depth == level for depth in tree.depths) for level in (1, 2)] == [6, 6]
    assert {tree.parents[node] for node in range(1, len(tree))} == {0, 1}
    sure = [{(token + 1) % 24: 0.95} for token in range(24)]
    assert len(drafted(Config(branching=[8] * 4, width=1, cape=True), table(*sure), text)[0]) == 1 + 4 * 2
    assert [expansion(tenth / 10 + 0.05) for tenth in range(10)] == [*EXPANSION[:10]] and expansion(1.0) == 2


def test_children_far_behind_their_likeliest_sibling_are_left_out():
    """By the share of its probability, however likely that one is itself."""
    flat = table({1: 0.3, 2: 0.2, 3: 0.1}, *[{1: 0.3, 2: 0.2, 3: 0.1}] * 23)
    sizes = [len(drafted(Config(branching=[3], pruning=share), flat, [0, 1])[0]) for share in (0.0, 0.3, 0.5, 0.7, 1.0)]
    assert sizes == [4, 4, 3, 2, 2]


def test_sharing_saves_rows_of_the_draft():
    pair = make_pair("llama", noise=0.05)
    stopping = Stopping(frozenset({5}), 30)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(2)]
    rows = []
    for sharing in (None, 0):
        outcomes = check(pair, Config(branching=[3] * 4, nodes=12, sharing=sharing), tests)
        rows.append(sum(sum(each.steps.draft_rows) for each in outcomes))
    assert rows[1] < rows[0]


@pytest.mark.parametrize("shape", [{}, {"cape": True}, {"pruning": 0.5}, {"sharing": 0, "nodes": 5}, {"width": 1}])
def test_draws_that_shape_the_tree_are_no_draws_from_q(shape: dict[str, object]) -> None:
    """Which of them stay depends on what they are: the classic rule must take each for a point
    mass."""
    sampler = make_sampler(Sampling(1.0), (1,), "own", CLASSIC)
    drafter = MultiCandidate(Config(branching=[3, 3], **shape), table(*[{1: 0.4}] * 24), frozenset())
    drafter.draw_with(sampler.drafts)
    drafter.reset([1], 50)
    tree = TokenTree(2, LIMIT)
    drafter.propose([1, 2], tree, LIMIT)
    assert len(tree) > 2 and bool(tree.draws) == (not shape)
