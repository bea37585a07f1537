"""The figures of a summary, worked out by hand from two prompts, twice each."""

import json
from dataclasses import asdict, fields, replace
from math import inf, sqrt
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_records import made_record, made_steps
from many_runs import IDENTITY

from bench.measure.provenance import Checkout, Provenance, Session, Warmup
from bench.measure.steps import RecordedSteps
from bench.plan.case import Case, Identity
from bench.report.case_records import CaseRecords
from bench.report.categories import Quality, by_category
from bench.report.figure_types import Seconds
from bench.report.markdown import _work, headline
from bench.report.marks import runaways_decide
from bench.report.metrics.rates import compare, decode_throughput
from bench.report.metrics.steps import seconds_of, tokens_per_forward
from bench.report.statistics import geometric_mean, rate_ratio, speedup
from bench.report.summarize import summarize
from bench.report.warnings import warnings_of
from bench.report.writing import json_text
from decoding.records import Generation, Rounds
from tasks import Scores

EMITTED = {"a": [4, 2], "b": [1, 2]}
DRAFTED = {"a": [3, 3], "b": [3, 2]}
ACCEPTED = {"a": [3, 1], "b": [0, 1]}
ROWS = {prompt: [1 + count for count in drafted] for prompt, drafted in DRAFTED.items()}
ROUNDS = {
    "a": Rounds(drafted=[2, 2], accepted=[0, 2], emitted=[1, 2]),
    "b": Rounds(drafted=[2, 2], accepted=[0, 0], emitted=[1, 1]),
}


def record(prompt, prefill, total, steps=None):
    tokens = list(range(1 + sum(EMITTED[prompt])))
    return made_record(prompt=prompt, tokens=tokens, prefill_seconds=prefill, total_seconds=total, steps=steps)


def method(prompt, prefill, total, draft, verify):
    steps = made_steps(
        drafted=DRAFTED[prompt], accepted=ACCEPTED[prompt], emitted=EMITTED[prompt], rows=ROWS[prompt],
        draft_forwards=[3, 3], draft_rows=[5, 5], draft_seconds=[draft] * 2, verify_seconds=[verify] * 2,
        observe_seconds=[0.0] * 2, sources=[["draft"] * count for count in ACCEPTED[prompt]],
    )  # fmt: skip
    return record(prompt, prefill, total, steps)


def rival(prompt, prefill, total, draft=5):
    """A record without steps: three tokens of the prefill, two forwards after it."""
    return replace(record(prompt, prefill, total), prefill_tokens=3, target_forwards=2, draft_forwards=draft)


def sample(float32=None):
    """Two prompts, twice each, and greedy beside them."""
    return CaseRecords(
        ["a", "b"],
        [
            [method("a", 1.0, 3.0, 0.4, 0.5), method("a", 1.0, 4.0, 0.4, 0.5)],
            [method("b", 0.5, 2.5, 0.3, 0.6), method("b", 0.5, 1.5, 0.3, 0.6)],
        ],
        [[record("a", 1.0, 7.0)] * 2, [record("b", 0.5, 3.5)] * 2],
        float32,
    )


def summarized(records):
    """The summary of a case with these records."""
    identity = Identity(**{**IDENTITY, "method": {"name": "greedy"}, "dtype": "bfloat16"})
    case = Case(label="x", identity=identity, folder=Path("f"))
    plan = SimpleNamespace(
        settings=SimpleNamespace(seed=0, temperature=0, repeats=2),
        task=SimpleNamespace(name="t", version="t-1", category=lambda row: None),
        model=SimpleNamespace(label="m"), data=SimpleNamespace(source="local", path="f"), max_new_tokens=8,
    )  # fmt: skip
    prompts = SimpleNamespace(rows=SimpleNamespace(split="test"), examples=[])
    session = Session(
        session="s", started="", command=[], folder="", platform="", warmup=Warmup(3, "train")
    )
    provenance = Provenance(
        python="3", versions={}, git=Checkout(None), device="cpu", cpu=None, threads=1, case=case, sessions=[session]
    )
    return summarize(case, plan, prompts, records, (Scores({}, []), Scores({}, [])), provenance, {})


def summary(records):
    """The same as other tools read it."""
    return summarized(records).to_json()


def test_speedups():
    found = summary(sample())
    # Decode: 2 x (6 + 3) tokens in 2 + 3 + 2 + 1 seconds against 2 x (6 + 3) seconds.
    assert found["tokens_per_second"]["decode"] == {"method": 18 / 8, "greedy": 1.0}
    # What the bootstrap draws: at best a's first repeat and b's second alone, 6 / 2 and 3 / 1; one
    # draw in 64 is b's first alone, 6 / 4, and more are b twice with its second once, 12 / 7.
    assert found["speedup"]["decode"] == pytest.approx({"value": 2.25, "low": 12 / 7, "high": 3.0})
    # End to end: 2 x (7 + 4) tokens in 3 + 4 + 2.5 + 1.5 seconds against 2 x (7 + 3.5) seconds.
    assert found["tokens_per_second"]["end_to_end"] == {"method": 2.0, "greedy": pytest.approx(22 / 21)}
    assert found["speedup"]["end_to_end"]["value"] == pytest.approx(21 / 11)
    assert found["speedup"]["geomean"]["value"] == pytest.approx(sqrt(2.4 * 2.0))
    assert found["generated_tokens"] == 22


def test_work_and_seconds():
    found = summary(sample())
    assert (found["target_forwards"], found["draft_forwards"]) == (8, 24)
    assert found["tokens_per_target_forward"] == 18 / 8
    assert (found["verified_rows_per_step"], found["draft_rows_per_step"]) == (3.75, 5)
    assert (found["acceptance"]["drafted"], found["acceptance"]["accepted"]) == (22, 10)
    assert found["acceptance"]["rate"] == pytest.approx(10 / 22)
    assert found["acceptance"]["histogram"] == {"0": 2, "1": 4, "3": 2}
    assert found["acceptance"]["cut_steps"] == 0
    # 2 x (7 + 4) tokens in 8 forwards and 4 prefills.
    assert summarized(sample()).tokens_per_forward_with_prefill == 22 / 12
    # a: 12 tokens in 4 forwards, b: 6 in 4, repeats together.
    assert found["tokens_per_target_forward_mean"] == (3.0 + 1.5) / 2
    assert found["accepted_by_source"] == {"draft": 10}
    assert found["seconds"] == {
        "prefill": 3.0, "draft": pytest.approx(2.8), "verify": pytest.approx(4.4), "other": pytest.approx(0.8),
        "observe": 0.0, "pool": None, "pool_draft": None, "decode": 8.0,
    }  # fmt: skip
    assert found["greedy_seconds"]["draft"] is None and found["greedy_seconds"]["decode"] == 18.0
    assert found["lossless"]["identical"] == 4


@pytest.mark.parametrize("draft", [5, None])
def test_a_rival_that_counts_its_forwards_tells_no_more(draft):
    times = {"a": [(1.0, 3.0), (1.0, 4.0)], "b": [(0.5, 2.5), (0.5, 1.5)]}
    grid = [[rival(prompt, *each, draft) for each in times[prompt]] for prompt in "ab"]
    found = summary(CaseRecords(["a", "b"], grid, sample().reference))
    # After the prefill: 2 x (4 + 1) tokens in 2 + 3 + 2 + 1 seconds and 4 x 2 forwards.
    assert found["tokens_per_second"]["decode"]["method"] == 10 / 8
    assert found["tokens_per_second"]["end_to_end"]["method"] == 2.0
    assert (found["target_forwards"], found["tokens_per_target_forward"]) == (8, 10 / 8)
    assert summarized(CaseRecords(["a", "b"], grid, sample().reference)).tokens_per_forward_with_prefill == 22 / 12
    drafts = (20, 2.5) if draft else (None, None)
    assert (found["draft_forwards"], found["draft_forwards_per_step"]) == drafts
    for unknown in ("verified_rows_per_step", "draft_rows_per_step", "accepted_by_source", "pool_hit_rate"):
        assert found[unknown] is None
    assert set(found["acceptance"].values()) == {None}
    assert found["seconds"]["draft"] is found["seconds"]["verify"] is found["seconds"]["other"] is None


def test_a_rival_that_tells_its_rounds_has_an_acceptance():
    grid = [[replace(rival(prompt, 1.0, 2.0), rounds=rounds)] for prompt, rounds in ROUNDS.items()]
    records = CaseRecords(["a", "b"], grid, [each[:1] for each in sample().reference])
    for found in (summarized(records), by_category(records, ["z", "z"], (Scores({}, [{}, {}]),) * 2, seed=0)["z"]):
        # 2 x 4 tokens drafted, 2 and 0 of them accepted; a ended with a drafted token.
        assert found.acceptance.rate == 2 / 8 and found.acceptance.cut_steps == 1
        # a: 7 tokens, 3 of the prefill, in 2 forwards, b: 4 and 3.
        assert (found.tokens_per_target_forward, found.tokens_per_target_forward_mean) == (5 / 4, (2 + 0.5) / 2)


def test_a_category_of_a_rival_that_counts_its_forwards_has_its_tokens_per_forward():
    grid = [[rival(prompt, 1.0, 2.0)] for prompt in "ab"]
    records = CaseRecords(["a", "b"], grid, [each[:1] for each in sample().reference])
    found = by_category(records, ["y", "x"], (Scores({}, [{}, {}]),) * 2, seed=0)
    assert [each.tokens_per_target_forward for each in found.values()] == [4 / 2, 1 / 2]
    assert [each.acceptance.rate for each in found.values()] == [None, None]


def changed(records, change):
    """The records with other ones of the method: `change` of each."""
    return replace(records, method=[[change(each) for each in repeats] for repeats in records.method])


def with_outputs(records, **outputs):
    """The records with other outputs of the method: tokens and the reason of their end, by prompt.
    """
    return changed(records, lambda each: replace(each, tokens=outputs[each.prompt][0], stop=outputs[each.prompt][1]))


LOOP, PLAIN = [1, 2, 3] * 10, list(range(30))


@pytest.mark.parametrize(
    ("outputs", "count", "share"),
    [
        ({"a": (LOOP, "length"), "b": (PLAIN, "eos")}, 2, 0.5),
        ({"a": (LOOP, "context"), "b": (PLAIN, "eos")}, 2, 0.5),
        ({"a": (LOOP, "eos"), "b": (PLAIN, "length")}, 0, 0.0),  # neither alone is one
        ({"a": (LOOP, "length"), "b": (list(range(90)), "eos")}, 2, 0.25),
        ({"a": (LOOP, "length"), "b": (list(range(121)), "eos")}, 2, 30 / 151),
        ({"a": ([], "length"), "b": ([], "length")}, 0, 0.0),
    ],
    ids=["length", "context", "neither", "a quarter", "less than a fifth", "nothing"],
)
def test_outputs_that_ran_away_are_counted_marked_and_warned_of(outputs, count, share):
    records = with_outputs(sample(), **outputs)
    found = summarized(records)
    assert asdict(found.runaways) == {"outputs": count, "share": pytest.approx(share)}
    warnings = warnings_of([], records, {})
    assert bool(warnings) == runaways_decide(found.runaways) == (share >= 0.2)
    if warnings:
        assert warnings[0].startswith(f"{count} of 4 outputs ran to the limit") and f"{100 * share:.0f}%" in warnings[0]
    line = headline([found])[1]
    assert line[0] == ("x ~" if share >= 0.2 else "x")


def test_one_prompt_that_runs_away_moves_the_pooled_figures_and_not_those_per_prompt():
    """Nine prompts at 1.1 times greedy and 1.5 tokens a forward, one runaway at 4 times and 5."""
    ours, theirs = [], []
    for number in range(10):
        tokens, forwards, speed = (1000, 200, 4.0) if number == 9 else (30, 20, 1.1)
        record = made_record(tokens=[1] * (tokens + 1), target_forwards=forwards, total_seconds=1.0 + tokens)
        ours.append([replace(record, total_seconds=1.0 + tokens / speed)])
        theirs.append([record])
    sides = decode_throughput(ours), decode_throughput(theirs)
    assert speedup(*sides).value > 2.5 and geometric_mean(*sides).value == pytest.approx((4 * 1.1**9) ** 0.1)
    pooled, mean = tokens_per_forward(ours)
    assert pooled == pytest.approx(1270 / 380) and mean == pytest.approx(0.9 * 1.5 + 0.1 * 5)


def test_repeats_of_a_prompt_are_taken_together():
    forwards = [[1, 4], [2, 2]]
    grid = [[made_record(tokens=[1] * 5, target_forwards=count) for count in repeats] for repeats in forwards]
    # a: 8 tokens in 5 forwards, b: 8 in 4.
    assert tokens_per_forward(grid) == (16 / 9, pytest.approx((8 / 5 + 8 / 4) / 2))


def test_generations_are_compared_as_records_are():
    generations = [Generation([1] * 7, "length", 1.0, 2.0, prefill_tokens=3), Generation([1] * 7, "length", 1.0, 2.5)]
    sides = [decode_throughput([[made_record(**asdict(each))]]) for each in generations]
    assert [side.rate() for side in sides] == [4.0, 4.0]
    assert rate_ratio(*sides) == 1.0


def with_pool(records, columns=True, nested=False):
    """The records with a pool: it grows from 3 phrases to 5, and every second look-up finds
    something."""
    counts = {
        "pool_size": 5, "pool_evicted": 1, "pool_lookups": {"guess": 6, "suffix": 2}, "pool_hits": {"guess": 3},
        "phrases_learned": {"text": 4, "window": 2},
    }  # fmt: skip
    extra = counts | ({"drafter": counts | {"pool_size": 9}} if nested else {})
    own = {
        "pool_size": [3, 5], "pool_lookups": [{"guess": 2}, {"guess": 4, "suffix": 2}],
        "pool_hits": [{}, {"guess": 3}], "phrases_learned": [{"text": 4}, {"window": 2}],
        "pool_seconds": [0.2, 0.1], "pool_draft_seconds": [0.1, 0.05],
    }  # fmt: skip


    def told(each):
        return replace(each, extra=extra, steps=replace(each.steps, drafter_metrics=own if columns else {}))

    return changed(records, told)


def test_the_pools_steps():
    found = summary(with_pool(sample()))["ouroboros"]
    # 10 of the 18 tokens of the steps were drafted.
    assert found["accepted_by_source"] == {"draft": 10, "bonus": 8}
    assert (found["pool_size"], found["pool_evicted"]) == (5, 4)
    assert found["hit_rate"] == {"guess": 0.5, "suffix": 0.0}
    assert found["per_step"] == {
        "pool_size": 4.0, "draft_forwards": 3.0, "draft_rows": 5.0, "pool_lookups": {"guess": 3.0, "suffix": 1.0},
        "pool_hits": {"guess": 1.5}, "phrases_learned": {"text": 2.0, "window": 1.0},
        "seconds": pytest.approx({"draft": 0.275, "verify": 0.55, "pool": 0.15, "rest": 0.025}),
    }  # fmt: skip


def test_a_nested_drafters_pool_is_told_apart():
    assert summary(with_pool(sample()))["ouroboros"]["drafter"] is None
    found = summarized(with_pool(sample(), nested=True))
    own, within = found.own["ouroboros"], found.own["ouroboros"]["drafter"]
    assert (own["pool_size"], within["pool_size"]) == (5, 9)
    assert within["hit_rate"] == {"guess": 0.5, "suffix": 0.0}
    assert own["phrases_learned"] == within["phrases_learned"] == {"text": 16, "window": 8}, "each its own"
    assert within["drafter"] is None
    assert found.own["pool_hit_rate"] == 3 / 8
    rows = dict(_work(found))
    assert rows["pool hit rate of the drafter's own pool"] == "50% by guess, 0% by suffix"
    assert rows["phrases learned by it"] == "16 text, 8 window"
    assert rows["pool hit rate"] == "38%"
    assert not any("pool" in str(row[0]) for row in _work(summarized(sample()))), "nobody told of any"


def test_a_steps_parts_add_up_to_decode_time():
    seconds = summarized(with_pool(sample())).seconds
    # 4 generations: 0.3 s in the pool, 0.15 s of them while drafting, which takes 2.8 s, as the
    # rest takes 0.8 s.
    assert seconds.clocks == pytest.approx({"pool": 1.2, "pool_draft": 0.6})
    parts = seconds.parts()
    assert parts == pytest.approx({"draft": 2.2, "verify": 4.4, "pool": 1.2, "rest": 0.2})
    assert sum(parts.values()) == pytest.approx(seconds.decode)


def test_what_models_leave_of_decode_time_is_outside_of_them():
    def timed(each):
        half, tenth = ([x / by for x in each.steps.verify_seconds] for by in (2, 10))
        return replace(each, steps=replace(each.steps, model_seconds=half, sampling_seconds=tenth))

    found = summarized(changed(sample(), timed)).seconds
    assert found.models == pytest.approx(found.verify / 2) and found.sampling == pytest.approx(found.verify / 10)
    assert found.outside == pytest.approx(found.decode - found.models)
    assert summarized(sample()).seconds.outside is None, "records from before the clock"


def test_a_column_that_is_not_known_is_none_and_an_empty_one_sums_to_nothing():
    """Of generations that ended with their prefill there is no step, but every column is known."""
    names = [each.name for each in fields(RecordedSteps) if each.name != "drafter_metrics"]
    empty = made_record(steps=RecordedSteps(**{name: [] for name in names}))
    older = replace(empty, steps=replace(empty.steps, observe_seconds=None, model_seconds=None, sampling_seconds=None))
    found = seconds_of([[empty]])
    assert (found.draft, found.observe, found.models, found.sampling) == (0, 0, 0, 0)
    for grid in ([[older]], [[empty, older]]):
        found = seconds_of(grid)
        assert (found.draft, found.observe, found.models, found.sampling) == (0, None, None, None)
    assert seconds_of([[empty, made_record()]]).draft is None, "nor of who does not tell his steps"


def test_a_summary_from_before_the_pool_was_timed_is_split_without_it():
    seconds = Seconds(prefill=1.0, draft=3.0, verify=4.0, other=1.0, observe=0.5, decode=8.0)
    assert seconds.parts() == {"draft": 3.0, "verify": 4.0, "pool": None, "rest": 1.0}
    assert set(summarized(sample()).greedy_seconds.parts().values()) == {None}


def test_records_older_than_the_pools_columns_still_count():
    found, before = summary(with_pool(sample()))["ouroboros"], summary(with_pool(sample(), columns=False))["ouroboros"]
    assert before == found | {"per_step": None}
    assert set(summary(with_pool(sample(), columns=False))["seconds"]) == set(summary(sample())["seconds"])
    assert summary(sample())["ouroboros"] is None


def test_speed_over_the_fastest_greedy():
    assert summary(sample())["speedup"]["decode_over_fastest_greedy"] == {"value": None, "low": None, "high": None}
    fast = [[record("a", 1.0, 4.0)] * 2, [record("b", 0.5, 2.0)] * 2]
    assert summary(sample(fast))["speedup"]["decode_over_fastest_greedy"]["value"] == pytest.approx(2.25 / 2)
    slow = [[record("a", 1.0, 40.0)] * 2, [record("b", 0.5, 20.0)] * 2]
    assert summary(sample(slow))["speedup"]["decode_over_fastest_greedy"]["value"] == pytest.approx(2.25)


def test_figures_by_category():
    quality = Scores({}, [{"m": 0.5}, {}]), Scores({}, [{"m": 1.0}, {}])
    assert by_category(sample(), [None, None], quality, seed=0) is None
    found = by_category(sample(), ["y", "x"], quality, seed=0)
    assert list(found) == ["y", "x"] and [each.prompts for each in found.values()] == [1, 1]
    # 12 tokens in 2 + 3 seconds against 12 in 12, and 6 in 2 + 1 against 6 in 6.
    assert [each.tokens_per_second.decode.method for each in found.values()] == [12 / 5, 2.0]
    assert [each.speedup.decode.value for each in found.values()] == pytest.approx([12 / 5, 2.0])
    assert [each.tokens_per_target_forward for each in found.values()] == [3.0, 1.5]
    assert [each.acceptance.rate for each in found.values()] == pytest.approx([4 / 6, 1 / 5])
    assert [each.lossless.identical for each in found.values()] == [2, 2]
    assert found["y"].quality == Quality({"m": 0.5}, {"m": 1.0})
    assert found["x"].quality == Quality({}, {})
    whole = by_category(sample(), ["z", "z"], quality, seed=0)["z"]
    assert whole.speedup.decode == summarized(sample()).speedup.decode


def test_a_panel_compares_each_with_each():
    first, second = compare({"x": sample(), "y": sample()}, seed=0)
    assert (first.method, first.over, first.paired, second.method) == ("x", "y", True, "y")
    row = first.row()
    assert row["decode_value"] == row["decode_low"] == row["decode_high"] == pytest.approx(1.0)


def test_what_json_cannot_write_is_null():
    assert json.loads(json_text({"gap": inf, "all": [float("nan"), 1.5]})) == {"gap": None, "all": [None, 1.5]}
