"""Run folders: torn files, unfinished passes, locks."""

import json

import pytest

from bench.store import METHOD, REFERENCE, RunFolder
from decoding.errors import UserError


def record(prompt, repeat=0, role=METHOD):
    return {"prompt": prompt, "repeat": repeat, "role": role, "text": "ä\n\u2028"}


def test_records_come_back_and_a_torn_line_is_cut_off(tmp_path):
    with RunFolder(tmp_path / "run") as folder:
        folder.append(record("a"))
        folder.append(record("b"))
        whole = folder.records_file.read_bytes()
    file = tmp_path / "run" / "records.jsonl"
    for torn in (b'{"prompt": "c", "rep', json.dumps(record("c")).encode(), b"\xc3", b"{}\n"):
        file.write_bytes(whole + torn)
        with RunFolder(tmp_path / "run") as folder:
            assert list(folder.records) == [("a", 0, METHOD), ("b", 0, METHOD)]
            assert folder.records["a", 0, METHOD] == record("a")
        assert file.read_bytes() == whole
    with RunFolder(tmp_path / "run") as folder:
        folder.append(record("c"))
    assert file.read_bytes().startswith(whole) and file.read_bytes().count(b"\n") == 3


def test_nothing_is_measured_twice(tmp_path):
    with RunFolder(tmp_path) as folder:
        folder.append(record("a"))
        with pytest.raises(ValueError, match="already"):
            folder.append(record("a"))


def test_damage_in_the_middle_is_told(tmp_path):
    (tmp_path / "records.jsonl").write_text("nonsense\n" + json.dumps(record("a")) + "\n")
    with pytest.raises(UserError, match="line 1"), RunFolder(tmp_path):
        pass


def test_a_folder_is_held_by_one_run(tmp_path):
    with RunFolder(tmp_path) as folder:
        folder.append(record("a"))
        with pytest.raises(UserError, match="in use"), RunFolder(tmp_path):
            pass
    with RunFolder(tmp_path) as folder:
        assert folder.has("a", 0, METHOD)


def test_a_failed_run_leaves_no_folder(tmp_path):
    with RunFolder(tmp_path / "run"):
        pass
    assert not (tmp_path / "run").exists()


def test_an_unfinished_warm_pass_restarts_as_a_whole(tmp_path):
    roles = (METHOD, REFERENCE)
    with RunFolder(tmp_path) as folder:
        for repeat, prompts in ((0, "ab"), (1, "a")):
            for prompt in prompts:
                for role in roles:
                    folder.append(record(prompt, repeat, role))
    first_pass = b"".join((tmp_path / "records.jsonl").read_bytes().splitlines(keepends=True)[:4])
    with RunFolder(tmp_path) as folder:
        folder.restart_unfinished_pass("ab", repeats=2, roles=roles)
        assert {key[1] for key in folder.records} == {0}
        folder.append(record("a", 1))
    assert (tmp_path / "records.jsonl").read_bytes().startswith(first_pass)
    assert len((tmp_path / "records.jsonl").read_text().split("\n")) == 6


def test_overwrite_drops_everything(tmp_path):
    with RunFolder(tmp_path) as folder:
        folder.append(record("a"))
        folder.write("report.md", "old")
    with RunFolder(tmp_path) as folder:
        folder.clear()
        assert not folder.records and not (tmp_path / "report.md").exists()
