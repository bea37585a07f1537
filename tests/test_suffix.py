"""SuffixDecoding: scores and drafts against brute force, both trees, and a history that is exactly
the outputs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from matrix import build, make_pair, prompts, reference
from test_sam import learn

from baselines import suffix
from baselines.suffix import Drafted, Suffix
from decoding.decoder import ModelPair
from decoding.stopping import Stopping
from decoding.tree import TokenTree

EOS = frozenset({5})
TEXT = [1, 2, 3, 1, 2, 4, 1, 2, 3, 1, 2]
short_texts = st.lists(st.integers(0, 2), min_size=1, max_size=16)


@pytest.fixture(scope="module")
def llama() -> ModelPair:
    return make_pair("llama", traced=True)


def drafter_of(**settings: float) -> Suffix:
    return Suffix(suffix.Config(**settings), EOS, vocabulary=100)


def count(texts: list[list[int]], run: list[int]) -> int:
    return sum(text[start : start + len(run)] == run for text in texts for start in range(len(text)))


def chain(texts: list[list[int]], match: list[int], budget: int, depth: int, least: float) -> list[tuple[int, float]]:
    """The most frequent tokens after `match`, and the chance of each."""
    run, chance, found = list(match), 1.0, []
    while len(found) < budget and len(run) < depth:
        counts = {token: count(texts, [*run, token]) for token in range(4)}
        most = max(counts.values())
        if not most or chance * most / count(texts, run) < least:
            break
        chance = chance * most / count(texts, run)  # in the drafter's order, for the same rounding
        tied = [token for token in counts if counts[token] == most]
        # Of equals the one that occurred last.
        places = [[*text[:end]] for text in texts for end in range(1, len(text) + 1)]
        run.append(max(tied, key=lambda token: max(
            number for number, text in enumerate(places) if text[-len(run) - 1 :] == [*run, token])))  # noqa: B023
        found.append((run[-1], chance))
    return found  # fmt: skip


def test_the_papers_example() -> None:
    """Two tokens of context go on with [3, 1], five with [4, 1, 2, 3, 1], which scores more."""
    drafter = drafter_of(tree=False)
    drafter.reset(TEXT, 100)
    places = dict(enumerate(drafter.text.suffixes(), 1))
    two, five = drafter._continued(places[2], 2, 99), drafter._continued(places[5], 5, 99)
    assert [each.token for each in two] == [3, 1] and sum(each.chance for each in two) == 1.0
    assert [each.token for each in five] == [4, 1, 2, 3, 1] and sum(each.chance for each in five) == 2.5
    assert places[6].likeliest() is None
    assert drafter.draft(TEXT, 99) == five


def test_a_tree_takes_the_likeliest_tokens_wherever_they_hang() -> None:
    drafter = drafter_of(factor=3.0, min_chance=0.05)
    drafter.reset([1, 2, 7, 1, 2, 7, 1, 2, 7, 1, 3, 8, 1, 3, 8, 1], 100)
    # Three times of six (the last is the text's end) 2 follows, twice 3.
    place = next(drafter.text.suffixes())
    assert drafter._continued(place, 4, 99) == [
        Drafted(-1, 2, 0.5), Drafted(0, 7, 0.5), Drafted(1, 1, 0.5), Drafted(-1, 3, pytest.approx(1 / 3))
    ]  # fmt: skip
    assert [each.parent for each in drafter._continued(place, 9, 1)] == [-1, -1]


@given(st.lists(short_texts, max_size=2), short_texts, st.integers(3, 9), st.sampled_from([0.5, 1.0, 2.5]))
def test_the_best_score_of_all_matches_in_both_trees_wins(
    earlier: list, text: list, depth: int, factor: float
) -> None:
    drafter = drafter_of(tree=False, depth=depth, draft_length=5, factor=factor, min_chance=0.2)
    for output in earlier:
        learn(drafter, [4], [*output, 3, 3])
    prompt, output = text[:2], text[2:]
    drafter.reset(prompt, 100)
    drafted = drafter.draft(text, 99)
    held = [*([*each, 3, 3] for each in earlier), output]
    best: list[tuple[int, float]] = []
    for match in range(1, min(len(text) + 1, depth)):
        for texts in (held, [text]):
            if count(texts, text[-match:]):
                found = chain(texts, text[-match:], min(5, int(factor * match)), depth, 0.2)
                found = found if 3 not in [token for token, _ in found] else found
                if found and sum(chance for _, chance in found) >= sum(chance for _, chance in best):
                    best = found
    assert [(each.token, each.chance) for each in drafted] == best, "of equals the one of the longer suffix"
    assert [each.parent for each in drafted] == list(range(-1, len(drafted) - 1))


def test_branches_are_accepted_and_their_rows_moved(llama: ModelPair) -> None:
    """Of drafts that are broad the target goes along a later branch too."""
    decoder = build(suffix.Config(factor=9.0, min_chance=0.0), llama)
    keep, moved = llama.target.keep, []
    llama.target.keep = lambda path: (moved.append(path != list(range(len(path)))), keep(path))
    try:
        for prompt in prompts(3, length=14):
            stopping = Stopping(frozenset({5}), 40)
            assert decoder.generate(prompt, stopping).tokens == reference(llama, prompt, stopping).tokens
    finally:
        del llama.target.keep
    assert any(moved)


def test_limits_the_end_and_foreign_tokens_end_a_draft() -> None:
    drafter = drafter_of(factor=9.0, min_chance=0.0)
    drafter.reset([1, 2, 5, 3, 1, 7, 100, 1], 100)
    assert {each.token for each in drafter.draft([1, 2, 5, 3, 1, 7, 100, 1], 9)} == {2, 5, 7}
    tree = TokenTree(1, room=1)
    drafter.propose([1, 2, 5, 3, 1, 7, 100, 1], tree, 9)
    assert sorted(tree.tokens[1:]) == [2, 7]
    assert drafter.draft([1, 2, 5, 3, 1, 7, 100, 1], 0) == []


def test_the_oldest_output_goes_first() -> None:
    drafter = drafter_of(capacity=2)
    for output in ([1, 2, 3, 4], [6, 7, 8, 9], [10, 11, 12, 13]):
        learn(drafter, [0], output)
    drafter.reset([50, 1], 100)
    assert [list(text) for text in drafter.outputs.texts] == [[10, 11, 12, 13], []]
    assert drafter.draft([50, 1], 9) == []
    drafter.reset([50, 10], 100)
    assert [each.token for each in drafter.draft([50, 10], 9)] == [11]


def test_history_is_the_outputs_and_is_forgotten(llama: ModelPair) -> None:
    """Cold, warm and cold again: the same tokens in fewer steps and in as many."""
    stopping = Stopping(frozenset(), 40)
    decoder = build(suffix.Config(factor=4.0), llama)
    (prompt,) = prompts(1)
    cold = decoder.generate(prompt, stopping)
    warm = decoder.generate(prompt, stopping)
    assert len(decoder.drafter.outputs.texts) == 2
    assert decoder.drafter.outputs.texts[0][:40] == cold.tokens == reference(llama, prompt, stopping).tokens
    decoder.forget()
    again = decoder.generate(prompt, stopping)
    assert cold.tokens == warm.tokens == again.tokens
    assert (cold.steps.rows, cold.extra) == (again.steps.rows, again.extra)
    assert cold.extra["history_tokens"] == 0 < warm.extra["history_tokens"]
    assert warm.extra["suffix_drafts"]["outputs"] and len(warm.steps) < len(cold.steps)
