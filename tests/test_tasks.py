"""Prompts, stopping, settings and the overlap of texts."""

from types import SimpleNamespace

import pytest
from bench_pair import make_tokenizer

from decoding.errors import UserError
from tasks import TASKS, make_task, training_text
from tasks.overlap import bundled_share, overlap
from tasks.sources import BUNDLED
from training.corpus.__main__ import COUNTS

ROWS = {
    "humaneval": {
        "task_id": "X/0",
        "prompt": 'def add(a, b):\n    """Sum."""\n',
        "entry_point": "add",
        "canonical_solution": "    return a + b\n",
        "test": "def check(candidate):\n    assert candidate(1, 2) == 3\n",
    },
    "mbpp": {
        "task_id": 11,
        "text": "Add two numbers.",
        "code": "def add(a, b):\r\n    return a + b",
        "test_list": ["assert add(1, 2) == 3"],
        "test_setup_code": "",
    },
    "gsm8k": {"id": "q", "question": "What is 1 + 2?", "answer": "It is 1 + 2 = <<1+2=3>>3.\n#### 3"},
    "cnndm": {"id": "a", "article": "It rained.", "highlights": "Rain fell .\nIt was wet ."},
    "wmt16": {"id": "w", "translation": {"de": "Hallo", "en": "Hello"}},
    "spec_bench": {"question_id": 1, "category": "qa", "turns": ["Who?", "Why?"], "reference": ["Me.", "Because."]},
    "custom": {"id": "c", "prompt": "Once", "reference": " upon", "stop": "."},
}

TEXTS = {
    "humaneval": "Complete the body of the following Python function. Do not add anything after it.\n"
    'def add(a, b):\n    """Sum."""\n    return a + b\n',
    "mbpp": "Write a Python function for this task: Add two numbers.\nIt must pass these tests:\n"
    "assert add(1, 2) == 3\n[BEGIN]\ndef add(a, b):\n    return a + b\n[DONE]",
    "gsm8k": "Question: What is 1 + 2?\nAnswer: It is 1 + 2 = <<1+2=3>>3.\n#### 3",
    "cnndm": "Summarize the following article.\nArticle: It rained.\nSummary: Rain fell .\nIt was wet .",
    "wmt16": "Translate German to English.\nGerman: Hallo\nEnglish: Hello",
    "spec_bench": "User: Who?\nAssistant: Me.\n\nUser: Why?\nAssistant: Because.",
    "custom": "Once upon",
}


@pytest.mark.parametrize("name", TASKS)
def test_training_text_is_prompt_and_answer(name):
    assert training_text(name, ROWS[name]) == TEXTS[name]


@pytest.mark.parametrize("name", TASKS)
def test_worked_examples_come_first_and_leave_the_question_last(name):
    task = TASKS[name]()
    alone, example = task.example(ROWS[name]), task.example(ROWS[name], [ROWS[name]])
    assert example.prompt == f"{TEXTS[name].rstrip()}\n\n{alone.prompt}"
    assert [message["role"] for message in example.messages] == ["user", "assistant", "user"]


@pytest.mark.parametrize("name", [name for name in TASKS if name not in ("custom", "spec_bench")])
def test_a_stop_string_never_cuts_the_reference_answer_but_ends_the_next_question(name):
    task = TASKS[name]()
    example = task.example(ROWS[name])
    body = example.answer.removesuffix("[DONE]")
    assert task.clean(example, example.answer) == body
    following = f"{example.answer}\n\n{task.question(ROWS[name])}" if name != "humaneval" else "    return\n\ndef f"
    assert len(task.clean(example, following)) < len(following) - len("def f")


def test_running_on_drops_the_stop_strings_but_not_the_cut_before_scoring():
    task = make_task({"name": "wmt16", "stopped": False})
    assert task.stop == () and TASKS["wmt16"]().stop == ("\n",)
    assert task.clean(task.example(ROWS["wmt16"]), " Hello\nGerman:") == " Hello"
    custom = make_task({"name": "custom", "stopped": False})
    example = custom.example(ROWS["custom"])
    assert example.stop == () and custom.clean(example, "a.b") == "a"
    assert TASKS["custom"]().example(ROWS["custom"]).stop == (".",)


def test_second_turn_continues_from_the_decoded_answer():
    task = TASKS["spec_bench"]()
    second = task.follow_up(task.example(ROWS["spec_bench"]), " You.\nUser: more")
    assert second.prompt == "User: Who?\nAssistant: You.\n\nUser: Why?\nAssistant:"
    assert second.id == "1#2" and second.reference == ["Because."]
    assert [message["content"] for message in second.messages] == ["Who?", "You.", "Why?"]
    assert task.follow_up(second, "x") is None
    assert TASKS["gsm8k"]().follow_up(TASKS["gsm8k"]().example(ROWS["gsm8k"]), "x") is None


def test_a_conversation_is_one_example_a_turn():
    first, second = TASKS["spec_bench"]().turns(ROWS["spec_bench"])
    assert (first.id, first.follows, second.id, second.follows) == ("1", None, "1#2", "1")
    assert first == TASKS["spec_bench"]().example(ROWS["spec_bench"]) and second.reference == ["Because."]
    for name in ("gsm8k", "custom"):
        assert TASKS[name]().turns(ROWS[name]) == [TASKS[name]().example(ROWS[name])]
    third = TASKS["spec_bench"]().turns({**ROWS["spec_bench"], "turns": ["a", "b", "c"]})[2]
    assert (third.id, third.follows, third.reference) == ("1#3", "1#2", [])


def test_only_spec_bench_has_categories():
    assert {name: TASKS[name]().category(ROWS[name]) for name in TASKS if TASKS[name]().category(ROWS[name])} == {
        "spec_bench": "qa"
    }


def test_version_names_task_variant_and_wording():
    assert make_task({"name": "humaneval"}).version == "humaneval-base-1"
    assert make_task({"name": "gsm8k", "variant": "chat"}).version == "gsm8k-chat-1"
    versions = [make_task({"name": "mbpp", "variant": variant}).version for variant in ("base", "chat")]
    assert versions == ["mbpp-base-1", "mbpp-chat-2"]


def test_shots_default_to_the_paper_but_not_on_bundled_data():
    assert (TASKS["gsm8k"]().shots("hub"), TASKS["mbpp"]().shots("local"), TASKS["gsm8k"]().shots("bundled")) == (
        8,
        3,
        0,
    )
    assert make_task({"name": "gsm8k", "shots": 2}).shots("bundled") == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "humanevil"}, "task=humanevil is unknown"),
        ({"name": "gsm8k", "shot": 3}, "task.shot is no setting"),
        ({"name": "gsm8k", "timeout": 3}, "task.timeout is no setting"),
        ({"name": "gsm8k", "shots": -1}, "task.shots must be at least 0"),
        ({"name": "gsm8k", "shots": "many"}, "task.shots: "),
        ({"name": "gsm8k", "variant": "instruct"}, "task.variant='instruct' is unknown"),
        ({"name": "mbpp", "timeout": 0}, "task.timeout=0.0 must be above 0"),
        ({"name": "mbpp", "memory_mib": 1}, "task.memory_mib must be at least 64"),
        ({"name": "mbpp", "run_tests": "perhaps"}, "task.run_tests: "),
    ],
)
def test_wrong_settings_end_in_one_line(settings, message):
    with pytest.raises(UserError) as error:
        make_task(settings)
    assert str(error.value).startswith(message) and "\n" not in str(error.value)


class FakeTokenizer:
    """Ids are character codes, after a start token; a conversation is written with its roles."""

    def __init__(self, chat_template=None):
        self.chat_template = chat_template

    def __call__(self, text):
        return SimpleNamespace(input_ids=[1, *map(ord, text)])

    def apply_chat_template(self, messages, add_generation_prompt, tokenize, return_dict, enable_thinking):
        assert add_generation_prompt and tokenize and not return_dict and not enable_thinking
        return [ord(character) for message in messages for character in message["content"]]


def test_base_text_is_encoded_with_the_tokenizer_s_own_start_token():
    task = TASKS["wmt16"]()
    example = task.example(ROWS["wmt16"])
    assert task.encode(example, FakeTokenizer()) == [1, *map(ord, example.prompt)]


def test_chat_uses_the_template_and_is_refused_without_one():
    task = make_task({"name": "custom", "variant": "chat"})
    example = task.example(ROWS["custom"])
    assert task.encode(example, FakeTokenizer("template")) == [*map(ord, "Once")]
    with pytest.raises(UserError, match="chat template"):
        task.encode(example, FakeTokenizer())


def test_a_template_that_refuses_the_messages_ends_in_one_line():
    tokenizer = make_tokenizer()
    tokenizer.chat_template = "{{ raise_exception('only systems may speak') }}"
    task = make_task({"name": "custom", "variant": "chat"})
    with pytest.raises(UserError, match="chat template refuses .*only systems may speak"):
        task.encode(task.example(ROWS["custom"]), tokenizer)


def test_chat_goes_through_the_tokenizers_own_template_with_the_worked_examples():
    tokenizer = make_tokenizer()
    tokenizer.chat_template = (
        "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% if enable_thinking is false %}-{% endif %}{% endif %}"
    )
    task, shot = make_task({"name": "wmt16", "variant": "chat"}), {"id": "s", "translation": {"de": "Ja", "en": "Yes"}}
    ids = task.encode(task.example(ROWS["wmt16"], [shot]), tokenizer)
    text = tokenizer.decode(ids)
    assert text.startswith("<user>Translate") and "\n\nJa<assistant>Yes<user>Translate" in text
    assert text.endswith("Hallo<assistant>-")


def test_only_an_article_is_shortened_to_fit_the_context():
    task, tokenizer = TASKS["cnndm"](), FakeTokenizer()
    row = {"id": "a", "article": "one two three four", "highlights": "x"}
    example = task.example(row, [row])
    room = len(task.encode(example, tokenizer))
    assert task.fit(example, tokenizer, room) is example
    shorter = task.fit(example, tokenizer, room - 1)
    assert shorter.prompt == task.example({**row, "article": "one two three"}, [row]).prompt
    assert shorter.messages[-1]["content"].endswith("one two three") and shorter.reference == "x"
    bench = TASKS["spec_bench"]()
    for category, turn, cut in (
        ("summarization", "Summarize: one two three", "Summarize: one two"),
        ("rag", "one two three\nwhat is it?", "one two\nwhat is it?"),
    ):
        whole = bench.example({"question_id": 1, "category": category, "turns": [turn]})
        short = bench.fit(whole, tokenizer, len(bench.encode(whole, tokenizer)) - 1)
        assert (short.prompt, short.messages[-1]["content"]) == (bench.question(short.row), cut)
    for category, turns in (("qa", ["one two three"]), ("summarization", ["one two"]), ("rag", ["a\nb?", "c?"])):
        whole = bench.example({"question_id": 1, "category": category, "turns": turns})
        with pytest.raises(UserError, match="spec_bench 1: the prompt has"):
            bench.fit(whole, tokenizer, len(bench.encode(whole, tokenizer)) - 1)
    with pytest.raises(UserError, match="cnndm a: the prompt has"):
        task.fit(example, tokenizer, 10)
    with pytest.raises(UserError, match="wmt16 w: the prompt has"):
        TASKS["wmt16"]().fit(TASKS["wmt16"]().example(ROWS["wmt16"]), tokenizer, 10)


def test_what_changes_only_the_score_is_no_output_setting():
    code = [{"name": "humaneval"}, {"name": "humaneval", "timeout": 3.0, "memory_mib": 99, "run_tests": False}]
    settings = [make_task(each).output_settings("bundled") for each in code]
    assert settings[0] == settings[1] == {"variant": "base", "stopped": True, "shots": 0}
    gsm8k = TASKS["gsm8k"]()
    assert gsm8k.output_settings("local")["shots"] == gsm8k.paper_shots > 0


def test_the_overlap_of_bundled_prompts_is_the_generators():
    readme = (BUNDLED / "README.md").read_text()
    for task in TASKS:
        for split in ("validation", "test", "test_unseen"):
            share = bundled_share(BUNDLED, task, split)
            assert task == "custom" or f"{task}/{split}.jsonl | {COUNTS[split]} | {share:.0%}" in readme
    assert bundled_share(BUNDLED, "gsm8k", "train") is bundled_share(BUNDLED, "custom", "test") is None


def test_overlap_is_the_share_of_known_word_runs():
    assert overlap(["a b c d"], ["x b c d"], words=2) == pytest.approx(2 / 3)
    assert overlap(["A, b"], ["a , B"], words=3) == 1.0
    assert overlap(["too short"], ["too short"], words=8) is None
