"""Token trees: merging, room, what is drafted; and verification as a walk."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from decoding.tree import TokenTree
from decoding.verification import walk

chains = st.lists(
    st.tuples(st.integers(0, 30), st.lists(st.integers(0, 3), min_size=1, max_size=4), st.booleans()), max_size=20
)


def grown(chains: list, room: int = 6) -> TokenTree:
    tree = TokenTree(0, room)
    for parent, tokens, wanted in chains:
        tree.add(parent % len(tree), tokens, "test", wanted)
    return tree


def path_to(tree: TokenTree, node: int) -> list[int]:
    path = []
    while node != -1:
        path.insert(0, node)
        node = tree.parents[node]
    return path


@given(chains)
def test_tree_invariants(chains: list) -> None:
    tree = grown(chains)
    for node in range(1, len(tree)):
        assert tree.parents[node] < node
        assert tree.depths[node] == tree.depths[tree.parents[node]] + 1 <= tree.room
        assert tree.child(tree.parents[node], tree.tokens[node]) == node
    texts = [tuple(tree.tokens[n] for n in path_to(tree, node)) for node in range(len(tree))]
    assert len(set(texts)) == len(texts), "equal children of one node are one node"
    reachable = [n for n in range(len(tree)) if all(tree.wanted[m] for m in path_to(tree, n))]
    deepest = max(tree.depths[n] for n in reachable)
    assert tree.drafted(99) == deepest
    assert tree.drafted(1) == min(deepest, 1)


@given(chains, st.integers(0, 1000))
def test_verification_follows_the_choices_as_far_as_wanted_nodes_go(chains: list, seed: int) -> None:
    tree = grown(chains)
    rows = tree.wanted_nodes()
    logits = torch.rand(len(rows), 4, generator=torch.Generator().manual_seed(seed))
    verdict = walk(tree, rows, logits)
    choice = {node: int(logits[row].argmax()) for row, node in enumerate(rows)}
    assert verdict.choices == choice
    assert path_to(tree, verdict.path[-1]) == verdict.path
    for node, following in zip(verdict.path, verdict.path[1:], strict=False):
        assert tree.tokens[following] == choice[node]
    child = tree.child(verdict.path[-1], choice[verdict.path[-1]])
    assert child is None or not tree.wanted[child]
    assert verdict.tokens == [tree.tokens[n] for n in verdict.path[1:]] + [choice[verdict.path[-1]]]


def test_merging_keeps_every_source_and_wants_what_anyone_wants() -> None:
    tree = TokenTree(9, room=3)
    first = tree.add(0, [1, 2], "phrase", wanted=False)
    assert tree.add(0, [1, 3], "window") == [first[0], 3]
    assert tree.sources[first[0]] == ("phrase", "window")
    assert tree.wanted_nodes() == [0, first[0], 3]
    assert tree.add(0, [1, 2, 4, 5], "phrase", wanted=False) == [*first, 4], "the room ends the chain"
    assert tree.drafted(5) == 2


def test_exact_tie_takes_the_lowest_id() -> None:
    tree = TokenTree(0, room=1)
    assert walk(tree, [0], torch.tensor([[0.0, 2.0, 2.0]])).tokens == [1]
