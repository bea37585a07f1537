"""Run folders: torn files, unfinished passes, locks."""

import errno
import json
import os
from pathlib import Path

import pytest
from made_records import made_record

from bench.measure.record import METHOD, REFERENCE
from bench.measure.store import RunFolder
from decoding.errors import UserError


def record(prompt, repeat=0, role=METHOD):
    return made_record(prompt=prompt, repeat=repeat, role=role, text="ä\n\u2028")


def test_records_come_back_and_a_torn_line_is_cut_off(tmp_path):
    with RunFolder(tmp_path / "run") as folder:
        folder.append(record("a"))
        folder.append(record("b"))
        whole = folder.records_file.read_bytes()
    file = tmp_path / "run" / "records.jsonl"
    for torn in (b'{"prompt": "c", "rep', json.dumps(record("c").to_json()).encode(), b"\xc3", b"{}\n"):
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
    (tmp_path / "records.jsonl").write_text("nonsense\n" + json.dumps(record("a").to_json()) + "\n")
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


FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_disk_names_the_file(tmp_path):
    with RunFolder(tmp_path / "run") as folder:
        folder.records_file.symlink_to(FULL)
        with pytest.raises(UserError, match="cannot write .*run/records.jsonl: No space left on device"):
            folder.append(record("a"))
        assert not folder.records
        folder.records_file.unlink()
        (folder.path / ".report.md.partial").symlink_to(FULL)
        with pytest.raises(UserError, match="cannot write .*run/report.md: No space left on device"):
            folder.write("report.md", "long")
        assert [file.name for file in folder.path.iterdir()] == [".lock"]
    assert not (tmp_path / "run").exists()


class Filling:
    """A file on a disk that fills up within the second write."""

    def __init__(self, file):
        self.stream = file.open("ab", buffering=0)
        self.writes = 0

    def write(self, data):
        self.writes += 1
        if self.writes == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.stream.write(data[: max(len(data) // 2, 1)])

    def __getattr__(self, name):
        return getattr(self.stream, name)


def test_a_disk_that_fills_up_within_a_line_costs_that_line_alone(tmp_path):
    with RunFolder(tmp_path) as folder:
        folder.append(record("a"))
        whole = folder.records_file.read_bytes()
        folder._stream = Filling(folder.records_file)
        with pytest.raises(UserError, match="records.jsonl: No space left"):
            folder.append(record("b"))
        assert list(folder.records) == [("a", 0, METHOD)]
    assert len(whole) < (tmp_path / "records.jsonl").stat().st_size
    with RunFolder(tmp_path) as folder:
        assert folder.records_file.read_bytes() == whole
        folder.append(record("b"))
        assert folder.records_file.read_bytes().count(b"\n") == 2


def test_a_line_is_written_whole_where_the_system_takes_it_in_parts(tmp_path):
    with RunFolder(tmp_path) as folder:
        folder.append(record("a"))
        folder._stream = Filling(folder.records_file)
        folder._stream.writes = 2
        folder.append(record("b"))
    with RunFolder(tmp_path) as folder:
        assert folder.records["b", 0, METHOD] == record("b")
