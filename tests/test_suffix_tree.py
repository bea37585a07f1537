"""The counted suffix tree against brute force: every run of tokens, what follows it, and texts that
are taken out again."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from baselines.suffix_tree import Place, SuffixTree

texts = st.lists(st.lists(st.integers(0, 2), max_size=14), min_size=1, max_size=4)


def counted(tree: SuffixTree) -> dict[tuple[int, ...], int]:
    """Every run in the tree, with its count."""
    found: dict[tuple[int, ...], int] = {}
    waiting = [((), Place(tree.root, 0))]
    while waiting:
        run, place = waiting.pop()
        for token, child in place.children():
            found[*run, token] = child.count
            waiting.append(((*run, token), child))
    return found


def occurring(texts: list[list[int]], depth: int) -> dict[tuple[int, ...], int]:
    """The same by looking at every place."""
    places = [(text, start) for text in texts for start in range(len(text))]
    return Counter(tuple(text[start : start + n]) for text, start in places for n in range(1, depth + 1)
                   if start + n <= len(text))  # fmt: skip


def grown(texts: list[list[int]], depth: int) -> SuffixTree:
    tree = SuffixTree(depth)
    for number, text in enumerate(texts):
        if number:
            tree.begin()
        tree.extend(text)
    return tree


@given(texts, st.integers(2, 9), st.integers(0, 3))
def test_counts_are_those_of_all_places_while_texts_come_and_go(texts: list, depth: int, dropped: int) -> None:
    """Token by token, and after the oldest texts are taken out and others read."""
    tree = SuffixTree(depth)
    held: list[list[int]] = []
    for number, text in enumerate(texts):
        if number:
            tree.begin()
        held.append([])
        for token in text:
            tree.extend([token])
            held[-1].append(token)
            assert counted(tree) == occurring(held, depth)
        if len(held) > dropped > 0:
            tree.begin()
            held.append([])
            tree.drop_oldest()
            del held[0]
            assert counted(tree) == occurring(held, depth)


@given(texts, st.integers(2, 9))
def test_suffixes_are_found_where_they_are(texts: list, depth: int) -> None:
    tree = grown(texts, depth)
    text = texts[-1]
    suffixes = list(tree.suffixes())
    assert len(suffixes) == min(len(text), depth - 1)
    for length, place in enumerate(suffixes, 1):
        other = tree.find(text[-length:])
        assert place.count == other.count == occurring(texts, depth)[tuple(text[-length:])]
        following = [(token, child.count) for token, child in place.children()]
        assert following == [(token, child.count) for token, child in other.children()]
    assert tree.find([3]) is None


@given(texts)
def test_of_equals_the_one_that_reached_its_count_last_comes_first(texts: list) -> None:
    """Which is the one that occurred last."""
    tree = grown(texts, depth=4)
    counts = occurring(texts, 4)
    places = [(*text[:start], token) for text in texts for start, token in enumerate(text)]
    last = {
        run: max(number for number, before in enumerate(places) if before[-len(run) :] == run) for run in counts
    }
    for run in [(), *(run for run in counts if len(run) < 4)]:
        place = tree.find(list(run))
        tokens = [token for token in range(3) if (*run, token) in counts]
        tokens.sort(key=lambda token: (-counts[*run, token], -last[*run, token]))  # noqa: B023
        assert [token for token, _ in place.children()] == tokens
        assert (place.likeliest() or (None,))[0] == (tokens or [None])[0]


def test_a_text_takes_some_nodes_a_token_and_no_more() -> None:
    """A text said three times over: a node for every run would be 64 a token."""
    text = [(7 * place * place + place) % 101 for place in range(300)] * 3
    tree = grown([text], depth=64)
    nodes, waiting = 0, [tree.root]
    while waiting:
        node = waiting.pop()
        nodes += 1
        waiting += node.children.values()
    assert nodes < 2 * len(text)
