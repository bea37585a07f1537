"""The search for settings: on validation prompts only, going on where it stopped, and taken by later runs."""

import csv
import re
import sys
from pathlib import Path

import pytest
from bench_pair import bench_arguments, make_pair, run, write_prompts
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

import bench.tune
from bench.cli import guarded
from bench.registry import CONF


@pytest.fixture
def tuned(tmp_path, monkeypatch):
    """A function that tunes a random pair with overrides; yaml files go below a copy of conf/method."""
    make_pair(tmp_path)
    write_prompts(tmp_path / "prompts.jsonl", 6)
    monkeypatch.chdir(tmp_path)
    # One folder a test: two workers run these at the same time, and each clears its own.
    folder = f"tuned/{tmp_path.name}"
    given = [*bench_arguments(tmp_path), "data.split=validation", "tune.study=study", f"tune.save={folder}/winner"]

    def tune(*overrides: str) -> int:
        monkeypatch.setattr(sys, "argv", ["tune", *overrides])
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("tune", [*given, *overrides])
        return guarded(config, bench.tune.tune)

    yield tune
    for file in (CONF / "method" / folder).glob("*"):
        file.unlink()
    if (CONF / "method" / folder).is_dir():
        (CONF / "method" / folder).rmdir()


def test_the_winner_is_written_and_taken(tuned, tmp_path, monkeypatch, capsys) -> None:
    pair = tmp_path
    assert tuned("method=speculative", "tune.trials=2") == 0
    trials = (tmp_path / "study" / "trials.csv").read_text().splitlines()
    assert len(trials) == 3
    assert tuned("method=speculative", "tune.trials=4") == 0, "goes on with the same study"
    more = (tmp_path / "study" / "trials.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in more[:3]] == [line.split(",")[:2] for line in trials]
    assert len(more) == 5
    assert (tmp_path / "study" / "study.png").stat().st_size > 5000
    capsys.readouterr()
    assert tuned("method=speculative", "tune.trials=4", "max_new_tokens=5") == 2
    assert "another max_new_tokens" in capsys.readouterr().err
    name = f"tuned/{tmp_path.name}/winner"
    file = CONF / "method" / f"{name}.yaml"
    settings = OmegaConf.to_container(OmegaConf.load(file))
    finals = [line.split(",") for line in more[1:] if line.split(",")[2]]
    best = max(finals, key=lambda line: float(line[2]))
    assert settings["name"] == "speculative" and str(settings["gamma"]) in best
    assert float(best[2]) != float(best[1]), "measured again, on other prompts"
    assert "finalists\n# of 4 trials" in file.read_text()
    cases = f"compare=[{name},{{name: {name}, gamma: 3, label: three}}]"
    assert run(monkeypatch, *bench_arguments(pair), f"method={name}", cases) == 0
    assert "three" in capsys.readouterr().out


def read_trials(folder: Path) -> list[dict[str, str]]:
    with (folder / "study" / "trials.csv").open() as file:
        return list(csv.DictReader(file))


def test_every_trial_is_another_setting_until_there_are_no_more(tuned, tmp_path, monkeypatch, capsys) -> None:
    """A sampler repeats itself, most of all in a small space, and in a search that goes on."""
    monkeypatch.setattr(bench.tune, "_space", lambda *_: {"gamma": [1, 2, 3], "confidence": [0.0, 0.5]})
    for trials, measured in ((2, 2), (4, 4), (50, 6), (50, 6)):
        assert tuned("method=speculative", f"tune.trials={trials}") == 0
        tried = {(each["params_gamma"], each["params_confidence"]) for each in read_trials(tmp_path)}
        assert len(tried) == len(read_trials(tmp_path)) == measured
    assert f"of {measured} trials" in (CONF / "method" / f"tuned/{tmp_path.name}/winner.yaml").read_text()


def test_settings_that_cannot_stand_together_cost_nothing(tuned, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(bench.tune, "_space", lambda *_: {"max_ngram": [1, 2, 3], "min_ngram": [3]})
    assert tuned("method=prompt_lookup", "tune.trials=2") == 0
    states = [each["state"] for each in read_trials(tmp_path)]
    assert sorted(states) == ["COMPLETE", "PRUNED", "PRUNED"]
    monkeypatch.setattr(bench.tune, "_space", lambda *_: {"max_ngram": [1, 2], "min_ngram": [3]})
    assert tuned("method=prompt_lookup", "tune.study=other") == 2
    assert "stand together: max_ngram, min_ngram" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("gama: [1, 2]", "gama is no setting of speculative; they are name, gamma, confidence"),
        ("gamma: [1, 2, 1]", "gamma must be a list of different values"),
        ("gamma: []", "gamma must be a list"),
        ("gamma: 4", "gamma must be a list of different values, not 4"),
        ("[1, 2]", "is no setting"),
        ("gamma: [1, 2", "cannot be read"),
    ],
)
def test_a_faulty_space_is_refused_in_one_line(tuned, monkeypatch, tmp_path, capsys, space, said) -> None:
    (tmp_path / "conf" / "search").mkdir(parents=True)
    (tmp_path / "conf" / "search" / "mine.yaml").write_text(space)
    monkeypatch.setattr(bench.tune, "CONF", tmp_path / "conf")
    assert tuned("method=speculative", "tune.space=mine") == 2
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error


def test_a_study_made_with_other_fixed_settings_is_refused(tuned, monkeypatch, capsys) -> None:
    monkeypatch.setattr(bench.tune, "_space", lambda *_: {"gamma": [1, 2]})
    assert tuned("method=speculative", "tune.trials=1") == 0
    assert tuned("method=speculative", "tune.trials=2", "method.gamma=3") == 0, "where the search begins is not fixed"
    capsys.readouterr()
    assert tuned("method=speculative", "tune.trials=2", "method.confidence=0.5") == 2
    assert "another fixed" in capsys.readouterr().err


def test_a_pair_without_a_name_has_no_place(tuned, capsys) -> None:
    assert tuned("method=speculative", "model.name=null", "tune.save=null") == 2
    assert "model.name=NAME" in capsys.readouterr().err


def test_a_search_stopped_in_its_first_trial_begins_with_the_present_settings(tuned, tmp_path, monkeypatch) -> None:
    def stopped(*_: object) -> float:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(bench.tune.Objective, "__call__", stopped)
        tuned("method=speculative", "tune.trials=1")
    assert tuned("method=speculative", "tune.trials=1") == 0
    (only,) = read_trials(tmp_path)
    assert (only["params_gamma"], only["params_confidence"]) == ("4", "0.0")


def test_a_study_names_the_code_that_measured_it(tuned, tmp_path, monkeypatch) -> None:
    """Not the code that only writes its winner again."""
    winner = CONF / "method" / f"tuned/{tmp_path.name}/winner.yaml"

    def at(commit: str) -> None:
        real = bench.tune.environment
        monkeypatch.setattr(bench.tune, "environment", lambda device: real(device) | {"git": {"commit": commit}})

    for commit, trials, named in (("first", 1, ["first"]), ("later", 1, ["first"]), ("last", 2, ["first", "last"])):
        at(commit)
        assert tuned("method=speculative", f"tune.trials={trials}", "tune.finalists=1") == 0
        assert re.findall(r"^# .*torch .*, commit (\w+)$", winner.read_text(), re.MULTILINE) == named


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["data.split=test"], "validation"),
        (["tune.trials=0"], "tune.trials"),
        (["tune.finalists=0"], "tune.finalists"),
        (["limit=6"], "smaller limit"),
        (["tune.space=nothing"], "no search space"),
        (["method=greedy"], "no search space"),
        (["tune.more=1"], None),
        (["history=file", "history_file=x.json", "method=lookahead"], "no pool files"),
        (["compare=[greedy]"], "one method"),
    ],
)
def test_what_cannot_be_tuned_is_said_in_one_line(tuned, capsys, overrides, said) -> None:
    if said is None:
        with pytest.raises(Exception, match="more"):
            tuned(*overrides)
        return
    assert tuned(*(overrides if "method=lookahead" in overrides else ["method=speculative", *overrides])) == 2
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error
