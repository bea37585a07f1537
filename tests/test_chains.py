"""What a draft says along greedy's text is what chains of its tokens come to: bench.agreement, and
runs replayed with shorter drafts by bench.simulate."""

import json
import math
import sys
from itertools import product
from pathlib import Path

import pytest
import torch
from bench_pair import bench_arguments, make_spaced_tokenizer, make_tokenizer, run
from hypothesis import given
from hypothesis import strategies as st
from made_records import made_record, made_steps

from bench.cli import main
from bench.measure.agreement import ReadText, opinions
from bench.measure.token_class import class_of, token_classes
from bench.models.short_head import RANKING, write_ranking
from bench.report.agreement import AgreementReport
from bench.report.arguments import simulate
from bench.report.collection import collect
from bench.report.metrics.agreement import TOPS, agreement_figures
from bench.report.metrics.costs import Costs, Curve
from bench.report.metrics.replay import known_agreement, replay
from bench.report.statistics import chain_forwards, independent_tokens_per_forward
from decoding.errors import NotFinite
from decoding.session import ModelSession
from decoding.text import text_of

# In float64, so that no rounding moves a token.
SMALL = ["limit=2", "max_new_tokens=24", "warmup=0", "dtype=float64"]
GAMMAS = (1, 2, 6)


@pytest.fixture(scope="module")
def chains(pair, tmp_path_factory):
    """A folder with ./runs of several gammas, one of which also ends drafts early.

    The second prompt's output ends at a stop string, with a drafted token or with the target's.
    """
    root = tmp_path_factory.mktemp("chains")
    rows = [json.loads(line) for line in (pair / "prompts.jsonl").read_text().splitlines()]
    rows[1]["stop"] = ["m"]
    (root / "prompts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    cases = [{"name": "speculative", "gamma": gamma} for gamma in GAMMAS]
    cases.append({"name": "speculative", "gamma": 6, "confidence": 0.4})
    written = ",".join("{" + ",".join(f"{key}: {value}" for key, value in case.items()) + "}" for case in cases)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("HF_HUB_OFFLINE", "1")
        given = [*bench_arguments(pair), *SMALL, "data.path=prompts.jsonl", "~method", f"cases=[{written}]"]
        assert run(patch, *given) == 0
    return root


@pytest.fixture(scope="module")
def decoded(chains, pair):
    """agreement.json of bench.agreement where it decodes greedily itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(chains)
        patch.setenv("HF_HUB_OFFLINE", "1")
        assert read(patch, pair, "output=decoded") == 0
    (file,) = (chains / "decoded").rglob("agreement.json")
    return file


@pytest.fixture
def here(chains, monkeypatch):
    monkeypatch.chdir(chains)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def read(monkeypatch, pair, *more: str) -> int:
    """`python -m bench.agreement` of the pair; its exit status."""
    given = [each for each in bench_arguments(pair) if not each.startswith("output")]
    monkeypatch.setattr(sys, "argv", ["bench.agreement", *given, *SMALL, "data.path=prompts.jsonl", *more])
    return main("bench.agreement_job:run", "agreement")


def report_of(output: str | Path) -> AgreementReport:
    (file,) = Path(output).rglob("agreement.json")
    return AgreementReport.from_json(json.loads(file.read_text()))


def measured() -> dict[tuple[int, float], float]:
    """Tokens per target forward of every run by (gamma, confidence)."""
    runs, _ = collect(["runs"])
    settings = [(each.settings["gamma"], each.settings["confidence"]) for each in runs]
    return dict(zip(settings, [each.summary.tokens_per_target_forward for each in runs], strict=True))


def test_one_forward_a_text_tells_what_every_run_came_to(decoded, here):
    report, runs = report_of("decoded"), measured()
    assert len(runs) == len(GAMMAS) + 1 and len(set(runs.values())) > 2, "nothing would be told apart"
    by_gamma = {each.gamma: each for each in report.figures.chains}
    for (gamma, confidence), value in runs.items():
        found = by_gamma[gamma]
        told = found.at_confidence[str(confidence)] if confidence else found.tokens_per_target_forward
        assert told == pytest.approx(value, rel=1e-12), (gamma, confidence)


def test_its_files_agree_and_say_where_they_come_from(decoded, here):
    report = report_of("decoded")
    table = decoded.with_name("agreement.csv")
    texts = [json.loads(line) for line in (table.parent / "texts.jsonl").read_text().splitlines()]
    records = collect(["runs"])[0][0].records()
    assert [each["tokens"] for each in texts] == [repeats[0].tokens for repeats in records.reference]
    assert report.prompts == records.prompts and report.source == "decoded"
    assert report.environment.versions["torch"] and report.identity.dtype == "float64"
    overall = report.figures.overall
    assert overall.tokens == sum(len(each["tokens"]) for each in texts)
    for parts in (report.figures.by_position, report.figures.by_class):
        assert sum(part.tokens for part in parts.values()) == overall.tokens
        for top in TOPS:
            whole = sum(part.tokens * part.top[top] for part in parts.values())
            assert whole == pytest.approx(overall.tokens * overall.top[top])
    assert 0 < overall.top[1] < overall.top[8] < 1
    lines = table.read_text().splitlines()
    assert lines[0].startswith("of,name,tokens,top_1,top_2,top_4,top_8,tokens_per_target_forward,independent")
    assert float(lines[1].split(",")[3]) == overall.top[1]


def test_the_text_of_a_run_serves_as_well_and_no_other_target_s(monkeypatch, pair, decoded, here, capsys):
    folder = str(collect(["runs"])[0][0].folder)
    assert read(monkeypatch, pair, f"run={folder}", "output=taken") == 0
    report = report_of("taken")
    assert report.figures == report_of("decoded").figures and report.source == folder
    shown = capsys.readouterr().out
    assert f"{report.figures.chains[2].tokens_per_target_forward:.2f}" in shown and "class word start" in shown
    for more, said in (
        ([f"run={folder}", "max_new_tokens=8"], "was made with another max_new_tokens"),
        (["run=runs"], "holds 4 runs"),
        (["run=nowhere"], "nowhere is no folder"),
        (["model.draft=null"], "set model.draft"),
        (["method=greedy"], "method"),
    ):
        assert read(monkeypatch, pair, *more, "output=refused") == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith("error: ") and said in line


def test_a_short_head_agrees_less_and_as_its_run_does(monkeypatch, pair, decoded, here):
    write_ranking(Path(RANKING), [*range(60, 300), *range(60)])
    short = ["model.draft_vocabulary=120", f"model.draft_ranking={RANKING}"]
    assert read(monkeypatch, pair, *short, "output=short") == 0
    report, whole = report_of("short"), report_of("decoded")
    arguments = [*bench_arguments(pair), *SMALL, "data.path=prompts.jsonl", "method=speculative", "method.gamma=3"]
    assert run(monkeypatch, *arguments, *short, "output=short_runs") == 0
    [own], _ = collect(["short_runs"])
    found = {each.gamma: each.tokens_per_target_forward for each in report.figures.chains}
    assert found[3] == pytest.approx(own.summary.tokens_per_target_forward, rel=1e-12)
    assert own.summary.draft_vocabulary == report.identity.draft_vocabulary == 120
    assert report.figures.overall.top[1] < whole.figures.overall.top[1]


def test_a_run_replayed_with_shorter_drafts_gives_what_they_gave(here, capsys):
    assert simulate(["runs"]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines() if line[:1].isdigit()]
    assert [int(line[0]) for line in shown] == [1, 2, 3, 4, 5, 6]
    for line in shown:
        if int(line[0]) in GAMMAS:
            assert line[1] == line[4], "replayed and measured"
    runs = {run.settings["gamma"]: run for run in collect(["runs"])[0] if not run.settings["confidence"]}
    found = replay(runs[6].records(), 6)
    for each in found:
        assert each.low <= each.tokens_per_target_forward <= each.high
        if each.gamma in runs:
            value = runs[each.gamma].summary.tokens_per_target_forward
            assert each.low == pytest.approx(value, rel=1e-12) or each.low < value
            assert each.high == pytest.approx(value, rel=1e-12) or value < each.high
            if each.low == each.high:
                assert each.tokens_per_target_forward == pytest.approx(value, rel=1e-12)
        assert each.speedup > 0
    assert any(each.low == each.high for each in found[:3])
    assert found[5].low == found[5].high == pytest.approx(runs[6].summary.tokens_per_target_forward, rel=1e-12)


def test_without_a_chain_there_is_nothing_to_replay(here, capsys):
    runs = [each for each in collect(["runs"])[0] if each.settings["confidence"]]
    assert simulate([str(runs[0].folder)]) == 2
    assert simulate(["nowhere"]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert "method.confidence=0" in first and "nowhere is no folder" in second


def stepped(agrees, gamma, limit, ends=()):
    """(tokens, forwards) after the prefill, one step after the other."""
    place, emitted = 0, []
    while place < len(agrees):
        room = min(gamma, limit - place - 1)
        accepted = 0
        while accepted < room and place + accepted < len(agrees) and agrees[place + accepted]:
            accepted += 1
            if place + accepted - 1 in ends:
                break
        emitted.append(min(accepted + 1, len(agrees) - place))
        place += emitted[-1]
    return sum(emitted[1:]), len(emitted[1:])


@given(st.lists(st.booleans(), max_size=24), st.integers(0, 7), st.integers(0, 3), st.sets(st.integers(0, 24)))
def test_forwards_are_those_of_the_steps(agrees, gamma, spare, ends):
    """Whatever longest output there was: a chain leaves room for the target's own token."""
    wanted = stepped(agrees, gamma, len(agrees) + spare, ends)
    assert chain_forwards([float(each) for each in agrees], gamma, ends) == wanted


@given(st.lists(st.sampled_from([0.0, 1.0, None]), max_size=9), st.integers(1, 4), st.floats(0.1, 0.9))
def test_an_expectation_is_the_mean_over_all_that_may_be(told, gamma, chance):
    unknown = told.count(None)
    tokens = forwards = 0.0
    for drawn in product([0.0, 1.0], repeat=unknown):
        weight, values = math.prod(chance if each else 1 - chance for each in drawn), iter(drawn)
        own = stepped([next(values) if each is None else each for each in told], gamma, len(told))
        tokens, forwards = tokens + weight * own[0], forwards + weight * own[1]
    found = chain_forwards([chance if each is None else each for each in told], gamma)
    assert found == pytest.approx((tokens, forwards), abs=1e-9)


def test_equal_chances_come_to_the_papers_formula():
    for rate, gamma in ((0.0, 3), (0.5, 1), (0.8, 5)):
        assert independent_tokens_per_forward(rate, gamma) == pytest.approx((1 - rate ** (gamma + 1)) / (1 - rate))
    assert independent_tokens_per_forward(1.0, 4) == 5
    tokens, forwards = chain_forwards([0.7] * 4000, 4)
    assert tokens / forwards == pytest.approx(independent_tokens_per_forward(0.7, 4), rel=1e-3)


def test_what_a_record_tells_of_agreement():
    steps = made_steps(drafted=[3, 3, 2, 1], accepted=[1, 3, 0, 1], emitted=[2, 4, 1, 1])
    record = made_record(tokens=[*range(10)], prefill_tokens=2, steps=steps)
    # The prefill drafted too; after a draft that was accepted whole, nobody asked; the end is cut.
    assert known_agreement(record, 3) == [True, False, True, False, True, True, True, None, False, True]
    whole = made_record(tokens=[1, 2], prefill_tokens=2, steps=made_steps(emitted=[]))
    assert known_agreement(whole, 3) == [True, None]


def test_a_step_costs_what_its_parts_do():
    costs = Costs(draft=Curve.flat(2.0), verify=Curve({1: 10.0, 5: 14.0}), rest=1.0, greedy=11.0)
    assert [costs.step(gamma + 1, gamma, gamma) for gamma in (1, 2, 4)] == [14.0, 17.0, 23.0]


def text(ranks, chances=None, classes=None):
    count = len(ranks)
    return ReadText(
        prompt="p", prompt_tokens=3, tokens=[1] * count, ranks=ranks, chances=chances or [0.9] * count,
        classes=classes or ["number"] * count,
    )  # fmt: skip


def test_figures_of_hand_made_opinions():
    figures = agreement_figures([text([0, 0, 3, 0, None, 1, 0, 0]), text([0] * 17)])
    assert figures.overall.tokens == 25
    assert {top: round(share * 25) for top, share in figures.overall.top.items()} == {1: 22, 2: 23, 4: 24, 8: 24}
    assert {name: part.tokens for name, part in figures.by_position.items()} == {"0-15": 24, "16-31": 1}
    # gamma 2: [0 0 x] [0 x] [x] [0 0] and 5 times [0 0 .] with [0 0] at the end; prefills left out.
    assert figures.chains[1].tokens_per_target_forward == pytest.approx((5 + 14) / (3 + 5))
    assert figures.chains[1].independent == pytest.approx(1 + 0.88 + 0.88**2)
    unsure = agreement_figures([text([0] * 9, [0.9, 0.3] * 4 + [0.9])]).chains[3]
    assert unsure.at_confidence["0.2"] == pytest.approx(4 / 1)
    assert unsure.at_confidence["0.4"] == pytest.approx(6 / 3)


def test_a_draft_s_opinions_are_those_of_its_logits(pair):
    from transformers import LlamaForCausalLM

    draft = ModelSession(LlamaForCausalLM.from_pretrained(pair / "draft", dtype=torch.float64), 290)
    prompt, output = [5, 6, 295, 8], [9, 10, 295, 12, 13]
    ranks, chances = opinions(draft, prompt, output)
    whole = [token if token < 290 else 0 for token in prompt + output]
    for place, token in enumerate(output):
        with torch.inference_mode():
            row = draft.model(torch.tensor([whole[: 4 + place]])).logits[0, -1, :290]
        order = row.sort(descending=True, stable=True).indices.tolist()
        assert ranks[place] == (order.index(token) if token < 290 else 290)
        assert chances[place] == pytest.approx(row.softmax(-1).max().item(), rel=1e-5)
    draft.context = 7
    assert opinions(draft, prompt, output)[0] == [*ranks[:3], None, None]
    draft.context = 4
    assert opinions(draft, prompt, output) == ([None] * 5, [None] * 5)
    draft.context = 256
    with torch.no_grad():
        draft.model.lm_head.weight[7] = float("nan")
    with pytest.raises(NotFinite, match="the logits of the draft"):
        opinions(draft, prompt, output)


def test_a_tie_goes_to_the_lowest_id(pair):
    from transformers import LlamaForCausalLM

    draft = ModelSession(LlamaForCausalLM.from_pretrained(pair / "draft", dtype=torch.float64))
    with torch.no_grad():
        draft.model.lm_head.weight.zero_()
    assert opinions(draft, [5, 6], [0, 3, 1])[0] == [0, 3, 1]


@pytest.mark.parametrize(
    ("said", "before", "kind"),
    [
        (" add", "def", "word start"), ("add", "(", "word start"), ("ition", "add", "word continuation"),
        ("42", " ", "number"), (" 7", "a", "number"), ("(", "add", "punctuation"), (" +", "a", "punctuation"),
        ("\n", ":", "whitespace"), ("    ", "\n", "whitespace"), ("", "a", "whitespace"), ("_x", "a", "punctuation"),
        ("\ufffd", "a", "word continuation"), ("e", "\ufffd", "word continuation"), ("É", "", "word start"),
    ],
)  # fmt: skip
def test_a_token_s_class_is_its_first_visible_character_s(said, before, kind):
    assert class_of(said, before) == kind


@pytest.mark.parametrize("kind", ["bytes", "spaced"])
def test_classes_of_a_text_by_its_tokenizer(kind):
    tokenizer = make_tokenizer() if kind == "bytes" else make_spaced_tokenizer()
    ids = tokenizer("ab a ab").input_ids + [0]

    def decode(tokens):
        return text_of(tokenizer, tokens, skip_special_tokens=False)

    found = token_classes(decode, ids[:1], ids[1:], {0})
    assert found[-1] == "special" and set(found[:-1]) <= {"word start", "word continuation", "whitespace"}
    assert found.count("word start") == 2, "a space that a tokenizer drops from a token alone is still one"
