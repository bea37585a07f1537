"""bench.html: one page that holds every run and every prompt, and nothing that an output brings
along."""

import base64
import gzip
import itertools
import json
import random
import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from bench_pair import make_spaced_tokenizer, make_tokenizer
from browser import Browser, installed
from made_records import made_record, made_steps
from many_runs import interval, summary_of, write_run

from bench.measure.record import METHOD, REFERENCE
from bench.report.arguments import html as main
from bench.report.case_records import CaseRecords
from bench.report.collection import collect
from bench.report.html import page as page_module
from bench.report.html.contents import FIRST_LETTER, PLAIN, Contents, encoded
from bench.report.html.page import page
from bench.report.html.pieces import TokenTexts, token_texts
from bench.report.metrics.prompts import prompt_figures
from bench.report.metrics.proposers import proposers
from decoding.errors import UserError

HOSTILE = '</script><img src="https://evil.example/x" onerror="alert(1)"><!--<script>'
TEXTS = (" the lazy dog is é over", " What is 12 + 30?", f" say {HOSTILE}")
LABEL = "<img src=x onerror=alert(1)>"
CHANGED = 4  # the first token that is not greedy's, in the run that is wrong


class Reader(HTMLParser):
    """A page's elements with their attributes, its texts by element, and the data in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        [data] = [each for each in self.elements if each[1].get("id") == "data"]
        self.encoding = data[1]["data-encoding"]
        raw = next(text for place, text in self.texts if place == "script")
        self.data = json.loads(gzip.decompress(base64.b64decode(raw)) if self.encoding == "gzip" else raw)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append((self.elements[-1][0] if self.elements else "", data))

    def rows(self) -> list[dict[str, object]]:
        """The data's rows, indices looked up."""
        columns, data = self.data["rows"], self.data
        found = []
        for values in zip(*columns.values(), strict=True):
            row = dict(zip(columns, values, strict=True))
            row["run"] = data["runs"][row["run"]]["name"]
            row["prompt"], row["verdict"] = data["prompts"][row["prompt"]], data["verdicts"][row["verdict"]]
            row["sources"] = [data["sources"][ord(letter) - FIRST_LETTER] for letter in row["sources"]]
            row["output"], row["greedy"] = self.output(row["output"]), self.output(row["greedy"])
            found.append(row)
        return found

    def output(self, number: int) -> list[str] | str | None:
        """The pieces of an output, or its text where they are not known."""
        if number < 0:
            return None
        found = self.data["outputs"][number]
        return found if isinstance(found, str) else [self.data["pieces"][piece] for piece in found]


def generation(tokenizer, tokens, role=METHOD, source="draft", **changes):
    """A record whose steps are of three drafted tokens and a free one, the prefill's first."""
    steps = [min(4, left) for left in range(len(tokens) - 1, 0, -4)]
    sources = [[source] * (emitted - 1) if role == METHOD else [] for emitted in steps]
    text = tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    columns = made_steps(emitted=steps, sources=sources)
    seconds = 1 + (1.0 if role == METHOD else 2.0)
    defaults = {"role": role, "tokens": tokens, "steps": columns, "text": text, "total_seconds": seconds}
    return made_record(**defaults | changes)


def put_run(root, target, method, changed=None, repeats=1, speed=1.5, **changes):
    """A run over TEXTS; `changed`: the prompt whose last repeat has another token at CHANGED."""
    tokenizer = make_tokenizer()
    lossless = {"identical": 3 * repeats, "tie": 0, "mismatch": 0, "verdict": "identical", "reference_mismatch": 0}
    summary = summary_of(method, speed, prompts=len(TEXTS), repeats=repeats, lossless=lossless) | changes
    folder = write_run(root, summary, config={"model": {"target": str(target)}})
    records = []
    for (number, text), repeat in itertools.product(enumerate(TEXTS), range(repeats)):
        tokens = tokenizer(text).input_ids
        key = {"prompt": f"p/{number}{HOSTILE if number == 2 else ''}", "repeat": repeat}
        records.append(generation(tokenizer, tokens, REFERENCE, **key))
        wrong = number == changed and repeat == repeats - 1
        ours = [*tokens[:CHANGED], tokens[CHANGED] + 1, *tokens[CHANGED + 1 :]] if wrong else tokens
        gap = {"gap": 9.0} if wrong else {}
        records.append(generation(tokenizer, ours, source="phrase" if number else "draft", **key, **gap))
    (folder / "records.jsonl").write_text("".join(json.dumps(each.to_json()) + "\n" for each in records))
    return folder


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    make_tokenizer().save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    return folder


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, target):
    """The page of two runs, with figures."""
    root = tmp_path_factory.mktemp("html")
    put_run(root / "runs", target, "ouroboros", label=LABEL, warnings=[f"beware {HOSTILE}"])
    put_run(root / "runs", target, "speculative", 1, 2, speed=1.2)
    assert main([str(root / "runs"), "--output", str(root / "new" / "page.html")]) == 0
    return root / "new" / "page.html"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Reads the page of tmp_path/runs, without figures."""

    def write() -> Reader:
        monkeypatch.setattr(page_module, "draw_each", lambda runs, keep: [])
        assert main([str(tmp_path / "runs"), "--output", str(tmp_path / "page.html")]) == 0
        return Reader((tmp_path / "page.html").read_text())

    return write


def test_every_run_and_every_prompt_is_in_the_page(drawn):
    read = Reader(drawn.read_text())
    shown = [text for _, text in read.texts]
    assert LABEL in shown and "speculative" in shown
    assert any("humaneval: tiny" in text for text in shown) and any("beware" in text for text in shown)
    assert [tag for tag, _ in read.elements].count("table") == len(read.data["tables"]) + 1 == 2
    rows = read.rows()
    assert len(rows) == 2 * len(TEXTS)
    assert {row["prompt"] for row in rows} == {"p/0", "p/1", f"p/2{HOSTILE}"}
    tokenizer = make_tokenizer()
    for row in rows:
        number = int(str(row["prompt"])[2])
        assert len(row["output"]) == row["tokens"] == len(tokenizer(TEXTS[number]).input_ids)
        if row["verdict"] == "identical":
            assert "".join(row["output"]) == TEXTS[number] and row["greedy"] is None and row["difference"] == -1
        assert row["sources"][:5] == ["target", *["phrase" if number else "draft"] * 3, "target"]
        after = row["tokens"] - 1
        assert row["speedup"] == 2.0 and row["perForward"] == round(after / -(-after // 4), 4)


def test_the_repeat_that_is_wrong_is_shown_beside_greedy_s(drawn):
    [row] = [row for row in Reader(drawn.read_text()).rows() if row["verdict"] == "mismatch"]
    assert (row["prompt"], row["repeat"], row["difference"]) == ("p/1", 1, CHANGED)
    assert "".join(row["greedy"]) == TEXTS[1] != "".join(row["output"])
    assert row["output"][:CHANGED] == row["greedy"][:CHANGED] and row["output"][CHANGED] != row["greedy"][CHANGED]


def test_figures_are_in_the_page_once(drawn):
    figures = Reader(drawn.read_text()).data["figures"]
    assert len(figures) > 2 and len({each["svg"] for each in figures}) == len(figures)
    assert all("<svg" in each["svg"] and each["title"] for each in figures)
    assert any(each["title"].startswith("Decode speedup by method and task") for each in figures)
    contents = Contents()
    for title in ("a", "b"):
        contents.add_figure(title, "<svg/>")
    assert contents.to_json()["figures"] == [{"title": "a", "svg": "<svg/>"}]


def test_no_output_becomes_markup_and_nothing_is_loaded(drawn, tmp_path, written, target):
    put_run(tmp_path / "runs", target, "lookahead", label=HOSTILE)
    small = written()
    assert small.encoding == "json", "the data lie open in the page"
    assert any(HOSTILE in "".join(row["output"]) for row in small.rows())
    for text in (drawn.read_text(), (tmp_path / "page.html").read_text()):
        read = Reader(text)
        tags = [tag for tag, _ in read.elements]
        assert "img" not in tags and "link" not in tags and tags.count("script") == 2 and tags.count("style") == 1
        assert not [pair for _, given in read.elements for pair in given.items() if pair[0].startswith("on")]
        addresses = [given[name] for _, given in read.elements for name in ("src", "href") if name in given]
        assert addresses and all(address.startswith("#") for address in addresses)
        [policy] = [given["content"] for _, given in read.elements if given.get("http-equiv")]
        assert policy.startswith("default-src 'none'; img-src blob:; script-src 'sha256-") and "unsafe" not in policy
    for kind in ("css", "js"):
        source = Path(page_module.__file__).with_name(f"page.{kind}").read_text()
        assert not re.search(r"https?:|url\(|@import|innerHTML|</", source)


def test_small_data_lie_open_and_large_ones_compressed():
    content = {"outputs": ["<!--</script>"]}
    assert encoded(content)[0] == "json" and "<" not in encoded(content)[1]
    encoding, text = encoded({"outputs": ["a" * PLAIN]})
    assert encoding == "gzip" and len(text) < 200
    assert json.loads(gzip.decompress(base64.b64decode(text))) == {"outputs": ["a" * PLAIN]}


def test_where_tokens_cannot_be_told_apart_the_page_says_why(tmp_path, written, target):
    other = tmp_path / "other"
    make_tokenizer(["quite another text, with other merges in it"]).save_pretrained(other)
    (other / "config.json").write_text('{"model_type": "llama"}')
    put_run(tmp_path / "runs", other, "ouroboros")
    put_run(tmp_path / "runs", tmp_path / "gone", "speculative")
    (put_run(tmp_path / "runs", target, "lookahead") / "records.jsonl").unlink()
    (put_run(tmp_path / "runs", target, "prompt_lookup") / "config.yaml").write_text("")
    read = written()
    notes = [text for place, text in read.texts if place == "li"]
    for name, reason in (
        ("ouroboros", "decodes 3 outputs to another text"), ("speculative", f"{tmp_path / 'gone'} is no folder"),
        ("lookahead: its prompts are not shown", "records cannot be read"), ("prompt_lookup", "names no model"),
    ):  # fmt: skip
        assert [note for note in notes if note.startswith(name) and reason in note], (name, notes)
    rows = read.rows()
    assert {row["run"] for row in rows} == {"ouroboros", "speculative", "prompt_lookup"}
    assert all(row["output"] == TEXTS[int(str(row["prompt"])[2])] for row in rows)


def test_marks_and_notes_stand_with_the_rows(tmp_path, written, target):
    runaways = {"outputs": 2, "share": 0.6}
    noise = {"decode": interval(1.2), "too_noisy": True}
    put_run(tmp_path / "runs", target, "ouroboros", runaways=runaways, noise=noise, neighbours=2)
    lossless = {"identical": 2, "tie": 0, "mismatch": 1, "verdict": "mismatch", "reference_mismatch": 0}
    put_run(tmp_path / "runs", target, "speculative", lossless=lossless)
    read = written()
    shown = [text for _, text in read.texts]
    assert "ouroboros * ~ !" in shown and "2 identical, 1 MISMATCH" in shown
    assert [given for tag, given in read.elements if tag == "tr" and given.get("class") == "mismatch"]
    for mark in ("*", "~", "!"):
        assert [text for place, text in read.texts if place == "p" and text.startswith(f"{mark} ")], mark


def test_pieces_join_to_the_recorded_text():
    bytewise, spaced = make_tokenizer(), make_spaced_tokenizer()
    tokens = bytewise(" naïve é 日本").input_ids
    pieces = TokenTexts(bytewise).of(tokens, " naïve é 日本")
    assert "".join(pieces) == " naïve é 日本" and len(pieces) == len(tokens) and "" in pieces
    assert TokenTexts(bytewise).of([*tokens, 0], " naïve é 日本")[-1] == "", "the end shows nothing"
    assert TokenTexts(bytewise).of(tokens, " naive") is None
    tokens = spaced(" ab ac").input_ids
    text = spaced.decode(tokens)
    assert "".join(TokenTexts(spaced).of(tokens, f" {text}")) == f" {text}", "the space that ends its prompt's word"
    assert TokenTexts(spaced).of(tokens, f"x{text}") is None
    assert TokenTexts(spaced).of([], "") == []


def test_who_does_not_tell_its_steps_names_nobody():
    record, greedy = made_record(tokens=[1, 2], target_forwards=1), made_record(tokens=[1, 2], role=REFERENCE)
    [told] = prompt_figures(CaseRecords(["p"], [[record]], [[greedy]]))
    assert told.sources is None and told.tokens_per_forward == 1.0 and told.verdict == "identical"
    steps = made_steps(emitted=[1], sources=[["draft"]])
    [told] = prompt_figures(CaseRecords(["p"], [[made_record(tokens=[1, 2], steps=steps)]], [[greedy]]))
    assert told.sources == ["target", "draft"] == proposers(told.record)


def test_greedy_that_is_wrong_itself_is_said():
    record, greedy = made_record(), made_record(role=REFERENCE, gap=5.0)
    contents = Contents()
    contents.add_table("t")
    contents.add_run("x", prompt_figures(CaseRecords(["p"], [[record]], [[greedy]])), None)
    assert contents.to_json()["verdicts"] == ["mismatch, greedy itself is wrong"]


def test_the_hub_is_not_asked_for_a_tokenizer_that_is_not_here(monkeypatch, tmp_path):
    def asked(*_, **__):
        pytest.fail("the hub was asked")

    monkeypatch.setattr("huggingface_hub.HfApi.model_info", asked)
    [run], _ = collect([put_run(tmp_path, "no/such", "ouroboros")])
    with pytest.raises(UserError, match="the tokenizer of no/such is not on this machine"):
        token_texts(run)


def test_errors_are_one_line(tmp_path, capsys):
    assert main([str(tmp_path / "nothing")]) == 2
    write_run(tmp_path / "runs", summary_of("greedy"))
    assert main([str(tmp_path / "runs"), "--output", str(tmp_path)]) == 2
    assert main(["--nosuch"]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and all(line.startswith("error: ") for line in lines)
    assert "Is a directory" in lines[1]


MANY = 10_000


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """(page of 10,000 made-up generations, seconds that it took)."""
    tokenizer, draw, prompts, per_run = make_tokenizer(), random.Random(0), [], 2_500
    whole = [token for token in range(1, len(tokenizer)) if tokenizer.decode([token]).isascii()]
    for number in range(per_run):
        tokens = draw.choices(whole, k=48)
        greedy = generation(tokenizer, tokens, REFERENCE, prompt=f"p/{number}")
        prompts.append((greedy, generation(tokenizer, tokens, prompt=f"p/{number}")))
    ids = [greedy.prompt for greedy, _ in prompts]
    records = CaseRecords(ids, [[ours] for _, ours in prompts], [[greedy] for greedy, _ in prompts])
    begin, contents, texts = time.process_time(), Contents(), TokenTexts(tokenizer)
    contents.add_table("many")
    for run in range(MANY // per_run):
        contents.add_run(f"run {run}", prompt_figures(records), texts)
    parts = dict.fromkeys(("counts", "legend", "tables", "notes"), "")
    file = tmp_path_factory.mktemp("large") / "page.html"
    file.write_text(page(parts, contents))
    return file, time.process_time() - begin


def test_ten_thousand_generations_fit(large):
    file, seconds = large
    read = Reader(file.read_text())
    assert len(read.data["rows"]["run"]) == MANY and len(read.data["outputs"]) == 2_500, "equal outputs lie there once"
    assert file.stat().st_size < 700_000
    assert seconds < 20


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, two: str) -> float:
    """WCAG 2.2's ratio of two colours."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def test_text_can_be_read_in_both_themes():
    style = Path(page_module.__file__).with_name("page.css").read_text()
    themes = [dict(re.findall(r"--([\w-]+): (#\w{6})", block)) for block in re.findall(r":root \{(.*?)\}", style, re.S)]
    assert len(themes) == 2 and themes[0].keys() == themes[1].keys()
    for theme in themes:
        for name in theme.keys() - {"paper", "panel", "line", "marked", "on-marked"}:
            assert min(contrast(theme[name], theme[ground]) for ground in ("paper", "panel")) >= 4.5, name
        assert contrast(theme["on-marked"], theme["marked"]) >= 4.5


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = installed()
    if program is None:
        pytest.skip("no Chromium on PATH")
    with Browser(program, tmp_path_factory.mktemp("profile")) as started:
        yield started


def test_a_reader_sorts_filters_and_opens(browser, drawn):
    browser.open(drawn)
    first = "document.querySelector('.table tbody tr th').textContent"
    heading = "document.querySelectorAll('.table thead button')[{}].click()"
    order = "document.querySelector('.table thead [aria-sort]').getAttribute('aria-sort')"
    browser.run(heading.format(2))
    assert (browser.run(order), browser.run(first)) == ("descending", LABEL)
    browser.run(heading.format(2))
    assert (browser.run(order), browser.run(first)) == ("ascending", "speculative")
    browser.run(heading.format(0))
    assert (browser.run(order), browser.run(first)) == ("ascending", LABEL)
    rows = "[...document.querySelectorAll('#prompt-table tbody tr:not(.detail)')].map(row => row.textContent)"
    assert len(browser.run(rows)) == 6
    browser.run("document.querySelectorAll('#prompt-table thead button')[2].click()")
    counts = "[...document.querySelectorAll('#prompt-table tbody tr')].map(row => +row.cells[2].textContent)"
    tokens = browser.run(counts)
    assert tokens == sorted(tokens, reverse=True) and len(set(tokens)) == 3
    search = "field = document.getElementById('{}'); field.value = '{}'; field.dispatchEvent(new Event('input'))"
    browser.run(search.format("prompt-filter", "mismatch"))
    assert len(browser.run(rows)) == 1
    browser.run("document.querySelector('#prompt-table tbody button').click()")
    detail = "document.querySelector('#prompt-table .detail')"
    assert browser.run(f"{detail}.querySelectorAll('pre').length") == 2
    assert browser.run(f"[...{detail}.querySelectorAll('mark')].map(mark => mark.title.split(', ').at(-1))") == [
        "the first difference"
    ] * 2  # fmt: skip
    assert browser.run(f"{detail}.querySelectorAll('pre')[1].textContent") == TEXTS[1]
    assert "phrase" in browser.run(f"{detail}.querySelector('.legend').textContent")
    browser.run("document.querySelector('#prompt-table tbody button').click()")
    assert browser.run(f"{detail} === null")
    browser.run(search.format("run-filter", "speculative"))
    assert browser.run("[...document.querySelectorAll('.table tbody tr')].map(row => row.hidden)") == [True, False]
    assert browser.run("document.getElementById('run-count').textContent") == "1 of 2 rows"
    browser.run(search.format("run-filter", "nosuch"))
    assert browser.run("document.querySelector('.table').hidden")
    assert browser.run("[...document.querySelectorAll('figure img')].every(image => image.alt)")
    assert browser.run("document.images.length > 2 && document.getElementById('failure').hidden")
    assert browser.errors == []


def test_ten_thousand_generations_open_at_once(browser, large):
    assert browser.open(large[0]) < 5
    assert browser.run("document.querySelectorAll('#prompt-table tbody tr').length") == 50
    browser.run("document.getElementById('next').click()")
    assert browser.run("document.getElementById('prompt-count').textContent") == f"51 to 100 of {MANY}"
    assert browser.errors == []
