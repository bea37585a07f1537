"""The search for settings: on validation prompts only, going on where it stopped, and taken by
later runs."""

import csv
import errno
import math
import os
import re
import sys
from dataclasses import asdict, replace
from pathlib import Path
from statistics import fmean
from types import SimpleNamespace

import numpy as np
import optuna
import pytest
from bench_pair import bench_arguments, run
from hydra import compose, initialize_config_dir
from made_records import made_record
from omegaconf import OmegaConf

import baselines.hf_prompt_lookup
import baselines.speculative
import bench.tune.job
import bench.tune.report
from bench import CONF, GENERATED
from bench.cli import guarded
from bench.measure import entrants
from bench.measure.environment import environment
from bench.measure.provenance import Checkout
from bench.measure.record import REFERENCE
from bench.measure.runner import Entrant, Race
from bench.models.config import ModelConfig
from bench.plan.tuned import pair_digits, pair_of
from bench.report.case_records import CaseRecords
from bench.tune import objective as tuning_objective
from bench.tune import space as tuning_space
from bench.tune.objective import speed_of
from bench.tune.plot import draw_study
from bench.tune.space import Space, read_space
from bench.tune.study import Final, measure_finalists, noise_of, open_study, rounds, search, winner_of
from decoding.errors import UserError


@pytest.fixture
def tuned(pair, tmp_path, monkeypatch):
    """A function that tunes a random pair with overrides.

    Yaml files go to a folder below generated/method. Nothing is drawn, unless a test says so.
    """
    monkeypatch.setattr(bench.tune.report, "draw_study", lambda *_: None)
    monkeypatch.chdir(tmp_path)
    # One folder a test: two workers run these at the same time, and each clears its own.
    folder = f"tuned/{tmp_path.name}"
    given = [*bench_arguments(pair), "data.split=validation", "tune.study=study", f"tune.save={folder}/winner"]

    def tune(*overrides: str) -> int:
        monkeypatch.setattr(sys, "argv", ["tune", *overrides])
        with initialize_config_dir(str(CONF), version_base="1.3"):
            config = compose("tune", [*given, *overrides], return_hydra_config=True)
        return guarded(config, bench.tune.job.tune)

    yield tune
    for file in (GENERATED / "method" / folder).glob("*"):
        file.unlink()
    if (GENERATED / "method" / folder).is_dir():
        (GENERATED / "method" / folder).rmdir()


def read_trials(folder: Path) -> list[dict[str, str]]:
    with (folder / "study" / "trials.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_settings_in_parts_are_searched_and_written(tuned, tmp_path, monkeypatch, capsys) -> None:
    space = {"gamma": [2, 3], "drafting.phrases": [True, False], "pool.capacity": [1, 2]}
    monkeypatch.setattr(bench.tune.job, "read_space", lambda *_: space)
    small = ["method=ouroboros", "method.window=2", "method.ngram=3"]
    assert tuned(*small, "tune.trials=3", "tune.finalists=1") == 0, capsys.readouterr().err
    first, *others = read_trials(tmp_path)
    published = {key: first[f"params_{key}"] for key in space}
    assert published == {"gamma": "12", "drafting.phrases": "True", "pool.capacity": ""} and len(others) == 2
    written = OmegaConf.load(GENERATED / "method" / f"tuned/{tmp_path.name}/winner.yaml")
    assert set(written) >= {"drafting", "learning", "pool"} and not any("." in key for key in written)


def test_the_winner_is_written_and_taken(pair, tuned, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(bench.tune.report, "draw_study", draw_study)
    assert tuned("method=speculative", "tune.trials=3") == 0
    trials = read_trials(tmp_path)
    assert [each["number"] for each in trials] == ["published", "0", "1"]
    assert tuned("method=speculative", "tune.trials=5") == 0, "goes on with the same study"
    more = read_trials(tmp_path)
    assert [each["round_0"] for each in more[:3]] == [each["round_0"] for each in trials]
    assert len(more) == 5
    assert (tmp_path / "study" / "study.png").stat().st_size > 5000
    capsys.readouterr()
    assert tuned("method=speculative", "tune.trials=5", "max_new_tokens=5") == 2
    assert "another max_new_tokens" in capsys.readouterr().err
    name = f"tuned/{tmp_path.name}/winner"
    file = GENERATED / "method" / f"{name}.yaml"
    settings = OmegaConf.to_container(OmegaConf.load(file))
    finals = [each for each in more if each["final"]]
    assert finals[0]["number"] == "published", "always among the finalists"
    assert all(len(each["final_repeats"].split()) == 3 for each in finals)
    own = str(settings["gamma"]), str(settings["confidence"])
    chosen = [each for each in finals if (each["params_gamma"], each["params_confidence"]) == own]
    head = file.read_text()
    assert ("the published setting was kept" in head) == (settings["gamma"] == 4 and settings["confidence"] == 0)
    unseen = r"^# ([\d.]+) times greedy's decode speed on 2 prompts that the search has not seen x 3"
    speed = float(re.search(unseen, head, re.MULTILINE)[1])
    assert settings["name"] == "speculative" and round(float(chosen[0]["final"]), 3) == speed
    assert re.search(r"^# the published setting there: [\d.]+.*; a repeat's noise: [\d.]+%$", head, re.MULTILINE)
    assert re.search(r"^# with: custom-base-1, 0 shots, greedy$", head, re.MULTILINE)
    assert pair_of(file) == pair_digits(ModelConfig(target=f"{pair}/target", draft=f"{pair}/draft"))
    cases = f"compare=[{name},{{name: {name}, gamma: 3, label: three}}]"
    assert run(monkeypatch, *bench_arguments(pair), f"method={name}", cases) == 0
    assert "three" in capsys.readouterr().out


def test_every_trial_is_another_setting_until_there_are_no_more(tuned, tmp_path, monkeypatch, capsys) -> None:
    """A sampler repeats itself, most of all in a small space, and in a search that goes on.

    Without a draft of its own length a schedule silences gamma, so of four combinations two are one
    setting, the published one.
    """
    space = {"gamma": [2, 5], "schedule": ["constant", "default"]}
    monkeypatch.setattr(bench.tune.job, "read_space", lambda *_: space)
    assert tuned("method=hf_assisted", "tune.trials=6") == 0
    rows = read_trials(tmp_path)
    tried = {("any" if each["params_schedule"] == "default" else each["params_gamma"]) for each in rows}
    assert len(tried) == len(rows) == 3
    assert "of 3 settings" in (GENERATED / "method" / f"tuned/{tmp_path.name}/winner.yaml").read_text()


def test_settings_that_cannot_stand_together_cost_nothing(tuned, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setattr(bench.tune.job, "read_space", lambda *_: {"max_ngram": [1, 2, 3], "min_ngram": [3]})
    assert tuned("method=prompt_lookup", "tune.trials=4") == 0
    assert [each["params_min_ngram"] for each in read_trials(tmp_path)] == ["1", "3"]
    monkeypatch.setattr(bench.tune.job, "read_space", lambda *_: {"max_ngram": [1, 2], "min_ngram": [3]})
    assert tuned("method=prompt_lookup", "tune.study=other") == 2
    assert "stand together: max_ngram, min_ngram" in capsys.readouterr().err


def test_a_published_null_stands_beside_the_numbers_that_are_searched(tmp_path) -> None:
    values = {"pool.capacity": [2, 4], "gamma": [3, "auto"]}
    trials = [SimpleNamespace(number=0, value=1.2, params={"pool.capacity": 4, "gamma": "auto"})]
    finals = {"published": final_of(1.0, 1.1, 1.2), "0": final_of(1.3, 1.2, 1.4)}
    found = {
        "space": values,
        "published setting": {"pool.capacity": None, "gamma": 12},
        "published": {"speed": 1.1},
        "round 1": {"0": 1.3},
        "finals": {label: asdict(final) for label, final in finals.items()},
    }
    table = bench.tune.report.table_of(SimpleNamespace(user_attrs=found, get_trials=lambda **_: trials))
    assert table["params_pool.capacity"].tolist() == [None, 4] and table["params_gamma"].tolist() == [12, "auto"]
    assert table["round_0"].tolist() == [1.1, 1.2] and table["round_1"][1] == 1.3
    draw_study(table, values, "0", tmp_path / "study.png", "a search")
    assert (tmp_path / "study.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("trials", "finalists", "prompts", "expected"),
    [
        (20, 4, 8, [(20, 4, 1), (10, 8, 1), (5, 8, 2)]),
        (2, 4, 8, [(2, 4, 1)]),
        (16, 1, 2, [(16, 1, 1), (8, 2, 1), (4, 2, 2), (2, 2, 4)]),
        (1, 1, 1, [(1, 1, 1)]),
    ],
)
def test_rounds_halve_settings_and_double_work(trials, finalists, prompts, expected) -> None:
    assert rounds(trials, finalists, prompts) == expected


def final_of(*by_repeat: float) -> Final:
    return Final(list(by_repeat), math.exp(fmean(map(math.log, by_repeat))), None)


def test_the_published_setting_stays_unless_it_is_beaten_beyond_noise() -> None:
    published = final_of(1.5, 1.6, 1.55)
    within = {"published": published, "3": final_of(1.58, 1.52, 1.62)}
    assert winner_of(within)[0] == "published"
    beyond = {"published": published, "3": final_of(1.9, 1.95, 1.93), "4": final_of(1.2, 1.25, 1.22)}
    assert winner_of(beyond)[0] == "3"
    assert winner_of({"published": published})[0] == "published"
    few = {"published": published, "3": final_of(1.52, 1.66, 1.61)}
    assert winner_of(few)[0] == "published", "two finalists tell little of the noise, so more is asked for"


def test_noise_is_what_repeats_of_one_setting_differ_by() -> None:
    """A load that slows a whole repeat slows every setting of it, and is no noise of their
    comparison."""
    draw = np.random.default_rng(0)
    logs = draw.normal(0, 0.03, (200, 5)) + np.linspace(0, 1, 200)[:, None] + draw.normal(0, 0.5, 5)
    assert noise_of(np.exp(logs).tolist()) == pytest.approx(0.03, rel=0.1)
    assert noise_of([[math.e, math.e**3]]) == pytest.approx(math.sqrt(2))


class Slow(Race):
    """A race of generations with made-up seconds and lengths."""

    def __init__(self, rows: dict[str, tuple[int, float]]) -> None:
        self.rows = rows
        self.references = [Entrant("greedy", SimpleNamespace(setting="greedy"), "cold", None, REFERENCE)]
        self.loaded = SimpleNamespace(pair=None)
        self.seed = 0
        self.left_out: dict[str, str] = {}
        self.order: list[list[str]] = []

    def warm_up(self, *_: object) -> None:
        pass

    def encode(self, example):
        return [1], 0

    def stopping(self, example, ids):
        self.order.append([])

    def measure(self, entrant, example, ids, stopping, repeat, order, cut):
        setting = entrant.decoder.setting
        self.order[-1].append(setting)
        if self.rows.get("broken") == setting and example.id == "3":
            raise RuntimeError("no cache\nof this kind")
        tokens, seconds = self.rows[setting]
        gap = 9.0 if self.rows.get("wrong") == setting else 0.0
        return made_record(
            prompt=example.id, repeat=repeat, order=order, label=entrant.label, tokens=list(range(tokens)),
            prefill_seconds=0.0, total_seconds=seconds, stop="eos", gap=gap,
        )  # fmt: skip


@pytest.fixture
def objective(monkeypatch):
    def make(**rows):
        def build(config, pair):
            return SimpleNamespace(forget=lambda: None, setting=config.setting)

        module = SimpleNamespace(build=build)
        monkeypatch.setitem(entrants.METHODS, "made", SimpleNamespace(load=lambda: module, ours=False))
        race = Slow(rows)
        found = tuning_objective.Objective(race, "cold", [])
        return race, lambda repeats=1: found(
            [SimpleNamespace(name="made", setting=each) for each in rows if each.isdigit()],
            [SimpleNamespace(id=str(number), follows=None) for number in range(6)],
            repeats,
        )

    return make


def test_an_output_that_ends_earlier_does_not_win(objective) -> None:
    """In half precision outputs may differ within rounding: half the tokens in 60% of the time is
    no gain."""
    _, measure = objective(**{"0": (11, 0.6), "greedy": (21, 1.0)})
    assert speed_of(measure()[0]) == pytest.approx(10 / 0.6 / 20)


def test_finalists_run_in_shuffled_order(objective) -> None:
    race, measure = objective(**{"0": (21, 0.5), "1": (21, 0.4), "greedy": (21, 1.0)})
    passes = measure(3)
    assert [len(each) for each in passes] == [3, 3] and speed_of(passes[1]) == pytest.approx(2.5)
    assert all(sorted(each) == ["0", "1", "greedy"] for each in race.order)
    assert len({tuple(each) for each in race.order}) > 3, "no cycle in which everybody has one predecessor"


def test_an_output_that_is_not_the_targets_ends_the_search(objective) -> None:
    _, measure = objective(**{"0": (21, 0.5), "greedy": (21, 1.0), "wrong": "0"})
    with pytest.raises(UserError, match="not greedy's"):
        measure()


def test_a_setting_that_cannot_run_leaves_the_others_and_its_later_turns(objective, capsys) -> None:
    race, measure = objective(**{"0": (21, 0.5), "1": (21, 0.4), "greedy": (21, 1.0), "broken": "0"})
    failed, passes = measure(3)
    assert failed is None and len(passes) == 3 and speed_of(passes) == pytest.approx(2.5)
    assert sum("0" in each for each in race.order) == 4 and all({"1", "greedy"} <= {*each} for each in race.order)
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and "setting='0'" in said and said.endswith(": RuntimeError: no cache (prompt 3)\n")
    # What did not run once, such as for want of memory, is tried where it is asked for again.
    del race.rows["broken"]
    assert None not in measure() and not capsys.readouterr().out


class Made:
    """Stands for an objective: the speed of each gamma, and in which call some cannot run."""

    def __init__(self, broken: dict[int, int]) -> None:
        self.broken = broken
        self.calls: list[list[int]] = []

    def __call__(self, configs, examples, repeats):
        self.calls.append([each.gamma for each in configs])
        return [self.passes(each.gamma, repeats) for each in configs]

    def passes(self, gamma, repeats):
        if self.broken.get(gamma, math.inf) <= len(self.calls):
            return None
        grids = [[[made_record(tokens=[1] * 21, total_seconds=1 + seconds)]] for seconds in (1 / gamma, 1)]
        return [CaseRecords(["p"], *grids)] * repeats


GAMMAS = Space({"gamma": [2, 3, 5, 6]}, {"name": "speculative", "gamma": 4})


def searched(folder: Path, objective: Made) -> tuple[optuna.Study, list[int], dict[str, Final]]:
    """A search over all GAMMAS with 2 finalists: the study, gammas by rank, and the finals."""
    study = open_study(folder, {"space": dict(GAMMAS.values), "published setting": {"gamma": 4}})
    given = (study, [(5, 1, 1), (3, 1, 1), (2, 1, 1)], GAMMAS, lambda: objective, [None])
    left = search(*given, "made")
    finals = measure_finalists(study, left[:2], GAMMAS, lambda: objective, [None], 3)
    return study, [trial.params["gamma"] for trial in left], finals


# The published setting is measured in the first call, the others up to the fifth; then come two
# rounds and the finals.
@pytest.mark.parametrize(
    ("broken", "ranked", "finalists", "rows"),
    [
        ({}, [6, 5], [4, 6, 5], 5),
        ({6: 1}, [5, 3], [4, 5, 3], 4),
        ({6: 6}, [5, 3], [4, 5, 3], 5),
        ({6: 7}, [5], [4, 5], 5),
        ({6: 8}, [6, 5], [4, 5], 5),
        ({gamma: 1 for gamma in (2, 3, 5, 6)}, [], [4], 1),
    ],
)
def test_a_setting_that_cannot_run_goes_no_further_and_is_not_tried_again(
    tmp_path, broken, ranked, finalists, rows
) -> None:
    objective = Made(broken)
    study, left, finals = searched(tmp_path, objective)
    assert left == ranked and objective.calls[-1] == [4, *ranked]
    gammas = {str(trial.number): trial.params["gamma"] for trial in study.trials} | {"published": 4}
    assert [gammas[label] for label in finals] == finalists
    assert finals[next(reversed(finals))].speed == pytest.approx(finalists[-1])
    assert winner_of(finals)[0] == next((label for label in finals if gammas[label] == max(finalists)), None)
    table = bench.tune.report.table_of(study)
    assert len(table) == rows and table["final"].notna().sum() == len(finals)
    again = Made({})
    assert searched(tmp_path, again)[1:] == (left, finals) and not again.calls, "all of it is kept"


@pytest.mark.parametrize("when", [1, 8])
def test_without_the_published_setting_there_is_no_search(tmp_path, when) -> None:
    with pytest.raises(UserError, match="published setting cannot run here"):
        searched(tmp_path, Made({4: when}))
    objective = Made({})
    searched(tmp_path, objective)
    assert objective.calls[0][0] == 4, "the next time it is measured again"


class Unfit:
    """A rival that cannot run with drafts of two tokens: from the start, or after some outputs."""

    def __init__(self, when, honest, config, pair):
        self.left = when if config.draft_length == 2 else math.inf
        if self.left is None:
            raise UserError("no such drafts")
        self.rival = honest(config, pair)

    def forget(self):
        pass

    def generate(self, *given):
        if not self.left:
            raise RuntimeError("no cache\nof this kind")
        self.left -= 1
        return self.rival.generate(*given)


# While it is built, in the warm-up, and on the first prompt; the last two fail alike.
@pytest.mark.parametrize(
    ("when", "said"),
    [
        (None, "no such drafts"),
        pytest.param(0, "RuntimeError: no cache", marks=pytest.mark.slow),
        (1, "no cache"),
    ],
)
def test_a_search_goes_on_after_a_rivals_setting_that_cannot_run(
    tuned, tmp_path, monkeypatch, capsys, when, said
) -> None:
    honest = baselines.hf_prompt_lookup.build
    monkeypatch.setattr(baselines.hf_prompt_lookup, "build", lambda *given: Unfit(when, honest, *given))
    monkeypatch.setattr(bench.tune.job, "read_space", lambda *_: {"draft_length": [2, 3]})
    for again in (False, True):
        assert tuned("method=hf_prompt_lookup", "tune.trials=3", "tune.finalists=1") == 0
        captured = capsys.readouterr()
        told = [line for line in captured.out.splitlines() if "cannot run here" in line]
        assert len(told) == (not again), "what was tried is not tried again"
        assert again or ("draft_length=2" in told[0] and said in told[0]) and "Traceback" not in captured.err
        assert [each["params_draft_length"] for each in read_trials(tmp_path)] == ["10", "3"]


def test_a_method_of_ours_that_cannot_run_ends_the_search_in_one_line(tuned, monkeypatch, capsys) -> None:
    def refuse(*_: object) -> None:
        raise UserError("no room")

    monkeypatch.setattr(baselines.speculative, "build", refuse)
    assert tuned("method=speculative", "tune.trials=1") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("error: speculative") and error.endswith(": no room")


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
    monkeypatch.setattr(tuning_space, "CONF", tmp_path / "conf")
    assert tuned("method=speculative", "tune.space=mine") == 2
    error = capsys.readouterr().err.strip()
    assert said in error and "\n" not in error


def test_a_space_holds_settings_in_parts(monkeypatch, tmp_path) -> None:
    (tmp_path / "search").mkdir()
    monkeypatch.setattr(tuning_space, "CONF", tmp_path)
    file = tmp_path / "search" / "mine.yaml"
    file.write_text("gamma: [2]\npool: {capacity: [2, 4]}\ndrafting: {phrases: [true, false]}")
    space = Space(read_space("mine", "ouroboros"), {"name": "ouroboros", "pool": {"order": "usefulness"}})
    assert space.values == {"gamma": [2], "pool.capacity": [2, 4], "drafting.phrases": [True, False]}
    config = space.config({"gamma": 2, "pool.capacity": 4, "drafting.phrases": False})
    assert (config.gamma, config.pool.capacity, config.drafting.phrases) == (2, 4, False)
    assert config.pool.order == "usefulness", "what is not chosen stays"
    for text, said in (
        ("pool_capacity: [2]", "pool_capacity is now"),
        ("pool: {capcity: [2]}", "pool.capcity is no setting of ouroboros"),
        ("pool: [2]", "pool is no setting of ouroboros"),
    ):
        file.write_text(text)
        with pytest.raises(UserError, match=said):
            read_space("mine", "ouroboros")


def test_a_study_made_with_other_fixed_settings_is_refused(tuned, monkeypatch, capsys) -> None:
    monkeypatch.setattr(bench.tune.job, "read_space", lambda *_: {"gamma": [1, 2]})
    assert tuned("method=speculative", "tune.trials=1") == 0
    for other, said in (("method.gamma=3", "another published setting"), ("method.confidence=0.5", "another fixed")):
        capsys.readouterr()
        assert tuned("method=speculative", "tune.trials=2", other) == 2
        assert said in capsys.readouterr().err
    for other, said in (
        ("temperature=0.8", "another sampling"), ("task.stopped=false", "another task"),
        ("model.draft_dtype=float64", "another draft"),
    ):  # fmt: skip
        assert tuned("method=speculative", "tune.trials=2", other) == 2
        assert said in capsys.readouterr().err


def test_a_pair_without_a_name_has_no_place(tuned, capsys) -> None:
    assert tuned("method=speculative", "model.name=null", "tune.save=null") == 2
    assert "model.name=NAME" in capsys.readouterr().err


def test_what_encoding_showed_is_among_the_warnings(tuned, monkeypatch, capsys) -> None:
    def far_enough(*_):
        raise UserError("far enough")

    monkeypatch.setattr("bench.measure.entrants.encoding_warnings", lambda *_: ["an encoding to know of"])
    monkeypatch.setattr("bench.tune.job.Objective", far_enough)
    assert tuned("method=speculative", "tune.trials=1") == 2
    captured = capsys.readouterr()
    assert "warning: an encoding to know of" in captured.out and "far enough" in captured.err


def test_a_search_that_was_stopped_goes_on_and_measures_nothing_twice(tuned, tmp_path, monkeypatch) -> None:
    real, calls = tuning_objective.Objective.__call__, []

    def stopped(self, configs, examples, repeats):
        calls.append([each.gamma for each in configs])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(self, configs, examples, repeats)

    monkeypatch.setattr(tuning_objective.Objective, "__call__", stopped)
    with pytest.raises(KeyboardInterrupt):
        tuned("method=speculative", "tune.trials=4")
    assert calls[0] == [4], "the published setting first"
    assert tuned("method=speculative", "tune.trials=4") == 0
    measured = calls[:2] + [each for each in calls[3:] if len(each) == 1]
    assert len(measured) == 4 and [each["number"] for each in read_trials(tmp_path)][0] == "published"


def test_a_full_disk_names_what_could_not_be_written(tuned, monkeypatch, capsys) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(bench.tune.report, "draw_study", full)
    assert tuned("method=speculative", "tune.trials=1", "tune.finalists=1") == 2
    assert "error: cannot write study: No space left on device; what is measured is kept" in capsys.readouterr().err


def test_a_study_names_the_code_that_measured_it(tuned, tmp_path, monkeypatch) -> None:
    """Not the code that only writes its winner again."""
    winner = GENERATED / "method" / f"tuned/{tmp_path.name}/winner.yaml"

    def at(commit: str) -> None:
        here = replace(environment("cpu"), git=Checkout(commit))
        monkeypatch.setattr(bench.tune.job, "environment", lambda _: here)

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
        (["tune.repeats=2"], "tune.repeats must be at least 3"),
        (["method=tuned/tiny/gsm8k/speculative"], "begins with the published settings"),
        (["limit=6"], "smaller limit"),
        (["tune.space=nothing"], "no search space"),
        (["method=greedy"], "no search space"),
        (["tune.more=1"], None),
        (["history=file", "history_file=x.json", "method=lookahead"], "no saved states"),
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
