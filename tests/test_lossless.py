"""Every method gives greedy's tokens, whatever its options, the family, the stopping rule, or where
the end comes.

float64 and strict: identity of token ids. Counters show that the paths were really taken, not only
survived.
"""

import itertools
from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from families import FAMILIES, KINDS, VOCABULARY, blurred, make_model
from matrix import build, check, decode, make_pair, ouroboros_config, prompts, reference
from samples import covering

from baselines import (
    cascade,
    clasp,
    glide,
    hf_generate,
    hybrid,
    lookahead,
    multi_candidate,
    oracle,
    prompt_lookup,
    racer,
    sam,
    self_speculative,
    speculative,
    suffix,
    superposed,
    synthetic,
    tapout,
    token_recycling,
)
from baselines.lookahead import Lookahead
from bench.plan.nesting import flat_config
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.session import ModelSession
from decoding.stopping import Stopping
from ouroboros import method as ouroboros

SPECULATIVE = [
    *(speculative.Config(gamma=gamma) for gamma in (0, 1, 4, 9)),
    speculative.Config(gamma=9, confidence=0.5),
]
LOOKAHEAD = [
    lookahead.Config(window=window, ngram=ngram, max_guesses=guesses, text_phrases=text)
    for (window, ngram, guesses), text in itertools.product([(1, 3, 1), (3, 3, 2), (4, 5, 4), (7, 4, 7)], [False, True])
]
OUROBOROS = [
    ouroboros_config(
        gamma=gamma, k=k, window=window, ngram=ngram, phrases=phrases, enabled=learn, text_phrases=text
    )
    for gamma, k, (window, ngram), phrases, learn, text in itertools.product(
        (1, 3, 8), (0, 1, 3), [(1, 3), (4, 4), (6, 6)], (False, True), (False, True), (False, True)
    )
    if phrases or window == 4  # without phrase drafting there is no window
]
OPTIONS = [
    ouroboros_config(**{"k": 2, "window": 3, "ngram": 4, **({} if "drafter" in options else {"gamma": 4}), **options})
    for options in (
        {"rejected": "continuations", "refinement": "newest"},
        {"rejected": "continuations", "shortest_run": 3, "k": 0},
        {"refinement": "off", "order": "usefulness", "text_phrases": False},
        {"accepted_only": True},
        {"accepted_only": True, "refinement": "newest", "rejected": "continuations"},
        {"idle_window": True, "capacity": 1},
        {"window": 0, "capacity": 3},
        {"window": 0, "capacity": 2, "gamma": "auto", "order": "usefulness", "text_phrases": False},
        {"confidence": 0.5, "phrases": False},
        {"confidence": 0.9, "gamma": 9},
        {"gamma": "auto"},
        {"k": "auto"},
        {"gamma": "auto", "k": "auto", "confidence": 0.3, "idle_window": True, "rejected": "continuations"},
        {"drafter": lookahead.Config()},
        {"drafter": speculative.Config(), "rejected": "continuations"},
        {"drafter": self_speculative.Config(skip=None, skip_attention=[1], max_draft=5, threshold=0.3)},
    )
]
RECYCLING = [token_recycling.Config(nodes=nodes, prompt=prompt) for nodes in (1, 12, 80) for prompt in (False, True)]
CANDIDATES = [
    multi_candidate.Config(branching=branching, width=width, nodes=nodes)
    for branching in ([3], [1, 1, 1], [4, 2, 1, 1], [5, 5, 5, 5, 5, 5])
    for width in (1, 3, None)
    for nodes in (1, 6, None)
    if len(branching) < 6 or width
]
CASCADE = [
    cascade.Config(gamma=gamma, tail=tail, max_ngram=longest, min_ngram=shortest, draft_length=4, lenience=lenience)
    for gamma, tail, (longest, shortest), lenience in itertools.product(
        (1, 4, 9), (0, 1, 4), [(3, 1), (3, 2), (None, 1), (None, 2)], (1.0, 50.0)
    )
]
GRAPHS = [
    multi_candidate.Config(branching=branching, nodes=nodes, cape=cape, pruning=pruning, sharing=sharing)
    for branching, nodes in (([8, 3, 2], 6), ([4, 4, 4, 4], 30))
    for cape, pruning in ((False, 0.0), (True, 0.0), (False, 0.3), (True, 0.1))
    for sharing in (0, 1, None)
]
GLIDE = [glide.Config(gamma=gamma, cape=cape) for gamma in (1, 4, 9) for cape in (False, True)]
SYNTHETIC = [
    synthetic.Config(gamma=4, acceptance=[1.0, 0.9, 0.5, 0.0]),
    synthetic.Config(gamma=9, length=4.5),
    synthetic.Config(gamma=3, acceptance=0.5, draft_forwards=False),
]
SUPERPOSED = [
    superposed.Config(paths=paths, gamma=gamma, alpha=alpha)
    for paths, gamma, alpha in itertools.product((1, 2, 4), (1, 4, 9), (0.0, 0.2, 1.0))
]
GRID = [
    *SPECULATIVE, *LOOKAHEAD, *RECYCLING, *CANDIDATES, *GRAPHS, *CASCADE, *SUPERPOSED, *GLIDE, *SYNTHETIC, *OUROBOROS,
    *OPTIONS,
]  # fmt: skip
COVERING = [
    speculative.Config(gamma=4),
    token_recycling.Config(nodes=80),
    multi_candidate.Config(branching=[3, 2, 2, 1], width=None, nodes=None),
    multi_candidate.Config(branching=[4, 4, 4, 4, 4], width=3, nodes=9),
    multi_candidate.Config(branching=[8, 8, 8, 8], width=1, cape=True),
    multi_candidate.Config(branching=[4, 4, 4, 4], nodes=20, pruning=0.05, sharing=0),
    superposed.Config(),
    cascade.Config(gamma=3, tail=3, lenience=50.0),
    cascade.Config(gamma=3, tail=3, max_ngram=3),
    lookahead.Config(window=4, ngram=5, max_guesses=4, text_phrases=True),
    ouroboros_config(gamma=3, k=3, window=4, ngram=4, text_phrases=True),
    ouroboros_config(gamma=8, k=2, window=3, ngram=5, capacity=2, max_guesses=1, shortest_run=1),
    ouroboros_config(gamma="auto", k=2, window=3, ngram=4, confidence=0.2, idle_window=True, order="usefulness",
                     rejected="continuations", refinement="newest"),
    ouroboros_config(gamma=3, k=3, window=0, ngram=4, capacity=4),
    ouroboros_config(drafter=prompt_lookup.Config(draft_length=3), k=2, ngram=4, capacity=3),
    ouroboros_config(gamma=3, k=3, window=4, ngram=4, accepted_only=True),
    self_speculative.Config(skip=None, skip_attention=[1], max_draft=5, threshold=0.3, threshold_step=0.5),
    clasp.Config(interval=1, max_draft=5, threshold=0.3),
    prompt_lookup.Config(),
    sam.Config(),
    sam.Config(alpha=None, draft_length=7, history_bias=0),
    suffix.Config(),
    suffix.Config(depth=9, draft_length=5, factor=2.0, min_chance=0.4, tree=False, capacity=1),
    racer.Config(),
    racer.Config(nodes=9, ngram=4, capacity=60, breadth=3),
    tapout.Config(gamma=5),
    hybrid.Config(min_match=2),
    hybrid.Config(min_match=2, history_bias=1, fallback=speculative.Config()),
    oracle.Config(),
    synthetic.Config(),
]  # fmt: skip
WITH_A_DRAFT = [
    config
    for config in COVERING
    if config.name in ("speculative", "multi_candidate", "cascade", "superposed", "tapout", "synthetic")
    or getattr(config, "drafter", None) == ouroboros.DRAFT_MODEL
    or getattr(config, "fallback", None) == speculative.Config()
]


def options_of(config: object) -> list[tuple]:
    """Of Ouroboros every pair of options, of the others every option: a sample that lacks none is
    always tested."""
    options = [(config.name, name, str(value)) for name, value in flat_config(config).items()]
    return list(itertools.combinations(options, 2 if config.name == "ouroboros" else 1))


def name_of(config: object) -> list[str]:
    """For samples that lack no method."""
    return [config.name]


# Their drafts never branch, or so seldom that no row need move (test_suffix.py has some that do).
CHAINS = {
    "speculative", "cascade", "clasp", "self_speculative", "prompt_lookup", "sam", "suffix", "hybrid", "tapout",
    "oracle", "synthetic",
}  # fmt: skip
# Their likeliest path lies first, and of a draft as near to its target as the families' here it is
# often the only one that is accepted.
LIKELIEST_FIRST = {"multi_candidate", "superposed"}


def on_family(case: tuple[object, str]) -> list[tuple]:
    """For samples that lack no family and no setting, nor, of a method that moves rows, any kind of
    family."""
    config, family = case
    mover = "a chain" if config.name in CHAINS else config.name
    return [(mover, KINDS.get(family, family)), family, str(config)]


@pytest.fixture(scope="module")
def llama() -> ModelPair:
    return make_pair("llama", traced=True)


@pytest.fixture(scope="module")
def llama_tests(llama: ModelPair) -> list:
    stoppings = [Stopping(frozenset({5}), 23), Stopping(frozenset(), 30, ("ab", "q"), decode)]
    return [(p, s, reference(llama, p, s)) for p, s in zip(prompts(2), stoppings, strict=True)]


@pytest.mark.parametrize("config", covering(GRID, options_of), ids=str)
def test_full_grid_on_llama(llama: ModelPair, llama_tests: list, config: object) -> None:
    check(llama, config, llama_tests)


@cache
def family_tests(family: str) -> tuple[ModelPair, list]:
    """The pair and greedy's outcomes, for all methods the same."""
    pair = make_pair(family, noise=0.01)
    stopping = Stopping(frozenset(), min(40, pair.target.context))
    count = 2 if family == "gpt2" else 1  # of one prompt all the others show rows that move
    return pair, [(p, stopping, reference(pair, p, stopping)) for p in prompts(count, length=14)]


@pytest.mark.parametrize(
    "case", covering([*itertools.product(COVERING, FAMILIES)], on_family), ids=lambda case: f"{case[0].name}-{case[1]}"
)
def test_covering_set_on_every_family(case: tuple[object, str]) -> None:
    """Long enough to pass the sliding windows, the rotary boundaries and, with a small context, the
    context's end."""
    config, family = case
    pair, tests = family_tests(family)
    decoder = build(config, pair)
    moved = accepted = 0
    for prompt, stopping, expected in tests:
        if isinstance(decoder.drafter, ouroboros.Ouroboros | Lookahead):
            # The true text as phrases after decoys, so that kept rows have to be moved over
            # rejected ones.
            text = prompt + expected.tokens
            for place in range(len(prompt), len(text) - 3):
                decoder.drafter.pool.insert(text[place], tuple(text[place + 1 : place + 4]), "planted")
                decoder.drafter.pool.insert(text[place], ((text[place + 1] + 1) % VOCABULARY, 1, 2), "decoy")
        keep = pair.target.keep

        def spy(path, keep=keep):
            nonlocal moved
            moved += path != list(range(len(path)))
            keep(path)

        pair.target.keep = spy
        try:
            outcome = decoder.generate(prompt, stopping)
        finally:
            del pair.target.keep  # the spy, which lies before the session's own
        assert (outcome.tokens, outcome.stop) == (expected.tokens, expected.stop)
        accepted += sum(outcome.steps.accepted)
    assert accepted
    # A chain's rows stay where they are (without a window a draft may be one), a pool of two
    # phrases a key soon drops what was planted, and automatic lengths go by the clock.
    settings = flat_config(config)
    still = settings.get("pool.capacity") == 2 or settings.get("gamma") == "auto" or settings.get("window") == 0
    assert moved or still or config.name in CHAINS | LIKELIEST_FIRST


@pytest.mark.parametrize("config", covering(WITH_A_DRAFT, name_of), ids=lambda config: config.name)
def test_draft_of_another_family(config: object) -> None:
    pair = make_pair("llama", draft_family="gpt_neox")
    stopping = Stopping(frozenset({5}), 30)
    check(pair, config, [(p, stopping, reference(pair, p, stopping)) for p in prompts(1)])


def test_draft_with_a_smaller_vocabulary_and_context() -> None:
    """The draft never proposes ids it lacks, reads unknown ones, and stops drafting where its
    context ends."""
    target = make_model("llama")
    small = VOCABULARY - 4
    draft = make_model("llama", seed=2, max_position_embeddings=24, vocab_size=small)
    pair = ModelPair(ModelSession(target), ModelSession(draft, vocabulary=small), frozenset(), decode)
    stopping = Stopping(frozenset(), 40)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in [*prompts(1), *prompts(1, length=30)]]
    assert any(token >= VOCABULARY - 4 for _, _, expected in tests for token in expected.tokens)
    of_a_kind = {config.name: config for config in WITH_A_DRAFT}
    for config in of_a_kind.values():
        outcomes = check(pair, config, tests)
        if config.name in ("speculative", "multi_candidate", "superposed"):
            assert all(outcome.steps.drafted[-1] == 0 for outcome in outcomes)


@pytest.mark.parametrize("config", covering(COVERING, name_of), ids=lambda config: config.name)
def test_drafts_end_where_the_context_does(config: object) -> None:
    """Learned positions know no position beyond the context: a tree that reaches it would crash."""
    target = make_model("gpt2", n_positions=24)
    pair = ModelPair(ModelSession(target), ModelSession(blurred(target, 0.01)), frozenset(), decode)
    stopping = Stopping(frozenset(), 60)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(2)]
    assert all(expected.stop == "context" for _, _, expected in tests)
    check(pair, config, tests)


def test_the_end_of_sequence_at_every_place() -> None:
    """Any token may be the end: it is met in the draft, in a suffix and as the bonus, and nothing
    follows it."""
    seen: Counter[str] = Counter()
    configs = [speculative.Config(gamma=4),
               ouroboros_config(gamma=1, k=3, window=5, ngram=5, shortest_run=1, text_phrases=True),
               lookahead.Config(window=5, ngram=4, max_guesses=5, text_phrases=True)]  # fmt: skip
    llama = make_pair("llama", noise=0.03)
    for prompt in prompts(2):
        free = reference(llama, prompt, Stopping(frozenset(), 20))
        for eos in sorted(set(free.tokens)):
            pair = ModelPair(llama.target, llama.draft, frozenset({eos}), decode)
            stopping = Stopping(frozenset({eos}), 20)
            expected = free.tokens[: free.tokens.index(eos) + 1]
            for config in configs:
                decoder = build(config, pair)
                # This fills the pool, so that suffixes can hit.
                decoder.generate(prompt, Stopping(frozenset(), 20))
                outcome = decoder.generate(prompt, stopping)
                assert outcome.tokens == expected
                if not len(outcome.steps):
                    seen["prefill"] += 1
                    continue
                last = outcome.steps.emitted[-1] - 1
                sources = outcome.steps.sources[-1]
                seen[sources[last] if last < len(sources) else "bonus"] += 1
    assert all(seen[place] > 0 for place in ("prefill", "draft", "suffix", "bonus", "phrase")), seen


@pytest.mark.parametrize(
    "config",
    [
        sam.Config(history_bias=0),
        suffix.Config(factor=4.0),
        racer.Config(ngram=6),
        tapout.Config(gamma=5),
        cascade.Config(gamma=5, tail=4, lenience=50.0),
    ],
    ids=lambda config: config.name,
)
def test_drafts_may_be_empty_right_or_all_wrong(llama: ModelPair, config: object) -> None:
    """At first nothing is known, then the text itself, and then what another model wrote after the
    same prompt; the end is met inside drafts."""
    other = ModelSession(make_model("llama", seed=9))
    (prompt,) = prompts(1)
    free = reference(llama, prompt, Stopping(frozenset(), 30)).tokens
    eos = next(token for place, token in enumerate(free) if place > 12 and token not in free[:place])
    stopping = Stopping(frozenset({eos}), 30)
    pair = ModelPair(llama.target, llama.draft, frozenset({eos}), decode)
    decoder = build(config, pair)
    for target in (pair.target, pair.target, other, other, pair.target):
        decoder.target = target
        alone = ModelPair(target, None, pair.eos, decode)
        found = decoder.generate(prompt, stopping).tokens
        assert found == reference(alone, prompt, stopping).tokens


def test_every_path_is_taken(llama: ModelPair) -> None:
    """Full acceptance, rejection, a later suffix winning, a window node, a merged node, an evicted
    phrase."""
    seen: Counter[str] = Counter()
    stopping = Stopping(frozenset(), 60)
    tests = [(p, stopping, reference(llama, p, stopping)) for p in prompts(5)]
    configs = [ouroboros_config(gamma=3, k=3, window=6, ngram=5), lookahead.Config(window=6, ngram=4, max_guesses=4)]
    for config in configs:
        decoder = build(config, llama)
        observe = decoder.drafter.observe

        def spy(verdict, decoder=decoder, observe=observe):
            path = set(verdict.path)
            drafter = decoder.drafter
            if isinstance(drafter, ouroboros.Ouroboros):
                chain = set(drafter._chain)
                seen["full acceptance" if chain <= path else "rejection"] += 1
                winners = [i for i, candidate in enumerate(drafter._candidates) if candidate.nodes[0] in path]
                seen["later suffix"] += bool(winners) and winners[0] > 0
            seen["window node"] += any(verdict.tree.sources[n] == ("window",) for n in verdict.path[1:])
            seen["merged node"] += any(len(verdict.tree.sources[n]) > 1 for n in verdict.path[1:])
            observe(verdict)
            seen["eviction"] += drafter.pool.evicted

        decoder.drafter.observe = spy
        for prompt, _, expected in tests:
            assert decoder.generate(prompt, stopping).tokens == expected.tokens
    paths = ("full acceptance", "rejection", "later suffix", "window node", "merged node", "eviction")
    assert all(seen[path] > 0 for path in paths), seen


def test_ouroboros_without_its_parts_takes_the_steps_of_speculative(llama: ModelPair, llama_tests: list) -> None:
    drafted = []
    for shared in ({"gamma": 1}, {"gamma": 8, "confidence": 0.5}, {"gamma": 4}, {"gamma": 8}):
        parts_off = ouroboros_config(**shared, k=0, phrases=False, enabled=False)
        ours = check(llama, parts_off, llama_tests)
        theirs = check(llama, speculative.Config(**shared), llama_tests)
        for one, other in zip(ours, theirs, strict=True):
            for column in ("drafted", "accepted", "emitted", "rows", "draft_forwards", "draft_rows", "sources"):
                assert getattr(one.steps, column) == getattr(other.steps, column)
        drafted.append(sum(sum(outcome.steps.drafted) / len(outcome.steps) for outcome in theirs))
    assert drafted == sorted(set(drafted)), "an unsure draft ends early, and not at once"


def test_recorded_work_is_the_work_done(llama: ModelPair) -> None:
    """Away from the end, gamma 4 takes 4 draft forwards a step and verifies 5 rows.

    The clocks fit into each other.
    """
    pair = ModelPair(llama.target, llama.draft, frozenset(), decode)
    outcome = build(speculative.Config(gamma=4), pair).generate(prompts(1)[0], Stopping(frozenset(), 60))
    steps = outcome.steps
    away = slice(0, len(steps) - 5)
    assert set(steps.draft_forwards[away]) == {4}
    assert set(steps.rows[away]) == {5}
    assert set(steps.drafted[away]) == {4}
    assert steps.draft_rows[0] == 4
    assert all(4 <= rows <= 5 for rows in steps.draft_rows[away]), "one more after a full acceptance"
    assert min(steps.draft_seconds) > 0 and min(steps.verify_seconds) > 0
    timed = sum(steps.draft_seconds) + sum(steps.verify_seconds) + sum(steps.observe_seconds)
    assert timed <= outcome.decode_seconds
    parts = zip(steps.model_seconds, steps.draft_seconds, steps.verify_seconds, strict=True)
    assert all(0 < models < drafting + verifying for models, drafting, verifying in parts)
    assert sum(steps.model_seconds) > 0.2 * timed, "all forwards, the draft's as well"
    assert outcome.prefill_seconds > 0


def test_what_the_stopping_rule_cut_is_not_counted_as_accepted() -> None:
    pair = make_pair("llama", noise=0.0)
    prompt = prompts(1)[0]
    text = reference(pair, prompt, Stopping(frozenset(), 24)).tokens
    string = decode(text[10:12])
    outcome = build(speculative.Config(gamma=8), pair).generate(prompt, Stopping(frozenset(), 24, (string,), decode))
    assert outcome.tokens == text[:12] and outcome.prefill_tokens == 9
    assert outcome.steps.emitted == outcome.steps.accepted == [3]
    assert outcome.steps.sources == [["draft"] * 3]


def test_perfect_draft_is_always_accepted() -> None:
    """With the target as its own draft every step emits gamma + 1 tokens: the bonus is never
    dropped."""
    pair = make_pair("llama", noise=0.0)
    stopping = Stopping(frozenset(), 6 * 5)
    for config in (speculative.Config(gamma=5), ouroboros_config(gamma=5, k=0, phrases=False)):
        for prompt in prompts(2):
            outcome = build(config, pair).generate(prompt, stopping)
            assert (outcome.prefill_tokens, outcome.steps.emitted) == (6, [6] * 4)


@pytest.mark.parametrize(
    "config",
    [
        ouroboros_config(gamma=4, k=3, window=4, ngram=5),
        token_recycling.Config(nodes=20),
        self_speculative.Config(skip=None, skip_attention=[1], threshold=0.4, threshold_step=0.5),
    ],
    ids=lambda config: config.name,
)
def test_warm_history_changes_the_work_but_not_the_tokens(llama: ModelPair, config: object) -> None:
    stopping = Stopping(frozenset(), 40)
    decoder = build(config, llama)
    changed = 0
    for prompt in prompts(2):
        decoder.forget()
        cold = decoder.generate(prompt, stopping)
        warm = decoder.generate(prompt, stopping)
        decoder.forget()
        again = decoder.generate(prompt, stopping)
        assert cold.tokens == warm.tokens == again.tokens
        assert cold.steps.rows == again.steps.rows, "forgetting forgets all"
        assert cold.extra == again.extra
        changed += warm.steps.rows != cold.steps.rows
    assert changed


def test_parts_beyond_the_paper_are_really_taken(llama: ModelPair) -> None:
    """Each option changes the work in the way it says, on the same prompts."""
    pair = ModelPair(llama.target, llama.draft, frozenset(), decode)
    stopping = Stopping(frozenset(), 40)

    @cache
    def work(**options: object) -> Counter[str]:
        config = ouroboros_config(**{"gamma": 3, "k": 2, "window": 4, "ngram": 4, "text_phrases": False, **options})
        seen: Counter[str] = Counter()
        for prompt in prompts(3):
            outcome = build(config, pair).generate(prompt, stopping)
            seen["draft rows"] += sum(outcome.steps.draft_rows)
            seen["drafted"] += sum(outcome.steps.drafted)
            seen["steps"] += len(outcome.steps)
            seen.update(outcome.extra["phrases_learned"])
        return seen

    plain = work()
    assert work(idle_window=True)["draft rows"] < plain["draft rows"]
    bare = work(window=0, capacity=4)
    assert bare["window"] == 0 < min(bare["rejection"], plain["window"])
    assert work(confidence=0.9)["drafted"] / work(confidence=0.9)["steps"] < plain["drafted"] / plain["steps"]
    assert work(refinement="off")["refinement"] == 0 < work(accepted_only=True)["refinement"] < plain["refinement"]
    assert work(rejected="continuations")["rejection"] > work(shortest_run=3)["rejection"]
    assert work(enabled=False)["rejection"] == work(enabled=False)["refinement"] == 0


@pytest.mark.parametrize("accepted_only", [False, True])
def test_refinement_after_a_rejection_is_the_papers_and_an_option(
    llama: ModelPair, monkeypatch, accepted_only: bool
) -> None:
    """K < N - 1, as in the authors' settings: the paper refines after whole drafts and wrong ones,
    their code after whole ones alone."""
    config = ouroboros_config(gamma=4, k=2, window=4, ngram=4, accepted_only=accepted_only)
    decoder = build(config, llama)
    drafter, observe = decoder.drafter, decoder.drafter.observe
    whole: list[bool] = []
    refined: set[bool] = set()
    monkeypatch.setattr("ouroboros.drafter.refine", lambda *_, **__: refined.add(whole[-1]))

    def spy(verdict):
        whole.append(set(drafter._chain) <= set(verdict.path))
        observe(verdict)

    drafter.observe = spy
    for prompt in prompts(3):
        decoder.generate(prompt, Stopping(frozenset(), 40))
    assert set(whole) == {True, False}
    assert refined == ({True} if accepted_only else {True, False})


def test_suffixes_lengthen_any_drafter(llama: ModelPair) -> None:
    """The text of the last pass stands in the pool: suffixes hang after lookahead's guesses, and
    they are accepted."""
    pair = ModelPair(llama.target, None, frozenset(), decode)
    guessing = lookahead.Config(window=2, ngram=3, max_guesses=2, text_phrases=True)
    config = ouroboros_config(drafter=guessing, k=3, ngram=4, capacity=4, text_phrases=True)
    decoder = build(config, pair)
    sources: Counter[str] = Counter()
    for prompt in prompts(3):
        for _ in range(2):
            outcome = decoder.generate(prompt, Stopping(frozenset(), 40))
            sources.update(source for step in outcome.steps.sources for source in step)
        assert outcome.tokens == reference(pair, prompt, Stopping(frozenset(), 40)).tokens
    assert sources["suffix"] and sources["phrase"], sources
    for name, value in {"gamma": 3, "phrases": False, "max_guesses": 2, "idle_window": True,
                        "confidence": 0.5}.items():  # fmt: skip
        with pytest.raises(UserError, match=rf"^(drafting\.)?{name} is for drafter=draft_model"):
            ouroboros_config(drafter=prompt_lookup.Config(), **{name: value})
    with pytest.raises(UserError, match="^drafter=hf_generate"):
        build(ouroboros_config(drafter=hf_generate.Config()), pair)


def test_methods_that_draft_with_a_model_refuse_a_pair_without_one(llama: ModelPair) -> None:
    alone = ModelPair(llama.target, None, frozenset(), decode)
    for config in WITH_A_DRAFT:
        with pytest.raises(UserError, match="needs a draft model"):
            build(config, alone)
    for config in COVERING:
        if config not in WITH_A_DRAFT:
            assert build(config, alone)


@pytest.mark.parametrize(
    ("config", "fields"),
    [
        (speculative.Config, {"gamma": -1}),
        (lookahead.Config, {"window": 0}),
        (lookahead.Config, {"ngram": 2}),
        (lookahead.Config, {"max_guesses": 0}),
        (token_recycling.Config, {"nodes": 0}),
        (token_recycling.Config, {"nodes": 81}),
        (multi_candidate.Config, {"branching": []}),
        (multi_candidate.Config, {"branching": [2, 0]}),
        (multi_candidate.Config, {"width": 0}),
        (multi_candidate.Config, {"nodes": 0}),
        (multi_candidate.Config, {"pruning": 1.5}),
        (multi_candidate.Config, {"sharing": -1, "nodes": 4}),
        (multi_candidate.Config, {"sharing": 0}),
        (superposed.Config, {"paths": 0}),
        (superposed.Config, {"gamma": 0}),
        (superposed.Config, {"alpha": 1.1}),
        (cascade.Config, {"gamma": 0}),
        (cascade.Config, {"tail": -1}),
        (cascade.Config, {"tail": 4, "draft_length": 3}),
        (cascade.Config, {"min_ngram": 0}),
        (cascade.Config, {"max_ngram": 1, "min_ngram": 2}),
        (cascade.Config, {"draft_length": 0}),
        (cascade.Config, {"lenience": 0.9}),
        (cascade.Config, {"lenience": float("inf")}),
        (clasp.Config, {"skip_share": 1.5}),
        (clasp.Config, {"interval": 0}),
        (suffix.Config, {"depth": 1}),
        (suffix.Config, {"draft_length": 0}),
        (suffix.Config, {"factor": 0.0}),
        (suffix.Config, {"offset": float("nan")}),
        (suffix.Config, {"min_chance": 1.1}),
        (suffix.Config, {"capacity": 0}),
        (racer.Config, {"nodes": 0}),
        (racer.Config, {"ngram": 2}),
        (racer.Config, {"capacity": 0}),
        (racer.Config, {"breadth": 0}),
        (tapout.Config, {"gamma": 0}),
        (ouroboros_config, {"k": -1}),
        (ouroboros_config, {"ngram": 2}),
        (ouroboros_config, {"shortest_run": 0}),
        (ouroboros_config, {"shortest_run": 7}),
        (ouroboros_config, {"window": -1}),
        (ouroboros_config, {"capacity": None, "window": 0}),
        (ouroboros_config, {"capacity": 0}),
        (ouroboros_config, {"max_guesses": 0}),
        (ouroboros_config, {"gamma": "often"}),
        (ouroboros_config, {"k": "auto", "drafter": lookahead.Config()}),
        (ouroboros_config, {"drafter": "anything"}),
        (ouroboros_config, {"rejected": "all"}),
        (ouroboros_config, {"refinement": "true"}),
        (ouroboros_config, {"order": "random"}),
        (ouroboros_config, {"gamma": 2.5}),
        (ouroboros_config, {"drafter": lookahead.Config}),
        (ouroboros_config, {"text_phrases": "all"}),
        (ouroboros_config, {"confidence": 1.5}),
        (speculative.Config, {"confidence": -0.1}),
    ],
)
def test_settings_out_of_range_are_refused(config: Callable, fields: dict) -> None:
    with pytest.raises(UserError, match=rf"^(\w+\.)?{next(iter(fields))}(=auto)? (must be|is for)"):
        config(**fields)
