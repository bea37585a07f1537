"""An answer as a reader sees it: text, colours, and whose every token is."""

import re

import pytest
from bench_pair import bench_arguments, make_pair, make_tokenizer, run, write_prompts
from made_records import made_record, made_steps

from bench.report.metrics.proposers import proposers
from bench.report.sample import sample

ANSI = re.compile(r"\x1b\[\d+m")


def made(tokens, sources, emitted):
    return made_record(tokens=tokens, steps=made_steps(sources=sources, emitted=emitted), prefill_tokens=1)


def test_every_token_has_its_proposer():
    record = made([1, 2, 3, 4, 5, 6], [["draft", "draft"], [], ["phrase"]], [3, 1, 1])
    assert proposers(record) == ["target", "draft", "draft", "target", "target", "phrase"]
    assert proposers(made_record(tokens=[1, 2], steps=None)) == ["target", "target"]


def test_the_text_is_the_answers_with_and_without_colours():
    tokenizer = make_tokenizer()
    prompt, tokens = tokenizer("What is").input_ids, tokenizer(" the lazy dog é over").input_ids
    sources = [["draft"] * 2, ["phrase"] * (len(tokens) - 5)]
    record = made(tokens, sources, [3, len(tokens) - 4])
    plain = sample(record, tokenizer, prompt, colours=False)
    assert plain.endswith("\nthe lazy dog é over") and not ANSI.search(plain)
    coloured = sample(record, tokenizer, prompt, colours=True)
    assert ANSI.sub("", coloured) == plain
    assert len(set(ANSI.findall(coloured))) == 3  # one a source, and the end of both
    assert f"draft {2 / len(tokens):.0%}" in plain


@pytest.mark.parametrize("show", [0, 1])
def test_the_first_answers_are_shown(tmp_path, monkeypatch, capsys, show):
    monkeypatch.chdir(tmp_path)
    make_pair(tmp_path)
    write_prompts(tmp_path / "prompts.jsonl", 3)
    assert run(monkeypatch, *bench_arguments(tmp_path, "method=speculative", f"show={show}")) == 0
    said = capsys.readouterr().out
    assert said.count("speculative answers p") == show
    assert run(monkeypatch, *bench_arguments(tmp_path, "show=-1")) == 2
