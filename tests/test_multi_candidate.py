"""Multi-candidate drafts against trees from cache-free forwards, and the work they are said to
take."""

import random
from typing import Any

import pytest
import torch
from bench_pair import run
from families import VOCABULARY, blurred, make_model, plain_logits
from matrix import check, make_pair, prompts, reference
from samples import thinned

from baselines import speculative
from baselines.multi_candidate import Config, MultiCandidate, build
from decoding.decoder import ModelPair
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree

Text = tuple[int, ...]
FIXED = [Config(branching=branching, width=None, nodes=None) for branching in ([1, 1, 1, 1], [4, 2, 2, 1], [24, 2])]
DYNAMIC = [
    Config(branching=[3, 3, 3, 3], width=2, nodes=7),
    Config(branching=[5] * 6, width=4, nodes=12),
    Config(branching=[3, 1, 2, 1], width=3, nodes=None),
    Config(branching=[4, 4, 4, 4], width=None, nodes=8),
    Config(branching=[4, 4, 4, 4], width=5, nodes=3),
]


def best(scores: dict[Any, float], count: int | None) -> list[Any]:
    """The `count` likeliest, None for all: so much likelier than the next that no rounding chooses
    among them."""
    order = sorted(scores, key=lambda each: -scores[each])
    if count is not None and count < len(order):
        assert scores[order[count - 1]] - scores[order[count]] > 1e-5, "the draft model's scores are float32"
    return order[:count]


def brute_force(model: torch.nn.Module, tokens: list[int], config: Config, depth: int, eos: set[int]) -> set[Text]:
    """The paths below the root: all levels are grown, however unlikely, and the best nodes picked
    at the end."""
    found: dict[Text, float] = {}
    frontier: dict[Text, float] = {(): 0.0}
    for children in config.branching[:depth]:
        level: dict[Text, float] = {}
        logits = plain_logits(model, [[*tokens, *path] for path in frontier])
        for (path, score), row in zip(frontier.items(), logits, strict=True):
            chances = dict(enumerate(row.log_softmax(dim=-1).tolist()))
            level |= {(*path, token): score + chances[token] for token in best(chances, children)}
        found |= level
        open_ends = {path: score for path, score in level.items() if path[-1] not in eos}
        frontier = {path: level[path] for path in best(open_ends, config.width)}
    return set(best(found, config.nodes))


def texts_of(tree: TokenTree) -> set[Text]:
    texts = [()]
    for node in range(1, len(tree)):
        texts.append((*texts[tree.parents[node]], tree.tokens[node]))
    return set(texts[1:])


@pytest.mark.parametrize("config", thinned([*FIXED, *DYNAMIC], 5), ids=str)
def test_drafts_equal_trees_from_cache_free_forwards(config: Config) -> None:
    """Whatever was accepted or rejected before, how many steps it was not asked, and wherever the
    limit lies."""
    model = make_model("llama")
    eos = frozenset({5, 9})
    drafter = MultiCandidate(config, ModelSession(model), eos)
    draw = random.Random(3)
    tokens = [draw.randrange(VOCABULARY) for _ in range(8)]
    drafter.reset(tokens, 100)
    tokens = [*tokens, 4]
    kept = reused = 0
    for number in range(14):
        limit = [9, 9, 9, 3, 2, 1, 0][number % 7]
        tree = TokenTree(tokens[-1], room=50)
        cached = len(drafter.session.tokens)
        drafter.propose(tokens, tree, limit)
        assert texts_of(tree) == brute_force(model, tokens, config, limit, eos)
        assert set(tree.sources[1:]) <= {("draft",)}
        assert drafter.session.tokens == tokens[: len(drafter.session.tokens)]
        reused += len(drafter.session.tokens) - cached > 1
        path, at = [], draw.randrange(len(tree))
        while at:
            path.insert(0, tree.tokens[at])
            at = tree.parents[at]
        kept += bool(path)
        tokens = [*tokens, *path, draw.randrange(VOCABULARY)]
    assert kept > 5
    assert reused or len(config.branching) == 2, "accepted rows stay in the draft's cache"


def test_a_draft_asked_twice_says_the_same() -> None:
    drafter = MultiCandidate(DYNAMIC[0], ModelSession(make_model("llama")), frozenset())
    drafter.reset([1, 2, 3], 50)
    trees = [TokenTree(4, room=9) for _ in range(3)]
    for tree in trees:
        drafter.propose([1, 2, 3, 4], tree, 9)
    assert texts_of(trees[0]) == texts_of(trees[1]) == texts_of(trees[2])


def test_room_of_the_target_and_context_of_the_draft_end_the_tree() -> None:
    model = make_model("llama", max_position_embeddings=12)
    config = Config(branching=[3, 2, 2, 2], width=None, nodes=None)
    drafter = MultiCandidate(config, ModelSession(model), frozenset())
    tokens = list(range(9))
    drafter.reset(tokens, 50)
    depths = {}
    for length, room in ((10, 99), (10, 2), (11, 99), (12, 99), (13, 99)):
        text = [*tokens, *range(length - 9)]
        tree = TokenTree(text[-1], room=room)
        drafter.propose(text, tree, 99)
        depths[length, room] = max(tree.depths)
        assert texts_of(tree) == brute_force(model, text, config, depths[length, room], frozenset())
    # The last level is proposed by rows at the draft's last position.
    assert depths == {(10, 99): 3, (10, 2): 2, (11, 99): 2, (12, 99): 0, (13, 99): 0}


@pytest.mark.parametrize("gamma", [1, 4, 7])
def test_one_candidate_a_level_takes_the_steps_of_speculative(gamma: int) -> None:
    pair = make_pair("llama")
    stoppings = [Stopping(frozenset({5}), 23), Stopping(frozenset(), 30)]
    tests = [(p, s, reference(pair, p, s)) for p, s in zip(prompts(2), stoppings, strict=True)]
    ours = check(pair, Config(branching=[1] * gamma, width=None, nodes=None), tests)
    theirs = check(pair, speculative.Config(gamma=gamma), tests)
    for one, other in zip(ours, theirs, strict=True):
        for column in ("drafted", "accepted", "emitted", "rows", "draft_forwards", "draft_rows", "sources"):
            assert getattr(one.steps, column) == getattr(other.steps, column)


@pytest.mark.parametrize("config", [FIXED[1], DYNAMIC[0]], ids=["fixed", "dynamic"])
def test_recorded_work_is_the_work_done(config: Config) -> None:
    """Forwards and rows are those that went into the model: every expanded node once, and what the
    cache lacked."""
    target = make_model("llama")
    pair = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.03)), frozenset(), str)
    sizes: list[int] = []
    pair.draft.model.register_forward_pre_hook(
        lambda _, args, inputs: sizes.append(inputs["input_ids"].shape[1]), with_kwargs=True
    )
    steps = build(config, pair).generate(prompts(1)[0], Stopping(frozenset(), 60)).steps
    del sizes[: -sum(steps.draft_forwards)]  # the prefill's, with the first draft
    assert sum(steps.draft_forwards) == len(sizes)
    assert sum(steps.draft_rows) == sum(sizes)
    away = slice(0, len(steps) - 5)
    if config in FIXED:
        assert set(steps.draft_forwards[away]) == {4}
        assert set(steps.draft_rows[away]) == {1 + 4 + 8 + 16, 2 + 4 + 8 + 16}, "one more after a full acceptance"
        assert set(steps.rows[away]) == {1 + 4 + 8 + 16 + 16}
    else:
        assert set(steps.draft_forwards[away]) == {3, 4}
        assert max(steps.draft_rows[away]) <= 2 + 2 + 2 + 2
        assert set(steps.rows[away]) == {1 + 7}


def test_hopeless_levels_cost_no_forward() -> None:
    """With few nodes to verify the tree is soon full of likelier ones, and the draft is not asked
    any further."""
    pair = make_pair("llama")
    stopping = Stopping(frozenset(), 60)
    config = Config(branching=[6] * 6, width=6, nodes=3)
    (outcome,) = check(pair, config, [(prompts(1)[0], stopping, reference(pair, prompts(1)[0], stopping))])
    away = outcome.steps.draft_forwards[:-7]
    assert set(away) == {2, 3}, "a chain of three needs three, two children and a grandchild two"
    assert set(outcome.steps.rows[:-7]) == {4}


def test_second_candidates_are_accepted_where_a_chain_would_fail() -> None:
    pair = make_pair("llama")
    stopping = Stopping(frozenset(), 60)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(3)]
    steps = {}
    for width in (1, 4):
        config = Config(branching=[width, width, 1, 1], width=None, nodes=None)
        steps[width] = sum(len(outcome.steps) for outcome in check(pair, config, tests))
    assert steps[4] < steps[1]


def test_nothing_is_expanded_behind_the_end_of_sequence() -> None:
    """Every token an end: the tree is one level deep and takes one forward."""
    drafter = MultiCandidate(FIXED[1], ModelSession(make_model("llama")), frozenset(range(VOCABULARY)))
    drafter.reset([1, 2, 3], 50)
    before, _ = drafter.forwards()
    tree = TokenTree(4, room=9)
    drafter.propose([1, 2, 3, 4], tree, 9)
    assert (len(tree), max(tree.depths), drafter.forwards()[0] - before) == (1 + 4, 1, 1)


def test_shapes_of_a_panel_are_told_apart(monkeypatch, capsys, arguments) -> None:
    """A setting that is a list stands in the labels as on the command line, where nothing else
    tells them apart."""
    other = "compare=[{name: multi_candidate, branching: [2,1]}]"
    assert run(monkeypatch, *arguments, "method=multi_candidate", other, "limit=1") == 0
    printed = capsys.readouterr().out
    assert "multi_candidate branching=[4,2,2]" in printed
    assert "multi_candidate branching=[2,1]" in printed
