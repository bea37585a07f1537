"""How prompts become ids: the clock in chat templates, their variables, ends and starts, the
tokenizer's own file."""

import inspect
import json
import shutil

import pytest
from bench_pair import make_tokenizer, run, run_folder, run_summary
from tokenizers import pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerBase

from bench.measure.store import RunFolder
from bench.models.encoding import against_file, encoding_warnings
from decoding.errors import UserError
from tasks import make_task
from tasks.encoding import RESERVED, template_variables

PLAIN = "{% for message in messages %}<{{ message.role }}>{{ message.content }}{% endfor %}<assistant>"
CLOCK = "{{ strftime_now('%H%M%S%f') }}" + PLAIN


def special(template):
    """A tokenizer that puts "<eos>" around texts as `template` says."""
    tokenizer = make_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(single=template, special_tokens=[("<eos>", 0)])
    return tokenizer


def task(**settings):
    return make_task({"name": "custom", **settings})


def example(prompt):
    return task().example({"id": "p", "prompt": prompt})


@pytest.fixture
def chat(pair, tmp_path, arguments):
    """Arguments for a chat run, and a function that sets the target's template."""
    shutil.copytree(pair, tmp_path / "chat")

    def write(template):
        (tmp_path / "chat/target/chat_template.jinja").write_text(template)

    chosen = [word.replace(str(pair), str(tmp_path / "chat")) for word in arguments]
    return [*chosen, "method=greedy", "task.variant=chat"], write


def records(name="greedy"):
    return [json.loads(line) for line in (run_folder(name) / "records.jsonl").read_text().splitlines()]


def test_repeats_of_one_run_decode_one_prompt_and_a_later_process_is_refused(chat, monkeypatch, capsys):
    arguments, write = chat
    write(CLOCK)
    assert run(monkeypatch, *arguments, "repeats=2") == 0
    said = capsys.readouterr().out
    assert "warning: the chat template may write the date or the time" in said
    before = records()
    assert len({(each["prompt"], each["prompt_digest"]) for each in before}) == 2
    assert run_summary("greedy")["lossless"]["verdict"] == "identical"
    assert run(monkeypatch, *arguments, "repeats=3") == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert "prompt p0 was measured with other token ids than it has now" in error and "overwrite=true" in error
    assert records() == before
    assert run(monkeypatch, *arguments, "compare=[prompt_lookup]", "repeats=2") == 2
    assert "other token ids" in capsys.readouterr().err, "a new case beside one that is complete"
    assert records() == before


def test_a_panel_of_finished_runs_on_different_prompts_is_refused(chat, monkeypatch, capsys):
    arguments, write = chat
    write(CLOCK)
    panel = ["limit=1", "compare=[prompt_lookup]"]
    for more in (["limit=1"], ["limit=1", "method=prompt_lookup"]):
        assert run(monkeypatch, *arguments, *more) == 0
    capsys.readouterr()
    assert run(monkeypatch, *arguments, *panel) == 2
    assert "error: prompt p0 has other token ids in runs/custom/random/prompt_lookup-" in capsys.readouterr().err
    assert run(monkeypatch, *arguments, *panel, "overwrite=true") == 0


def test_records_without_digests_are_read_and_told_by_the_number_of_tokens(chat, monkeypatch, capsys):
    arguments, write = chat
    write(PLAIN)
    assert run(monkeypatch, *arguments) == 0
    file = run_folder("greedy") / "records.jsonl"
    old = [{key: value for key, value in each.items() if key != "prompt_digest"} for each in records()]
    file.write_text("".join(json.dumps(each) + "\n" for each in old))
    assert run(monkeypatch, *arguments, "limit=3") == 0
    with RunFolder(file.parent) as folder:
        folder.require_same_prompts({"p0": ("any", old[0]["prompt_tokens"]), "nosuch": ("any", 1)})
        with pytest.raises(UserError, match="prompt p0 was measured with other token ids"):
            folder.require_same_prompts({"p0": ("any", old[0]["prompt_tokens"] + 1)})


def test_variables_reach_the_template_and_are_part_of_the_run(chat, monkeypatch):
    arguments, write = chat
    write(PLAIN + "{{ reasoning_effort }}{{ enable_thinking }}")
    assert run(monkeypatch, *arguments, "task.template={reasoning_effort: low, enable_thinking: true}") == 0
    identity = json.loads((run_folder("greedy") / "provenance.json").read_text())["case"]["identity"]
    assert identity["task_config"]["template"] == {"reasoning_effort": "low", "enable_thinking": True}
    tokenizer = make_tokenizer()
    tokenizer.chat_template = PLAIN + "{{ reasoning_effort }}{{ enable_thinking }}"
    given = task(variant="chat", template={"reasoning_effort": "low"})
    assert tokenizer.decode(given.encode(example("a"), tokenizer)).endswith("lowFalse")
    given = task(variant="chat", template={"enable_thinking": True})
    assert tokenizer.decode(given.encode(example("a"), tokenizer)).endswith("True")
    assert given.output_settings("local")["template"] == {"enable_thinking": True}
    assert "template" not in task(variant="chat").output_settings("local"), "as in runs from before"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"template": {"effort": "low"}}, "task.template says nothing to task.variant=base"),
        ({"variant": "chat", "template": "low"}, "task.template must map names to values"),
        ({"variant": "chat", "template": {"two words": 1}}, "task.template must map names to values"),
        ({"variant": "chat", "template": {"effort": {"a": 1}}}, "task.template.effort must be a text, a number"),
        ({"variant": "chat", "template": {"tokenize": False}}, "task.template.tokenize is set by the harness itself"),
    ],
)
def test_what_no_template_can_be_given_is_refused(settings, said):
    with pytest.raises(UserError, match=said):
        task(**settings)


def test_a_template_that_a_variable_breaks_ends_in_one_line():
    tokenizer = make_tokenizer()
    tokenizer.chat_template = PLAIN + "{{ effort + 1 }}"
    with pytest.raises(UserError, match="chat template refuses p .*use task.variant=base"):
        task(variant="chat", template={"effort": "low"}).encode(example("a"), tokenizer)


def test_every_argument_of_the_library_is_reserved():
    assert set(inspect.signature(PreTrainedTokenizerBase.apply_chat_template).parameters) <= RESERVED


def test_the_variables_of_a_template():
    template = "{% set a = 1 %}{% for m in messages %}{% generation %}{{ m }}{% endgeneration %}{% break %}{% endfor %}"
    assert template_variables(template + "{{ a }}{{ effort }}") == {"messages", "effort"}
    assert template_variables("{% nonsense %}") == frozenset()


def warned(tokenizer, *prompts, **settings):
    chosen = task(**settings)
    return encoding_warnings(chosen, tokenizer, [chosen.encode(example(prompt), tokenizer) for prompt in prompts])


def test_variables_that_the_template_does_not_read_are_named():
    tokenizer = make_tokenizer()
    tokenizer.chat_template = PLAIN + "{{ effort }}"
    settings = {"variant": "chat", "template": {"effort": 1, "efort": 2}}
    assert warned(tokenizer, "a", **settings) == [
        "the chat template does not read efort of task.template: nothing changes by it"
    ]
    assert warned(tokenizer, "a", variant="chat") == []


def test_the_end_that_a_tokenizer_puts_after_a_prompt_is_left_out():
    plain, ending = make_tokenizer(), special("<eos> $A <eos> <eos>")
    ids = plain("def add").input_ids
    assert ending("def add").input_ids == [0, *ids, 0, 0]
    assert task().encode(example("def add"), ending) == [0, *ids]
    (said,) = warned(ending, "def add")
    assert said.startswith("the tokenizer ends every text with <eos> <eos>: left out of the prompts")
    assert warned(plain, "def add") == []
    assert task().encode(example("def add<eos>"), plain) == [*ids, 0], "what the prompt itself says stays"


def test_an_end_in_the_prompt_itself_is_told():
    tokenizer = make_tokenizer()
    tokenizer.bos_token = "a"
    (said,) = warned(tokenizer, "def<eos>", "def")
    assert said.startswith("1 of 2 prompts end with <eos>, the end of a sequence")


def test_an_end_that_is_the_start_too_is_told_after_text_alone():
    tokenizer = special("$A <eos>")
    tokenizer.bos_token = tokenizer.eos_token = "<eos>"
    assert any("prompts end with <eos>" in said for said in warned(tokenizer, "def<eos>", variant="base"))


def test_a_start_that_is_added_twice_is_told():
    tokenizer = special("<eos> $A")
    tokenizer.bos_token = "<eos>"
    (said,) = warned(tokenizer, "<eos>def", "def")
    assert said.startswith("1 of 2 prompts begin with <eos> twice")
    tokenizer.chat_template = "{{ bos_token }}{{ bos_token }}" + PLAIN
    assert "1 of 1 prompts begin with <eos> twice" in warned(tokenizer, "a", variant="chat")[0]
    tokenizer.chat_template = "{{ bos_token }}" + PLAIN
    assert warned(tokenizer, "a", variant="chat") == []


@pytest.mark.parametrize("settings", [{}, {"variant": "chat"}])
def test_ids_are_compared_with_the_tokenizers_own_file(tmp_path, settings):
    tokenizer = make_tokenizer()
    tokenizer.chat_template = PLAIN
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    prompts = [example("def"), example("the quick brown")]

    def line():
        return against_file(task(**settings), str(tmp_path), None, tokenizer, prompts)

    assert line() == "token ids: as tokenizer.json gives them, on all 2 prompts"
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    content = json.loads((tmp_path / "tokenizer.json").read_text())
    content["model"]["merges"] = []
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert "DIFFERENT" in line() and "on 2 of 2 prompts, first prompt p at token " in line() and "by the file" in line()
    (tmp_path / "tokenizer.json").unlink()
    assert line() == "token ids: not compared, the model has no tokenizer.json"


def test_the_check_says_it_all(pair, tmp_path, arguments, monkeypatch, capsys):
    shutil.copytree(pair, tmp_path / "ending")
    for role in ("target", "draft"):
        special("$A <eos>").save_pretrained(tmp_path / "ending" / role)
    chosen = [word.replace(str(pair), str(tmp_path / "ending")) for word in arguments]
    assert run(monkeypatch, *chosen, "method=greedy", "check=true") == 0
    said = capsys.readouterr().out
    assert "token ids: as tokenizer.json gives them, on all 2 prompts" in said
    assert "warning: the tokenizer ends every text with <eos>: left out" in said
    assert run(monkeypatch, *chosen, "method=greedy") == 0
    assert records()[0]["prompt_tokens"] == len(make_tokenizer()("What is 0 + 0? def add").input_ids)
    assert run_summary("greedy")["warnings"][0].startswith("the tokenizer ends every text with <eos>")
