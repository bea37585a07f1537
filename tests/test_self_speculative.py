"""Draft & Verify: greedy's tokens on every family, the early exit against its formulae, skip sets,
counts, refusals."""

import json
from dataclasses import asdict

import pytest
import torch
from families import FAMILIES, VOCABULARY, make_model
from hypothesis import example, given
from hypothesis import strategies as st
from matrix import build, check, decode, prompts, reference
from samples import chosen
from test_bench_cli import composed

from baselines.layer_skipping import LayerSkipper
from baselines.self_speculative import AdaptiveExit, Config
from baselines.skip_set import PRESETS, SkipSet, load_skip_set
from bench.plan.methods import method_config, panel_config
from bench.plan.settings import read_plan
from decoding.decoder import ModelPair
from decoding.errors import MissingSkipSet, UserError
from decoding.session import ModelSession
from decoding.stopping import Stopping
from decoding.tree import TokenTree
from decoding.verification import Verdict, walk
from decoding.view import SessionView

CONFIGS = [
    Config(skip=None, skip_attention=[1], max_draft=5, threshold=0.3),
    Config(skip=None, skip_mlp=[0], threshold=0.0),
    Config(skip=None, skip_attention=[0, 1], skip_mlp=[0], threshold=1.0),
    Config(skip=None),
]


def pair_of(family: str, eos: frozenset[int] = frozenset(), **changes: object) -> ModelPair:
    return ModelPair(ModelSession(make_model(family, **changes)), None, eos, decode)


@pytest.fixture(scope="module")
def llama() -> ModelPair:
    return pair_of("llama")


@pytest.mark.parametrize("family", chosen([*FAMILIES], "phi3_longrope", "gemma3", "llama_dynamic_rope"))
def test_outputs_are_greedys(family: str) -> None:
    """Past the sliding windows, longrope's boundary and, where the context is small, to its end."""
    # With tied embeddings a random Gemma says what its embedding says, whatever is skipped.
    pair = pair_of(family, **({"tie_word_embeddings": False} if family.startswith("gemma") else {}))
    stopping = Stopping(frozenset(), min(40, pair.target.context))
    tests = [(p, stopping, reference(pair, p, stopping)) for p in prompts(1, length=14)]
    accepted = rejected = 0
    for config in CONFIGS:
        for outcome in check(pair, config, tests):
            accepted += sum(outcome.steps.accepted)
            rejected += sum(outcome.steps.drafted) - sum(outcome.steps.accepted)
    assert accepted
    assert rejected


def test_the_step_that_turns_longrope_over_drafts_nothing() -> None:
    """There every cached row is encoded again, which the target must do.

    Before and after it drafts go on.
    """
    pair = pair_of("phi3_longrope")
    prompt, stopping = prompts(1, length=14)[0], Stopping(frozenset(), 40)
    test = (prompt, stopping, reference(pair, prompt, stopping))
    steps = check(pair, Config(skip=None, threshold=0.0), [test])[0].steps
    boundary = pair.target.rope_boundary
    root = len(prompt)  # position of the last confirmed token
    turned = []
    for drafted, emitted in zip(steps.drafted, steps.emitted, strict=True):
        if root == boundary:
            turned.append(drafted)
        elif root < boundary - 1 or boundary < root < len(prompt) + 40 - 2:
            assert drafted > 0
        root += emitted
    assert turned == [0]


@example(0.6, [(8, 1.0)] * 9 + [(3, 1.0)] * 5)
@given(st.floats(0, 1), st.lists(st.tuples(st.integers(1, 8), st.floats(0, 1)), max_size=40))
def test_the_threshold_follows_the_formulae(start: float, rounds: list[tuple[int, float]]) -> None:
    """M <- b1 M + (1 - b1) matched / drafted.

    New = th + eps if M < alpha, th at full length, else th - eps; th <- b2 th + (1 - b2) new, with
    b1 0.5, b2 0.9, alpha 0.9, eps 0.01; within [0, 1].
    """
    ours, threshold, matchness = AdaptiveExit(start, 0.9, 0.01), start, 0.0
    for drafted, share in rounds:
        accepted = round(share * drafted)
        ours.learn(accepted, drafted, drafted == 8)
        matchness = 0.5 * matchness + 0.5 * accepted / drafted
        new = threshold + 0.01 if matchness < 0.9 else threshold if drafted == 8 else threshold - 0.01
        threshold = min(max(0.9 * threshold + 0.1 * new, 0.0), 1.0)
        assert ours.threshold == pytest.approx(threshold, abs=1e-12)
        assert abs(ours.threshold - start) <= 0.001 * len(rounds) + 1e-12
    carried = ours.threshold
    ours.reset()
    assert (ours.threshold, ours.acceptance) == (carried, 0.0)
    ours.forget()
    assert (ours.threshold, ours.acceptance) == (start, 0.0)


def test_the_first_rounds_of_every_prompt_move_the_threshold_up() -> None:
    """M begins at 0, so that even if all is accepted three rounds find it below 0.9.

    The fourth does not.
    """
    ours = AdaptiveExit(0.6, 0.9, 0.01)
    for _ in range(2):
        begin = ours.threshold
        for moves in (1, 2, 3, 2):
            ours.learn(5, 5, full=False)
            assert ours.threshold == pytest.approx(begin + moves * 0.001, abs=1e-12)
        ours.reset()
    assert ours.threshold == pytest.approx(0.604, abs=1e-12)


def test_the_threshold_stays_a_probability() -> None:
    for start, accepted in ((1.0, 0), (0.0, 5)):
        ours = AdaptiveExit(start, 0.9, 1.0)
        for _ in range(9):
            ours.learn(accepted, 5, full=False)
            assert 0.0 <= ours.threshold <= 1.0


def test_drafting_stops_after_an_unsure_token_which_is_kept(llama: ModelPair) -> None:
    """Every draft is the view's own greedy text up to and with the first token below the threshold
    in force.

    A probability so near the threshold that rounding decides may stand on either side.
    """
    config = Config(skip=None, skip_attention=[1], max_draft=6, threshold=0.5, threshold_step=0.2)
    decoder = build(config, llama)
    judge = SessionView(ModelSession(llama.target.model), LayerSkipper(llama.target.model).skip([1], []))
    whole = ModelSession(llama.target.model)
    drafter, seen = decoder.drafter, []
    propose = drafter.propose

    def spy(tokens, tree, limit):
        threshold = drafter.early_exit.threshold
        propose(tokens, tree, limit)
        draft = tree.tokens[1:]
        whole.reset()
        whole.prefill(tokens[:-1])
        own = SessionView(whole, judge.model)
        probabilities = []
        for fresh, token in zip([tokens[-1], *draft], draft, strict=False):
            row = own.prefill([fresh]).softmax(-1)
            assert int(row.argmax()) == token
            probabilities.append(float(row.max()))
        assert all(probability > threshold - 1e-6 for probability in probabilities[:-1])
        full = len(draft) == min(6, limit)
        assert full or probabilities[-1] < threshold + 1e-6
        seen.append((full, len(draft), threshold))

    def spy_after_the_prefill(tokens, tree, limit):
        drafter.propose = spy
        propose(tokens, tree, limit)
        assert len(tree) == 1, "the target has not read the prompt"

    for prompt in prompts(3):
        drafter.propose = spy_after_the_prefill
        decoder.generate(prompt, Stopping(frozenset(), 40))
    assert len({full for full, _, _ in seen}) == 2
    assert len({length for _, length, _ in seen}) > 2
    assert len({threshold for _, _, threshold in seen}) > 10


def test_the_threshold_learns_from_its_own_draft_alone(llama: ModelPair) -> None:
    """Whatever others hang after it, and nothing where another drafted in its place."""
    config = Config(skip=None, skip_attention=[1], max_draft=4, threshold=0.0, threshold_step=0.1)
    drafter = build(config, llama).drafter
    seen = []
    drafter.early_exit.learn = lambda *counts: seen.append(counts)
    tokens = prompts(1)[0]
    drafter.reset(tokens, 100)
    llama.target.reset()
    llama.target.prefill(tokens[:-1])
    tree = TokenTree(tokens[-1], room=50)
    drafter.propose(tokens, tree, 9)
    chain = tree.first_path()
    assert len(chain) == 5
    tree.add(chain[-1], [7, 7, 7], "suffix")
    tree.add(chain[2], [9], "other")

    def said(tokens: list[int]) -> Verdict:
        logits = torch.full((len(tree), VOCABULARY), 0.0)
        for node, token in zip([0, *chain[1:], *range(5, 8)], tokens, strict=False):
            logits[node, token] = 9.0
        return walk(tree, tree.wanted_nodes(), logits)

    draft = [tree.tokens[node] for node in chain[1:]]
    for answer in ([*draft, 7, 7, 7], [*draft, 8], [*draft[:2], (draft[2] + 1) % VOCABULARY]):
        drafter.observe(said(answer))
    assert seen == [(4, 4, True), (4, 4, True), (2, 4, True)]
    foreign = TokenTree(tokens[-1], room=50)
    foreign.add(0, draft, "match")
    drafter.observe(walk(foreign, foreign.wanted_nodes(), torch.zeros(len(foreign), VOCABULARY)))
    assert len(seen) == 3


def test_the_threshold_is_carried_from_prompt_to_prompt_until_all_is_forgotten(llama: ModelPair) -> None:
    """As in the published code, but for its average of what was accepted, which starts over with
    every prompt."""
    config = Config(skip=None, skip_attention=[1], threshold=0.4, threshold_step=0.3)
    decoder = build(config, llama)
    early_exit = decoder.drafter.early_exit
    first, other = prompts(2)
    stopping = Stopping(frozenset(), 40)
    tests = [(p, stopping, reference(llama, p, stopping)) for p in (first, other)]
    once = decoder.generate(first, stopping)
    carried = early_exit.threshold
    assert carried != config.threshold
    assert once.extra == {"exit_threshold": carried}
    decoder.drafter.reset(other, 100)
    assert (early_exit.threshold, early_exit.acceptance) == (carried, 0.0)
    # A decoder that begins where the first prompt ended takes the very steps of the one that
    # carried it on.
    warm = decoder.generate(other, stopping)
    begun = build(Config(skip=None, skip_attention=[1], threshold=carried, threshold_step=0.3), llama)
    assert warm.steps.drafted == begun.generate(other, stopping).steps.drafted
    assert warm.extra == begun.drafter.metrics()
    decoder.forget()
    assert (early_exit.threshold, early_exit.acceptance) == (config.threshold, 0.0)
    again = decoder.generate(first, stopping)
    assert again.extra == once.extra
    assert [once.tokens, warm.tokens, again.tokens] == [tests[place][2].tokens for place in (0, 1, 0)]
    for column in ("drafted", "accepted", "draft_forwards", "draft_rows"):
        assert getattr(again.steps, column) == getattr(once.steps, column)


def test_a_draft_that_the_outputs_length_cut_teaches_nothing(llama: ModelPair) -> None:
    """Neither doubt nor its full length ended it, so that it tells nothing about the threshold."""
    tokens = prompts(1)[0]
    learned = []
    for threshold, limit in ((0.0, 3), (1.0, 3), (0.0, 4), (0.0, 9)):
        drafter = build(Config(skip=None, skip_attention=[1], max_draft=4, threshold=threshold), llama).drafter
        drafter.early_exit.learn = lambda *counts: learned.append(counts[1:])  # noqa: B023
        drafter.reset(tokens, 100)
        llama.target.reset()
        llama.target.prefill(tokens[:-1])
        tree = TokenTree(tokens[-1], room=50)
        drafter.propose(tokens, tree, limit)
        assert len(tree) - 1 == (1 if threshold else min(limit, 4))
        drafter.observe(walk(tree, tree.wanted_nodes(), torch.zeros(len(tree), VOCABULARY)))
    assert learned == [(1, False), (4, True), (4, True)]


def test_the_whole_target_as_its_own_draft_is_always_right(llama: ModelPair) -> None:
    stopping = Stopping(frozenset(), 1 + 5 * 6)
    outcome = build(Config(skip=None, max_draft=5, threshold=0.0), llama).generate(prompts(1)[0], stopping)
    assert outcome.steps.emitted == [6] * 5
    assert outcome.steps.sources == [["draft"] * 5] * 5


def test_draft_forwards_are_counted_apart_from_the_targets(llama: ModelPair) -> None:
    config = Config(skip=None, skip_mlp=[1], max_draft=4, threshold=0.0)
    prompt = prompts(1)[0]
    for _ in range(2):
        outcome = build(config, llama).generate(prompt, Stopping(frozenset(), 40))
        steps = outcome.steps
        assert llama.target.counters.forwards == 1 + len(steps)
        assert llama.target.counters.rows == len(prompt) + sum(steps.rows)
        assert steps.draft_forwards == steps.draft_rows == steps.drafted
        assert steps.rows == [1 + drafted for drafted in steps.drafted]
        assert set(steps.drafted[:-4]) == {4}


def test_a_draft_ends_with_the_end_of_sequence_and_keeps_to_the_limit() -> None:
    """Nothing is drafted after the end, nor deeper than the output may get."""
    model = make_model("llama")
    for prompt in prompts(3):
        free = reference(ModelPair(ModelSession(model), None, frozenset(), decode), prompt, Stopping(frozenset(), 20))
        for eos in sorted(set(free.tokens[1:])):
            pair = ModelPair(ModelSession(model), None, frozenset({eos}), decode)
            decoder = build(Config(skip=None, threshold=0.0), pair)
            outcome = decoder.generate(prompt, Stopping(frozenset({eos}), 20))
            assert outcome.tokens == free.tokens[: free.tokens.index(eos) + 1]
            # The whole target drafts, so every draft is right: only the end, the length or
            # max_draft ends one.
            left = len(outcome.tokens) - 1
            for drafted, emitted in zip(outcome.steps.drafted, outcome.steps.emitted, strict=True):
                assert drafted <= left
                left -= emitted
        assert sum(decoder.generate(prompt, Stopping(frozenset(), 20)).steps.emitted) == 19


def test_drafting_leaves_no_trace_in_the_target(llama: ModelPair) -> None:
    """Between steps the target's cache holds every confirmed token but the last, and the rows of a
    plain run."""
    model = llama.target.model
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    prompt = prompts(1)[0]
    outcome = build(Config(skip=None, skip_attention=[0]), llama).generate(prompt, Stopping(frozenset(), 30))
    text = prompt + outcome.tokens
    assert llama.target.tokens == text[:-1]
    fresh = ModelSession(model)
    fresh.prefill(text[:-1])
    assert torch.allclose(llama.target.prefill(text[-1:]), fresh.prefill(text[-1:]), atol=1e-9)
    assert all(torch.equal(tensor, weights[name]) for name, tensor in model.state_dict().items())


def test_ids_beyond_the_vocabulary_are_never_drafted() -> None:
    model = make_model("llama")
    pair = ModelPair(ModelSession(model, vocabulary=VOCABULARY - 9), None, frozenset(), decode)
    decoder = build(Config(skip=None, skip_attention=[1], threshold=0.0), pair)
    stopping, drafted = Stopping(frozenset(), 30), []
    observe = decoder.drafter.observe
    decoder.drafter.observe = lambda verdict: (drafted.extend(verdict.tree.tokens[1:]), observe(verdict))
    for prompt in prompts(3):
        assert decoder.generate(prompt, stopping).tokens == reference(pair, prompt, stopping).tokens
    assert len(drafted) > 50
    assert max(drafted) < VOCABULARY - 9


@pytest.mark.parametrize(
    ("name", "layers", "attention", "mlp"),
    [("llama-2-13b", 40, 24, 10), ("llama-2-13b-chat", 40, 24, 10), ("codellama-13b", 40, 22, 12),
     ("llama-2-70b", 80, 47, 37)],
)  # fmt: skip
def test_published_sets_load(name: str, layers: int, attention: int, mlp: int) -> None:
    found = load_skip_set(name)
    assert (found.layers, len(found.attention), len(found.mlp)) == (layers, attention, mlp)
    assert "2309.08168" in found.source
    assert "lama" in found.model
    config = Config(skip=name)
    assert (config.skip_attention, config.skip_mlp) == (found.attention, found.mlp)


def test_auto_is_the_set_made_for_the_target(llama: ModelPair, monkeypatch) -> None:
    """In every task, whatever the method it is within.

    And said in full, so that records of two sets never mix.
    """
    tiny = Config(skip="tiny")
    for target in ("bundled:tiny/target", str(PRESETS.parent.parent / "models/tiny/target"), "models/tiny/target"):
        assert Config().for_target(target) == tiny
    assert Config().for_target("meta-llama/Llama-2-13b-hf") == Config(skip="llama-2-13b")
    assert Config().for_target("/data/meta-llama/Llama-2-13b-hf/") == Config(skip="llama-2-13b")
    assert Config(skip=None).for_target("/data/mine") == Config(skip=None)

    def planned(*overrides: str) -> object:
        return read_plan(composed(*overrides)).methods[-1].config

    assert planned("method=self_speculative", "task=wmt16") == tiny
    assert planned("method=ouroboros", "method.drafter=self_speculative").drafter == tiny
    assert planned("method=greedy", "compare=[{name: hybrid, fallback: self_speculative}]").fallback == tiny
    for target in ("meta-llama/Llama-2-70b-chat-hf", "/data/llama2-13b-like", "/data/target"):
        with pytest.raises(UserError, match=f"{target}.*method.skip=FILE.*llama-2-13b.*search_skip_layers.py"):
            planned("method=self_speculative", "model=custom", f"model.target={target}")
    with pytest.raises(MissingSkipSet, match="the file of one, skip=FILE") as caught:
        build(Config(), llama)
    assert "search_skip_layers" not in str(caught.value)
    monkeypatch.setattr(llama.target.model, "name_or_path", "/mine/tiny/target", raising=False)
    with pytest.raises(UserError, match="12 layers of bundled:tiny/target, the target has 2"):
        build(Config(), llama)


def test_every_preset_is_well_formed_and_named_in_the_settings_file() -> None:
    conf = (PRESETS.parent.parent / "conf/method/self_speculative.yaml").read_text()
    for file in PRESETS.glob("*.json"):
        found = load_skip_set(file.stem)
        assert found == load_skip_set(str(file))
        assert file.stem in conf


def test_a_set_from_a_file_with_more_layers_named_beside_it(tmp_path) -> None:
    file = tmp_path / "mine.json"
    SkipSet("mine", 2, [1], [], "a test").save(file)
    assert json.loads(file.read_text())["attention"] == [1]
    config = method_config({"name": "self_speculative", "skip": str(file), "skip_mlp": [0, 1]})
    assert (config.skip_attention, config.skip_mlp) == ([1], [0, 1])
    assert method_config(asdict(config)) == config, "the config of a run folder reads as the same config"
    view = build(config, pair_of("llama")).drafter.view.model
    left = {name for name, _ in view.named_parameters() if "layers" in name}
    assert any("layers.0.self_attn" in name for name in left)
    assert not any("layers.1.self_attn" in name or "mlp" in name for name in left)
    SkipSet("mine", 2, [0], [], "a test").save(file)
    assert method_config(asdict(config)).skip_attention == [0, 1]
    assert Config(skip=str(file)) != config, "another content is another config, so its records never mix"


def test_a_panel_tells_its_skip_sets_apart() -> None:
    from bench.plan.cases import labels
    from bench.plan.settings import MethodPlan

    def named(*given: dict) -> list[str]:
        configs = [panel_config({"name": "self_speculative", **each}, "cases") for each in given]
        return labels([MethodPlan(config, "cold") for config in configs])

    assert named({"skip": None, "skip_mlp": [1, 2]}, {"skip": None, "skip_mlp": [3]}) == [
        "self_speculative skip_mlp=[1,2]", "self_speculative skip_mlp=[3]"
    ]  # fmt: skip
    assert named({}, {"skip": None}) == ["self_speculative skip=auto", "self_speculative skip=null"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"max_draft": -1}, "^max_draft must be at least 0"),
        ({"threshold": 1.5}, "^threshold must be between 0 and 1, not 1.5"),
        ({"acceptance": -0.1}, "^acceptance must be"),
        ({"threshold_step": 2.0}, "^threshold_step must be"),
        ({"skip": "nosuch"}, "^skip=nosuch is no file and no preset: .*llama-2-13b"),
        ({"skip_attention": [-1]}, "^skip_attention names the layer -1"),
        ({"skip_mlp": [1, 1]}, "^skip_mlp names a layer twice"),
    ],
)
def test_wrong_settings_are_refused(fields: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Config(**{"skip": None, **fields})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "holds no skip set"),
        ('{"layers": 2}', "holds no skip set"),
        ("[1]", "holds no skip set"),
        ('{"model": "m", "layers": 2, "attention": [2], "mlp": [], "source": "s"}', "layer 2: layers .* from 0 to 1"),
        ('{"model": "m", "layers": 2, "attention": ["a"], "mlp": [], "source": "s"}', "names the layer a"),
        ('{"model": "m", "layers": 2, "attention": [], "mlp": [0, 0], "source": "s"}', "mlp names a layer twice"),
        ('{"model": "m", "layers": "two", "attention": [0], "mlp": [], "source": "s"}', "holds no skip set"),
    ],
)
def test_broken_files_are_refused(tmp_path, content: str, said: str) -> None:
    file = tmp_path / "set.json"
    file.write_text(content)
    with pytest.raises(UserError, match=said):
        Config(skip=str(file))


def test_sets_that_do_not_fit_the_target_are_refused(llama: ModelPair) -> None:
    with pytest.raises(UserError, match="made for the 40 layers of .*, the target has 2: give a set"):
        build(Config(skip="llama-2-13b"), llama)
    with pytest.raises(UserError, match="^skip_mlp names the layer 2: layers are numbered from 0 to 1"):
        build(Config(skip=None, skip_mlp=[2]), llama)
