"""The measuring loop with decoders that only note who was asked what, in which order."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from bench_pair import make_spaced_tokenizer

from bench.measure.record import METHOD, REFERENCE
from bench.measure.runner import Entrant, Race
from bench.measure.store import RunFolder
from decoding.errors import UserError
from decoding.records import Generation
from tasks import TASKS

PROMPTS = ("aa", "bb", "cc")


class Noted:
    """A decoder that answers anything with one token and notes every call."""

    def __init__(self, name, log):
        self.name = name
        self.log = log

    def forget(self):
        self.log.append((self.name, "forget"))

    def generate(self, prompt, stopping, sampler=None):
        self.log.append((self.name, "".join(map(chr, prompt))))
        return Generation([5] * stopping.max_new_tokens, "length", 0.1, 0.2)


class Letters:
    """One token a letter."""

    def __call__(self, text):
        return SimpleNamespace(input_ids=[ord(letter) for letter in text])


@pytest.fixture
def log():
    return []


@pytest.fixture
def race(log, monkeypatch):
    gaps = "bench.measure.runner.token_gaps"
    monkeypatch.setattr(gaps, lambda model, size, prompt, output, *_: [0.0] * len(output))
    target = SimpleNamespace(context=20, device=torch.device("cpu"), model=None, vocabulary=300, rope_boundary=None)
    pair = SimpleNamespace(target=target, draft=None, eos=frozenset(), decode=lambda ids: "")
    loaded = SimpleNamespace(pair=pair, tokenizer=Letters(), continuation=lambda prompt, output: "text")
    greedy = Entrant("greedy", Noted("greedy", log), "cold", None, REFERENCE)
    return Race(loaded, TASKS["custom"](), 2, 0.1, "session", [greedy])


def examples(*prompts):
    return [TASKS["custom"]().example({"id": prompt, "prompt": prompt}) for prompt in prompts]


def run(race, log, folder, names, history, repeats):
    """Warm up on "ww", then measure PROMPTS; the log, and the records of every entrant's folder."""
    folders = [RunFolder(folder / name).__enter__() for name in names]
    entrants = [
        Entrant(name, Noted(name, log), history, each) for name, each in zip(names, folders, strict=True)
    ]
    race.warm_up(entrants, examples("ww"))
    log.append("warm")
    race.run(entrants, examples(*PROMPTS), repeats, lambda record: None)
    for each in folders:
        each.__exit__()
    return log[log.index("warm") + 1 :], [each.records for each in folders]


def test_a_stop_string_that_begins_with_a_space_ends_the_output_at_its_first_token(race):
    tokenizer = make_spaced_tokenizer()
    race.loaded.pair.decode, race.loaded.tokenizer = tokenizer.decode, tokenizer
    example = TASKS["custom"]().example({"id": "p", "prompt": "ab", "stop": " b"})
    ids, _ = race.encode(example)
    word = tokenizer("ab b").input_ids[-1]
    assert tokenizer.decode([word]) == "b"
    assert race.stopping(example, ids).extend([], [word]) == "stop_string"


def turns_of(called):
    """Who decoded each prompt, pass by pass, in order."""
    turns = []
    for name, what in called:
        if what in PROMPTS:
            if not turns or turns[-1][0] != what:
                turns.append((what, []))
            turns[-1][1].append(name)
    return [names for _, names in turns]


def test_greedy_runs_once_a_prompt_for_all_in_an_order_that_is_shuffled(race, log, tmp_path):
    called, records = run(race, log, tmp_path, ["x", "y", "z"], "cold", repeats=9)
    turns = turns_of(called)
    assert len(turns) == 27 and all(sorted(names) == ["greedy", "x", "y", "z"] for names in turns)
    before = {pair for names in turns for pair in pairwise(names)}
    assert len(before) == 12, "everybody has run right after everybody else"
    assert len({tuple(names) for names in turns}) > 12
    for folder in records:
        assert set(folder) == {(p, r, role) for p in PROMPTS for r in range(9) for role in (METHOD, REFERENCE)}
    for key, record in records[0].items():
        assert key[2] == METHOD or record == records[1][key]


def test_a_run_that_is_continued_has_the_order_it_would_have_had(race, log, tmp_path):
    whole = turns_of(run(race, log, tmp_path / "whole", ["x", "y", "greedy"], "cold", repeats=4)[0])
    log.clear()
    run(race, log, tmp_path / "halves", ["y"], "cold", repeats=2)
    log.clear()
    rest = turns_of(run(race, log, tmp_path / "halves", ["x", "y", "greedy"], "cold", repeats=4)[0])
    # The first two passes lack two of four: nobody knows one greedy from the other here.
    assert rest[6:] == whole[6:]
    for now, before in zip(rest[:6], whole[:6], strict=True):
        assert [name for name in now if name == "x"] == ["x"] and "y" not in now and len(now) < len(before)
    race.seed += 1
    log.clear()
    other = turns_of(run(race, log, tmp_path / "other", ["x", "y", "greedy"], "cold", repeats=4)[0])
    assert other != whole


def test_cold_forgets_before_every_prompt_and_warm_before_every_pass(race, log, tmp_path):
    called, _ = run(race, log, tmp_path, ["x"], "cold", repeats=1)
    mine = [what for name, what in called if name == "x"]
    assert mine == ["forget", "forget", "aa", "forget", "bb", "forget", "cc"]
    log.clear()
    called, _ = run(race, log, tmp_path / "warm", ["x"], "warm", repeats=2)
    assert [what for name, what in called if name == "x"] == ["forget", *PROMPTS, "forget", *PROMPTS]


def test_the_warm_up_is_decoded_by_all_forgotten_and_not_measured(race, log, tmp_path):
    _, records = run(race, log, tmp_path, ["x"], "warm", repeats=1)
    assert log[: log.index("warm")] == [("greedy", "ww"), ("x", "ww"), ("x", "forget")]
    assert "ww" not in {key[0] for key in records[0]}


def test_only_what_is_missing_is_measured(race, log, tmp_path):
    run(race, log, tmp_path, ["x"], "cold", repeats=1)
    log.clear()
    called, _ = run(race, log, tmp_path, ["x", "y"], "cold", repeats=1)
    assert {name for name, what in called if what in PROMPTS} == {"greedy", "y"}


def test_a_later_turn_follows_greedys_answer_for_everyone_and_every_repeat(race, log, tmp_path):
    race.task = task = TASKS["spec_bench"]()
    race.loaded.pair.target.context = 200
    answers = {"greedy": "One.\nUser: more", "x": "Two."}
    race.loaded.continuation = lambda prompt, output: answers[log[-1][0]]
    turns = task.turns({"question_id": 7, "category": "qa", "turns": ["a", "b"]})
    folder = RunFolder(tmp_path).__enter__()
    entrants = [Entrant("x", Noted("x", log), "cold", folder)]
    assert race.longest(turns) == len(turns[1].prompt) + 2 * race.max_new_tokens
    race.run(entrants, turns, 2, lambda record: None)
    second = "User: a\nAssistant: One.\n\nUser: b\nAssistant:"
    asked = [what for _, what in log if what != "forget"]
    assert sorted(asked) == sorted(["User: a\nAssistant:", second] * 4)
    assert {key[0] for key in folder.records} == {"7", "7#2"}
    assert folder.records["7#2", 1, METHOD].prompt_version == "spec_bench-base-1"
    folder.__exit__()


def test_a_later_turn_follows_the_answer_that_is_on_the_disk_already(race, log, tmp_path):
    race.task = task = TASKS["spec_bench"]()
    race.loaded.pair.target.context = 200
    race.loaded.continuation = lambda prompt, output: "Kept."
    turns = task.turns({"question_id": 7, "category": "qa", "turns": ["a", "b"]})
    for more in (turns[:1], turns):
        folder = RunFolder(tmp_path).__enter__()
        race.run([Entrant("x", Noted("x", log), "cold", folder)], more, 1, lambda record: None)
        folder.__exit__()
        race.loaded.continuation = lambda prompt, output: "Other."
    assert "User: a\nAssistant: Kept.\n\nUser: b\nAssistant:" in [what for _, what in log]


def test_prompts_that_are_empty_or_too_long(race):
    with pytest.raises(UserError, match="prompt e is empty"):
        race.encode(TASKS["custom"]().example({"id": "e", "prompt": ""}))
    assert race.encode(examples("a" * 19)[0]) == ([97] * 19, 0)
    with pytest.raises(UserError, match="20 tokens"):
        race.encode(examples("a" * 20)[0])
    race.loaded.pair.target.context = 80
    race.task = TASKS["cnndm"]()
    article = race.task.example({"id": "n", "article": "word " * 40, "highlights": ""})
    ids, cut = race.encode(article)
    assert 70 <= len(ids) <= 78 and cut == len(article.prompt) - len(ids)
    assert race.longest([article]) == len(ids) + 2
