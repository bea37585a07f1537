"""RACER: states against an Aho-Corasick automaton, the trie against brute force, the breadths of
the tree of lines, and how both trees are joined."""

from collections import Counter, deque

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matrix import build, make_pair, prompts, reference
from test_token_recycling import texts_of

from baselines import racer
from baselines.racer import NgramTrie, Racer
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import walk

short_texts = st.lists(st.integers(0, 2), max_size=20)


def drafter_of(eos: frozenset[int] = frozenset(), **settings: int) -> Racer:
    return Racer(racer.Config(**settings), eos, vocabulary=1000)


def ngrams(text: list[int], ngram: int) -> list[list[int]]:
    return [text[start : start + ngram] for start in range(len(text) - ngram + 1)]


def runs(trie: NgramTrie) -> dict[tuple[int, ...], int]:
    """Every node by its tokens, with its count."""
    found, waiting = {}, [((), trie.root)]
    while waiting:
        run, state = waiting.pop()
        found |= {(*run, token): child.count for token, child in state.children.items()}
        waiting += [((*run, token), child) for token, child in state.children.items()]
    return found


def automaton_states(patterns: list[list[int]], text: list[int]) -> list[tuple[int, ...]]:
    """The state of an Aho-Corasick automaton after the text, and those along its fail links.

    Goto, fail and their construction breadth first, as Aho and Corasick (1975) have them.
    """
    goto: dict[tuple[int, ...], set[int]] = {(): set()}
    for pattern in patterns:
        for end in range(len(pattern)):
            goto.setdefault(tuple(pattern[:end]), set()).add(pattern[end])
            goto.setdefault(tuple(pattern[: end + 1]), set())
    fail = {(token,): () for token in goto[()]}
    waiting = deque(fail)
    while waiting:
        state = waiting.popleft()
        for token in goto[state]:
            waiting.append((*state, token))
            back = fail[state]
            while back and token not in goto[back]:
                back = fail[back]
            fail[*state, token] = (*back, token) if token in goto[back] else ()
    state: tuple[int, ...] = ()
    for token in text:
        while state and token not in goto[state]:
            state = fail[state]
        state = (*state, token) if token in goto[state] else ()
    chain = []
    while state:
        chain.append(state)
        state = fail[state]
    return chain


@given(short_texts, short_texts, st.integers(3, 5))
def test_states_are_those_of_the_automaton_and_its_fail_links(known: list, text: list, ngram: int) -> None:
    """But for a whole n-gram, below which nothing lies."""
    trie = NgramTrie(ngram, capacity=1000)
    for each in ngrams(known, ngram):
        trie.read(each)
    nodes = runs(trie)
    expected = [state for state in automaton_states(ngrams(known, ngram), text) if 2 <= len(state) < ngram]
    assert [state.count for state in trie.states(text, 2)] == [nodes[state] for state in expected]


@given(short_texts, st.integers(3, 5), st.integers(1, 30))
def test_the_trie_counts_what_was_read_and_drops_the_least_recent_leaves(
    text: list, ngram: int, capacity: int
) -> None:
    trie = NgramTrie(ngram, capacity)
    whole: Counter[tuple[int, ...]] = Counter()
    last: dict[tuple[int, ...], int] = {}
    for time, each in enumerate(ngrams(text, ngram)):
        trie.read(each)
        heads = [tuple(each[:end]) for end in range(1, ngram + 1)]
        whole.update(heads)
        last |= dict.fromkeys(heads, time)
        nodes = runs(trie)
        assert len(trie) == len(nodes) <= capacity
        assert len(nodes) == capacity or nodes.keys() <= whole.keys()
        assert all(head[:-1] in nodes for head in nodes if len(head) > 1), "no node without the one above"
        assert all(last[gone] <= last[kept] for gone in whole.keys() - nodes.keys() for kept in nodes)
        if len(whole) <= capacity:
            assert nodes == whole
        for gone in whole.keys() - nodes.keys():
            del whole[gone]


def test_the_breadths_are_the_papers() -> None:
    """Levels of 1, 8, 19, 24 and 12 nodes are 64 rows."""
    drafter = drafter_of()
    drafter.lines = {token: [(8 * token + rank + 1) % 997 for rank in range(8)] for token in range(997)}
    tree = TokenTree(0, room=20)
    drafter.propose([0], tree, limit=20)
    assert Counter(tree.depths) == {0: 1, 1: 8, 2: 19, 3: 24, 4: 12}
    children = Counter(tree.parents)
    assert [children[node] for node in range(9)] == [8, 8, 4, 2, 1, 1, 1, 1, 1]
    assert [children[node] for node in range(9, 17)] == [4, 2, 1, 1, 1, 1, 1, 1]
    shallow = TokenTree(0, room=2)
    drafter.propose([0], shallow, limit=20)
    assert Counter(shallow.depths) == {0: 1, 1: 8, 2: 19}


def test_retrieval_comes_first_and_lines_fill_the_rest() -> None:
    """What follows both (1, 2) and (9, 1, 2) counts twice; a token that both trees hold is one
    node."""
    drafter = drafter_of(nodes=6, ngram=4)
    drafter.reset([9, 1, 2, 3, 8, 1, 2, 4, 8, 7, 1, 2, 4, 8], 100)
    drafter.lines = {2: [3, 6, 5], 3: [20], 6: [21], 5: [22]}
    text = [9, 1, 2, 3, 8, 1, 2, 4, 8, 7, 1, 2, 4, 8, 9, 1, 2]
    tree = TokenTree(2, room=20)
    drafter.propose(text, tree, limit=20)
    retrieved = [node for node in range(1, 7) if "match" in tree.sources[node]]
    assert [tree.tokens[node] for node in retrieved] == [3, 4, 8, 8]
    assert [tree.parents[node] for node in retrieved] == [0, 0, 2, 1]
    assert tree.sources[1] == ("match", "logits") and tree.sources[5:] == [("logits",)] * 2
    assert tree.tokens[5:] == [6, 5] and len(tree) == 7


def test_one_token_is_no_match_and_nothing_is_made_up() -> None:
    drafter = drafter_of(ngram=3)
    drafter.reset([1, 2, 3, 4], 100)
    tree = TokenTree(2, room=20)
    drafter.propose([1, 2, 3, 4, 2], tree, limit=20)
    assert len(tree) == 1


def test_a_short_prompt_is_read_as_soon_as_the_output_makes_it_long_enough() -> None:
    drafter = drafter_of(ngram=4)
    drafter.reset([1, 2], 100)
    drafter.propose([1, 2, 3, 4, 5, 1, 2], tree := TokenTree(2, room=20), limit=20)
    assert texts_of(tree) == {(3,), (3, 4)}


def test_nothing_follows_the_end_and_foreign_tokens_are_left_out() -> None:
    drafter = Racer(racer.Config(ngram=4), frozenset({5}), vocabulary=10)
    drafter.reset([1, 2, 5, 3, 1, 2, 10, 3, 4], 100)
    drafter.lines = {2: [5, 4], 5: [6], 4: [5]}
    drafter.propose([1, 2, 5, 3, 1, 2, 10, 3, 4, 1, 2], tree := TokenTree(2, room=20), limit=20)
    assert texts_of(tree) == {(5,), (4,), (4, 5)}


def test_every_verified_row_renews_its_tokens_line() -> None:
    drafter = drafter_of(breadth=2)
    tree = TokenTree(1, room=4)
    tree.add(0, [2], "test")
    drafter.observe(walk(tree, [0, 1], torch.tensor([[0.0, 0.1, 0.2], [0.3, 0.2, 0.1]])))
    assert drafter.lines == {1: [2, 1], 2: [0, 1]}


def test_warm_it_knows_the_last_output_and_forgotten_it_is_cold() -> None:
    pair = make_pair("llama")
    stopping = Stopping(frozenset(), 40)
    decoder = build(racer.Config(ngram=6), pair)
    (prompt,) = prompts(1)
    cold = decoder.generate(prompt, stopping)
    warm = decoder.generate(prompt, stopping)
    decoder.forget()
    assert (len(decoder.drafter.trie), decoder.drafter.lines) == (0, {})
    again = decoder.generate(prompt, stopping)
    assert cold.tokens == warm.tokens == again.tokens == reference(pair, prompt, stopping).tokens
    assert (cold.steps.rows, cold.steps.accepted, cold.extra) == (again.steps.rows, again.steps.accepted, again.extra)
    assert len(warm.steps) < len(cold.steps)
    assert {source for step in warm.steps.sources for source in step} == {"match", "logits"}


@pytest.mark.parametrize("capacity", [1, 7])
def test_a_trie_smaller_than_an_ngram_is_no_error(capacity: int) -> None:
    drafter = drafter_of(ngram=8, capacity=capacity)
    drafter.reset([*range(9), *range(9)], 100)
    assert len(drafter.trie) == capacity
