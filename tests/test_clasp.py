"""CLaSp: its search against the recurrence on forwards without a cache, what the search reads and
costs, drafts after every change of layers, and greedy's tokens on a real text."""

from pathlib import Path

import pytest
import torch
from families import FAMILIES, VOCABULARY, make_model
from matrix import check, decode, prompts, reference
from samples import thinned
from test_layer_skipping import stack
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from baselines import hybrid
from baselines.clasp import Clasp, Config, build
from baselines.layer_search import LayerSearch, way_back
from baselines.layer_skipping import LayerSkipper
from decoding.decoder import ModelPair
from decoding.draws import Sampling
from decoding.errors import UserError
from decoding.sampling import make_sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.view import SessionView

LAYERS = 4
TINY = Path(__file__).resolve().parent.parent / "models/tiny/target"
EVERY_DRAFT = Config(interval=1, threshold=0.3)


def model_of(family: str, **changes: object) -> PreTrainedModel:
    count = {"n_layer": LAYERS} if family == "gpt2" else {"num_hidden_layers": LAYERS}
    return make_model(family, **count, **changes)


def pair_of(model: PreTrainedModel, eos: frozenset[int] = frozenset()) -> ModelPair:
    return ModelPair(ModelSession(model), None, eos, decode)


def text_of(length: int) -> list[int]:
    return [(7 * place * place + 5 * place + 3) % VOCABULARY for place in range(length)]


@pytest.fixture
def llama() -> ModelPair:
    return pair_of(model_of("llama"))


def search_on(session: ModelSession, count: int) -> LayerSearch:
    layers = LayerSkipper(session.model).switched()
    return LayerSearch(SessionView(session, layers.model, changes=True), layers, count)


def found_by(search: LayerSearch) -> tuple[frozenset[int], list[torch.Tensor]]:
    """The set, and g(i, j) of the layers i from 1 on, [rows, width] each."""
    states: list[torch.Tensor] = []
    decide = search._decide

    def spy(index, layer, inputs, named, output):
        after = decide(index, layer, inputs, named, output)
        states.append((after[0] if isinstance(after, tuple) else after)[0].clone())
        return after

    search._decide = spy
    try:
        return search.find(), states
    finally:
        del search._decide


class Whole:
    """A model's layers one by one on the last row of a text: forwards without a cache."""

    def __init__(self, model: PreTrainedModel, family: str, text: list[int]) -> None:
        self.model = model
        self.layers = list(stack(model, family))
        self.text = torch.tensor([text])

    @torch.inference_mode()
    def run(self, index: int, state: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """What layer `index` reads and makes of its last row, or of `state` in its place."""
        seen = {}

        def before(_, inputs, named):
            rows = (inputs[0] if inputs else named["hidden_states"]).clone()
            if state is not None:
                rows[0, -1] = state
            seen["before"] = rows[0, -1]
            return ((rows, *inputs[1:]), named) if inputs else ((), {**named, "hidden_states": rows})

        def after(_, __, output):
            seen["after"] = (output[0] if isinstance(output, tuple) else output)[0, -1].clone()

        layer = self.layers[index]
        hooks = [layer.register_forward_pre_hook(before, with_kwargs=True), layer.register_forward_hook(after)]
        try:
            self.model(input_ids=self.text, use_cache=False)
        finally:
            for hook in hooks:
                hook.remove()
        return seen["before"], seen["after"]


def recurrence(whole: Whole, count: int) -> tuple[frozenset[int], dict[tuple[int, int], torch.Tensor]]:
    """The set and g(i, j), state by state."""
    depth = len(whole.layers)
    target = [whole.run(0, None)[0], *(whole.run(index, None)[1] for index in range(depth))]
    states, skips = {(0, 0): target[0]}, {}
    for i in range(1, depth + 1):
        for j in range(min(i, count) + 1):
            options = {}
            if (i - 1, j) in states:
                options[False] = whole.run(i - 1, states[i - 1, j])[1]
            if (i - 1, j - 1) in states:
                options[True] = states[i - 1, j - 1]
            skips[i, j] = max(options, key=lambda skip: float(torch.cosine_similarity(options[skip], target[i], dim=0)))
            states[i, j] = options[skips[i, j]]
    found, j = set(), count
    for i in range(depth, 0, -1):
        if skips[i, j]:
            found.add(i - 1)
            j -= 1
    assert j == 0
    return frozenset(found), states


# Longer than the sliding windows, and than longrope's boundary.
@pytest.mark.parametrize("length", [9, 38])
@pytest.mark.parametrize("family", thinned([*FAMILIES], 6))
def test_the_search_is_the_recurrence(family: str, length: int) -> None:
    model, text = model_of(family), text_of(length)
    session = ModelSession(model)
    session.prefill(text)
    whole = Whole(model, family, text)
    # transformers' eager attention takes its softmax in float32 whatever the model's dtype.
    near = 1e-4 if family == "gemma2" else 1e-9
    for count in range(1, LAYERS + 1) if family == "llama" else (2,):
        expected, states = recurrence(whole, count)
        found, ours = found_by(search_on(session, count))
        assert found == expected and len(found) == count
        for (i, j), state in states.items():
            if i:
                torch.testing.assert_close(ours[i - 1][j], state, rtol=0, atol=near)


def test_every_set_of_a_decoding_is_the_recurrences_on_what_is_confirmed(llama: ModelPair) -> None:
    """Whatever rows of rejected tokens lie past the confirmed ones, and whatever was skipped
    before."""
    drafter = build(EVERY_DRAFT, llama).drafter
    seen = []
    find = drafter.search.find

    def spy():
        found = find()
        seen.append((list(llama.target.tokens), found))
        return found

    drafter.search.find = spy
    decoder = build(EVERY_DRAFT, llama)
    decoder.drafter = drafter
    outcome = decoder.generate(prompts(1)[0], Stopping(frozenset(), 40))
    assert sum(outcome.steps.drafted) > sum(outcome.steps.accepted) and len({found for _, found in seen}) > 1
    for tokens, found in seen:
        assert tokens == (prompts(1)[0] + outcome.tokens)[: len(tokens)]
        assert found == recurrence(Whole(llama.target.model, "llama", tokens), 2)[0]


def test_rows_of_rejected_tokens_are_not_seen() -> None:
    model, text = model_of("llama"), text_of(20)
    session, fresh = ModelSession(model), ModelSession(model)
    session.prefill(text[:-1])
    tree = TokenTree(text[-1], session.room(len(text) - 1))
    tree.add(0, [9, 9, 9], "wrong")
    session.forward([], tree, tree.wanted_nodes())
    session.keep([0])
    fresh.prefill(text)
    for buffer in session._cache.buffers():
        buffer[..., len(text) :, :] = torch.nan
    (found, states), (expected, wanted) = (found_by(search_on(each, 2)) for each in (session, fresh))
    assert found == expected
    for ours, theirs in zip(states, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("family", ["llama", "gemma3", "gpt2"])
def test_the_search_leaves_no_trace_in_the_target(family: str) -> None:
    """Bit by bit, and no hook on any of its modules."""
    session, text = ModelSession(model_of(family)), text_of(30)
    session.prefill(text)
    before = [buffer[..., : len(text), :].clone() for buffer in session._cache.buffers()]
    search = search_on(session, 3)
    work = session.counters.forwards, session.counters.rows
    assert len(search.find()) == 3
    for buffer, kept in zip(session._cache.buffers(), before, strict=True):
        assert torch.equal(buffer[..., : len(text), :], kept)
    assert (session.tokens, session._cache.length) == (text, len(text))
    assert (session.counters.forwards, session.counters.rows) == work
    assert (search.view.counters.forwards, search.view.counters.rows) == (1, 4)
    modules = [*session.model.modules(), *search.view.model.modules()]
    assert not any(module._forward_hooks for module in modules)


def test_the_way_back() -> None:
    assert way_back([[False, True, True], [False, False, True], [False, True, False]]) == {0, 1}
    assert way_back([[False, True], [False, False], [False, True]]) == {2}
    with pytest.raises(ValueError, match="no token is cached"):
        search_on(ModelSession(make_model("llama")), 1).find()


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_a_draft_that_skips_nothing_is_always_accepted(llama: ModelPair, temperature: float) -> None:
    """It is the target, and takes no search."""
    stopping = Stopping(frozenset(), 1 + 5 * 6)
    sampler = make_sampler(Sampling(temperature), (1, 0)) if temperature else None
    decoder = build(Config(skip_share=0.0, max_draft=5, threshold=0.0), llama)
    outcome = decoder.generate(prompts(1)[0], stopping, sampler)
    assert outcome.steps.emitted == [6] * 5 and outcome.steps.accepted == [5] * 5
    assert outcome.extra == {"layer_searches": 0, "layer_changes": 0}
    assert outcome.steps.draft_forwards == outcome.steps.draft_rows == [5] * 5


def test_a_draft_may_skip_every_layer(llama: ModelPair) -> None:
    stopping, decoder = Stopping(frozenset(), 30), build(Config(skip_share=1.0, interval=1, threshold=0.0), llama)
    for prompt in prompts(2):
        assert decoder.generate(prompt, stopping).tokens == reference(llama, prompt, stopping).tokens
    assert decoder.drafter.skipped == frozenset(range(LAYERS))


@pytest.mark.parametrize("family", thinned([*FAMILIES], 3))
def test_outputs_are_greedys(family: str) -> None:
    """Past the sliding windows, longrope's boundary and, where the context is small, to its end."""
    # With tied embeddings a random Gemma says what its embedding says, whatever is skipped.
    pair = pair_of(model_of(family, **({"tie_word_embeddings": False} if family.startswith("gemma") else {})))
    stopping = Stopping(frozenset(), min(40, pair.target.context))
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(1, length=14)]
    for config in (EVERY_DRAFT, Config(skip_share=0.25, interval=7, max_draft=4, threshold=0.0)):
        for outcome in check(pair, config, tests):
            assert sum(outcome.steps.drafted) > 5 and outcome.extra["layer_searches"]


def drafts_of(drafter: Clasp) -> list[tuple[list[int], frozenset[int], list[int]]]:
    """From now on (confirmed tokens, skipped layers, draft) of every draft."""
    seen = []
    propose = drafter.propose

    def spy(tokens, tree, limit):
        propose(tokens, tree, limit)
        if len(tree) > 1:
            seen.append((list(tokens), drafter.skipped, tree.tokens[1:]))

    drafter.propose = spy
    return seen


def test_every_draft_is_what_its_layers_say_after_the_targets_rows(llama: ModelPair) -> None:
    """However often the layers change: a fresh copy without them drafts the same."""
    decoder = build(Config(interval=1, max_draft=5, threshold=0.0), llama)
    seen = drafts_of(decoder.drafter)
    for prompt in prompts(2):
        decoder.generate(prompt, Stopping(frozenset(), 24))
    changes = [one[1] != next_one[1] for one, next_one in zip(seen, seen[1:], strict=False)]
    assert sum(changes) > 3 and not all(changes) and {len(skipped) for _, skipped, _ in seen} == {2}
    model = llama.target.model
    for tokens, skipped, draft in seen:
        session = ModelSession(model)
        session.prefill(tokens[:-1])
        view = SessionView(session, LayerSkipper(model).skip(skipped, skipped))
        for fresh, token in zip([tokens[-1], *draft], draft, strict=False):
            assert int(view.prefill([fresh]).argmax()) == token


def test_on_a_traced_engine_drafts_are_the_same(llama: ModelPair) -> None:
    """A trace holds the layers that it was made of: the draft has none."""
    found = []
    for _ in range(2):
        decoder = build(Config(interval=1, threshold=0.0), llama)
        seen = drafts_of(decoder.drafter)
        decoder.generate(prompts(1)[0], Stopping(frozenset(), 30))
        found.append(seen)
        llama.target.trace()
    assert found[0] == found[1] and len({skipped for _, skipped, _ in seen}) > 1


@pytest.mark.parametrize("interval", [1, 9])
def test_layers_are_chosen_anew_after_so_many_tokens_and_with_every_text(llama: ModelPair, interval: int) -> None:
    decoder = build(Config(interval=interval, max_draft=3, threshold=0.0), llama)
    searched = []
    find = decoder.drafter.search.find
    decoder.drafter.search.find = lambda: (searched.append(len(llama.target.tokens)), find())[1]
    seen = drafts_of(decoder.drafter)
    for prompt in prompts(2):
        searched.clear()
        seen.clear()
        outcome = decoder.generate(prompt, Stopping(frozenset(), 40))
        assert searched[0] == len(prompt) and outcome.extra["layer_searches"] == len(searched)
        due = 0
        for tokens, _, _ in seen:
            if not due or len(tokens) - due >= interval:
                due = len(tokens)
                assert due - 1 in searched
        assert (len(searched) == len(seen)) == (interval == 1)


def test_searches_are_counted_as_the_drafts_work(llama: ModelPair) -> None:
    for interval in (1, 9):
        decoder = build(Config(skip_share=0.75, interval=interval, max_draft=4, threshold=0.0), llama)
        prompt = prompts(1)[0]
        outcome = decoder.generate(prompt, Stopping(frozenset(), 40))
        steps, searches = outcome.steps, outcome.extra["layer_searches"]
        assert llama.target.counters.forwards == 1 + len(steps)
        assert llama.target.counters.rows == len(prompt) + sum(steps.rows)
        assert sum(steps.draft_forwards) == sum(steps.drafted) + searches
        assert sum(steps.draft_rows) == sum(steps.drafted) + searches * (3 + 1)


def test_a_draft_ends_with_the_end_of_sequence() -> None:
    """Nothing is drafted after the end, wherever it comes in a draft."""
    model, config = model_of("llama"), Config(skip_share=0.25, interval=1, threshold=0.0, max_draft=6)
    within = 0
    for prompt in prompts(2):
        free = reference(pair_of(model), prompt, Stopping(frozenset(), 20))
        for eos in sorted(set(free.tokens)):
            decoder = build(config, pair_of(model, frozenset({eos})))
            seen = drafts_of(decoder.drafter)
            outcome = decoder.generate(prompt, Stopping(frozenset({eos}), 20))
            assert outcome.tokens == free.tokens[: free.tokens.index(eos) + 1]
            assert not any(eos in draft[:-1] for _, _, draft in seen)
            within += bool(len(outcome.steps)) and outcome.steps.accepted[-1] == outcome.steps.emitted[-1]
    assert within


def test_drafts_may_be_empty(llama: ModelPair) -> None:
    """Where none is asked for, none can serve, or the target has read nothing yet: no search."""
    prompt = prompts(1)[0]
    for config, length in ((Config(max_draft=0), 12), (EVERY_DRAFT, 1), (EVERY_DRAFT, 2)):
        stopping = Stopping(frozenset(), length)
        outcome = build(config, llama).generate(prompt, stopping)
        assert outcome.tokens == reference(llama, prompt, stopping).tokens
        assert not sum(outcome.steps.drafted) and not outcome.extra["layer_searches"]
        assert not sum(outcome.steps.draft_forwards)
    stopping = Stopping(frozenset(), 12)
    outcome = build(EVERY_DRAFT, llama).generate([3], stopping)
    assert outcome.tokens == reference(llama, [3], stopping).tokens and outcome.prefill_tokens == 1
    assert sum(outcome.steps.drafted)


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_small_context_is_used_to_its_end(family: str) -> None:
    name = "n_positions" if family == "gpt2" else "max_position_embeddings"
    pair, stopping = pair_of(model_of(family, **{name: 16})), Stopping(frozenset(), 60)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(3)]
    assert all(expected.stop == "context" for _, _, expected in tests)
    for outcome in check(pair, Config(interval=1, threshold=0.0), tests):
        assert sum(outcome.steps.drafted)


def test_the_step_that_turns_longrope_over_drafts_nothing() -> None:
    """There every cached row is encoded again, which the target must do; nothing is searched."""
    pair = pair_of(model_of("phi3_longrope"))
    prompt, stopping = prompts(1, length=14)[0], Stopping(frozenset(), 40)
    expected = reference(pair, prompt, stopping)
    decoder = build(Config(interval=1, threshold=0.0), pair)
    seen = drafts_of(decoder.drafter)
    assert decoder.generate(prompt, stopping).tokens == expected.tokens
    roots = {len(tokens) - 1 for tokens, _, _ in seen}
    assert pair.target.rope_boundary not in roots and min(roots) < pair.target.rope_boundary < max(roots)


def test_beside_another_drafter_layers_are_chosen_for_the_text_as_it_is() -> None:
    """In a hybrid others draft in between."""
    pair = pair_of(model_of("llama"))
    config = hybrid.Config(min_match=2, fallback=EVERY_DRAFT)
    stopping = Stopping(frozenset(), 60)
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(2)]
    for outcome in check(pair, config, tests):
        assert len({source for step in outcome.steps.sources for source in step}) == 2


def test_on_a_real_text_the_layers_change_from_step_to_step() -> None:
    model = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float64)
    prompt = AutoTokenizer.from_pretrained(TINY)('def add(a, b):\n    """Add two numbers."""\n').input_ids
    pair, stopping = pair_of(model), Stopping(frozenset(), 40)
    decoder = build(Config(skip_share=0.25, interval=1, threshold=0.3), pair)
    seen = drafts_of(decoder.drafter)
    outcome = decoder.generate(prompt, stopping)
    assert outcome.tokens == reference(pair, prompt, stopping).tokens
    sets = [skipped for _, skipped, _ in seen]
    assert {len(each) for each in sets} == {3} and len(set(sets)) > 2
    changes = sum(one != other for one, other in zip(sets, sets[1:], strict=False))
    assert outcome.extra == {"layer_searches": len(sets), "layer_changes": changes} and changes > 2
    assert sum(outcome.steps.accepted) > 5


def test_a_target_whose_layers_cannot_be_skipped_is_refused() -> None:
    """In one line. Other such models: test_layer_skipping.py."""
    with pytest.raises(UserError, match=r"^layer 0 of OPTForCausalLM changes its input .*: its sub-layers cannot .*$"):
        build(Config(), pair_of(make_model("opt", do_layer_norm_before=False)))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"skip_share": 1.1}, "^skip_share must be between 0 and 1"),
        ({"interval": 0}, "^interval must be at least 1"),
        ({"max_draft": -1}, "^max_draft must be at least 0"),
        ({"threshold": -0.5}, "^threshold must be between 0 and 1"),
    ],
)
def test_wrong_settings_are_refused(fields: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Config(**fields)
