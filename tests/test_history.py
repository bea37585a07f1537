"""Saved states, which are phrase pools: as files, in decoders, and through the command line."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from bench_pair import run, run_folder, run_summary
from hypothesis import given
from hypothesis import strategies as st
from matrix import build, make_pair, prompts

from baselines import lookahead, speculative
from baselines.phrase_pool import PhrasePool
from baselines.pool_meter import COLUMNS
from baselines.pool_state import PoolState
from decoding.errors import UserError
from decoding.state_file import StateFile, vocabulary_digest
from decoding.stopping import Stopping
from ouroboros import method as ouroboros
from ouroboros.pool import describe, main

TOKEN = st.integers(0, 99)
PHRASE = st.lists(TOKEN, min_size=1, max_size=3).map(tuple)
PHRASES = st.dictionaries(TOKEN, st.lists(PHRASE, min_size=1, max_size=4))


@given(phrases=PHRASES, useful=st.one_of(st.none(), st.integers(0, 9)))
def test_a_pool_file_holds_what_was_saved(tmp_path_factory, phrases, useful) -> None:
    path = tmp_path_factory.mktemp("pool") / "deep" / "pool.json"
    credits = None if useful is None else {key: [useful] * len(each) for key, each in phrases.items()}
    state = PoolState(4, phrases, credits)
    StateFile(state.plain(), "abc", {"task": "x"}).save(path)
    loaded = StateFile.load(path)
    assert (loaded.tokenizer, loaded.made_by) == ("abc", {"task": "x"})
    assert PoolState.read(loaded.state, 4) == PoolState.read(state.plain()) == state
    assert [each.name for each in path.parent.iterdir()] == ["pool.json"], "nothing half-written is left"
    assert describe(path)


def test_loading_into_a_pool_keeps_order_and_the_newest() -> None:
    pool = PhrasePool(2)
    pool.insert(5, (9,), "window")
    pool.load({1: [(1,), (2,), (3,)], 7: [(4, 5)]})
    assert pool.best(1, 9) == [(3,), (2,)]
    assert pool.best(5, 9) == []
    assert pool.phrases() == {1: [(2,), (3,)], 7: [(4, 5)]}


def test_credits_outlive_the_file_and_older_files_have_none(tmp_path) -> None:
    path = tmp_path / "pool.json"
    pool = PhrasePool(3, "usefulness")
    for token in (1, 2, 3):
        pool.insert(9, (token,), "window")
    pool.credit(9, (1,), 4)
    StateFile(PoolState.of(pool, 4).plain(), "abc").save(path)
    again = PhrasePool(3, "usefulness")
    PoolState.read(StateFile.load(path).state).fill(again)
    assert again.best(9, 3) == pool.best(9, 3) == [(1,), (3,), (2,)]
    assert again.credits() == {9: [4, 0, 0]}

    written = json.loads(path.read_text())
    assert written == {
        "format": "ouroboros phrase pool", "version": 2, "ngram": 4, "tokenizer": "abc", "made_by": {},
        "phrases": {"9": [[1], [2], [3]]}, "credits": {"9": [4, 0, 0]},
    }, "files of every harness since version 2 look like this"  # fmt: skip
    old = written | {"version": 1}
    del old["credits"]
    path.write_text(json.dumps(old))
    PoolState.read(StateFile.load(path).state).fill(again)
    assert "version 1" in describe(path)[0]
    assert again.best(9, 3) == [(3,), (2,), (1,)]
    assert again.credits() == {9: [0, 0, 0]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no json", "cannot read"),
        ("[]", "no state file"),
        ({"format": "other"}, "no phrase pool"),
        ({"version": 99}, "version 99"),
        ({"ngram": None}, "damaged"),
        ({"phrases": {"1": [[1, 2, 3, 4]]}}, "damaged"),
        ({"phrases": {"1": [[]]}}, "damaged"),
        ({"phrases": {"1": [[-1]]}}, "damaged"),
        ({"phrases": {"one": [[1]]}}, "damaged"),
        ({"phrases": 7}, "damaged"),
        ({"ngram": float("inf")}, "damaged"),
        ({"ngram": True}, "damaged"),
        ({"ngram": "4"}, "damaged"),
        ({"tokenizer": 7}, "damaged"),
        ({"made_by": "me"}, "damaged"),
        ({"phrases": {"1": [[1.9, 2]]}}, "damaged"),
        ({"phrases": {"1": [["1", "2"]]}}, "damaged"),
        ({"phrases": {"1": ["12"]}}, "damaged"),
        ({"phrases": {"1": "12"}}, "damaged"),
        ({"phrases": {"1": [[True]]}}, "damaged"),
        ({"phrases": {" 1": [[1]]}}, "damaged"),
        ({"phrases": {"-1": [[1]]}}, "damaged"),
        ({"credits": {"1": []}}, "damaged"),
        ({"credits": {"2": [1]}}, "damaged"),
        ({"credits": {"1": [-1]}}, "damaged"),
        ({"credits": {"1": [0.5]}}, "damaged"),
        ({"credits": [[1]]}, "damaged"),
        ({"version": "1\n2"}, "of version"),
        pytest.param("[" * 200_000, "cannot read", id="deeply nested"),
    ],
)
def test_damaged_files_are_refused_in_one_line(tmp_path, capsys, content, said) -> None:
    path = tmp_path / "pool.json"
    StateFile(PoolState(4, {1: [(2, 3)]}).plain(), "abc").save(path)
    whole = json.loads(path.read_text())
    path.write_text(content if isinstance(content, str) else json.dumps({**whole, **content}))
    with pytest.raises(UserError, match=said):
        describe(path)
    assert main(["inspect", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_serves_only_its_own_n_and_tokenizer(tmp_path) -> None:
    digest = vocabulary_digest({"a": 0, "b": 1})
    assert digest != vocabulary_digest({"a": 1, "b": 0})
    file = StateFile(PoolState(4, {}).plain(), digest)
    file.require_tokenizer({"b": 1, "a": 0}, tmp_path)
    with pytest.raises(UserError, match="another tokenizer"):
        file.require_tokenizer({"a": 1, "b": 0}, tmp_path)
    assert PoolState.read(file.state, 4).ngram == 4
    with pytest.raises(UserError, match="set ngram=4"):
        PoolState.read(file.state, 5)


@pytest.mark.parametrize("config", [lookahead.Config(ngram=4), ouroboros.Config(ngram=4, window=3)])
def test_a_decoder_begins_with_a_loaded_state_until_it_is_given_another(config) -> None:
    """Through JSON and back, and after every `forget`: with what another has learned it takes the
    very same steps."""
    pair = make_pair("llama")
    first, second = prompts(2, length=10)
    stopping = Stopping(frozenset(), 40)
    decoder, other = build(config, pair), build(config, pair)
    decoder.generate(first, stopping)
    state = json.loads(json.dumps(decoder.save_state()))
    warm = decoder.generate(second, stopping)
    assert len(decoder.drafter.pool) > sum(map(len, state["phrases"].values())) > 0
    other.load_state(state)
    for _ in range(2):
        begun = other.generate(second, stopping)
        assert (begun.tokens, begun.steps.rows, begun.extra) == (warm.tokens, warm.steps.rows, warm.extra)
        other.forget()
        assert json.loads(json.dumps(other.save_state())) == state
    with pytest.raises(UserError, match="made with ngram=4"):
        build(replace(config, ngram=5), pair).load_state(state)


def test_a_drafter_that_saves_nothing_says_so() -> None:
    decoder = build(speculative.Config(), make_pair("llama"))
    for call in (decoder.save_state, lambda: decoder.load_state({})):
        with pytest.raises(UserError, match="Speculative learns nothing"):
            call()


def test_inspect_shows_what_a_file_holds(tmp_path, capsys) -> None:
    path = tmp_path / "pool.json"
    credits = {1: [3, 0], 6: [5]}
    state = PoolState(4, {1: [(2, 3), (4,)], 6: [(7, 8, 9)]}, credits)
    StateFile(state.plain(), "abc", {"task": "gsm8k"}).save(path)
    assert main(["inspect", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "3 phrases under 2 first tokens" in printed
    assert "[2, 3], [4]" in printed
    assert [line for line in printed.splitlines() if line.startswith("most useful")] == [
        "most useful: [7, 8, 9] after token 6, 5 accepted",
        "most useful: [2, 3] after token 1, 3 accepted",
    ]
    assert "task: gsm8k" in printed


def test_a_warm_pool_is_saved_and_serves_every_prompt_of_another_run(monkeypatch, capsys, arguments) -> None:
    warm = [*arguments, "method=ouroboros", "method.ngram=4", "history=warm", "save_history=pools/one.json"]
    assert run(monkeypatch, *warm) == 0
    saved = StateFile.load(Path("pools/one.json"))
    assert saved.state["phrases"] and saved.made_by["prompts"] == 2
    measured = (run_folder("ouroboros") / "records.jsonl").read_bytes()
    assert run(monkeypatch, *warm) == 0, "complete and saved: nothing to do"
    Path("pools/one.json").rename("pools/moved.json")
    assert run(monkeypatch, *warm) == 2
    assert "overwrite=true" in capsys.readouterr().err
    assert (run_folder("ouroboros") / "records.jsonl").read_bytes() == measured

    from_file = ["history=file", "history_file=pools/moved.json", "output=others"]
    assert run(monkeypatch, *arguments, "method=ouroboros", "method.ngram=4", *from_file) == 0
    (folder,) = Path("others/custom/random").glob("ouroboros-*")
    assert json.loads((folder / "provenance.json").read_text())["history_made_by"] == saved.made_by
    records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    sizes = [each["extra"] for each in records if each["role"] == "method"]
    phrases = sum(map(len, saved.state["phrases"].values()))
    assert all(extra["pool_size"] >= phrases - extra["pool_evicted"] for extra in sizes)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["history"] == "file"
    assert summary["lossless"]["mismatch"] == 0
    assert "a saved history" in (folder / "report.md").read_text()

    for wrong, said in (("method.ngram=5", "set method.ngram=4"), ("history_file=none.json", "cannot read")):
        assert run(monkeypatch, *arguments, "method=ouroboros", "method.ngram=4", *from_file, wrong) == 2
        assert said in capsys.readouterr().err


def test_warm_up_prompts_never_reach_a_saved_pool(monkeypatch, arguments) -> None:
    """With other warm-up prompts the very same pool is saved."""
    for count in (1, 4):
        more = [f"warmup={count}", f"save_history=pool{count}.json", f"output=runs{count}"]
        assert run(monkeypatch, *arguments, "method=lookahead", "history=warm", "limit=2", *more) == 0
    assert Path("pool1.json").read_bytes() == Path("pool4.json").read_bytes()


def test_the_pools_part_is_folded_into_the_summary(monkeypatch, arguments) -> None:
    assert run(monkeypatch, *arguments, "method=ouroboros", "compare=[speculative]", "max_new_tokens=16") == 0
    summary = run_summary("ouroboros")
    part = summary["ouroboros"]
    from_drafts = sum(count for source, count in part["accepted_by_source"].items() if source != "bonus")
    assert from_drafts == summary["acceptance"]["accepted"]
    lines = [json.loads(line) for line in (run_folder("ouroboros") / "records.jsonl").read_text().splitlines()]
    decoded = sum(len(each["tokens"]) - each["prefill_tokens"] for each in lines if each["role"] == "method")
    assert from_drafts + part["accepted_by_source"]["bonus"] == decoded > 0
    assert set(part["hit_rate"]) == {"guess", "suffix"}
    assert all(0 <= rate <= 1 for rate in part["hit_rate"].values())
    assert part["pool_size"] > 0
    per_step = part["per_step"]
    assert per_step["pool_size"] > 0 and per_step["pool_lookups"]["guess"] > 0
    for record in lines:
        columns = set(record["steps"])
        assert columns.isdisjoint({"drafter_metrics"}) and (record["role"] != "method" or columns > set(COLUMNS))
    assert run_summary("speculative")["ouroboros"] is None


def test_another_runs_pool_is_never_taken_for_this_ones(monkeypatch, capsys, arguments) -> None:
    warm = [*arguments, "method=ouroboros", "history=warm", "limit=1", "save_history=pool.json"]
    assert run(monkeypatch, *warm) == 0
    assert run(monkeypatch, *warm[:-1], "method.ngram=4") == 0
    assert run(monkeypatch, *warm, "method.ngram=4") == 2, "complete, but the file holds the pool of another N"
    assert "does not hold what it learned" in capsys.readouterr().err
    assert StateFile.load(Path("pool.json")).state["ngram"] == 7


def test_a_pool_that_cannot_be_saved_is_refused_before_anything_is_measured(monkeypatch, capsys, arguments) -> None:
    Path("folder").mkdir()
    Path("file").write_text("")
    warm = [*arguments, "history=warm", "limit=1"]
    for more in (["method=suffix", "save_history=x.json"], ["method=ouroboros", "save_history=folder"],
                 ["method=ouroboros", "save_history=file/x.json"],
                 ["method=ouroboros", "method.drafter=token_recycling", "save_history=x.json"]):  # fmt: skip
        assert run(monkeypatch, *warm, *more) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert not list(Path("runs").rglob("records.jsonl"))


def test_check_looks_into_the_pool_file(monkeypatch, capsys, arguments) -> None:
    StateFile(PoolState(9, {}).plain(), "abc").save(Path("wrong.json"))
    for name, said in (("none.json", "cannot read"), ("wrong.json", "ngram=9")):
        check = ["method=ouroboros", "method.ngram=7", "history=file", f"history_file={name}", "check=true"]
        assert run(monkeypatch, *arguments, *check) == 2
        assert said in capsys.readouterr().err
