"""What drafters propose: lookahead's window against plain forwards, drafts against the draft's own
greedy text, phrases from verification against the paper's rule."""

import itertools
import random
from functools import partial

import pytest
import torch
from families import VOCABULARY, blurred, make_model
from hypothesis import given
from hypothesis import strategies as st
from matrix import ouroboros_config

from baselines import lookahead
from baselines.lookahead import Lookahead, Window
from baselines.phrase_pool import PhrasePool
from decoding.decoder import Drafter, ModelPair
from decoding.draft_model import DraftModel
from decoding.loop import DraftThenVerify
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import walk
from ouroboros.drafter import DraftLookahead
from ouroboros.learning import Candidate, aligned_runs, continuations, refine


def continuation(model: torch.nn.Module, tokens: list[int], count: int) -> list[int]:
    """Greedy tokens from plain, cache-free forwards."""
    text = list(tokens)
    with torch.no_grad():
        for _ in range(count):
            text.append(int(model(torch.tensor([text])).logits[0, -1].argmax()))
    return text[len(tokens) :]


@pytest.mark.parametrize(("width", "ngram"), [(1, 3), (3, 3), (4, 5), (6, 4)])
def test_every_harvested_phrase_ends_in_the_models_own_choice(width: int, ngram: int) -> None:
    """A column's newest token is the model's choice after the text that the column stands for: the
    confirmed text, block 0 up to the column, then the column's levels. Wrong parents, positions or
    shifts all break this."""
    model = make_model("llama")
    session = ModelSession(model)
    window = Window(width, ngram, seed=0)
    draw = random.Random(1)
    tokens = [draw.randrange(VOCABULARY) for _ in range(10)]
    session.prefill(tokens[:-1])
    window.reset(tokens)
    harvested = 0
    for number in range(9):
        tree = TokenTree(tokens[-1], session.room(len(tokens) - 1))
        window.place(tree)
        block, *levels = [list(level) for level in window.levels]
        verdict = walk(tree, tree.wanted_nodes(), session.forward([], tree, tree.wanted_nodes()))
        session.keep([0])
        pairs = window.advance(verdict)
        if number < ngram - 2:
            assert not pairs
            assert len(window.levels) == number + 2
            assert window.levels[:-1] == [block[1:], *(level[1:] for level in levels)]
        else:
            assert [len(level) for level in window.levels] == [width - 1] + [width] * (ngram - 2)
            assert len(pairs) == width
            assert window.levels == [levels[0][1:], *levels[1:], [phrase[-1] for _, phrase in pairs]]
        for column, (key, phrase) in enumerate(pairs):
            text = tokens + block[:column]
            assert key == text[-1]
            assert list(phrase[:-1]) == [level[column] for level in levels]
            assert list(phrase[-1:]) == continuation(model, text + list(phrase[:-1]), 1)
            harvested += 1
        tokens.append(verdict.tokens[0])
    assert harvested


def test_window_is_left_out_where_the_context_ends() -> None:
    tree = TokenTree(1, room=3)
    window = Window(4, 5, seed=0)
    window.reset([1, 2, 3])
    window.place(tree)
    assert len(tree) == 1
    assert window.advance(walk(tree, [0], torch.eye(4)[:1])) == []


def test_first_window_is_the_same_for_every_run_and_differs_by_seed() -> None:
    def first(seed: int) -> list[int]:
        window = Window(8, 5, seed)
        window.reset(list(range(20)))
        return window.levels[0]

    assert first(0) == first(0) != first(1)


@pytest.mark.parametrize("inner", ["plain", "lookahead", "no window"])
def test_drafts_are_the_draft_models_own_greedy_text(inner: str) -> None:
    """However it is sped up, and whatever was rejected before, the draft is what the draft model
    would say."""
    model = make_model("llama")
    pool = PhrasePool(4)
    drafter: Drafter = Drafter()
    if inner != "plain":
        kind = Lookahead if inner == "lookahead" else partial(DraftLookahead, idle_window=False)
        drafter = kind(Window(4 if inner == "lookahead" else 0, 4, seed=0), pool, max_guesses=3)
    draft = DraftModel(ModelSession(model), drafter, eos=frozenset())
    draw = random.Random(3)
    tokens = [draw.randrange(VOCABULARY) for _ in range(8)]
    draft.reset(tokens, 100)
    tokens = tokens + [4]
    fewer_forwards = False
    for number in range(12):
        gamma = 1 + number % 5
        before = draft.forwards()[0]
        if inner == "no window":
            pool.insert(tokens[-1], tuple(continuation(model, tokens, 2)), "verification")
        drafted = draft.draft(tokens, gamma, limit=7)
        assert gamma <= len(drafted) <= 7
        assert inner != "plain" or len(drafted) == gamma
        assert drafted == continuation(model, tokens, len(drafted))
        fewer_forwards |= draft.forwards()[0] - before < len(drafted)
        kept = draw.randrange(len(drafted) + 1)
        tokens = [*tokens, *drafted[:kept], draw.randrange(VOCABULARY)]
    assert fewer_forwards == (inner != "plain")


def test_draft_ends_with_the_end_of_sequence_and_keeps_to_the_limit() -> None:
    model = make_model("llama")
    tokens = [1, 2, 3, 4]
    text = continuation(model, tokens, 8)
    end = next(place for place, token in enumerate(text) if place and token not in text[:place])
    draft = DraftModel(ModelSession(model), Drafter(), eos=frozenset({text[end]}))
    draft.reset(tokens[:-1], 50)
    assert draft.draft(tokens, 8, limit=20) == text[: end + 1]
    assert draft.draft(tokens, 8, limit=1) == text[:1]
    assert draft.draft(tokens, 0, limit=8) == []


def test_lookahead_saves_forwards_on_repetitive_text() -> None:
    """A cyclic model is all n-grams: after the fill phase, phrases are accepted whole and the bonus
    comes on top."""
    session = ModelSession(make_model("llama", seed=4))
    pair = ModelPair(session, None, frozenset(), str)
    decoder = lookahead.build(lookahead.Config(window=6, ngram=4, max_guesses=6), pair)
    outcome = decoder.generate([3, 3, 3, 3], Stopping(frozenset(), 80))
    assert len(outcome.steps) < 80
    assert max(outcome.steps.emitted) == 4, "a fully matched phrase of N - 1 tokens brings N"


@given(
    rejected=st.lists(st.integers(0, 2), max_size=9),
    said=st.lists(st.integers(0, 2), min_size=9, max_size=9),
    longest=st.integers(1, 4),
)
def test_aligned_runs_are_the_papers_when_only_full_ones_count(rejected: list, said: list, longest: int) -> None:
    """Paper's rule: from s, `longest` tokens said by the target, all but the last of which the
    draft had too."""
    choices = said[: len(rejected)]
    expected = [
        (rejected[s], tuple(choices[s : s + longest]))
        for s in range(len(rejected) - longest + 1)
        if all(rejected[s + j + 1] == choices[s + j] for j in range(longest - 1))
    ]
    assert aligned_runs(rejected, choices, longest, longest) == expected
    shorter = aligned_runs(rejected, choices, longest, 1)
    assert len(shorter) == len(rejected)
    for start, (key, phrase) in enumerate(shorter):
        assert key == rejected[start]
        assert phrase == tuple(choices[start : start + len(phrase)])
        assert list(phrase[:-1]) == rejected[start + 1 : start + len(phrase)], "only the last may be unheard of"


@given(
    choices=st.lists(st.integers(0, 2), max_size=7),
    behind=st.lists(st.lists(st.integers(3, 5), min_size=2, max_size=2), max_size=2),
    longest=st.integers(1, 4),
    shortest=st.integers(1, 4),
)
def test_continuations_are_the_authors_rule_and_shorter_ones(
    choices: list, behind: list, longest: int, shortest: int
) -> None:
    """Every stretch of the target's words.

    One that ends with the draft goes on with each suffix's, if there is one.
    """
    expected = []
    for place in range(len(choices)):
        for tail in behind or [[]]:
            text = choices[place + 1 :] + tail
            expected.append((choices[place], tuple(text[:longest])))
    pairs = continuations(choices, behind, longest, min(shortest, longest))
    assert set(pairs) == {(key, phrase) for key, phrase in expected if len(phrase) >= min(shortest, longest)}


def test_refinement_beside_keeps_what_was_verified() -> None:
    pool = PhrasePool(4)
    pool.insert(9, (1, 2), "window")
    tree = TokenTree(9, room=5)
    candidates = [Candidate((1, 2), tree.add(0, (1, 2), "suffix"))]
    logits = torch.zeros(len(tree), 10)
    logits[0, 1] = logits[1, 7] = 1.0
    refine(pool, 9, 0, candidates, walk(tree, tree.wanted_nodes(), logits), keep=True)
    assert pool.best(9, 3) == [(1, 7), (1, 2)]


def test_a_draft_ends_after_a_token_of_low_confidence() -> None:
    """The doubtful token itself is kept. The probabilities are a cache-free forward's; the
    thresholds lie between them, so far from each that no rounding decides."""
    model = make_model("llama")
    tokens = [1, 2, 3, 4]
    text = continuation(model, tokens, 6)
    with torch.no_grad():
        logits = model(torch.tensor([tokens + text])).logits[0, len(tokens) - 1 : -1]
    chances = logits.softmax(-1).max(-1).values.tolist()
    lengths = set()
    for threshold in (0.0, *thresholds_between([*chances, 1.0])):
        draft = DraftModel(ModelSession(model), Drafter(), frozenset(), confidence=threshold)
        draft.reset(tokens[:-1], 50)
        low = [place for place, chance in enumerate(chances) if chance < threshold]
        expected = text[: low[0] + 1 if low else None]
        assert draft.draft(tokens, 6, limit=8) == expected
        lengths.add(len(expected))
    assert 6 in lengths and len(lengths) > 2, "some drafts end early, and not all at one place"


def thresholds_between(chances: list[float]) -> list[float]:
    """Halfway between neighbouring probabilities; nothing between those that rounding might tell
    apart."""
    pairs = list(itertools.pairwise(sorted(chances)))
    return [(low + high) / 2 for low, high in pairs if high - low > 1e-4]


def test_without_a_window_no_row_is_spent_on_one_and_the_pool_still_serves() -> None:
    """Every draft forward has the row of its last token and those of the pool's guesses, nothing
    else."""
    from ouroboros import method

    model = make_model("llama")
    prompt = [2, 7, 1, 8]
    text = continuation(model, prompt, 12)
    pair = ModelPair(ModelSession(model), ModelSession(blurred(model, 0.0)), frozenset(), str)
    config = ouroboros_config(gamma=4, k=0, window=0, ngram=3, capacity=4, enabled=False)
    bare = method.build(config, pair)
    steps = bare.generate(prompt, Stopping(frozenset(), 12)).steps
    # The prefill gave five tokens, of which the draft model has not read the last but one.
    assert (steps.draft_forwards[0], steps.draft_rows[0]) == (4, 4 + 1), "an empty pool: token by token"
    assert len(bare.drafter.pool) == 0
    bare.drafter.pool.insert(text[4], tuple(text[5:7]), "test")
    outcome = bare.generate(prompt, Stopping(frozenset(), 12))
    assert outcome.tokens == text
    assert outcome.steps.sources[0] == ["phrase", "phrase", "draft", "draft"]
    assert (outcome.steps.draft_forwards[0], outcome.steps.draft_rows[0]) == (2, 4 + 1)


def test_tokens_of_a_draft_are_credited_to_who_gave_them() -> None:
    """A planted phrase gives all tokens of the draft but the draft model's own last one."""
    model = make_model("llama")
    tokens = [2, 7, 1, 8]
    text = continuation(model, tokens, 8)
    pool = PhrasePool(4)
    pool.insert(tokens[-1], tuple(text[:3]), "planted")
    draft = DraftModel(ModelSession(model), Lookahead(Window(2, 5, seed=0), pool, 2), frozenset())
    draft.reset(tokens[:-1], 50)
    tree = TokenTree(tokens[-1], room=20)
    nodes = draft.hang(tokens, tree, gamma=4, limit=8)
    assert [tree.sources[node] for node in nodes] == [("phrase",)] * 3 + [("draft",)]
    assert pool.phrases()[tokens[-1]] == [tuple(text[:3])]
    assert draft.draft(tokens, 4, limit=2) == text[:2]
    assert draft.sources == ["phrase", "draft"], "cut to the limit, the model's own token comes sooner"


def test_refinement_goes_by_value_and_keeps_the_order() -> None:
    pool = PhrasePool(3)
    for phrase in [(1, 2), (3, 4), (5, 6)]:
        pool.insert(9, phrase, "window")
    tree = TokenTree(9, room=5)
    candidates = [Candidate(phrase, tree.add(0, phrase, "suffix")) for phrase in pool.best(9, 2)]
    pool.insert(9, (7, 7), "window")  # evicts (1, 2) and moves every slot
    logits = torch.zeros(len(tree), 10)
    choice = {0: 5, candidates[0].nodes[0]: 8, candidates[1].nodes[0]: 4}
    for node, token in choice.items():
        logits[node, token] = 1.0
    refine(pool, 9, 0, candidates, walk(tree, tree.wanted_nodes(), logits))
    assert pool.best(9, 3) == [(5, 8), (5, 4), (7, 7)]


def test_suffixes_hang_behind_the_draft_and_are_credited() -> None:
    """The draft is right and its continuation stands in the pool: one step gives draft, suffix and
    bonus."""
    from ouroboros import method

    model = make_model("llama")
    prompt = [2, 7, 1, 8]
    text = continuation(model, prompt, 16)
    pair = ModelPair(ModelSession(model), ModelSession(blurred(model, 0.0)), frozenset(), str)
    decoder = method.build(ouroboros_config(gamma=3, k=1, ngram=5, phrases=False, enabled=False), pair)
    assert isinstance(decoder, DraftThenVerify)
    decoder.drafter.pool.insert(text[6], tuple(text[7:11]), "test")
    outcome = decoder.generate(prompt, Stopping(frozenset(), 16))
    assert outcome.tokens == text and outcome.prefill_tokens == 4
    assert outcome.steps.sources[0] == ["draft"] * 3 + ["suffix"] * 4
    assert outcome.steps.emitted[0] == 8


def test_no_suffix_hangs_behind_an_end_of_sequence() -> None:
    """Nothing can follow the end, so rows after it would be spent for nothing, whatever the pool
    holds."""
    from ouroboros import method

    model = make_model("llama")
    prompt = [2, 7, 1, 8]
    text = continuation(model, prompt, 12)
    end = next(place for place, token in enumerate(text) if place and token not in text[:place])
    eos = frozenset({text[end]})
    pair = ModelPair(ModelSession(model), ModelSession(blurred(model, 0.0)), eos, str)
    gamma = end + 1  # up to the end, and no further
    decoder = method.build(ouroboros_config(gamma=gamma, k=2, ngram=4, phrases=False, text_phrases=False), pair)
    decoder.drafter.pool.insert(text[end], (1, 2, 3), "test")
    target = decoder.target
    outcome = decoder.generate(prompt, Stopping(eos, 12))
    assert outcome.tokens == text[: end + 1]
    assert target.counters.rows == len(prompt) + gamma


def test_a_node_of_two_proposers_is_credited_to_the_first() -> None:
    model = make_model("llama")
    prompt = [2, 7, 1, 8]
    text = continuation(model, prompt, 4)

    class Twice(Drafter):
        def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:  # noqa: ARG002
            tree.add(0, text[1:2], "first")
            tree.add(0, text[1:3], "second")

    outcome = DraftThenVerify(ModelPair(ModelSession(model), None, frozenset(), str), Twice()).generate(
        prompt, Stopping(frozenset(), 4)
    )
    assert outcome.tokens == text
    assert outcome.steps.sources == [["first", "second"]]
