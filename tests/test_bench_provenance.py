"""What a figure was measured with."""

import subprocess

import pytest

from bench.measure import environment as module
from bench.measure.environment import environment, require_same
from bench.measure.provenance import Checkout
from decoding.errors import UserError


def test_two_different_dirty_trees_are_not_the_same(tmp_path, monkeypatch):
    def git(*arguments):
        identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run(["git", "-C", tmp_path, *identity, *arguments], check=True, capture_output=True)

    def started_anew():
        module._checkout.cache_clear()
        return environment("cpu")

    monkeypatch.setattr(module, "ROOT", tmp_path)
    git("init", "-q")
    file = tmp_path / "code.py"
    seen = []
    for text in ("one", "two", "three"):
        file.write_text(text)
        if not seen:
            git("add", ".")
            git("commit", "-q", "-m", "first")
        seen.append(started_anew())
    clean, two, three = (each.git for each in seen)
    assert (clean.dirty, clean.changes) == (False, None)
    assert two.dirty and three.dirty and two.commit == three.commit == clean.commit
    with pytest.raises(UserError, match="git.changes"):
        require_same(seen[1], seen[2], tmp_path)
    file.write_text("two")
    assert environment("cpu") == seen[2], "the process goes on with the code that it has loaded"
    require_same(seen[1], started_anew(), tmp_path)


def test_without_git_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path / "none")
    assert environment("cpu").git == Checkout(None, None, None)
