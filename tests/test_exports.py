"""bench.export: each format is read back as its readers document it, and adds up to the records."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bench_pair import bench_arguments, run
from made_records import made_record, made_steps
from pyarrow import parquet

from bench.measure.record import METHOD, REFERENCE
from bench.report.arguments import export
from bench.report.case_records import flat
from bench.report.collection import collect
from bench.report.export import FORMATS
from bench.report.exports.profile import checkpoint
from bench.report.exports.questions import Question, questions
from bench.report.metrics.requests import forward_tokens, longest_draft, request_acceptance, step_rows, survival

QUESTIONS = [
    {"question_id": 81, "category": "writing", "turns": ["Hi", "More"]},
    {"question_id": 161, "category": "translation", "turns": ["Bonjour"]},
]
METHODS = ("speculative", "prompt_lookup", "greedy", "hf_generate")


@pytest.fixture(scope="module")
def exported(pair, tmp_path_factory):
    """A folder with ./runs of questions in two turns, and each format of them below ./out."""
    root = tmp_path_factory.mktemp("exported")
    (root / "data" / "spec_bench").mkdir(parents=True)
    lines = "".join(json.dumps(each) + "\n" for each in QUESTIONS)
    (root / "data" / "spec_bench" / "question.jsonl").write_text(lines)
    arguments = [each for each in bench_arguments(pair) if not each.startswith(("task=", "data.", "warmup", "limit"))]
    more = ["task=spec_bench", "data=local", "data.root=data", "warmup=0", "repeats=2", "max_new_tokens=12"]
    panel = ["method=speculative", "method.gamma=3", "compare=[prompt_lookup,greedy,hf_generate]"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("HF_HUB_OFFLINE", "1")
        assert run(patch, *arguments, *more, *panel) == 0
        for form in FORMATS:
            assert export([form, "runs", f"out/{form}"]) == 0
    return root


@pytest.fixture
def runs(exported, monkeypatch):
    """The runs by method; the working folder is theirs."""
    monkeypatch.chdir(exported)
    return {each.summary.method: each for each in collect(["runs"])[0]}


def out(of, name: str) -> Path:
    (found,) = Path("out").glob(f"*/spec_bench/random/{of.folder.name}/{name}")
    return found


def json_lines(file: Path) -> list[dict]:
    return [json.loads(line) for line in file.read_text().splitlines()]


# The fields that both vLLM's page on acceptance metrics and AIPerf's record name, and their types.
RECORD = {
    "mean_acceptance_length": float, "draft_acceptance_rate": float, "acceptance_histogram": list,
    "acceptance_histogram_by_draft_length": dict, "num_spec_steps": int, "num_accepted_draft_tokens": int,
    "num_draft_tokens": int, "num_spec_tokens": int, "per_step_accepted": list, "per_step_drafted": list,
}  # fmt: skip


def require_acceptance(found: dict) -> None:
    """What AIPerf's record refuses, and what the pages say of the fields."""
    assert {name: type(value) for name, value in found.items()} == RECORD
    histogram = dict(enumerate(found["acceptance_histogram"]))
    assert len(histogram) == found["num_spec_tokens"] + 1
    assert sum(histogram.values()) == found["num_spec_steps"]
    assert sum(length * count for length, count in histogram.items()) == found["num_accepted_draft_tokens"]
    assert found["num_accepted_draft_tokens"] <= found["num_draft_tokens"]
    assert 1 <= found["mean_acceptance_length"] <= found["num_spec_tokens"] + 1
    assert 0 <= found["draft_acceptance_rate"] <= 1
    assert Counter(found["per_step_accepted"]) == {key: count for key, count in histogram.items() if count}
    assert sum(found["per_step_drafted"]) == found["num_draft_tokens"] and 0 not in found["per_step_drafted"]
    by_length = {int(length): counts for length, counts in found["acceptance_histogram_by_draft_length"].items()}
    assert all(len(counts) == length + 1 for length, counts in by_length.items())
    assert {length: sum(counts) for length, counts in by_length.items()} == Counter(found["per_step_drafted"])


@pytest.mark.parametrize("method", METHODS)
def test_acceptance_of_every_request(runs, method):
    lines = json_lines(out(runs[method], "acceptance.jsonl"))
    records = flat(runs[method].records().method)
    assert [line["usage"]["completion_tokens"] for line in lines] == [len(record.tokens) for record in records]
    assert len({line["id"] for line in lines}) == len(lines) == 6
    told = [line["metrics"]["speculative_decoding"] for line in lines]
    if method in ("greedy", "hf_generate"):
        assert told == [None] * 6, "as vLLM says without speculation"
        return
    for each in told:
        require_acceptance(each)
    accepted = runs[method].summary.acceptance
    assert sum(each["num_draft_tokens"] for each in told) == accepted.drafted
    assert sum(each["num_accepted_draft_tokens"] for each in told) == accepted.accepted


def test_the_example_of_vllm_s_page():
    """39 steps accepted none of three, one step one and three steps all; steps without a draft are
    not counted there."""
    accepted = [0] * 39 + [1] + [3] * 3
    steps = made_steps(
        drafted=[3] * 43 + [0, 0], accepted=[*accepted, 0, 0], emitted=[each + 1 for each in accepted] + [1, 1]
    )
    record = made_record(tokens=[1] * 56, steps=steps)
    found = request_acceptance(record, longest_draft([[record]]))
    assert found.mean_acceptance_length == 1.2325581395348837
    assert found.draft_acceptance_rate == 0.07751937984496124
    assert found.acceptance_histogram == [39, 1, 0, 3] == found.acceptance_histogram_by_draft_length[3]
    counts = found.num_spec_steps, found.num_accepted_draft_tokens, found.num_draft_tokens, found.num_spec_tokens
    assert counts == (43, 10, 129, 3)


def test_a_request_without_a_draft_in_a_run_with_some():
    record = made_record(tokens=[1, 2], steps=made_steps(emitted=[1]))
    found = request_acceptance(record, 3)
    assert (found.mean_acceptance_length, found.draft_acceptance_rate) == (1.0, 0.0)
    assert found.acceptance_histogram == [0] * 4 and found.num_spec_steps == 0


# As build_profile writes it.
PROFILE = {
    "schema_version", "measured", "method", "draft_checkpoint", "target_model", "num_speculative_tokens", "block_size",
    "max_supported_k", "verification_method", "conditional_accept_rates", "marginal_accept_rates",
    "mean_accept_length", "mean_accept_length_per_request", "accept_length_model", "accept_length_by_k",
    "acceptance_length_histogram", "per_category", "measurement_conditions", "validation",
}  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_profile_of_every_method(runs, method, exported):
    file = out(runs[method], "speculation_profile.json")
    found = json.loads(file.read_text())
    assert found.keys() == PROFILE and found["schema_version"] == "1.0"
    assert str(exported) not in file.read_text() and "/tmp" not in file.read_text(), "it is published"
    count = found["num_speculative_tokens"]
    assert len(found["conditional_accept_rates"]) == len(found["marginal_accept_rates"]) == count
    assert found["measured"] == (method in ("speculative", "prompt_lookup"))
    assert found["target_model"].endswith("/target")
    assert found["measurement_conditions"]["num_samples"] == 6
    if not found["measured"]:
        assert found["method"] == "none" and found["draft_checkpoint"] is None
        assert found["mean_accept_length"] is found["validation"] is None and found["accept_length_by_k"] == {}
        return
    chain = method == "speculative"
    assert found["method"] == ("draft_model" if chain else method)
    assert found["accept_length_model"] == ("chain_analytic" if chain else "measured_per_k")
    assert (found["draft_checkpoint"] is not None) == chain
    assert np.cumprod(found["conditional_accept_rates"]) == pytest.approx(found["marginal_accept_rates"], abs=1e-5)
    histogram = {int(length): steps for length, steps in found["acceptance_length_histogram"].items()}
    assert all(steps > 0 for steps in histogram.values()) and min(histogram) >= 1 and max(histogram) <= count + 1
    mean = sum(length * steps for length, steps in histogram.items()) / sum(histogram.values())
    assert found["mean_accept_length"] == pytest.approx(mean, abs=1e-5) == pytest.approx(
        1 + sum(found["marginal_accept_rates"]), abs=1e-4
    )
    summary = runs[method].summary
    cut = summary.acceptance.cut_steps / summary.target_forwards
    assert mean == pytest.approx(summary.tokens_per_target_forward + cut)
    assert found["accept_length_by_k"] == {str(count): found["mean_accept_length"]}
    assert found["validation"]["mean_consistency"]["passed"] and found["validation"]["marginal_monotonicity"]["passed"]
    assert found["per_category"].keys() == {"writing", "translation"}


def test_survival_counts_as_specdec_bench_does():
    """Its tests' example: 40, 30 and 30 steps that gave 1, 2 and 3 tokens, with drafts of three."""
    accepted = [0] * 40 + [1] * 30 + [2] * 30
    short = made_record(tokens=[1, 2], steps=made_steps(drafted=[3], accepted=[0], emitted=[1]))
    steps = made_steps(drafted=[3] * 99, accepted=accepted[1:], emitted=[each + 1 for each in accepted[1:]])
    long = made_record(tokens=[1] * 190, steps=steps)
    found = survival([[short], [long]])
    assert found.marginal == pytest.approx([0.6, 0.3, 0.0]) and found.conditional == pytest.approx([0.6, 0.5, 0.0])
    assert found.histogram == {1: 40, 2: 30, 3: 30} and found.mean == pytest.approx(1.9)
    assert found.request_mean == pytest.approx((1 + 1 + 90 / 99) / 2), "not the mean of the steps"
    assert survival([[made_record(tokens=[1, 2], steps=made_steps(emitted=[1]))]]) is None


def test_a_model_is_named_without_its_folders():
    assert checkpoint("/home/me/models/org/model/") == checkpoint("org/model") == "org/model"
    assert checkpoint("bundled:tiny/draft") == "tiny/draft"
    assert checkpoint(None) is checkpoint("") is None


def speed(file: Path, category: str) -> tuple[float, float]:
    """(mean tokens per second, mean accepted tokens) as Spec-Bench's evaluation/speed.py has them.

    Of a method's answers: choice 0 alone, rates averaged over questions, lengths over steps.
    """
    mt_bench = {"writing", "roleplay", "reasoning", "math", "coding", "extraction", "stem", "humanities"}
    rates, lengths = [], []
    for line in json_lines(file):
        wanted = category == "overall" or line["category"] == category
        if wanted or (category == "mt_bench" and line["category"] in mt_bench):
            choice = line["choices"][0]
            rates.append(sum(choice["new_tokens"]) / sum(choice["wall_time"]))
            lengths.extend(choice["accept_lengths"])
    return float(np.mean(rates)), float(np.mean(lengths))


def equal(one: Path, other: Path) -> bool:
    """The verdict of its evaluation/equal.py: the turns as text, line by line."""
    texts = [[str(line["choices"][0]["turns"]) for line in json_lines(file)] for file in (one, other)]
    return all(left == right for left, right in zip(*texts, strict=False))


@pytest.mark.parametrize("method", METHODS)
def test_spec_bench_s_scripts_read_the_answers(runs, method, tmp_path):
    files = [out(runs[method], name) for name in ("answers.jsonl", "answers_greedy.jsonl")]
    records = runs[method].records()
    for file, grid in zip(files, (records.method, records.reference), strict=True):
        lines = json_lines(file)
        assert [(line["question_id"], line["category"]) for line in lines] == [(81, "writing"), (161, "translation")]
        assert len({line["answer_id"] for line in lines}) == 2
        for line in lines:
            assert line.keys() == {"question_id", "category", "answer_id", "model_id", "choices", "tstamp"}
            assert [choice["index"] for choice in line["choices"]] == [0, 1], "a choice a repeat"
            for choice in line["choices"]:
                turns = 2 if line["category"] == "writing" else 1
                assert {len(choice[key]) for key in ("turns", "decoding_steps", "new_tokens", "wall_time")} == {turns}
                assert sum(choice["accept_lengths"]) == sum(choice["new_tokens"])
                assert len(choice["accept_lengths"]) == sum(choice["decoding_steps"])
        first = [repeats[0] for repeats in grid]
        for category, own in (("overall", first), ("mt_bench", first[:2]), ("translation", first[2:])):
            rate, length = speed(file, category)
            forwards = sum(len(forward_tokens(record)) for record in own)
            assert length == pytest.approx(sum(len(record.tokens) for record in own) / forwards)
            assert rate > 0
    assert speed(files[1], "overall")[1] == 1.0, "greedy gives one token a forward"
    if method == "speculative":
        assert speed(files[0], "overall")[1] == pytest.approx(runs[method].summary.tokens_per_forward_with_prefill)
    assert equal(*files)
    spoilt = tmp_path / "spoilt.jsonl"
    spoilt.write_text(files[0].read_text().replace('"turns": ["', '"turns": ["x', 1))
    assert not equal(spoilt, files[1])


def test_tokens_of_each_forward():
    steps = made_steps(drafted=[2, 2], accepted=[1, 1], emitted=[2, 1])
    assert forward_tokens(made_record(tokens=[1] * 5, prefill_tokens=2, steps=steps)) == [2, 2, 1]
    assert forward_tokens(made_record(tokens=[1] * 4, target_forwards=3)) == [1, 1, 1, 1]
    assert forward_tokens(made_record(tokens=[1] * 4, target_forwards=2)) is None
    assert forward_tokens(made_record(tokens=[1] * 4)) is None


def test_turns_are_one_question_and_without_categories_every_prompt_is(runs):
    run, records = runs["greedy"], runs["greedy"].records()
    asked = [Question(81, "writing", ["81", "81#2"]), Question(161, "translation", ["161"])]
    assert questions(run, records) == asked
    plain = replace(run, summary=replace(run.summary, categories=None, task="mbpp"))
    alone = [Question(81, "mbpp", ["81"]), Question("81#2", "mbpp", ["81#2"]), Question(161, "mbpp", ["161"])]
    assert questions(plain, records) == alone


def test_steps_as_a_table(runs):
    """All files of a folder are one table, and every token and second of the records is in it."""
    table = parquet.read_table("out/steps").to_pandas()
    assert set(table.run) == {each.folder.name for each in runs.values()}
    assert list(table.columns)[:10] == [
        "run", "task", "model", "method", "label", "role", "prompt", "repeat", "step", "position",
    ]  # fmt: skip
    for method, own in runs.items():
        records = own.records()
        part = table[table.run == own.folder.name]
        assert set(part.role) == {METHOD, REFERENCE} and set(part[part.role == REFERENCE].method) == {"greedy"}
        for record in [*flat(records.method), *flat(records.reference)]:
            mine = part[(part.role == record.role) & (part.prompt == record.prompt) & (part.repeat == record.repeat)]
            assert list(mine.step) == list(range(len(mine)))
            steps = record.steps
            assert len(mine) == 1 + (len(steps.emitted) if steps else 0)
            assert [token for ids in mine.token_ids for token in ids] == record.tokens[: mine.tokens.sum()]
            if steps:
                assert mine.tokens.sum() == len(record.tokens)
                assert list(mine.position) == [0, *np.cumsum(mine.tokens)[:-1]]
                assert mine.seconds.sum() <= record.total_seconds * (1 + 1e-6)
                assert list(mine.drafted[1:]) == steps.drafted and list(mine.rows[1:]) == steps.rows
                assert [list(each) for each in mine.sources[1:]] == steps.sources
            assert mine.seconds.iloc[0] == record.prefill_seconds
        assert method in set(part.method)


def test_a_step_s_seconds_are_its_parts():
    parts = {"draft_seconds": [0.5], "verify_seconds": [0.25], "observe_seconds": [0.125]}
    record = made_record(tokens=[7, 8, 9], steps=made_steps(drafted=[2], accepted=[1], emitted=[2], **parts))
    first, second = step_rows(record)
    assert (first.seconds, second.seconds, second.token_ids, second.position) == (1.0, 0.875, [8, 9], 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch", "runs"], "invalid choice: 'nosuch'"),
        (["steps", "nowhere"], "nowhere is no folder"),
        (["steps"], "FOLDER"),
        (["steps", "runs", "out/file"], "cannot write"),
        (["steps", "twice", "out2"], "would both go to"),
    ],
)
def test_a_user_s_error_is_one_line(runs, capsys, arguments, said):
    Path("out", "file").touch()
    if not Path("twice").exists():
        for name in ("a", "b"):
            shutil.copytree(runs["greedy"].folder, Path("twice", name, *runs["greedy"].folder.parts[-3:]))
    status, shown = export(arguments), capsys.readouterr()
    assert status == 2
    assert said in shown.err + shown.out and len(shown.err.splitlines()) <= 1
    Path("out", "file").unlink()


def test_a_run_that_cannot_be_exported_is_told_and_the_others_are(runs, tmp_path, capsys):
    shutil.copytree("runs", tmp_path / "runs")
    broken = tmp_path / runs["greedy"].folder / "records.jsonl"
    broken.write_text(broken.read_text().splitlines(keepends=True)[0])
    gone = tmp_path / runs["prompt_lookup"].folder / "records.jsonl"
    gone.unlink()
    assert export(["acceptance", str(tmp_path / "runs"), str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("written: ") for line in lines) == 2
    assert sum("of its 3 prompts" in line or "its records cannot be read" in line for line in lines) == 2
    moved = tmp_path / runs["speculative"].folder / "config.yaml"
    moved.write_text(moved.read_text().replace("root: data", "root: elsewhere"))
    assert export(["spec-bench", str(moved.parent), str(tmp_path / "out")]) == 2
    assert "its data cannot be read again" in capsys.readouterr().out
