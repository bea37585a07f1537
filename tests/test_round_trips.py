"""Cases, records, summaries and provenance as JSON and back: nothing is lost, older files are
read, and what is not known is refused."""

import json
import math
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_records import made_record, made_steps
from many_runs import IDENTITY, summary_of
from samples import thinned
from test_bench_cli import composed

from bench import CONF, ROOT
from bench.measure.engines import Forwards, Machine, Measurement, Work
from bench.measure.provenance import Checkout, Provenance
from bench.measure.record import FLOAT32, Record
from bench.measure.steps import COLUMNS, RecordedSteps
from bench.measure.store import RunFolder
from bench.models.place import Place
from bench.plan.case import Case, Identity
from bench.plan.cases import make_cases
from bench.plan.methods import METHODS
from bench.plan.prompts import load_prompts
from bench.plan.settings import read_plan
from bench.plan.typed_json import BESIDE
from bench.report.agreement import AgreementReport
from bench.report.archive import unpack
from bench.report.categories import Category
from bench.report.figure_types import Estimate
from bench.report.summary import Summary
from bench.report.writing import json_text
from decoding.errors import UserError
from decoding.records import Generation, Rounds, Steps

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)
# Values of the types that fields have; a file holds no number that is none.
PLAIN = {
    str: st.text(), int: st.integers(), bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False), Path: st.text().map(Path),
}  # fmt: skip


def values_of(kind, depth=0):
    """Any value of a type that a field of these has."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        inner = {each.name: values_of(hints[each.name], depth + 1) for each in fields(kind)}
        for each in fields(kind):
            if names := each.metadata.get(BESIDE):
                values = values_of(get_args(hints[each.name])[1]).filter(lambda value: value is not None)
                inner[each.name] = st.dictionaries(st.sampled_from(names), values)
        if kind is RecordedSteps:
            # A drafter's own columns have names of their own.
            own = st.text().filter(lambda name: name not in COLUMNS)
            inner["drafter_metrics"] = st.dictionaries(own, st.lists(ANYTHING, max_size=2), max_size=2)
        if hasattr(kind, "SCHEMA_VERSION"):
            inner["schema_version"] = st.just(kind.SCHEMA_VERSION)
        return st.builds(kind, **{name: inner[name] for name in inner.keys() & hints.keys()})
    arguments = get_args(kind)
    if type(None) in arguments:
        [wanted] = [each for each in arguments if each is not type(None)]
        return st.none() | values_of(wanted, depth)
    if get_origin(kind) is list:
        return st.lists(values_of(arguments[0], depth), max_size=2)
    if get_origin(kind) is tuple:
        return st.lists(values_of(arguments[0], depth), max_size=2).map(tuple)
    if arguments:
        return st.dictionaries(values_of(arguments[0], depth), values_of(arguments[1], depth), max_size=2)
    return PLAIN.get(kind, ANYTHING)


RECORDS = values_of(Record)


@given(RECORDS)
@settings(max_examples=25, deadline=None)
def test_a_record_comes_back_from_its_line(record):
    line = json.dumps(record.to_json(), ensure_ascii=False)
    back = Record.from_json(json.loads(line))
    # Without a tolerance nothing was judged, and none of it is written.
    judged = record.tolerance is not None
    assert back == (record if judged else replace(record, gap=None, gap_at=None, stop_fault=None))


@pytest.mark.parametrize("kind", [Case, Summary, Provenance, Measurement, AgreementReport])
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_it_comes_back_from_its_file(kind, data):
    value = data.draw(values_of(kind))
    assert kind.from_json(json.loads(json_text(value.to_json()))) == value


# Every file of settings, and what of a command line tells cases apart.
COMMANDS = [
    *([f"method={file.stem}"] for file in sorted((CONF / "method").glob("*.yaml"))),
    ["method=tuned/tiny/gsm8k/ouroboros", "task=gsm8k"],
    ["method=ouroboros", "method.drafter={name: hybrid, fallback: suffix}"],
    ["method=greedy", "compare=[{name: lookahead, history: warm, label: mine}]"],
    ["method=greedy", "model.draft_dtype=float64", "engine=packed"],
]


@pytest.mark.parametrize("command", thinned(COMMANDS, 4), ids=str)
def test_a_planned_case_comes_back_with_its_method_and_settings(command):
    plan = read_plan(composed(*command))
    prompts = load_prompts(plan.task, plan.data, 1, 2)
    place = Place("cpu", "float32", plan.settings.engine)
    for planned, case in zip(plan.methods, made := make_cases(plan, place, {"target": "t"}, prompts), strict=True):
        back = Case.from_json(json.loads(json.dumps(case.to_json())))
        assert back == case and back in made and case.folder.name.endswith(case.identity.digits)
        assert (back.config, back.method) == (planned.config, METHODS[planned.config.name])
        assert (back.history, back.origin, back.group) == (planned.history, planned.origin, planned.group)


def test_a_case_names_what_differs_from_the_usual_alone_so_that_older_runs_keep_their_folders(tmp_path):
    """Of every packed run of README's study and one before engines: the hash is in its folder's
    name."""
    plain = Identity(**IDENTITY)
    assert Case(identity=plain).to_json()["identity"] == IDENTITY
    for changes in ({"engine": "packed"}, {"draft_dtype": "bfloat16"}, {"prompts": ["p"]}, {"history_file": "f"}):
        other = replace(plain, **changes)
        assert Case(identity=other).to_json()["identity"] == IDENTITY | changes and other.digits != plain.digits
    for study in ("readme", "tasks"):
        unpack(ROOT / "results" / study / "runs.tar.xz", tmp_path / study)
        files = list((tmp_path / study).rglob("provenance.json"))
        for file in files:
            identity = Provenance.from_json(json.loads(file.read_text())).case.identity
            assert file.parent.name == f"{identity.method['name']}-{identity.digits}"
        assert files


def test_an_infinite_gap_comes_back_and_greedy_in_float32_is_not_judged():
    wrong = made_record(gap=math.inf, gap_at=0)
    assert Record.from_json(json.loads(json.dumps(wrong.to_json()))) == wrong
    beside = made_record(role=FLOAT32, gap=None, tolerance=None)
    assert not {"gap", "gap_at", "stop_fault", "tolerance"} & beside.to_json().keys()
    assert Record.from_json(beside.to_json()) == beside


def test_a_generations_steps_stand_in_a_line_as_their_columns_with_the_drafters_own_after_them():
    names = [each.name for each in fields(Steps) if each.name != "drafter_metrics"]
    assert tuple(names) == COLUMNS, "a new column of steps is one of records too"
    own = {"pool_size": [3], "pool_seconds": [0.123456789], "pool_hits": [{"guess": 1}]}
    steps = Steps(**{name: [0.123456789 if name.endswith("_seconds") else 2] for name in names}, drafter_metrics=own)
    extra = {"drafter": {"pool_seconds": 0.123456789, "share": 0.123456789}}
    told = Generation([1], "eos", 0.123456789, 1.0, steps, extra).rounded()
    record = made_record(steps=RecordedSteps.of(told.steps), extra=told.extra, prefill_seconds=told.prefill_seconds)
    line = json.loads(json.dumps(record.to_json()))
    assert list(line["steps"]) == [*names, *own], "in this order"
    assert line["steps"] == {name: [0.1234568 if name.endswith("_seconds") else 2] for name in names} | {
        "pool_size": [3], "pool_seconds": [0.1234568], "pool_hits": [{"guess": 1}]
    }  # fmt: skip
    assert line["extra"] == {"drafter": {"pool_seconds": 0.1234568, "share": 0.123456789}}
    assert line["prefill_seconds"] == 0.1234568
    assert Record.from_json(line) == record


def test_a_column_of_steps_that_an_older_record_lacks_is_not_known_and_no_empty_one():
    line = made_record(steps=made_steps(emitted=[1])).to_json()
    assert line["steps"].keys().isdisjoint({"observe_seconds", "model_seconds", "sampling_seconds"})
    older = Record.from_json(line).steps
    assert (older.observe_seconds, older.model_seconds, older.sampling_seconds) == (None, None, None)
    assert older.drafter_metrics == {} and older.columns() == line["steps"]
    # For a while the pool's columns were null where there was no pool.
    line["steps"] |= {"pool_size": None, "model_seconds": []}
    older = Record.from_json(line).steps
    assert older.model_seconds == [] and older.drafter_metrics == {}


@pytest.mark.parametrize(
    ("changes", "kind", "said"),
    [
        ({"steps": [1]}, ValueError, "steps are no mapping"),
        ({"steps": {"emitted": [1]}}, ValueError, "lacks steps.drafted, steps.accepted, steps.rows"),
        ({"rounds": 3}, ValueError, "rounds are no mapping"),
        ({"rounds": {"drafted": [1], "emitted": [1]}}, ValueError, "lacks rounds.accepted"),
        ({"rounds": vars(Rounds()) | {"mood": [1]}}, UserError, "has rounds.mood, which this harness does not know"),
    ],
    ids=["steps", "a column", "rounds", "one of rounds", "newer"],
)
def test_steps_and_rounds_that_are_none_are_refused(changes, kind, said):
    with pytest.raises(kind, match=said):
        Record.from_json(made_record().to_json() | changes)


def test_older_records_and_summaries_are_read_and_say_what_was_not_known():
    later = ("prompt_digest", "steps", "extra", "prefill_tokens", "rounds", "undrafted_tokens", "draft_fault")
    old = {key: value for key, value in made_record().to_json().items() if key not in later}
    assert Record.from_json(old) == made_record()
    assert Record.from_json(old).prefill_tokens == 1 and Record.from_json(old).rounds is None
    content = summary_of()
    for key in ("geomean", "decode_over_fastest_greedy"):
        del content["speedup"][key]
    old = Summary.from_json(content)
    assert old.speedup.geomean == old.speedup.decode_over_fastest_greedy == Estimate(None, None, None)
    assert (old.runaways, old.neighbours, old.settings, old.warnings) == (None, None, None, [])
    assert old.seconds.clocks == {} and old.own == {} and old.acceptance.cut_steps is None


# provenance.json as the first version had it, from before processes looked for others on their
# cores.
FIRST = {
    "python": "3.11.9", "versions": {"torch": "2.13.0", "datasets": None},
    "git": {"commit": "c", "dirty": True, "changes": "d"}, "device": "cpu", "cpu": None, "threads": 2,
    "identity": IDENTITY, "settings": "published (conf/method/ouroboros.yaml; settings=paper)",
    "sessions": [{
        "session": "s", "started": "2026-01-01T00:00:00+00:00", "command": ["python", "-m", "bench"], "folder": "/home",
        "platform": "Linux", "warmup": {"prompts": 3, "from": "train"},
    }],
}  # fmt: skip


def test_the_first_provenance_is_read_and_says_what_was_not_known():
    found = Provenance.from_json(FIRST)
    assert found.case == Case(identity=Identity(**IDENTITY)) and found.case.method is METHODS["ouroboros"]
    assert found.git == Checkout("c", True, "d") and found.environment.versions["datasets"] is None
    [session] = found.sessions
    assert (session.warmup.prompts, session.warmup.split) == (3, "train")
    assert (session.hardware, session.neighbours, session.warnings, session.left_out) == ([], None, [], {})
    assert found.sessions_of({"s"}) == [session] and found.sessions_of({"t"}) == []
    assert found.history_made_by is None
    assert Provenance.from_json(FIRST | {"history_made_by": {"task": "gsm8k"}}).history_made_by == {"task": "gsm8k"}
    assert Provenance.from_json(json.loads(json.dumps(found.to_json()))) == found
    (session,) = found.to_json()["sessions"]
    assert session["warmup"].keys() == {"prompts", "from"} and "places" in session, "keys that other readers know"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_version": 3}, "provenance.json has schema version 3, this harness reads 2"),
        ({"identity": None}, "provenance.json is damaged, it holds no mapping at case.identity"),
        ({"identity": {}}, "lacks case.identity.method, case.identity.task"),
        ({"identity": IDENTITY | {"luck": 1}}, "holds case.identity.luck, which this harness does not know"),
        ({"sessions": [{}]}, "lacks sessions.session, sessions.started"),
        ({"mood": "fine"}, "holds mood, which this harness does not know"),
    ],
    ids=["version", "no mapping", "missing", "unknown", "session", "key"],
)
def test_a_provenance_that_is_none_is_refused_in_one_line(changes, said):
    with pytest.raises(UserError, match=said):
        Provenance.from_json(FIRST | changes)


def test_a_case_of_another_version_is_refused_also_within_a_file_of_this_one():
    with pytest.raises(UserError, match="the case has schema version 2, this harness reads 1"):
        Case.from_json(Case(identity=Identity(**IDENTITY)).to_json() | {"schema_version": 2})
    content = Provenance.from_json(FIRST).to_json()
    content["case"]["schema_version"] = 2
    with pytest.raises(UserError, match="it holds case of schema version 2, this harness reads 1"):
        Provenance.from_json(content)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_version": 2}, "summary.json has schema version 2, this harness reads 1"),
        ({"speed": 3.0}, "summary.json is damaged, it holds speed, which this harness does not know"),
        ({"lossless": {}}, "lacks lossless.identical, lossless.tie"),
        ({"speedup": 1.5}, "holds no mapping at speedup"),
        ({"categories": {"qa": {"prompts": 1}}}, "lacks categories.qa.tokens_per_second"),
        ({"warnings": "one"}, "holds no list at warnings"),
        ({"probe": {"packed": {"one": 1.0}}}, "holds probe.packed.one, which is no number"),
    ],
    ids=["version", "unknown", "missing", "mapping", "category", "list", "number"],
)
def test_a_summary_that_is_not_one_is_refused_in_one_line(changes, said):
    with pytest.raises(UserError, match=said):
        Summary.from_json(summary_of() | changes)


# A line of forwards.jsonl from before lines named their schema.
FORWARDS = {
    "model": "m", "role": "draft", "layers": 2, "machine": {"bandwidth": 2.5, "flops": 4.0},
    "forwards": {
        "engine": "packed", "rows": 8, "context": 16, "work": {"bytes": 10, "flops": 5}, "prepared_seconds": 0.5,
        "seconds": [0.25, 0.125],
    },
}  # fmt: skip


def test_the_first_measurements_of_engines_are_read():
    found = Measurement.from_json(FORWARDS)
    assert (found.model, found.role, found.layers, found.machine) == ("m", "draft", 2, Machine(2.5, 4.0))
    assert found.forwards == Forwards("packed", 8, 16, Work(10, 5), 0.5, [0.25, 0.125])
    assert found.to_json() == {"schema_version": 1, **FORWARDS}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (FORWARDS | {"schema_version": 2}, "a line of forwards.jsonl has schema version 2, this harness reads 1"),
        (FORWARDS | {"mood": "fine"}, "a line of forwards.jsonl is damaged, it holds mood, which"),
        (FORWARDS | {"machine": {}}, "lacks machine.bandwidth, machine.flops"),
        ([], "has schema version None"),
    ],
    ids=["version", "unknown", "missing", "no mapping"],
)
def test_a_measurement_that_is_none_is_refused_in_one_line(content, said):
    with pytest.raises(UserError, match=said):
        Measurement.from_json(content)


def test_every_key_of_a_category_is_one_of_its_summary():
    assert {each.name for each in fields(Category)} <= {each.name for each in fields(Summary)}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_version": 2}, "line 2 has schema version 2, this harness reads 1"),
        ({"mood": "fine"}, "line 2 has mood, which this harness does not know"),
    ],
    ids=["version", "unknown"],
)
def test_a_newer_harnesss_record_is_refused_and_not_taken_for_a_torn_line(tmp_path, changes, said):
    lines = [made_record().to_json(), made_record(prompt="q").to_json() | changes]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    before = file.read_bytes()
    with pytest.raises(UserError, match=said), RunFolder(tmp_path):
        pass
    assert file.read_bytes() == before
