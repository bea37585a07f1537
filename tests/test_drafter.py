"""Training a draft: many prompts at once, text that no test prompt touches, labels, stages."""

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from bench_pair import make_tokenizer
from families import EOS, make_model
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

from baselines import eagle, glide, greedy
from bench.models.borrowing import BORROWED, borrows, load_borrowing
from bench.models.config import ModelConfig
from bench.models.loading import load_pair
from bench.models.location import locate
from bench.models.place import Place
from bench.models.short_head import read_ranking
from decoding.decoder import ModelPair
from decoding.errors import UserError
from decoding.feature_session import FeatureSession
from decoding.layers import layer_stack
from decoding.session import ModelSession
from decoding.stopping import Stopping
from training.drafter import labels
from training.drafter.agreement import Agreement, agreement
from training.drafter.config import DraftConfig, Optimisation, OwnText, PromptSet, Text
from training.drafter.cross import keys_and_values
from training.drafter.generation import Decoding, batches, decode
from training.drafter.labels import top_logits
from training.drafter.own_text import Answered, own_text
from training.drafter.prompts import TestText, around_turn, of_tasks
from training.drafter.run import train_draft
from training.drafter.states import last_states, states_of
from training.drafter.student import ranked, save, student_of
from training.drafter.target import load_target
from training.drafter.train import Head, _of_own, _Trainer

TEMPLATE = (
    "{% for message in messages %}<{{ message['role'] }}>{{ message['content'] }}<eos>\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.mark.parametrize("family", ["llama", "qwen3", "gpt2", "opt"])
def test_many_prompts_at_once_end_as_each_alone(family):
    """Prompts of unlike length, answers that end at unlike places, rows dropped on the way."""
    model = make_model(family)
    generator = torch.Generator().manual_seed(3)
    prompts = [torch.randint(6, 24, (2 + 3 * size,), generator=generator).tolist() for size in range(9)]
    how = Decoding(20, frozenset({EOS, 7, 9}))
    found = decode(model, prompts, how)
    for prompt, answer in zip(prompts, found, strict=True):
        ids = list(prompt)
        with torch.no_grad():
            for _ in range(how.max_new_tokens):
                ids.append(int(model(torch.tensor([ids])).logits[0, -1].argmax()))
                if ids[-1] in how.eos:
                    break
        assert answer == ids[len(prompt) :]
    lengths = {len(answer) for answer in found}
    assert len(lengths) > 2 and min(lengths) < how.max_new_tokens


def test_sampled_text_follows_the_generator():
    model = make_model("llama")
    generators = (torch.Generator().manual_seed(seed) for seed in (1, 1, 2))
    runs = [decode(model, [[6, 7]] * 4, Decoding(12, frozenset(), 1.0, generator)) for generator in generators]
    assert runs[0] == runs[1] != runs[2]
    assert len(set(map(tuple, runs[0]))) > 1


def test_batches_hold_every_prompt_once_within_their_limits():
    prompts = [[1] * length for length in (5, 1, 9, 3, 3, 30, 2)]
    groups = list(batches(prompts, rows=3, tokens=20))
    assert sorted(index for group in groups for index in group) == list(range(len(prompts)))
    for group in groups:
        assert len(group) <= 3
        assert len(group) == 1 or len(group) * max(len(prompts[index]) for index in group) <= 20


def test_text_with_thirteen_words_of_a_test_prompt_is_left_out(tmp_path):
    words = [f"word{number}" for number in range(30)]
    rows = {"test": " ".join(words), "train": "of its own " * 8}
    for split, question in rows.items():
        file = tmp_path / "gsm8k" / f"{split}.jsonl"
        file.parent.mkdir(exist_ok=True)
        copied = {"question": f"and so {' '.join(words[3:17])}", "answer": "#### 2"}
        lines = [{"question": question, "answer": "#### 1"}, *([copied] * 2 if split == "train" else [])]
        file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    tests = TestText(str(tmp_path))
    assert tests.touches("x " + " ".join(words[4:17]).upper()) and not tests.touches(" ".join(words[4:16]))
    assert not TestText(None).touches(" ".join(words))
    tokenizer = make_tokenizer()
    wanted = PromptSet("gsm8k", "local", "train", "base", held_out=0, count=3)
    prompts = list(of_tasks([wanted], str(tmp_path), tokenizer, tests))
    assert len(prompts) == 1 and "of its own" in tokenizer.decode(prompts[0].ids)
    held_out = list(of_tasks([replace(wanted, held_out=2)], str(tmp_path), tokenizer, tests))
    assert [each.held_out for each in held_out] == [True, True]


def test_no_test_prompt_is_asked_for():
    with pytest.raises(UserError, match="never learns from test prompts"):
        PromptSet("gsm8k", split="test_unseen")


def test_what_stands_around_a_turn_is_the_templates():
    tokenizer = make_tokenizer()
    with pytest.raises(UserError, match="no chat template"):
        around_turn(tokenizer)
    tokenizer.chat_template = TEMPLATE
    before, after = around_turn(tokenizer)
    assert tokenizer.decode(before) == "<user>" and tokenizer.decode(after) == "<eos>\n<assistant>"
    assert after[0] == tokenizer.eos_token_id
    tokenizer.chat_template = "{{ messages[0]['content'] | upper }}{{ messages[0]['content'] }}"
    with pytest.raises(UserError, match="does not show"):
        around_turn(tokenizer)


def test_labels_are_the_targets_own_distribution():
    model = make_model("llama")
    ids = torch.tensor([[6, 7, 8, 9], [9, 9, 10, 11]])
    top, shares = top_logits(model, ids, 5)
    with torch.no_grad():
        wanted = model(ids).logits.log_softmax(-1)
    assert torch.equal(top[..., 0], wanted.argmax(-1))
    torch.testing.assert_close(shares, wanted.gather(-1, top).float())


def test_pieces_of_text_come_from_the_named_files(tmp_path):
    for name in ("one.md", "two.md", "three.txt"):
        (tmp_path / name).write_text(f"{name} says " * 40)
    tokenizer = make_tokenizer()
    found = list(labels.pieces(Text([f"{tmp_path}/*.md"], length=16), tokenizer, TestText(None)))
    texts = [tokenizer.decode(piece) for piece in found]
    assert {len(piece) for piece in found} == {16} and not any("three" in text for text in texts)
    assert any("one" in text for text in texts) and any("two" in text for text in texts)
    assert list(labels.pieces(Text(["{stdlib}/this.py"], length=16), tokenizer, TestText(None)))


@pytest.mark.parametrize("family", ["llama", "qwen2", "gpt2"])
def test_a_student_of_all_layers_is_its_target(family):
    target = make_model(family, dtype=torch.float32)
    student = student_of(target, [0, -1])
    ids = torch.tensor([[6, 7, 8, 9, 10]])
    with torch.no_grad():
        torch.testing.assert_close(student(ids).logits, target(ids).logits)
    stack = layer_stack(student)
    assert all(each.requires_grad == name.startswith(stack) for name, each in student.named_parameters())
    answers = [Answered("x", [6, 7], answer, True) for answer in decode(target, [[6, 7]], Decoding(12, frozenset()))]
    assert agreement(student, answers).share == 1.0
    assert agreement(student_of(target, [1]), answers).share < 1.0


@pytest.mark.parametrize("layers", [[0, 2], [1, 0], [-3]])
def test_layers_that_are_not_there_are_refused(layers):
    with pytest.raises(UserError, match="must ascend within the target's 2 layers"):
        student_of(make_model("llama"), layers)


def test_agreement_counts_runs_and_a_head_hides_ids():
    target = make_model("llama")
    answer = decode(target, [[6, 7]], Decoding(6, frozenset()))[0]
    wrong = answer[:3] + [(answer[3] + 1) % 24]
    found = agreement(target, [Answered("x", [6, 7], wrong, True)])
    assert found.tokens == 4 and found.share == 0.75
    assert found.by_depth[:4] == [3 / 4, 2 / 3, 1 / 2, 0.0]
    others = torch.tensor([token for token in range(24) if token not in set(answer)])
    assert agreement(target, [Answered("x", [6, 7], answer, True)], others).share == 0.0


def test_ids_are_ranked_by_how_often_they_are_written():
    assert ranked([[3, 4, 4, 9], [4, 3, 8]], [5, 9]) == [5, 9, 4, 3, 8]
    head = Head([9, 5, 4], 10)
    assert head.ids.tolist() == [4, 5, 9] and head.places.tolist() == [-1, -1, -1, -1, 0, 1, -1, -1, -1, 2]


def test_what_is_borrowed_is_not_written(tmp_path):
    target = make_model("llama", dtype=torch.float32)
    save(student_of(target, [1]), [5, 6, 7], tmp_path / "draft")
    config = json.loads((tmp_path / "draft/config.json").read_text())
    assert config["num_hidden_layers"] == 1 and "model.embed_tokens.weight" in config[BORROWED]
    assert not any("layers" in name for name in config[BORROWED])
    assert borrows(str(tmp_path / "draft")) and read_ranking(str(tmp_path / "draft"), None) == [5, 6, 7]


@pytest.fixture(scope="module")
def wanted(tmp_path_factory) -> DraftConfig:
    """A draft for a random model, in seconds: every stage, and turns that the model invents."""
    folder = tmp_path_factory.mktemp("drafter")
    tokenizer = make_tokenizer()
    tokenizer.chat_template = TEMPLATE
    # Small weights: sampled turns end now and then, and a draft of one layer agrees now and then.
    torch.manual_seed(0)
    shape = {"vocab_size": len(tokenizer), "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    config = LlamaConfig(**shape, num_attention_heads=4, eos_token_id=0, bos_token_id=None, initializer_range=0.05)
    LlamaForCausalLM(config).save_pretrained(folder / "target")
    tokenizer.save_pretrained(folder / "target")
    (folder / "notes.md").write_text("A line of text that stands there already. " * 60)
    return DraftConfig(
        target=str(folder / "target"), output=str(folder / "draft"), work=str(folder / "work"), layers=[1], head=200,
        dtype="float32",
        own_text=OwnText(
            [PromptSet("gsm8k", variant="base", held_out=3, count=5)], ["", "Write"], invented=8, rounds=1,
            turn_tokens=200, answer_tokens=12, rows=4, batch_tokens=4000,
        ),
        text=Text([f"{folder}/*.md"], tokens=64, length=16),
        optimisation=Optimisation(
            own_epochs=4, on_policy_steps=2, on_policy_tokens=3, batch_tokens=256, checkpoint_steps=4,
            learning_rate=1e-2, warmup_steps=2,
        ),
    )  # fmt: skip


@pytest.fixture(scope="module")
def trained(wanted) -> DraftConfig:
    train_draft(wanted)
    return wanted


def test_every_stage_is_run_and_the_card_tells(trained, tmp_path):
    log = [json.loads(line) for line in (Path(trained.work) / "log.jsonl").read_text().splitlines()]
    assert list(dict.fromkeys(line["stage"] for line in log)) == ["start", "text", "own text", "on policy"]
    card = (Path(trained.output) / "README.md").read_text()
    for said in ("| gsm8k | 3 |", "| on policy | 2 |", "invented: Write", "shares a run of"):
        assert said in card
    best = max(line["share"] for line in log)
    assert log[0]["share"] < best < 1
    # It is stored in half precision.
    assert agreement_of_saved(trained) == pytest.approx(best, abs=0.05)


def test_a_draft_that_reads_states_learns_them_and_drafts(trained, tmp_path):
    """On the text of the other draft; what lies in its folder decodes with method=eagle."""
    config = replace(
        trained, features=True, output=str(tmp_path / "eagle"), work=str(tmp_path / "work"),
        own_text=replace(trained.own_text, packed=trained.output), text=Text(),
        optimisation=replace(trained.optimisation, on_policy_steps=0, own_epochs=8, state_weight=0.0),
    )  # fmt: skip
    train_draft(config)
    assert not (tmp_path / "eagle/own_text.tar.xz").exists()
    target, tokenizer, eos = load_target(config)
    held_out = [each for each in own_text(config, target, tokenizer, eos, TestText(None)) if each.held_out]
    read = states_of(target, held_out, tmp_path / "work/held_out_states", last_states)
    draft = load_borrowing(config.output, target, torch.float32)
    found = agreement(draft, held_out, None, read)
    log = [json.loads(line) for line in (tmp_path / "work/log.jsonl").read_text().splitlines()]
    assert found.share == pytest.approx(max(line["share"] for line in log), abs=0.05)
    assert log[0]["share"] < found.share
    assert found.share > agreement(draft, held_out, None, [torch.zeros_like(each) for each in read]).share
    session = ModelSession(target)
    features = FeatureSession(draft, session)
    pair = ModelPair(session, None, eos, str, feature_draft=lambda: features)
    for method, settings in ((greedy, greedy.Config()), (eagle, eagle.Config(depth=3, children=1))):
        outcome = method.build(settings, pair).generate(held_out[0].prompt, Stopping(eos, 12))
        assert outcome.tokens == held_out[0].answer[:12]


def test_a_draft_that_attends_to_its_target_learns_and_drafts(trained, tmp_path):
    """In the same stages; what lies in its folder is loaded for method=glide, and for no other."""
    config = replace(
        trained, cross=True, output=str(tmp_path / "glide"), work=str(tmp_path / "work"),
        own_text=replace(trained.own_text, packed=trained.output), text=Text(),
        optimisation=replace(trained.optimisation, on_policy_steps=0, own_epochs=8),
    )  # fmt: skip
    train_draft(config)
    log = [json.loads(line) for line in (tmp_path / "work/log.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in log if line["loss"]]
    assert losses[-1] < losses[0]  # most of it is what the target itself is unsure of
    assert "method=glide" in (tmp_path / "glide/README.md").read_text()
    target, tokenizer, eos = load_target(config)
    held_out = [each for each in own_text(config, target, tokenizer, eos, TestText(None)) if each.held_out]
    read = states_of(target, held_out, tmp_path / "work/held_out_states", partial(keys_and_values, layers=1))
    draft = load_borrowing(config.output, target, torch.float32)
    found = agreement(draft, held_out, None, read)
    assert log[0]["share"] < found.share == pytest.approx(max(line["share"] for line in log), abs=0.05)
    assert found.share > agreement(draft, held_out, None, [torch.zeros_like(each) for each in read]).share
    models = ModelConfig(target=config.target, cross_draft=config.output)
    pair = load_pair(models, Place("cpu", "float32", "traced"), seed=0).pair
    assert pair.cross_draft() is pair.cross_draft()
    for settings in (glide.Config(), glide.Config(cape=True)):
        outcome = glide.build(settings, pair).generate(held_out[0].prompt, Stopping(eos, 12))
        assert outcome.tokens == held_out[0].answer[:12]
        assert sum(outcome.steps.drafted)
    other = load_pair(replace(models, cross_draft=None, feature_draft=config.output), Place("cpu", "float32"), seed=0)
    with pytest.raises(UserError, match="reads no hidden states: give it as model.cross_draft"):
        other.pair.feature_draft()


def test_a_draft_that_reads_its_target_learns_from_nothing_else(trained):
    for kind in ("features", "cross"):
        with pytest.raises(UserError, match=f"^{kind}=true .* text.tokens=0"):
            replace(trained, **{kind: True})
    with pytest.raises(UserError, match="two kinds of draft"):
        replace(trained, features=True, cross=True)


def agreement_of_saved(trained: DraftConfig) -> float:
    """Of the draft as it lies in its folder, with what it borrows."""
    target, tokenizer, eos = load_target(trained)
    held_out = [each for each in own_text(trained, target, tokenizer, eos, TestText(None)) if each.held_out]
    head = torch.tensor(sorted(read_ranking(trained.output, None)[: trained.head]))
    return agreement(load_borrowing(trained.output, target, torch.float32), held_out, head).share


def test_the_best_weights_are_kept_and_not_the_last(trained, tmp_path, monkeypatch):
    target, _, _ = load_target(trained)
    student = student_of(target, trained.layers)
    shares = iter((0.2, 0.6, 0.4))
    monkeypatch.setattr("training.drafter.train.agreement", lambda *_: Agreement(10, next(shares), []))
    (tmp_path / "work").mkdir()
    head = Head(range(student.config.vocab_size), student.config.vocab_size)
    trainer = _Trainer(replace(trained, work=str(tmp_path / "work")), student, head, [])
    weights = next(each for each in student.parameters() if each.requires_grad)
    name = next(name for name, each in student.named_parameters() if each is weights)
    for value in (1.0, 2.0):
        torch.nn.init.constant_(weights, value)
        trainer.check("own text")
    assert torch.equal(trainer.best[name], torch.ones_like(weights))


def test_a_label_is_what_the_target_says_next(trained, tmp_path):
    """Of its own greedy text that is the next token. Another text has no such labels."""
    target, _, _ = load_target(trained)
    config = replace(trained, work=str(tmp_path))
    prompts = [[6, 7], [6, 9, 8, 7, 6], [9]]
    own = [
        Answered("gsm8k", prompt, decode(target, [prompt], Decoding(length, frozenset()))[0], False)
        for prompt, length in zip(prompts, (3, 9, 5), strict=True)
    ]
    labelled = labels.own_labels(config, target, own)
    batch = next(_of_own(own, labelled, Head(range(target.config.vocab_size), target.config.vocab_size), config))
    wanted = batch.weights == 1
    assert wanted.sum() == 3 + 9 + 5
    following = torch.nn.functional.pad(batch.ids, (0, 1))[:, 1:]
    inner = wanted & torch.nn.functional.pad(wanted, (0, 1))[:, 1:]
    assert inner.sum() == 2 + 8 + 4
    assert torch.equal(batch.labels[..., 0][inner], following[inner])
    assert (batch.weights == config.optimisation.prompt_weight).sum() == 1 + 4
    with pytest.raises(UserError, match="labels of another text"):
        labels.own_labels(config, target, own[:2])


def test_training_goes_on_where_it_stopped(trained, monkeypatch):
    """Nothing is decoded, labelled or learned twice."""
    def never(*_, **__):
        raise AssertionError("done already")

    for place in ("own_text.decode", "labels.top_logits", "train._loss"):
        monkeypatch.setattr(f"training.drafter.{place}", never)
    before = (Path(trained.output) / "model.safetensors").read_bytes()
    train_draft(trained)
    assert (Path(trained.output) / "model.safetensors").read_bytes() == before


def test_the_text_is_packed_beside_the_draft_and_taken_from_there(trained, monkeypatch, tmp_path):
    """Elsewhere nothing is decoded again; with another target it is refused."""
    monkeypatch.setattr("training.drafter.own_text.decode", lambda *_, **__: pytest.fail("decoded again"))
    target, tokenizer, eos = load_target(trained)
    elsewhere = replace(trained, work=str(tmp_path / "work"))
    nothing = TestText(None)
    assert own_text(elsewhere, target, tokenizer, eos, nothing) == own_text(trained, target, tokenizer, eos, nothing)
    shutil.unpack_archive(Path(trained.output) / "own_text.tar.xz", tmp_path / "packed", filter="data")
    packed = {file.name.split("-")[0].split(".")[0] for file in (tmp_path / "packed").iterdir()}
    assert packed == {"answers", "prompts", "target"}, "labels are made anew"
    with pytest.raises(UserError, match="holds text of .*target: give work="):
        own_text(replace(elsewhere, target="another"), target, tokenizer, eos, nothing)


PACKED = sorted(Path(__file__).parents[1].glob("models/*/own_text.tar.xz"))
DATA = Path(__file__).parents[2] / "shared" / "data"


@pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} is not there")
@pytest.mark.parametrize("archive", PACKED, ids=lambda archive: archive.parent.name)
def test_no_committed_training_text_holds_thirteen_words_of_a_test_prompt(archive, tmp_path):
    """Of all tasks; the tokenizer is the target's."""
    shutil.unpack_archive(archive, tmp_path, filter="data")
    config = DraftConfig(target=(tmp_path / "target.txt").read_text().strip())
    try:
        tokenizer = AutoTokenizer.from_pretrained(locate(config.target)[0])
    except UserError as error:
        pytest.skip(str(error))
    tests = TestText(str(DATA))
    assert len(tests.runs) > 100_000
    for file in sorted(tmp_path.glob("prompts-*.jsonl")):
        prompts = [json.loads(line) for line in file.read_text().splitlines()]
        answers = (tmp_path / file.name.replace("prompts", "answers")).read_text().splitlines()
        answered = {line["index"]: line["answer"] for line in map(json.loads, answers)}
        learned = [index for index, prompt in enumerate(prompts) if index in answered and not prompt["held_out"]]
        touching = [index for index in learned if tests.touches(tokenizer.decode(prompts[index]["ids"]))]
        assert not touching, file.name
        # An answer that does is left out of training (own_text), so few may.
        assert sum(tests.touches(tokenizer.decode(answered[index])) for index in learned) < 0.02 * len(learned)


def test_a_torn_line_of_answers_is_written_again(trained, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(trained.work, work)
    file = work / "own_text/answers-0.jsonl"
    whole = file.read_text()
    file.write_text(whole[: len(whole) - 9])
    target, tokenizer, eos = load_target(trained)
    again = own_text(replace(trained, work=str(work)), target, tokenizer, eos, TestText(None))
    assert again == own_text(trained, target, tokenizer, eos, TestText(None))
