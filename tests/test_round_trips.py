"""Records and summaries as JSON and back: nothing is lost, older files are read, and what is not
known is refused."""

import json
import math
from dataclasses import fields, is_dataclass, replace
from typing import get_args, get_origin, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_records import made_record
from many_runs import summary_of

from bench.measure.record import FLOAT32, Record
from bench.measure.store import RunFolder
from bench.report.categories import Category
from bench.report.figure_types import Estimate
from bench.report.summary import Summary
from bench.report.writing import json_text
from decoding.errors import UserError

LEAVES = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False, allow_infinity=False) | st.text()
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=4)
# Values of the types that fields have; a file holds no number that is none.
PLAIN = {
    str: st.text(), int: st.integers(), bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
}  # fmt: skip


def values_of(kind, depth=0):
    """Any value of a type that a field of Record or Summary has."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{each.name: values_of(hints[each.name], depth + 1) for each in fields(kind)})
    arguments = get_args(kind)
    if type(None) in arguments:
        [wanted] = [each for each in arguments if each is not type(None)]
        # A pool may hold a pool, but not for ever.
        return st.none() if depth > 4 else st.none() | values_of(wanted, depth)
    if get_origin(kind) is list:
        return st.lists(values_of(arguments[0], depth), max_size=2)
    if arguments:
        return st.dictionaries(st.text(), values_of(arguments[1], depth), max_size=2)
    return PLAIN.get(kind, ANYTHING)


SUMMARIES = values_of(Summary).map(lambda summary: replace(summary, schema_version=Summary.SCHEMA_VERSION))
RECORDS = values_of(Record)


@given(RECORDS)
@settings(max_examples=50, deadline=None)
def test_a_record_comes_back_from_its_line(record):
    line = json.dumps(record.to_json(), ensure_ascii=False)
    back = Record.from_json(json.loads(line))
    # Without a tolerance nothing was judged, and none of it is written.
    judged = record.tolerance is not None
    assert back == (record if judged else replace(record, gap=None, gap_at=None, stop_fault=None))


@given(SUMMARIES)
@settings(max_examples=30, deadline=None)
def test_a_summary_comes_back_from_its_file(summary):
    assert Summary.from_json(json.loads(json_text(summary.to_json()))) == summary


def test_an_infinite_gap_comes_back_and_greedy_in_float32_is_not_judged():
    wrong = made_record(gap=math.inf, gap_at=0)
    assert Record.from_json(json.loads(json.dumps(wrong.to_json()))) == wrong
    beside = made_record(role=FLOAT32, gap=None, tolerance=None)
    assert not {"gap", "gap_at", "stop_fault", "tolerance"} & beside.to_json().keys()
    assert Record.from_json(beside.to_json()) == beside


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
    assert old.seconds.pool is None and old.acceptance.cut_steps is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema_version": 2}, "summary.json has schema version 2, this harness reads 1"),
        ({"speed": 3.0}, "summary.json is damaged, it holds speed, which this harness does not know"),
        ({"lossless": {}}, "lacks lossless.identical, lossless.tie"),
        ({"speedup": 1.5}, "holds no mapping at speedup"),
        ({"categories": {"qa": {"prompts": 1}}}, "lacks categories.qa.tokens_per_second"),
        ({"warnings": "one"}, "holds no list at warnings"),
    ],
    ids=["version", "unknown", "missing", "mapping", "category", "list"],
)
def test_a_summary_that_is_not_one_is_refused_in_one_line(changes, said):
    with pytest.raises(UserError, match=said):
        Summary.from_json(summary_of() | changes)


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
