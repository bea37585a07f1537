"""Hybrids: which drafter is asked, that the other stays in step, and how a method within a method
is configured."""

from dataclasses import asdict
from itertools import product

import pytest
from families import FAMILIES, KINDS, VOCABULARY
from hydra import compose, initialize_config_dir
from matrix import build, check, decode, make_pair, ouroboros_config, prompts, reference
from samples import covering
from test_drafting import continuation

from baselines import greedy, hf_generate, hybrid, lookahead, prompt_lookup, sam, speculative, token_recycling
from baselines.lookahead import Window
from bench import CONF
from bench.plan.cases import labels
from bench.plan.methods import method_config, panel_config
from bench.plan.settings import MethodPlan, read_plan
from decoding.decoder import Drafter, ModelPair
from decoding.errors import UserError
from decoding.loop import propose, verify
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import Verdict, walk
from ouroboros import method as ouroboros

FALLBACKS = [
    greedy.Config(),
    speculative.Config(gamma=3),
    lookahead.Config(window=4, ngram=4, max_guesses=3),
    ouroboros_config(gamma=3, k=2, window=3, ngram=4, text_phrases=False),
    prompt_lookup.Config(),
    hybrid.Config(min_match=3, fallback=speculative.Config(gamma=2)),
]


@pytest.fixture(scope="module")
def llama() -> ModelPair:
    return make_pair("llama", traced=True)


def name_of(config: object) -> str:
    return config.name


@pytest.mark.parametrize("fallback", FALLBACKS, ids=name_of)
def test_outputs_are_greedys_with_steps_that_alternate(llama: ModelPair, fallback: object) -> None:
    """Both are asked, and tokens of both accepted; history runs on, which makes long matches."""
    stoppings = [Stopping(frozenset({5}), 40), Stopping(frozenset(), 60, ("ab",), decode), Stopping(frozenset(), 50)]
    tests = [(p, s, reference(llama, p, s)) for p in prompts(1) for s in stoppings]
    outcomes = check(llama, hybrid.Config(min_match=2, fallback=fallback), tests)
    asked = [outcome.extra["hybrid_steps"] for outcome in outcomes]
    assert all(sum(steps.values()) == 1 + len(outcome.steps) for steps, outcome in zip(asked, outcomes, strict=True))
    assert sum(steps["match"] for steps in asked) > 5
    assert sum(steps["fallback"] for steps in asked) > 5
    sources = {source for outcome in outcomes for kept in outcome.steps.sources for source in kept}
    assert "match" in sources
    assert len(sources) > 1 or fallback.name == "greedy"


@pytest.mark.parametrize(
    "case",
    covering([*product(FALLBACKS[1:4], FAMILIES)], lambda case: [case[0].name, KINDS.get(case[1], case[1])]),
    ids=lambda case: f"{case[0].name}-{case[1]}",
)
def test_outputs_are_greedys_on_every_family(case: tuple[object, str]) -> None:
    """To the context's end, over the sliding windows and the rotary boundaries."""
    fallback, family = case
    pair = make_pair(family, noise=0.03)
    stopping = Stopping(frozenset(), min(44, pair.target.context))
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(1, length=14)]
    outcomes = check(pair, hybrid.Config(min_match=2, fallback=fallback), tests + tests)
    assert sum(outcome.extra["hybrid_steps"]["match"] for outcome in outcomes)
    assert sum(outcome.extra["hybrid_steps"]["fallback"] for outcome in outcomes)


def test_a_match_takes_the_authors_rows_and_no_fewer_for_being_short(llama: ModelPair) -> None:
    """SAM-Decoding with a tree model: 40 rows, the root among them, from 5 matching tokens on."""
    drafter = build(hybrid.Config(fallback=greedy.Config()), llama).drafter
    known = [*range(5), *range(7, 22)] * 3  # 5 is the end
    for match in (4, 5, 9):
        text = [*known, 6, *known[:match]]
        drafter.reset(text[:1], 200)
        llama.target.reset()
        tree = TokenTree(text[-1], room=100)
        drafter.propose(text, tree, 100)
        assert len(tree) == (40 if match >= 5 else 1)


def test_the_draft_model_stays_in_step(llama: ModelPair) -> None:
    """After any number of steps without it, it still proposes its own greedy text after the
    confirmed tokens."""
    pair = ModelPair(llama.target, llama.draft, frozenset(), decode)
    decoder = build(hybrid.Config(min_match=2, fallback=speculative.Config(gamma=3)), pair)
    fallback = decoder.drafter.fallback
    propose = fallback.propose
    lengths: list[int] = []

    def spy(tokens, tree, limit):
        propose(tokens, tree, limit)
        lengths.append(len(tokens))
        assert tree.tokens[1:] == continuation(llama.draft.model, tokens, min(3, limit))

    fallback.propose = spy
    skipped = 0
    for prompt in prompts(3):
        lengths.clear()
        outcome = decoder.generate(prompt, Stopping(frozenset(), 60))
        assert len(lengths) == outcome.extra["hybrid_steps"]["fallback"]
        skipped += sum(later - earlier > 4 for earlier, later in zip(lengths, lengths[1:], strict=False))
        assert 0 in outcome.steps.draft_forwards, "a step without the draft model costs no forward of it"
        assert max(outcome.steps.draft_forwards) == 3, "nor does catching up"
    assert skipped, "more tokens than its own draft and the bonus were confirmed meanwhile"


def test_the_fallback_observes_every_verdict(llama: ModelPair) -> None:
    proposed: list[TokenTree] = []
    observed: list[TokenTree] = []

    class Listener(Drafter):
        def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
            proposed.append(tree)

        def observe(self, verdict: Verdict) -> None:
            observed.append(verdict.tree)

    decoder = build(hybrid.Config(min_match=2, fallback=greedy.Config()), llama)
    decoder.drafter.fallback = Listener()
    outcome = decoder.generate(prompts(1)[0], Stopping(frozenset(), 60))
    assert len(observed) == 1 + len(outcome.steps), "that of the prefill too"
    assert 0 < len(proposed) < len(observed)


def test_a_foreign_tree_teaches_ouroboros_and_lookahead_nothing(llama: ModelPair) -> None:
    """Their nodes mean nothing there, whatever number they have.

    On their own tree they learn as ever.
    """
    tokens = prompts(1)[0]
    for config in (
        ouroboros.Config(gamma=4, k=2, window=3, ngram=4),
        lookahead.Config(window=3, ngram=3, text_phrases=False),
    ):
        decoder = build(config, llama)
        drafter = decoder.drafter
        own = drafter.window if config.name == "lookahead" else drafter
        drafter.reset(tokens, 100)
        llama.target.reset()
        llama.target.prefill(tokens[:-1])
        for _ in range(3):  # lookahead's window is filled, and harvested from
            verdict = verify(llama.target, propose(llama.target, drafter, tokens, limit=9), tokens)
            llama.target.truncate(len(tokens) - 1)
            drafter.observe(verdict)
        verdict = verify(llama.target, propose(llama.target, drafter, tokens, limit=9), tokens)
        foreign = TokenTree(tokens[-1], room=50)
        foreign.add(0, [3] * 40, "match")
        logits = verdict.logits.new_zeros(len(foreign), VOCABULARY)
        levels = [list(level) for level in own.levels] if isinstance(own, Window) else None
        before = {key: drafter.pool.best(key, 9) for key in range(VOCABULARY)}
        drafter.observe(walk(foreign, foreign.wanted_nodes(), logits))
        assert {key: drafter.pool.best(key, 9) for key in range(VOCABULARY)} == before
        assert levels is None or own.levels == levels
        drafter.pool.clear()
        drafter.observe(verdict)
        assert len(drafter.pool), "its own verdict still counts"


def test_warm_history_of_both_is_kept_and_forgotten(llama: ModelPair) -> None:
    stopping = Stopping(frozenset(), 40)
    decoder = build(hybrid.Config(min_match=4, fallback=ouroboros.Config(gamma=3, k=2, window=3, ngram=4)), llama)
    for prompt in prompts(3):
        decoder.forget()
        cold = decoder.generate(prompt, stopping)
        warm = decoder.generate(prompt, stopping)
        decoder.forget()
        assert len(decoder.drafter.fallback.pool) == 0
        again = decoder.generate(prompt, stopping)
        assert cold.tokens == warm.tokens == again.tokens
        assert (cold.steps.rows, cold.extra) == (again.steps.rows, again.extra)
        assert warm.extra["sam_drafts"]["history"] > 0
        assert warm.extra["history_tokens"] == 41, "the last step's tokens too"
        assert len(warm.steps) < len(cold.steps)


def test_what_cannot_be_a_fallback_is_refused(llama: ModelPair) -> None:
    with pytest.raises(UserError, match="^fallback=hf_generate is no drafter"):
        build(hybrid.Config(fallback=hf_generate.Config()), llama)
    with pytest.raises(UserError, match="speculative needs a draft model"):
        build(hybrid.Config(fallback=speculative.Config()), ModelPair(llama.target, None, frozenset(), decode))
    with pytest.raises(UserError, match="^min_match must be at least 1"):
        hybrid.Config(min_match=0)


def composed(*overrides: str) -> list[object]:
    with initialize_config_dir(str(CONF), version_base="1.3"):
        given = compose("config", ["settings=paper", *overrides], return_hydra_config=True)
        return [each.config for each in read_plan(given).methods]


def test_the_fallback_is_named_with_settings_or_without() -> None:
    assert composed("method=hybrid") == [hybrid.Config(fallback=token_recycling.Config())]
    assert hybrid.Config() == composed("method=hybrid")[0]
    [config] = composed("method=hybrid", "method.fallback=ouroboros", "method.min_match=7")
    assert config == hybrid.Config(min_match=7, fallback=panel_config("ouroboros", "method"))
    [config] = composed("method=hybrid", "method.fallback={name: lookahead, window: 5}")
    assert config == hybrid.Config(fallback=panel_config({"name": "lookahead", "window": 5}, "method"))
    panel = composed("method=sam", "compare=[{name: hybrid, fallback: {name: speculative, gamma: 9}}]")
    assert panel == [sam.Config(), hybrid.Config(fallback=speculative.Config(gamma=9))]
    [nested] = composed("method=hybrid", "method.fallback={name: hybrid, min_match: 3, fallback: prompt_lookup}")
    assert nested == hybrid.Config(fallback=hybrid.Config(min_match=3, fallback=prompt_lookup.Config()))
    assert asdict(nested)["fallback"]["fallback"] == asdict(prompt_lookup.Config())


@pytest.mark.parametrize(
    ("fallback", "said"),
    [
        ("nosuch", r"method.fallback: 'nosuch' is no method: give one of greedy"),
        (None, "method.fallback: None is no method"),
        ({"name": "speculative", "gama": 3}, "method.fallback.gama is no setting"),
        ({"name": "speculative", "gamma": "much"}, "method.fallback.gamma"),
        ({"name": "speculative", "gamma": -1}, "^method.fallback.gamma must be at least 0, not -1$"),
        ({"name": "hybrid", "fallback": {"name": "lookahead", "window": 0}}, "method.fallback.fallback.window must"),
        ({"name": "hybrid", "fallback": "nosuch"}, "method.fallback.fallback: 'nosuch' is no method"),
    ],
)
def test_a_wrong_fallback_is_said_in_one_line(fallback: object, said: str) -> None:
    with pytest.raises(UserError, match=said):
        method_config({"name": "hybrid", "fallback": fallback})


def test_only_a_hybrid_has_a_fallback() -> None:
    with pytest.raises(UserError, match="method.fallback is no setting"):
        method_config({"name": "speculative", "fallback": "greedy"})


def test_hybrids_of_one_panel_are_told_apart() -> None:
    other = ouroboros.Config(k=1, window=2)
    configs = [hybrid.Config(), hybrid.Config(fallback=speculative.Config(gamma=8)), hybrid.Config(fallback=other)]
    fallbacks = ["token_recycling", "speculative(gamma=8)", "ouroboros(k=1 window=2)"]
    found = labels([MethodPlan(config, "cold") for config in configs])
    assert found == [f"hybrid fallback={fallback}" for fallback in fallbacks]
    assert labels([MethodPlan(hybrid.Config(), "cold"), MethodPlan(sam.Config(), "cold")]) == ["hybrid", "sam"]
