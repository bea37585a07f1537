"""Rows from files and the bundled data, and the complaints about those that are not available."""

import csv
import json
import shutil

import pyarrow
import pytest
from pyarrow import parquet

from bench.plan.prompts import load_prompts
from decoding.errors import UserError
from tasks import TASKS, make_task, sources
from tasks.base import Hub
from tasks.files import read_rows
from tasks.sources import DataConfig, load_rows


def gsm8k_rows(count, start=0):
    return [{"question": f"What is {n} + 1?", "answer": f"#### {n + 1}"} for n in range(start, start + count)]


def mbpp_rows(count):
    return [
        {"task_id": n, "text": "t", "code": "c", "test_list": ["assert True"], "test_setup_code": ""}
        for n in range(1, count + 1)
    ]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def local(root, **settings):
    return DataConfig(source="local", root=str(root), **settings)


def task(name, **settings):
    return make_task({"name": name, **settings})


def fails(name, data, **settings):
    with pytest.raises(UserError) as error:
        load_rows(task(name, **settings), data)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_worked_examples_come_from_the_training_split(tmp_path):
    write(tmp_path / "gsm8k/test.jsonl", gsm8k_rows(3, 100))
    write(tmp_path / "gsm8k/train.jsonl", gsm8k_rows(20))
    loaded = load_rows(task("gsm8k"), local(tmp_path))
    assert [row["id"] for row in loaded.rows] == ["gsm8k/test/0", "gsm8k/test/1", "gsm8k/test/2"]
    assert [row["question"] for row in loaded.shots] == [row["question"] for row in gsm8k_rows(8)]
    assert loaded.split == "test" and loaded.origin == str(tmp_path / "gsm8k")
    assert loaded.examples(TASKS["gsm8k"]())[0].prompt.count("Question:") == 9


def test_validation_of_gsm8k_is_its_training_split_without_the_worked_examples(tmp_path):
    write(tmp_path / "gsm8k/train.jsonl", gsm8k_rows(20))
    loaded = load_rows(task("gsm8k"), local(tmp_path, split="validation"))
    assert loaded.split == "train" and len(loaded.rows) == 12
    assert not {row["question"] for row in loaded.rows} & {row["question"] for row in loaded.shots}


def test_mbpp_keeps_its_first_ten_problems_for_worked_examples(tmp_path):
    write(tmp_path / "mbpp/test.jsonl", mbpp_rows(15))
    loaded = load_rows(task("mbpp"), local(tmp_path))
    assert [row["task_id"] for row in loaded.rows] == [11, 12, 13, 14, 15]
    assert [row["task_id"] for row in loaded.shots] == [1, 2, 3]
    assert [row["task_id"] for row in load_rows(task("mbpp", shots=0), local(tmp_path)).rows] == [11, 12, 13, 14, 15]


@pytest.mark.parametrize("tests", [[], [" "]])
def test_an_mbpp_problem_without_tests_is_named(tmp_path, tests):
    rows = mbpp_rows(11)
    rows[10]["test_list"] = tests
    write(tmp_path / "mbpp/test.jsonl", rows)
    assert "test.jsonl:11: field 'test_list' holds no test" in fails("mbpp", local(tmp_path))


def test_spec_bench_is_read_from_its_own_file_name(tmp_path):
    rows = [{"question_id": 81, "category": "rag", "turns": ["Who?"], "reference": [["A", "B"]]}]
    write(tmp_path / "spec_bench/question.jsonl", rows)
    assert load_rows(task("spec_bench"), local(tmp_path)).rows == rows


@pytest.mark.parametrize("reference", [5, True, 0.5, "One.", {"a": "b"}, [3], [["a", None]]])
def test_a_spec_bench_reference_of_another_form_is_named(tmp_path, reference):
    row = {"question_id": 81, "category": "rag", "turns": ["Who?"], "reference": reference}
    write(tmp_path / "spec_bench/question.jsonl", [row])
    assert "question.jsonl:1: field 'reference' must be a list" in fails("spec_bench", local(tmp_path))


def test_json_csv_and_parquet_give_the_rows_of_jsonl(tmp_path):
    rows = mbpp_rows(12)
    write(tmp_path / "jsonl/mbpp/test.jsonl", rows)
    for kind in ("json", "csv", "parquet"):
        (tmp_path / kind / "mbpp").mkdir(parents=True)
    (tmp_path / "json/mbpp/test.json").write_text(json.dumps(rows, indent=1))
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "parquet/mbpp/test.parquet")
    with (tmp_path / "csv/mbpp/test.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows({**row, "test_list": json.dumps(row["test_list"])} for row in rows)
    loaded = [load_rows(task("mbpp"), local(tmp_path / kind)) for kind in ("jsonl", "json", "csv", "parquet")]
    assert all(each.rows == rows[10:] and each.digest == loaded[0].digest for each in loaded)


def test_shards_as_the_hub_names_them_are_one_split(tmp_path):
    rows = mbpp_rows(14)
    write(tmp_path / "whole/mbpp/test.jsonl", rows)
    folder = tmp_path / "shards/mbpp"
    folder.mkdir(parents=True)
    parts = [folder / f"test-{number:05}-of-00003.parquet" for number in range(3)]
    for part, some in zip(parts, (rows[:5], rows[5:11], rows[11:]), strict=True):
        parquet.write_table(pyarrow.Table.from_pylist(some), part)
    parquet.write_table(pyarrow.Table.from_pylist(rows[:2]), folder / "train-00000-of-00001.parquet")
    whole, shards = (load_rows(task("mbpp"), local(tmp_path / each)) for each in ("whole", "shards"))
    assert shards.rows == whole.rows and shards.digest == whole.digest
    # Older ones carry a digest; a split that nobody asked for need not be whole.
    parts[2].rename(folder / "test-00002-of-00003-a09b74b3ef9c3b56.parquet")
    assert load_rows(task("mbpp"), local(tmp_path / "shards")).digest == whole.digest
    twice = folder / "test-00000-of-00003-a09b74b3ef9c3b56.parquet"
    shutil.copy(parts[0], twice)
    assert "keep one of them" in fails("mbpp", local(tmp_path / "shards")), "its rows would count twice"
    twice.unlink()
    (folder / "train-00000-of-00001.parquet").rename(folder / "train-00000-of-00002.parquet")
    config = local(tmp_path / "shards")
    assert len(load_prompts(task("mbpp"), config, 2, None).examples) == len(whole.rows) - 2
    parts[1].unlink()
    assert "test-00001-of-00003.parquet is missing" in fails("mbpp", local(tmp_path / "shards"))
    parts[0].rename(folder / "test-00000-of-00002.parquet")
    assert "keep one of them" in fails("mbpp", local(tmp_path / "shards"))
    (folder / "test-00002-of-00003-a09b74b3ef9c3b56.parquet").rename(folder / "test.parquet")
    assert "keep one of them" in fails("mbpp", local(tmp_path / "shards"))


FORMS = {
    "humaneval": {"task_id": "H/0", "prompt": "def f():\n    pass", "entry_point": "f", "canonical_solution": "    1\n",
                  "test": "def check(candidate):\n    assert 'é'"},
    "gsm8k": {"question": "1 + 1, 'is' \"it\"?", "answer": "It is\n#### 2"},
    "cnndm": {"id": "12", "article": "One.\n\nTwo, and three.", "highlights": "a .\nb ."},
    "wmt16": {"translation": {"de": "Ä, ja", "en": "17"}},
    "mbpp": {"task_id": 11, "text": "t", "code": "a\r\nb", "test_list": ["x, 'y'", "z"], "test_setup_code": ""},
    "spec_bench": {"question_id": 81, "category": "writing", "turns": ["a\nb", "c"], "reference": ["One.", "Two."]},
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_every_task_reads_all_four_kinds_of_files(tmp_path, name):
    rows = [FORMS[name]]
    if name == "spec_bench":
        rows.append({"question_id": 82, "category": "qa", "turns": ["who?"]})
    for kind in ("jsonl", "json", "csv", "parquet"):
        (tmp_path / kind / name).mkdir(parents=True)
    write(tmp_path / f"jsonl/{name}/test.jsonl", rows)
    (tmp_path / f"json/{name}/test.json").write_text(json.dumps(rows))
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / f"parquet/{name}/test.parquet")
    with (tmp_path / f"csv/{name}/test.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        for row in rows:
            writer.writerow({key: value if isinstance(value, str) else json.dumps(value) for key, value in row.items()})
    loaded = [load_rows(task(name, shots=0), local(tmp_path / kind)) for kind in ("jsonl", "json", "csv", "parquet")]
    assert loaded[0].rows[0].items() >= rows[0].items()
    assert all(each.rows == loaded[0].rows and each.digest == loaded[0].digest for each in loaded)


def test_lines_and_words_of_csv_are_what_they_are(tmp_path):
    """A blank line is no row, and an id that looks like a number stays the text it is."""
    (tmp_path / "p.csv").write_text('id,prompt\n\n1e5,"x\ny"\n\n1.1,z\n2,\n')
    rows = list(read_rows(tmp_path / "p.csv", {"prompt": str}, {"id": (str, int)}))
    assert [(place.rpartition(":")[2], row["id"]) for place, row in rows] == [("3", "1e5"), ("6", "1.1"), ("7", 2)]


@pytest.mark.parametrize("text", ["[" * 100_000, '{"id": ' + "9" * 5000 + "}"])
def test_json_that_python_will_not_read_is_named(tmp_path, text):
    (tmp_path / "p.jsonl").write_text('{"prompt": "x"}\n' + text + "\n")
    with pytest.raises(UserError, match=r"p.jsonl:2: no JSON that can be read"):
        list(read_rows(tmp_path / "p.jsonl", {}))


def test_nested_fields_survive_csv(tmp_path):
    (tmp_path / "wmt16").mkdir()
    with (tmp_path / "wmt16/test.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["translation"], [json.dumps({"de": "Hallo", "en": "Hello"})]])
    assert load_rows(task("wmt16"), local(tmp_path)).rows[0]["translation"]["de"] == "Hallo"


def test_empty_optional_cells_are_absent_and_too_many_cells_are_named(tmp_path):
    file = tmp_path / "prompts.csv"
    file.write_text("id,prompt,reference,stop\n1,a,,\n2,b,c,.\n3,d\n")
    rows = load_rows(task("custom"), DataConfig(path=str(file))).rows
    assert rows[::2] == [{"id": 1, "prompt": "a"}, {"id": 3, "prompt": "d"}]
    assert rows[1] == {"id": 2, "prompt": "b", "reference": "c", "stop": "."}
    file.write_text("id,prompt\n1,a\n2,b,c\n")
    assert "prompts.csv:3: the row has more cells than the 2 headings" in fails("custom", DataConfig(path=str(file)))
    file.write_text('id,prompt\n1,"a\nb"\n2,"c\nd",e\n')
    assert "prompts.csv:4: the row has more cells than the 2 headings" in fails("custom", DataConfig(path=str(file)))


def test_warm_up_prompts_come_from_the_small_split_and_are_not_read_further(monkeypatch):
    read = []

    def rows(hub, split, revision):
        for number, row in enumerate(gsm8k_rows(1000)):
            read.append(split)
            yield f"row {number}", row

    monkeypatch.setattr(sources, "hub_rows", rows)
    prompts = load_prompts(task("gsm8k", shots=2), DataConfig(source="hub"), warmup=3, limit=5)
    assert (len(prompts.examples), len(prompts.warmup), prompts.warmup_from) == (5, 3, "train")
    assert read.count("test") == 1000 and read.count("train") <= 10
    hub = Hub("owner/name", None, ("train", "validation", "test"))
    monkeypatch.setattr(TASKS["gsm8k"], "hub", hub)
    assert load_prompts(task("gsm8k", shots=0), DataConfig(source="hub"), 3, 5).warmup_from == "validation"


def test_a_broken_row_among_the_warm_up_prompts_is_named(tmp_path):
    write(tmp_path / "gsm8k/test.jsonl", gsm8k_rows(3, 100))
    write(tmp_path / "gsm8k/train.jsonl", gsm8k_rows(2))
    # A split that the worked examples use up is no fault.
    assert load_prompts(task("gsm8k", shots=2), local(tmp_path), 1, None).warmup_from == "last rows"
    write(tmp_path / "gsm8k/validation.jsonl", [{"question": "a"}])
    with pytest.raises(UserError, match="validation.jsonl:1: field 'answer' is missing"):
        load_prompts(task("gsm8k", shots=2), local(tmp_path), 1, None)


def test_digest_follows_the_rows_and_the_worked_examples(tmp_path):
    write(tmp_path / "gsm8k/test.jsonl", gsm8k_rows(3, 100))
    write(tmp_path / "gsm8k/train.jsonl", gsm8k_rows(20))
    digests = {load_rows(task("gsm8k", shots=shots), local(tmp_path)).digest for shots in (0, 1, 1, 2)}
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"question": "a", "answer": "#### 1"}\n\n{broken\n', "test.jsonl:3: no valid JSON"),
        (b'{"question": "a", \n', "test.jsonl:1: no valid JSON"),
        (b'{"question": "a"}\n', "test.jsonl:1: field 'answer' is missing; the row has question"),
        (b'{"question": 3, "answer": "#### 1"}\n', "test.jsonl:1: field 'question' must be str, not int"),
        (b'{"question": "a", "answer": "one"}\n', "test.jsonl:1: the answer has no line '#### number'"),
        (b'["a"]\n', "test.jsonl:1: a row must be an object"),
        (b'{"question": "a\\ud800", "answer": "#### 1"}\n', "test.jsonl:1: field 'question' holds a lone surrogate"),
        (b'{"question": "\xff"}\n', "test.jsonl:1: no valid UTF-8"),
        (b"", "test.jsonl holds no rows"),
    ],
)
def test_a_broken_row_is_named_by_file_and_line(tmp_path, content, message):
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k/test.jsonl").write_bytes(content)
    assert message in fails("gsm8k", local(tmp_path), shots=0)


def test_a_lone_surrogate_is_refused_in_lists_too_and_in_no_other_field(tmp_path):
    rows = [{"question_id": 81, "category": "rag", "turns": ["Who \U0001f600?"], "more": "\ud800"}]
    write(tmp_path / "spec_bench/question.jsonl", rows)
    assert load_rows(task("spec_bench"), local(tmp_path)).rows == rows
    for field in ({"turns": ["a", "\udfff"]}, {"reference": [["a", "\ud800"]]}):
        write(tmp_path / "spec_bench/question.jsonl", [{**rows[0], **field}])
        assert f"question.jsonl:1: field '{next(iter(field))}' holds" in fails("spec_bench", local(tmp_path))


@pytest.mark.parametrize(
    ("suffix", "content", "message"),
    [
        ("json", b"nonsense", "no valid JSON"),
        ("parquet", b"nonsense", "no valid parquet"),
        ("json", b'[\n {"question": "a",\n  "answer" "#### 1"}\n]', "test.json:3: no valid JSON"),
        ("json", b'[\n {"question": "a",\n\n  "answer": "\xff"}\n]', "test.json:4: no valid UTF-8"),
    ],
)
def test_a_broken_file_is_named_json_with_its_line(tmp_path, suffix, content, message):
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / f"gsm8k/test.{suffix}").write_bytes(content)
    assert message in fails("gsm8k", local(tmp_path), shots=0)


def test_what_is_missing_is_named(tmp_path):
    assert f"no data for gsm8k in {tmp_path / 'gsm8k'}" in fails("gsm8k", local(tmp_path))
    write(tmp_path / "gsm8k/test.jsonl", gsm8k_rows(3))
    assert "choose among test" in fails("gsm8k", local(tmp_path, split="test_unseen"))
    assert "no split train to take worked examples from" in fails("gsm8k", local(tmp_path))
    write(tmp_path / "gsm8k/train.jsonl", gsm8k_rows(3))
    assert "has only 3 rows for worked examples" in fails("gsm8k", local(tmp_path))
    assert "no row of train is left" in fails("gsm8k", local(tmp_path, split="train"), shots=3)
    (tmp_path / "gsm8k/test.json").write_text("[]")
    assert "keep one of them" in fails("gsm8k", local(tmp_path))


def test_custom_prompts_come_from_a_file(tmp_path):
    file = tmp_path / "prompts.jsonl"
    write(file, [{"id": 1, "prompt": "a", "stop": ["\n", "."]}, {"id": "b", "prompt": "c", "reference": "d"}])
    loaded = load_rows(task("custom"), DataConfig(path=str(file)))
    assert [example.id for example in loaded.examples(TASKS["custom"]())] == ["1", "b"]
    file.write_text('{"id": 1, "prompt": "a"}\n\n{"id": "1", "prompt": "b"}\n')
    assert fails("custom", DataConfig(path=str(file))) == f"{file}:1 and {file}:3 have the same id 1"
    write(file, [{"id": 1, "prompt": "a", "stop": [3]}])
    assert "field 'stop' must be str or a list of strings" in fails("custom", DataConfig(path=str(file)))
    for empty in ("", ["\n", ""]):
        write(file, [{"id": 1, "prompt": "a", "stop": empty}])
        assert "prompts.jsonl:1: field 'stop' holds an empty string" in fails("custom", DataConfig(path=str(file)))
    assert "does not exist" in fails("custom", DataConfig(path=str(tmp_path / "none.jsonl")))
    assert "data.path=FILE belong together" in fails("custom", DataConfig())
    assert "data.path=FILE belong together" in fails("gsm8k", DataConfig(path=str(file)))


def test_a_home_of_nobody_is_refused():
    assert "~nosuchuser" in fails("gsm8k", DataConfig(source="local", root="~nosuchuser/data"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "web"}, "data.source='web' is unknown"),
        ({"source": "local"}, "needs data.root=FOLDER"),
        ({"root": "x"}, "data.root is for data=local"),
        ({"revision": "x"}, "data.revision is for data=hub"),
    ],
)
def test_wrong_data_settings_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        DataConfig(**settings)


def test_the_hub_is_refused_in_one_line_without_a_network(monkeypatch):
    import huggingface_hub

    def unreachable(*_args, **_kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", unreachable)
    message = fails("humaneval", DataConfig(source="hub", revision="no-such-revision"))
    assert "data=local" in message and "data=bundled" in message
    assert "data=local" in fails("spec_bench", DataConfig(source="hub"))
    assert "choose among test" in fails("humaneval", DataConfig(source="hub", split="train"))


def test_hub_rows_carry_the_hub_s_own_schema(monkeypatch):
    import datasets
    import huggingface_hub

    asked = []

    def load(path, config, split, revision):
        asked.append((path, config, split, revision))
        return gsm8k_rows(10, 100 if split == "test" else 0)

    monkeypatch.setattr(huggingface_hub.HfApi, "dataset_info", lambda *_args, **_kwargs: None)
    monkeypatch.setattr(datasets, "load_dataset", load)
    loaded = load_rows(task("gsm8k"), DataConfig(source="hub", revision="abc"))
    assert asked == [("openai/gsm8k", "main", "test", "abc"), ("openai/gsm8k", "main", "train", "abc")]
    assert len(loaded.rows) == 10 and len(loaded.shots) == 8


def test_bundled_data_needs_no_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "BUNDLED", tmp_path)
    assert "python -m training.corpus" in fails("gsm8k", DataConfig())
    write(tmp_path / "gsm8k/test_unseen.jsonl", gsm8k_rows(3))
    loaded = load_rows(task("gsm8k"), DataConfig(split="test_unseen"))
    assert loaded.origin == "bundled" and loaded.shots == []
