"""Which settings a method runs with: tuned for this pair, task and history, else the published
ones; and it says so."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bench_pair import bench_arguments, make_pair, run, run_folder, run_summary, write_prompts
from omegaconf import OmegaConf
from test_bench_cli import composed

from baselines.pool_state import PoolState
from bench import CONF
from bench.models.place import Place
from bench.plan import methods as registry
from bench.plan.cases import labels
from bench.plan.settings import read_plan
from bench.plan.tuned import PAPER, in_digits, searched_elsewhere
from decoding.errors import UserError
from decoding.state_file import StateFile

TINY = "# pair: target 8984e8dd3ad3, draft 79ac17427c44\n"


@pytest.fixture
def tune(tmp_path, monkeypatch):
    """A function that writes tuned settings below a copy of conf/method without any."""
    copy = tmp_path / "copy"
    for file in (CONF / "method").glob("*.yaml"):
        (copy / "method").mkdir(parents=True, exist_ok=True)
        (copy / "method" / file.name).write_text(file.read_text())
    for name in ("CONF", "GENERATED"):
        monkeypatch.setattr(registry, name, copy)

    def write(name: str, head: str = TINY, **settings: object) -> None:
        file = copy / "method" / "tuned" / f"{name}.yaml"
        file.parent.mkdir(parents=True, exist_ok=True)
        base = OmegaConf.load(CONF / "method" / f"{file.stem.removesuffix('_warm')}.yaml")
        file.write_text(head + OmegaConf.to_yaml(OmegaConf.merge(base, settings)))

    return write


def first(*overrides: str):
    """The chosen method of a composed job: its config and its origin."""
    chosen = read_plan(composed(*overrides)).methods[0]
    return chosen.config, chosen.origin


def test_tuned_settings_are_taken_where_they_exist(tune) -> None:
    tune("tiny/humaneval/ouroboros", gamma=6, k=1)
    config, origin = first("task=humaneval")
    assert (config.gamma, config.k, config.window) == (6, 1, 20)
    assert (origin.kind, origin.file, origin.given) == ("tuned", "tuned/tiny/humaneval/ouroboros", ())
    for other in (["task=gsm8k"], ["history=warm"], ["settings=paper"], ["model=qwen3_8b_0.6b", "dtype=bfloat16"]):
        config, origin = first("task=humaneval", *other)
        assert (config.gamma, config.k, origin.kind) == (12, 3, "paper")
    assert "nothing is tuned for" in str(origin) and "qwen3_8b_0.6b/humaneval/ouroboros" in str(origin)


def test_each_history_has_its_own_and_a_saved_pool_is_a_warm_one(tune) -> None:
    tune("tiny/humaneval/ouroboros_warm", gamma=9)
    assert first("history=warm")[0].gamma == 9
    assert first("history=file", "history_file=pool.json")[0].gamma == 9
    assert first()[0].gamma == 12


def test_what_is_given_wins_even_if_it_is_the_published_value(tune) -> None:
    tune("tiny/humaneval/ouroboros", gamma=6, k=1)
    config, origin = first("method.gamma=12", "method.ngram=5")
    assert (config.gamma, config.k, config.ngram) == (12, 1, 5)
    assert set(origin.given) == {"gamma", "ngram"} and "gamma" in str(origin)


def test_of_a_part_only_what_is_given_wins(tune) -> None:
    tune("tiny/humaneval/ouroboros", pool={"capacity": 4, "order": "usefulness"}, drafting={"confidence": 0.5})
    for given in ("method.pool.capacity=2", "method.pool={capacity: 2}"):
        config, origin = first(given)
        assert (config.pool.capacity, config.pool.order, config.drafting.confidence) == (2, "usefulness", 0.5)
        assert origin.given == ("pool.capacity",) and "pool.capacity as given" in str(origin)
    config, origin = first("method.pool.order=recency")
    assert (config.pool.capacity, config.pool.order) == (4, "recency"), "given, though it is the published value"
    plan = read_plan(composed("compare=[{name: ouroboros, pool: {capacity: 3}},{name: ouroboros, window: 2}]"))
    assert [each.config.pool.order for each in plan.methods] == ["usefulness"] * 3
    assert plan.methods[1].origin.given == ("pool.capacity",)
    told = ("window=20 pool.capacity=4", "window=20 pool.capacity=3", "window=2 pool.capacity=4")
    assert labels(plan.methods) == [f"ouroboros {each}" for each in told]


def test_an_old_name_in_a_preset_or_a_tuned_file_ends_in_the_new_one(tune) -> None:
    tune("tiny/humaneval/ouroboros", pool_capacity=4)
    with pytest.raises(UserError, match=r"/humaneval/ouroboros\.yaml: pool_capacity is now pool\.capacity$"):
        first()


def test_what_a_preset_gives_wins_too(tune) -> None:
    tune("tiny/humaneval/speculative", gamma=6, confidence=0.5)
    config, _ = first("experiment=ablation", "settings=tuned", "cases=[]")
    assert (config.gamma, config.confidence) == (5, 0.5), "what differs from the published value was given by somebody"
    for name in ("rivals", "built_on_it"):
        (registry.CONF / "experiment").mkdir(exist_ok=True)
        (registry.CONF / "experiment" / "rivals.yaml").write_text("method: {gamma: 4}")
        (registry.CONF / "experiment" / "built_on_it.yaml").write_text("defaults: [rivals, _self_]")
        job = composed("experiment=rivals", "settings=tuned", "compare=[]")
        job.hydra.runtime.choices.experiment = name
        chosen = read_plan(job).methods[0]
        assert (chosen.config.gamma, chosen.config.confidence) == (4, 0.5), "given, though it is the published value"


def test_another_pair_of_the_same_name_takes_the_published_ones(tune) -> None:
    tune("tiny/humaneval/ouroboros", "# pair: target 0123456789ab, draft 79ac17427c44\n", gamma=6)
    config, origin = first()
    assert config.gamma == 12 and "other weights" in origin.why
    tune("tiny/humaneval/ouroboros", gamma=6)
    assert first()[0].gamma == 6
    config, origin = first("model.draft=bundled:tiny/target")
    assert config.gamma == 12 and "other weights" in origin.why
    tune("tiny/humaneval/ouroboros", "# pair: Qwen/Qwen3-8, draft none\n", gamma=6)
    assert first()[0].gamma == 12, "a head that cannot be read is another pair's"


def test_commits_on_the_hub_are_told_apart() -> None:
    one, two = ({"target": f"Qwen/Qwen3-8B@{commit}", "draft": None} for commit in ("a" * 40, "b" * 40))
    assert in_digits(one) != in_digits(two) and in_digits(one).endswith("draft none")
    assert in_digits({"target": "8984e8dd3ad3" + "0" * 52, "draft": None}).startswith("target 8984e8dd3ad3,")


def test_a_tuned_file_named_for_other_weights_of_this_name_is_refused(tune) -> None:
    tune("tiny/humaneval/ouroboros", "# pair: target 0123456789ab, draft 79ac17427c44\n", gamma=6)
    with pytest.raises(UserError, match="tuned for other weights than those of tiny"):
        read_plan(composed("cases=[{name: tuned/tiny/humaneval/ouroboros}]"))
    tune("other/humaneval/ouroboros", "# pair: target 0123456789ab, draft 79ac17427c44\n", gamma=6)
    plan = read_plan(composed("cases=[{name: tuned/other/humaneval/ouroboros}]"))
    assert plan.methods[1].config.gamma == 6, "another pair's settings, asked for by its name"


def test_a_search_that_beat_nothing_is_said(tune) -> None:
    tune("tiny/humaneval/ouroboros", TINY + "# the published setting was kept\n")
    config, origin = first()
    assert origin.kind == "tuned" and "the published setting was kept" in str(origin)
    assert config == first("settings=paper")[0], "the same run"


def test_a_saved_pool_brings_its_own_phrase_length(tune, tmp_path) -> None:
    tune("tiny/humaneval/ouroboros_warm", ngram=5, learning={"shortest_run": 4})
    file = tmp_path / "pool.json"
    StateFile(PoolState(4, {}).plain(), "t").save(file)
    config, _ = first("history=file", f"history_file={file}")
    assert (config.ngram, config.learning.shortest_run) == (4, None)
    assert first("history=file", f"history_file={file}", "method.ngram=6")[0].ngram == 6
    cases = f"cases=[{{name: ouroboros, history: file, history_file: {file}}}]"
    assert read_plan(composed(cases)).methods[1].config.ngram == 4


def test_settings_of_another_drafter_are_not_mixed_in(tune) -> None:
    tune("tiny/humaneval/ouroboros", gamma=6, drafting={"phrases": False})
    config, origin = first("method.drafter=suffix")
    assert config.drafter.name == "suffix" and "another drafter" in origin.why


def test_a_named_file_is_taken_as_it_is(tune) -> None:
    tune("tiny/humaneval/ouroboros", gamma=6, k=1)
    config, origin = first("method=ouroboros_small", "method.k=0")
    assert (config.gamma, config.k, origin.kind, origin.given) == (5, 0, "file", ("k",))


def test_cases_choose_for_themselves(tune) -> None:
    tune("tiny/humaneval/ouroboros", gamma=6)
    tune("tiny/humaneval/speculative", gamma=3)
    plan = read_plan(composed("compare=[speculative,{name: ouroboros, settings: paper},{name: lookahead, window: 3}]"))
    found = [(each.config.name, each.origin.kind) for each in plan.methods]
    assert found == [
        ("ouroboros", "tuned"), ("speculative", "tuned"), ("ouroboros", "paper"), ("lookahead", "paper"),
    ]  # fmt: skip
    assert plan.methods[1].config.gamma == 3 and plan.methods[3].config.window == 3
    with pytest.raises(UserError, match="settings of a case"):
        read_plan(composed("compare=[{name: speculative, settings: mine}]"))
    with pytest.raises(UserError, match="settings=mine"):
        read_plan(composed("settings=mine"))


@pytest.mark.parametrize(
    ("chosen", "case", "told"),
    [
        ([], ", gamma: 3", ["tuned", "paper with gamma=3"]),
        (["method.gamma=3"], ", pool: {capacity: 2}", ["tuned with gamma=3", "paper with pool.capacity=2"]),
        (["method.gamma=3"], "", ["tuned with gamma=3", "paper"]),
        ([], ", gamma: 3},{name: ouroboros, settings: paper", ["tuned", "paper with gamma=3", "paper gamma=12"]),
    ],
)
def test_a_row_is_not_called_tuned_or_the_papers_without_what_was_given(tune, chosen, case, told) -> None:
    tune("tiny/humaneval/ouroboros", gamma=6)
    plan = read_plan(composed(*chosen, f"compare=[{{name: ouroboros, settings: paper{case}}}]"))
    assert labels(plan.methods) == [f"ouroboros {each}" for each in told]


def test_terminal_report_summary_and_config_say_which(tune, tmp_path, monkeypatch, capsys) -> None:
    make_pair(tmp_path)
    write_prompts(tmp_path / "prompts.jsonl", 4)
    tune("random/custom/speculative", head="", gamma=2)
    monkeypatch.chdir(tmp_path)
    arguments = [*bench_arguments(tmp_path, "method=speculative", "max_new_tokens=4")]
    cases = "compare=[{name: speculative, settings: paper},lookahead,{name: prompt_lookup, draft_length: 3}]"
    assert run(monkeypatch, *arguments, cases) == 0
    printed = capsys.readouterr().out
    assert "settings of speculative: tuned (generated/method/tuned/random/custom/speculative.yaml)" in printed
    assert "settings of lookahead: published (conf/method/lookahead.yaml; nothing is tuned for" in printed
    assert all(f"\n{row} " in printed for row in ("speculative tuned", "speculative paper", "lookahead paper"))
    summaries = {each["label"]: each for each in map(json.loads, (f.read_text() for f in Path().rglob("summary.json")))}
    assert summaries["speculative tuned"]["settings"]["file"] == "tuned/random/custom/speculative"
    assert summaries["speculative paper"]["settings"]["kind"] == "paper"
    assert run_summary("lookahead")["settings"]["why"].startswith("nothing is tuned")
    assert "published (conf/method/lookahead.yaml" in (run_folder("lookahead") / "report.md").read_text()
    case = json.loads((run_folder("lookahead") / "provenance.json").read_text())["case"]
    assert (case["group"], case["origin"]["kind"], case["origin"]["file"]) == ("compare", "paper", "lookahead")
    assert "prompt_lookup " in printed and "prompt_lookup paper" not in printed, "the paper's but for what was given"


def test_settings_that_were_searched_elsewhere_are_told(tune) -> None:
    lines = "# place: cpu, float32, packed\n# with: humaneval-base-1, 0 shots, greedy\n# cold, cpu, 1 threads\n"
    tune("tiny/humaneval/ouroboros", TINY + lines, gamma=6)
    _, origin = first()
    assert "searched on 1 thread)" in str(origin)
    here = str(Place("cpu", "float32", "packed")), "humaneval-base-1, 0 shots, greedy"
    assert searched_elsewhere(origin, *here) == []
    on, with_ = searched_elsewhere(origin, str(Place("cuda:1", "bfloat16", "eager")), "humaneval-chat-1, temperature 1")
    assert "searched on cpu, float32, packed, and this runs on cuda, bfloat16, eager" in on
    assert "searched with humaneval-base-1, 0 shots, greedy, and this runs with humaneval-chat-1, temper" in with_
    assert searched_elsewhere(replace(origin, kind=PAPER), "cuda, bfloat16, eager", "") == []
    tune("tiny/humaneval/ouroboros", TINY, gamma=6)
    assert searched_elsewhere(first()[1], "cuda, bfloat16, eager", "") == [], "a head that does not say"


def test_what_decides_which_settings_pay_is_in_words() -> None:
    short = ["model=tiny", "task=gsm8k"]

    def words(*overrides: str) -> str:
        plan = read_plan(composed(*short, *overrides))
        return plan.conditions(plan.methods[0], "float32")

    assert words() == words("model.draft_dtype=float32") == "gsm8k-base-1, 0 shots, greedy"
    assert words("model.draft_dtype=float64", "model.draft_vocabulary=64").endswith(
        "greedy, draft_vocabulary 64, draft_dtype float64"
    )
    chat = ["task.variant=chat", "task.shots=2", "task.template={enable_thinking: true}", "task.stopped=false"]
    assert words(*chat) == "gsm8k-chat-1, 2 shots, stopped False, template {'enable_thinking': True}, greedy"
    drawn = ["temperature=0.8", "top_p=0.9", "acceptance=classic", "draft_noise=own"]
    assert words(*drawn) == "gsm8k-base-1, 0 shots, temperature 0.8, top_p 0.9, draft_noise own, acceptance classic"
