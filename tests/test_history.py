"""Pool files, alone and through the command line."""

import json
from pathlib import Path

import pytest
from bench_pair import run, run_folder, run_summary
from hypothesis import given
from hypothesis import strategies as st

from decoding.errors import UserError
from decoding.phrase_pool import PhrasePool
from ouroboros.pool import main
from ouroboros.pool_file import PoolFile, vocabulary_digest

TOKEN = st.integers(0, 99)
PHRASE = st.lists(TOKEN, min_size=1, max_size=3).map(tuple)
PHRASES = st.dictionaries(TOKEN, st.lists(PHRASE, min_size=1, max_size=4))


@given(phrases=PHRASES, useful=st.one_of(st.none(), st.integers(0, 9)))
def test_a_pool_file_holds_what_was_saved(tmp_path_factory, phrases, useful) -> None:
    path = tmp_path_factory.mktemp("pool") / "deep" / "pool.json"
    credits = None if useful is None else {key: [useful] * len(each) for key, each in phrases.items()}
    PoolFile(4, "abc", phrases, {"task": "x"}, credits).save(path)
    loaded = PoolFile.load(path)
    assert loaded == PoolFile(4, "abc", phrases, {"task": "x"}, credits)
    assert [each.name for each in path.parent.iterdir()] == ["pool.json"], "nothing half-written is left"
    assert loaded.describe()


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
    PoolFile.of(pool, 4, "abc", {}).save(path)
    again = PhrasePool(3, "usefulness")
    PoolFile.load(path).fill(again)
    assert again.best(9, 3) == pool.best(9, 3) == [(1,), (3,), (2,)]
    assert again.credits() == {9: [4, 0, 0]}

    old = json.loads(path.read_text()) | {"version": 1}
    del old["credits"]
    path.write_text(json.dumps(old))
    PoolFile.load(path).fill(again)
    assert "version 1" in PoolFile.load(path).describe()[0]
    assert again.best(9, 3) == [(3,), (2,), (1,)]
    assert again.credits() == {9: [0, 0, 0]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("no json", "cannot read"),
        ("[]", "no pool file"),
        ({"format": "other"}, "no pool file"),
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
    PoolFile(4, "abc", {1: [(2, 3)]}).save(path)
    whole = json.loads(path.read_text())
    path.write_text(content if isinstance(content, str) else json.dumps({**whole, **content}))
    with pytest.raises(UserError, match=said):
        PoolFile.load(path)
    assert main(["inspect", str(path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_file_serves_only_its_own_n_and_tokenizer(tmp_path) -> None:
    digest = vocabulary_digest({"a": 0, "b": 1})
    assert digest != vocabulary_digest({"a": 1, "b": 0})
    file = PoolFile(4, digest, {})
    file.require(tmp_path, 4, digest)
    with pytest.raises(UserError, match="method.ngram=4"):
        file.require(tmp_path, 5, digest)
    with pytest.raises(UserError, match="tokenizer"):
        file.require(tmp_path, 4, "other")


def test_inspect_shows_what_a_file_holds(tmp_path, capsys) -> None:
    path = tmp_path / "pool.json"
    credits = {1: [3, 0], 6: [5]}
    PoolFile(4, "abc", {1: [(2, 3), (4,)], 6: [(7, 8, 9)]}, {"task": "gsm8k"}, credits).save(path)
    assert main(["inspect", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "3 phrases under 2 first tokens" in printed
    assert "[2, 3], [4]" in printed
    assert [line for line in printed.splitlines() if line.startswith("most useful")] == [
        "most useful: [7, 8, 9] behind token 6, 5 accepted",
        "most useful: [2, 3] behind token 1, 3 accepted",
    ]
    assert "task: gsm8k" in printed


def test_a_warm_pool_is_saved_and_serves_every_prompt_of_another_run(monkeypatch, capsys, arguments) -> None:
    warm = [*arguments, "method=ouroboros", "method.ngram=4", "history=warm", "save_history=pools/one.json"]
    assert run(monkeypatch, *warm) == 0
    saved = PoolFile.load(Path("pools/one.json"))
    assert saved.phrases and saved.made_by["prompts"] == 2
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
    phrases = sum(map(len, saved.phrases.values()))
    assert all(extra["pool_size"] >= phrases - extra["pool_evicted"] for extra in sizes)
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["history"] == "file"
    assert summary["lossless"]["mismatch"] == 0
    assert "a saved pool" in (folder / "report.md").read_text()

    for wrong, said in (("method.ngram=5", "method.ngram=4"), ("history_file=none.json", "cannot read")):
        assert run(monkeypatch, *arguments, "method=ouroboros", "method.ngram=4", *from_file, wrong) == 2
        assert said in capsys.readouterr().err


def test_warm_up_prompts_never_reach_a_saved_pool(monkeypatch, arguments) -> None:
    """With other warm-up prompts the very same pool is saved."""
    for count in (1, 4):
        more = [f"warmup={count}", f"save_history=pool{count}.json", f"output=runs{count}"]
        assert run(monkeypatch, *arguments, "method=lookahead", "history=warm", "limit=2", *more) == 0
    assert Path("pool1.json").read_bytes() == Path("pool4.json").read_bytes()


def test_the_pools_part_is_folded_into_the_summary(monkeypatch, arguments) -> None:
    assert run(monkeypatch, *arguments, "method=ouroboros", "compare=[speculative]") == 0
    summary = run_summary("ouroboros")
    part = summary["ouroboros"]
    from_drafts = sum(count for source, count in part["accepted_by_source"].items() if source != "bonus")
    assert from_drafts == summary["acceptance"]["accepted"]
    assert from_drafts + part["accepted_by_source"]["bonus"] == summary["generated_tokens"] - summary["prompts"]
    assert set(part["hit_rate"]) == {"guess", "suffix"}
    assert all(0 <= rate <= 1 for rate in part["hit_rate"].values())
    assert part["pool_size"] > 0
    assert run_summary("speculative")["ouroboros"] is None


def test_another_runs_pool_is_never_taken_for_this_ones(monkeypatch, capsys, arguments) -> None:
    warm = [*arguments, "method=ouroboros", "history=warm", "limit=1", "save_history=pool.json"]
    assert run(monkeypatch, *warm) == 0
    assert run(monkeypatch, *warm[:-1], "method.ngram=4") == 0
    assert run(monkeypatch, *warm, "method.ngram=4") == 2, "complete, but the file holds the pool of another N"
    assert "does not hold its pool" in capsys.readouterr().err
    assert PoolFile.load(Path("pool.json")).ngram == 7


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
    PoolFile(9, "abc", {}).save(Path("wrong.json"))
    for name, said in (("none.json", "cannot read"), ("wrong.json", "ngram=9")):
        check = ["method=ouroboros", "method.ngram=7", "history=file", f"history_file={name}", "check=true"]
        assert run(monkeypatch, *arguments, *check) == 2
        assert said in capsys.readouterr().err
