"""Settings that say nothing beside others: two configs of one canonical form take the very same
steps."""

import random

import pytest
from matrix import build, make_pair, ouroboros_config, prompts
from omegaconf import OmegaConf
from samples import chosen

from baselines import hf_assisted, multi_candidate, sam
from bench import CONF
from bench.plan.methods import METHODS, method_config
from bench.plan.nesting import flat, merged, nested
from decoding.errors import UserError
from decoding.settings import canonical
from decoding.stopping import Stopping

SPACES = sorted(file.stem for file in (CONF / "search").glob("*.yaml"))
# Beside values of the search, those that silence others.
MORE = {"ouroboros": {"k": [0, 0, 2], "gamma": [0, 2, 4], "learning.enabled": [True, False],
                      "drafting.idle_window": [True, False], "learning.refinement": ["in_place", "off"],
                      "learning.shortest_run": [None, 1], "pool.capacity": [None, 2, 4],
                      "learning.rejected": ["aligned", "continuations"]}}  # fmt: skip


@pytest.fixture(scope="module")
def pair():
    return make_pair("llama", traced=True)


def drawn(name: str, draw: random.Random) -> object:
    """A random setting of a method, of its search space and MORE.

    None where the values cannot stand together.
    """
    space = flat(OmegaConf.to_container(OmegaConf.load(CONF / "search" / f"{name}.yaml"))) | MORE.get(name, {})
    base = OmegaConf.to_container(OmegaConf.load(CONF / "method" / f"{name}.yaml"))
    if name == "self_speculative":
        base |= {"skip": None, "skip_mlp": [1]}
    try:
        return method_config(merged(base, nested({key: draw.choice(values) for key, values in space.items()})))
    except UserError:
        return None


def steps(config: object, pair) -> list[tuple]:
    """What the method did on two prompts, the pool living on: all but times and sizes that nobody
    can see."""
    decoder = build(config, pair)
    found = []
    for prompt in prompts(2, length=8):
        done = decoder.generate(prompt, Stopping(frozenset(), 12)).steps
        found.append((done.drafted, done.accepted, done.rows, done.draft_forwards, done.draft_rows, done.sources))
    return found


# Methods with settings that say nothing beside others.
CHANGING = [each for each in SPACES if METHODS[each].ours and hasattr(METHODS[each].load().Config, "canonical")]


@pytest.mark.parametrize("name", chosen(CHANGING, "hybrid", "multi_candidate", "ouroboros", "speculative"))
def test_the_canonical_form_takes_the_same_steps(name, pair) -> None:
    draw = random.Random(name)
    configs = [config for config in (drawn(name, draw) for _ in range(40)) if config is not None]
    changed = [config for config in configs if canonical(config) != config and "auto" not in vars(config).values()]
    assert changed
    for config in changed[:2]:
        assert steps(canonical(config), pair) == steps(config, pair), config
        assert canonical(canonical(config)) == canonical(config)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("speculative", {"gamma": 1, "confidence": 0.7}, {"gamma": 1}),
        ("ouroboros", {"gamma": 1, "drafting": {"confidence": 0.7}}, {"gamma": 1}),
        ("sam", {"min_match": 3, "alpha": 4.0, "draft_length": 13},
         {"min_match": 3, "alpha": None, "draft_length": 13}),
        ("hybrid", {"fallback": {"name": "speculative", "gamma": 1, "confidence": 0.5}},
         {"fallback": {"name": "speculative", "gamma": 1}}),
        ("multi_candidate", {"branching": [2, 1, 1], "width": 2}, {"branching": [2, 1, 1]}),
        ("multi_candidate", {"branching": [2, 1, 1], "nodes": 6}, {"branching": [2, 1, 1]}),
        ("multi_candidate", {"branching": [3, 3, 3], "nodes": 4, "width": 3}, {"branching": [3, 3, 3], "nodes": 4}),
        ("multi_candidate", {"branching": [2, 2], "cape": True}, {"branching": [2, 2]}),
        ("multi_candidate", {"branching": [1, 1], "pruning": 0.3}, {"branching": [1, 1]}),
        ("multi_candidate", {"branching": [3, 3], "nodes": 5, "width": 1, "sharing": 0},
         {"branching": [3, 3], "nodes": 5, "width": 1}),
        ("multi_candidate", {"branching": [1, 4], "nodes": 9, "sharing": 1}, {"branching": [1, 4]}),
        ("self_speculative", {"threshold_step": 0.0, "acceptance": 0.7}, {"threshold_step": 0.0}),
    ],
)  # fmt: skip
def test_settings_that_behave_alike_are_one(name, one, other) -> None:
    def config(settings):
        base = OmegaConf.to_container(OmegaConf.load(CONF / "method" / f"{name}.yaml"))
        return canonical(method_config(merged(base, settings)))

    assert config(one) == config(other)


def test_a_bound_on_what_is_unrolled_is_not_silent() -> None:
    """A graph may be unrolled further than the tree would go."""
    graphs = [multi_candidate.Config(branching=[2, 2], nodes=nodes, sharing=0) for nodes in (6, 20)]
    assert canonical(graphs[0]) == graphs[0] != canonical(graphs[1])


def test_what_is_silent_makes_no_other_setting() -> None:
    assert canonical(hf_assisted.Config(gamma=8)) == canonical(hf_assisted.Config(gamma=2))
    constant = [canonical(hf_assisted.Config(gamma=gamma, schedule="constant")) for gamma in (2, 8)]
    assert constant[0] != constant[1]
    token_by_token = ouroboros_config(phrases=False)
    for silent in ({"max_guesses": 3}, {"window": 4, "capacity": 20}, {"idle_window": True}):
        assert canonical(ouroboros_config(phrases=False, **silent)) == canonical(token_by_token)
    assert canonical(ouroboros_config(capacity=20, max_guesses=50)) == canonical(ouroboros_config())
    for said in ({"max_guesses": 3}, {"window": 4}, {"idle_window": True}, {"k": 0}, {"ngram": 5}, {"enabled": False}):
        assert canonical(ouroboros_config(**said)) != canonical(ouroboros_config())
    assert canonical(ouroboros_config(k=0, enabled=False, phrases=False)) == canonical(
        ouroboros_config(k=0, phrases=False, order="usefulness", text_phrases=True)
    ), "nobody asks the pool"
    foreign = ouroboros_config(drafter=sam.Config(), window=4, capacity=4)
    assert canonical(foreign).window == 20 and canonical(foreign).drafting == foreign.drafting
