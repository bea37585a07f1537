"""transformers' own methods as rivals: greedy's tokens in float64, the harness' ends, and only
known figures told."""

import functools
from itertools import product

import pytest
import torch
from bench_pair import run, run_folder, run_summary
from families import EOS, FAMILIES, KINDS, make_model
from matrix import build, decode, make_pair, prompts, reference
from samples import covering, thinned
from torch._dynamo.utils import counters
from transformers import CompileConfig, GenerationConfig
from transformers.generation import candidate_generator

from baselines import hf_assisted, hf_generate, hf_prompt_lookup, hf_rival
from bench.measure.lossless import token_gaps
from decoding.decoder import ModelPair
from decoding.draws import Sampling
from decoding.errors import UserError
from decoding.records import Generation
from decoding.sampling import make_sampler
from decoding.session import ModelSession
from decoding.stopping import Stopping

DRAFTING = [
    hf_assisted.Config(gamma=1, schedule="constant"),
    hf_assisted.Config(gamma=5, schedule="constant"),
    hf_assisted.Config(schedule="default"),
    hf_prompt_lookup.Config(),
    hf_prompt_lookup.Config(draft_length=3, max_matching_ngram_size=1),
]
RIVALS = [hf_generate.Config(), hf_generate.Config(cache="static"), *DRAFTING]
COMPILED = hf_generate.Config(cache="static", compile=True)


def compare(pair: ModelPair, config: object, count: int = 2) -> None:
    """Every stopping rule, and the end of the context, against greedy."""
    rival = build(config, pair)
    rules = [
        Stopping(frozenset(), 1),
        Stopping(frozenset({EOS, 7}), 23),
        Stopping(frozenset(), 30, ("ab", "q"), decode),
        Stopping(frozenset(), 1000),
    ]
    for prompt in prompts(count, length=14):
        for rule in rules:
            ours, theirs = reference(pair, prompt, rule), rival.generate(prompt, rule)
            assert (theirs.tokens, theirs.stop) == (ours.tokens, ours.stop)
            assert 0 < theirs.prefill_seconds <= theirs.total_seconds
            assert theirs.steps is None
            assert 1 <= theirs.prefill_tokens <= len(theirs.tokens)
            assert (theirs.rounds is None) == (config.name == "hf_generate")
            if theirs.rounds is not None:
                assert {len(column) for column in vars(theirs.rounds).values()} == {theirs.target_forwards}
                assert sum(theirs.rounds.emitted) == len(theirs.tokens) - theirs.prefill_tokens
                for drafted, accepted, emitted in zip(*vars(theirs.rounds).values(), strict=True):
                    assert 0 <= accepted <= drafted and emitted - accepted in (0, 1)
                    assert emitted
            assert (theirs.target_forwards == 0) == (theirs.prefill_tokens == len(theirs.tokens))
        assert theirs.stop == "context"


@pytest.mark.parametrize(
    "case",
    covering([*product(["llama", "gpt2", "gemma3"], RIVALS)], lambda case: [case[0], str(case[1])]),
    ids=lambda case: f"{case[0]}-{case[1]}",
)
def test_outputs_are_greedys(case: tuple[str, object]) -> None:
    family, config = case
    compare(make_pair(family, noise=0.01, context=40), config, count=1)


@pytest.mark.parametrize(
    "case",
    covering(
        [case for case in product(FAMILIES, RIVALS) if case[0] != "phi3_longrope"],
        lambda case: [KINDS.get(case[0], case[0]), str(case[1])],
    ),
    ids=lambda case: f"{case[0]}-{case[1]}",
)
def test_outputs_are_greedys_on_every_family(case: tuple[str, object]) -> None:
    family, config = case
    compare(make_pair(family, noise=0.01, context=64), config, count=1)


@pytest.mark.parametrize("config", [config for config in RIVALS if config not in DRAFTING], ids=str)
def test_longrope_without_drafts(config: object) -> None:
    compare(make_pair("phi3_longrope", context=64), config, count=1)


@pytest.mark.parametrize("family", thinned([*FAMILIES], 2))
def test_a_draft_of_another_family(family: str) -> None:
    pair = make_pair("gpt2" if family == "llama" else "llama", draft_family=family)
    rule = Stopping(frozenset({EOS}), 20)
    rival = build(hf_assisted.Config(), pair)
    for prompt in prompts(2):
        assert rival.generate(prompt, rule).tokens == reference(pair, prompt, rule).tokens


@pytest.mark.parametrize("config", thinned(DRAFTING, 2), ids=str)
def test_longrope_drafts_across_its_boundary_change_the_librarys_output(config: object) -> None:
    """A draft across it encodes rows before it with the long factors: a mismatch, and the harness
    says so."""
    pair = make_pair("phi3_longrope", noise=0.01)
    rule = Stopping(frozenset(), 40)
    target, wrong = pair.target, 0
    for prompt in prompts(3, length=14):
        output = build(config, pair).generate(prompt, rule).tokens
        gaps = token_gaps(target.model, target.vocabulary, prompt, output, target.rope_boundary)
        wrong += max(gaps) > 1e-3
        assert (max(gaps) > 1e-3) == (output != reference(pair, prompt, rule).tokens)
    assert wrong


def test_the_end_is_cut_wherever_it_lies_in_a_verified_draft() -> None:
    """With the target as its own draft the rule sees six tokens at once.

    Every one of them may be the last.
    """
    pair = make_pair("llama", noise=0.0)
    rival = build(hf_assisted.Config(gamma=5, schedule="constant"), pair)
    prompt = prompts(1)[0]
    text = reference(pair, prompt, Stopping(frozenset(), 18)).tokens
    for place in range(1, len(text)):
        string = decode(text[place - 1 : place + 1])
        end = next(i for i in range(1, len(text)) if decode(text[i - 1 : i + 1]) == string)
        for rule in (Stopping(frozenset({text[place]}), 18), Stopping(frozenset(), 18, (string,), decode)):
            last = text.index(text[place]) if rule.eos else end
            outcome = rival.generate(prompt, rule)
            assert outcome.tokens == text[: last + 1]
            assert outcome.stop == ("eos" if rule.eos else "stop_string")
            assert outcome.prefill_tokens == min(last + 1, 6)
            assert outcome.target_forwards == last // 6
            # The target is its own draft: all that was emitted after the prefill was drafted, six a
            # round but one.
            within = last % 6
            whole = {"accepted": [5] * (last // 6), "emitted": [6] * (last // 6)}
            if within < 5 and last >= 6:
                whole = {name: [*column[:-1], within + 1] for name, column in whole.items()}
            assert {name: getattr(outcome.rounds, name) for name in whole} == whole
    assert rival.generate(prompt, Stopping(frozenset(), 18)).target_forwards == 2


@pytest.mark.parametrize("config", RIVALS, ids=str)
def test_forwards_are_those_of_the_models(config: object) -> None:
    """Counted from outside: (model, rows) of every forward, those up to the target's first being
    the prefill."""
    pair = make_pair("llama", noise=0.01)
    seen: list[str] = []
    for name, session in (("target", pair.target), ("draft", pair.draft)):
        session.model.register_forward_pre_hook(lambda *_, name=name: seen.append(name))
    for prompt in prompts(2):
        seen.clear()
        outcome = build(config, pair).generate(prompt, Stopping(frozenset(), 40))
        after = seen[seen.index("target") + 1 :]
        assert outcome.target_forwards == after.count("target") > 0
        assert outcome.draft_forwards == (after.count("draft") if config.name == "hf_assisted" else None)
        if config.name == "hf_generate":
            assert (outcome.prefill_tokens, outcome.target_forwards) == (1, 39)
        elif config.name == "hf_assisted" and config.schedule == "constant":
            rounds = "".join(each[0] for each in seen).split("t")[:-1]
            away = rounds[: -config.gamma]
            assert away and set(away) == {"d" * config.gamma}


@pytest.mark.parametrize("config", DRAFTING, ids=str)
def test_rounds_are_what_the_librarys_own_candidates_and_matches_are(
    config: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its candidate generators are told how many of their tokens matched."""
    pair = make_pair("llama", noise=0.02)
    seen: list[tuple[int, int]] = []
    kind = candidate_generator.CandidateGenerator
    kinds = [each for each in vars(candidate_generator).values() if isinstance(each, type) and issubclass(each, kind)]
    for each in kinds:
        if "get_candidates" in vars(each):
            monkeypatch.setattr(each, "get_candidates", _noting(each.get_candidates, seen))
        if "update_candidate_strategy" in vars(each):
            monkeypatch.setattr(each, "update_candidate_strategy", _matched(each.update_candidate_strategy, seen))
    for prompt in prompts(2, length=14):
        seen.clear()
        outcome = build(config, pair).generate(prompt, Stopping(frozenset(), 40))
        rounds, stand = outcome.rounds, outcome.prefill_tokens
        for (candidates, matches), *ours, emitted in zip(seen[1:], *vars(rounds).values(), strict=True):
            # Of drafts that reach beyond the longest output, what could be accepted counts.
            assert ours == [min(candidates, 39 - stand), matches] and emitted == matches + 1
            stand += emitted
        assert sum(rounds.accepted) > 0


def _noting(inner, seen):
    def get_candidates(self, input_ids, *arguments, **named):
        found = inner(self, input_ids, *arguments, **named)
        seen.append((found[0].shape[1] - input_ids.shape[1], 0))
        return found

    return get_candidates


def _matched(inner, seen):
    def update_candidate_strategy(self, input_ids, scores, num_matches):
        seen[-1] = (seen[-1][0], int(num_matches))
        return inner(self, input_ids, scores, num_matches)

    return update_candidate_strategy


def test_the_default_schedule_is_the_librarys() -> None:
    """Up to 20 tokens, ended by the first of little confidence.

    These models are sure, and random ones are not.
    """
    rule = Stopping(frozenset(), 60)
    sure, unsure = make_pair("gemma3", noise=0.0), make_pair("llama", noise=0.0)
    default = hf_assisted.Config(schedule="default")
    assert build(default, sure).generate(prompts(1)[0], rule).prefill_tokens == 21
    assert build(default, unsure).generate(prompts(1)[0], rule).prefill_tokens < 21


def test_nobodys_generation_config_rules_or_is_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = make_pair("llama", noise=0.01)
    rule = Stopping(frozenset(), 30)
    plain = {str(config): build(config, pair).generate(prompts(1)[0], rule) for config in RIVALS}
    own = [
        GenerationConfig(repetition_penalty=9.0, num_assistant_tokens=1, assistant_confidence_threshold=0.99,
                         num_assistant_tokens_schedule="heuristic", prompt_lookup_num_tokens=lookup, max_length=3)
        for lookup in (None, 2)
    ]  # fmt: skip
    models = [pair.target.model, pair.draft.model]
    before = [config.to_dict() for config in own]
    for model, config in zip(models, own, strict=True):
        model.generation_config = config
    for config in RIVALS:
        outcome = build(config, pair).generate(prompts(1)[0], rule)
        for name in ("tokens", "stop", "prefill_tokens", "target_forwards", "draft_forwards"):
            assert getattr(outcome, name) == getattr(plain[str(config)], name)
    for config in RIVALS:
        rival = build(config, pair)
        monkeypatch.setattr(hf_rival.Rule, "__call__", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            rival.generate(prompts(1)[0], rule)
        monkeypatch.undo()
    assert [model.generation_config for model in models] == own
    assert all(model.generation_config is config for model, config in zip(models, own, strict=True))
    assert [config.to_dict() for config in own] == before
    assert not pair.draft.model._forward_pre_hooks and not pair.target.model._forward_pre_hooks
    assert not torch.is_inference_mode_enabled()


def test_prompt_lookup_never_drafts_behind_the_context(monkeypatch: pytest.MonkeyPatch) -> None:
    """Learned positions end there: the library's own drafts go on and crash."""
    target = make_model("gpt2", n_positions=40)
    pair = ModelPair(ModelSession(target), None, frozenset(), decode)
    prompt = [3, 4, 6, 8] * 6
    rule = Stopping(frozenset(), 100)
    rival = build(hf_prompt_lookup.Config(draft_length=16, max_matching_ngram_size=1), pair)
    outcome = rival.generate(prompt, rule)
    assert (outcome.tokens, outcome.stop) == (reference(pair, prompt, rule).tokens, "context")
    assert outcome.target_forwards < len(outcome.tokens) - outcome.prefill_tokens, "it drafted"
    monkeypatch.setattr(hf_prompt_lookup.HfPromptLookup, "arguments", lambda *_: {})
    with pytest.raises(IndexError):
        rival.generate(prompt, rule)


@pytest.mark.parametrize("sampling", [Sampling(1e-3), Sampling(1.5, top_p=0.9)], ids=["cold", "hot"])
def test_prompt_lookup_samples_up_to_the_contexts_end(sampling: Sampling) -> None:
    """The row after a draft that ends there is drawn from too, though it is cut off."""
    target = make_model("gpt2", n_positions=40)
    pair = ModelPair(ModelSession(target), None, frozenset(), decode)
    prompt = [3, 4, 6, 8] * 6
    rule = Stopping(frozenset(), 100)
    rival = build(hf_prompt_lookup.Config(draft_length=16, max_matching_ngram_size=1), pair)
    fed = []
    target.register_forward_pre_hook(lambda _, __, named: fed.append(named["input_ids"].shape[1]), with_kwargs=True)
    for number in range(3):
        fed.clear()
        outcome = rival.generate(prompt, rule, make_sampler(sampling, (number,)))
        assert (len(outcome.tokens), outcome.stop) == (16, "context")
        assert max(fed) == 40, "the first draft reached the context's end"
        if sampling.temperature < 0.01:
            assert outcome.tokens == reference(pair, prompt, rule).tokens


def test_assisted_refuses_pairs_the_library_cannot_take() -> None:
    target = make_model("llama")
    alone = ModelPair(ModelSession(target), None, frozenset(), decode)
    with pytest.raises(UserError, match="needs a draft model"):
        build(hf_assisted.Config(), alone)
    padded = ModelSession(make_model("llama", vocab_size=32), vocabulary=24)
    with pytest.raises(UserError, match="vocab_size differs"):
        build(hf_assisted.Config(), ModelPair(ModelSession(target), padded, frozenset(), decode))
    short = ModelSession(make_model("gpt2", n_positions=24))
    rival = build(hf_assisted.Config(), ModelPair(ModelSession(target), short, frozenset(), decode))
    assert len(rival.generate(prompts(1)[0], Stopping(frozenset(), 15)).tokens) == 15
    with pytest.raises(UserError, match="25 tokens do not fit into the draft's context of 24"):
        rival.generate(prompts(1)[0], Stopping(frozenset(), 16))


@pytest.mark.parametrize("config", RIVALS, ids=str)
def test_prompts_that_cannot_be_continued_are_refused(config: object) -> None:
    rival = build(config, make_pair("llama_dynamic_rope"))
    for prompt in ([], [1] * 40):
        with pytest.raises(UserError, match="the prompt has"):
            rival.generate(prompt, Stopping(frozenset(), 5))


@pytest.mark.parametrize(
    ("config", "fields", "said"),
    [
        (hf_assisted.Config, {"gamma": 0}, "^gamma must be"),
        (hf_assisted.Config, {"schedule": "heuristic"}, "^schedule=heuristic is unknown"),
        (hf_prompt_lookup.Config, {"draft_length": 0}, "^draft_length must be"),
        (hf_prompt_lookup.Config, {"max_matching_ngram_size": 0}, "^max_matching_ngram_size must be"),
        (hf_generate.Config, {"cache": "paged"}, "^cache=paged is unknown"),
        (hf_generate.Config, {"compile": True}, "needs cache=static"),
    ],
)
def test_settings_out_of_range_are_refused(config: type, fields: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        config(**fields)


def test_the_static_cache_is_as_long_as_the_job_needs_and_used_again() -> None:
    pair = make_pair("llama")
    rival = build(hf_generate.Config(cache="static"), pair)
    rival.generate(prompts(1)[0], Stopping(frozenset(), 10))
    first = rival.cache
    rival.generate(prompts(1)[0], Stopping(frozenset(), 20))
    assert (rival.length, rival.cache) == (64, first)
    pair.target.reserve(100)
    told = build(hf_generate.Config(cache="static"), pair)
    told.generate(prompts(1)[0], Stopping(frozenset(), 10))
    assert told.length == told.cache.get_max_length() == 128


def test_a_generation_in_which_something_compiled_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compilation itself is left out here: `compiles` says in which of the runs it would have
    happened."""
    pair = make_pair("llama")
    monkeypatch.setattr(pair.target.model, "_valid_auto_compile_criteria", lambda *_: False)
    rule, prompt = Stopping(frozenset(), 4), prompts(1)[0]
    with pytest.raises(UserError, match="does not compile this model where it lies"):
        build(COMPILED, pair).generate(prompt, rule)

    pair.target.model._compiled_call = None  # as the library marks a model that it compiled
    stats = {"unique_graphs": 0}
    monkeypatch.setattr(hf_generate, "counters", {"stats": stats})
    compiles = [True, True, False, False, *[True] * hf_generate.ATTEMPTS]
    left = list(compiles)
    generate = hf_rival.HfRival.generate

    def run_once(*arguments: object) -> Generation:
        stats["unique_graphs"] += left.pop(0)
        return generate(*arguments)

    monkeypatch.setattr(hf_rival.HfRival, "generate", run_once)
    rival = build(COMPILED, pair)
    for runs in (3, 1):
        before = len(left)
        assert rival.generate(prompt, rule).tokens == reference(pair, prompt, rule).tokens
        assert before - len(left) == runs
    with pytest.raises(UserError, match="compiles this model anew for every output"):
        rival.generate(prompt, rule)
    assert not left


def test_what_torch_cannot_compile_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("no compiler\nis here")

    monkeypatch.setattr(hf_generate, "CompileConfig", functools.partial(CompileConfig, backend=failing))
    with pytest.raises(UserError, match=r"cannot compile this model here \(RuntimeError: no compiler\)") as error:
        build(COMPILED, make_pair("llama")).generate(prompts(1)[0], Stopping(frozenset(), 4))
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_nothing_is_compiled_inside_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A window that fills up asks for another graph, a longer text for another cache.

    Both are paid before.
    """
    pair = make_pair("mistral")
    rival = build(COMPILED, pair)
    graphs: list[int] = []
    generate = hf_rival.HfRival.generate

    def counted(*arguments: object) -> Generation:
        before = counters["stats"]["unique_graphs"]
        outcome = generate(*arguments)
        graphs.append(counters["stats"]["unique_graphs"] - before)
        return outcome

    monkeypatch.setattr(hf_rival.HfRival, "generate", counted)
    compiled = []
    for new in (20, 21, 90, 91):
        graphs.clear()
        rule = Stopping(frozenset(), new)
        assert rival.generate(prompts(1)[0], rule).tokens == reference(pair, prompts(1)[0], rule).tokens
        assert graphs[-1] == 0
        compiled.append(sum(graphs) > 0)
    assert compiled == [True, False, True, False]


@pytest.mark.slow
def test_traced_outputs_are_greedys(monkeypatch: pytest.MonkeyPatch) -> None:
    """All that compilation does but the compiler's own part, which takes a quarter of a minute."""
    monkeypatch.setattr(hf_generate, "CompileConfig", functools.partial(CompileConfig, backend="eager"))
    compare(make_pair("llama"), COMPILED, count=1)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["llama", "gemma2"])
def test_compiled_outputs_are_greedys(family: str) -> None:
    compare(make_pair(family), COMPILED)


def test_a_panel_of_rivals(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    rivals = "hf_assisted,{name: hf_assisted, schedule: default},hf_prompt_lookup,{name: hf_generate, cache: static}"
    panel = f"compare=[{rivals}]"
    assert run(monkeypatch, *arguments, "method=speculative", "dtype=float64", "max_new_tokens=24", panel) == 0
    assert run_summary("hf_prompt_lookup")["acceptance"]["drafted"] > 0
    for name in ("speculative", "hf_prompt_lookup", "hf_generate"):
        summary = run_summary(name)
        assert summary["lossless"]["identical"] == 2
        assert summary["speedup"]["decode"]["value"] > 0
        assert summary["tokens_per_target_forward"] >= 1
    assert summary["tokens_per_target_forward"] == 1 and summary["target_forwards"] == summary["generated_tokens"] - 2
    unknown = ("verified_rows_per_step", "draft_rows_per_step", "accepted_by_source")
    assert [summary[name] for name in unknown] == [None] * 3
    assert set(summary["acceptance"].values()) == {None}
    assert summary["seconds"]["draft"] is None and summary["seconds"]["other"] is None
    assert "| tokens per target forward | 1.00 |" in (run_folder("hf_generate") / "report.md").read_text()
