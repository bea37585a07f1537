"""README.md, CONTRIBUTING.md and docs/: every command and every Python block works, every path and
figure is there.

Every command is read: its settings compose and pass the checks that come before anything is loaded.
In a sample, and in `make test-all` everywhere, a whole shell block is run, line by line in a folder
of its own, by these rules:

- Words in capitals stand for what `WORDS` says.
- What measures is cut down: `SMALL` is added to the overrides of bench, `SMALL_TUNE` to those of
  bench.tune.
- A draft is trained on next to nothing.
- What needs a network or a launcher is only read: data=hub, the hub's pairs, hydra/launcher.
- `pip` would install from the network: the extra that it names must exist.
- `make` would too, and run for minutes: its recipe must exist, and the bench it starts is run.
"""

import csv
import json
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from bench_pair import run
from close import printed_differences
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf
from samples import covering
from test_bench_cli import composed

import bench.paper
import bench.tune.job
from bench import CONF, GENERATED, selfcheck_job
from bench.cli import main as bench_main
from bench.console.sweep import single_jobs
from bench.plan.methods import of_today
from bench.plan.settings import read_plan
from bench.report.archive import main as archive
from bench.report.archive import unpack
from bench.report.arguments import export, figures, html, project, refold, simulate
from bench.report.markdown import headline
from bench.report.summary import Summary
from bench.report.tables import main as report
from bench.study import main as study
from decoding.errors import UserError
from ouroboros.pool import main as pool

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FOLDERS = ("baselines", "bench", "conf", "decoding", "generated", "ouroboros", "scripts", "tasks", "tests", "training")
LANGUAGES = {"sh", "python", "text", "mermaid"}
WORDS = {
    "TARGET": "bundled:tiny/target",
    "DRAFT": "bundled:tiny/draft",
    "NAME": "mine",
    "POOL": "pool.json",
    "PROMPTS": "prompts.jsonl",
    "DATA": "data",
    "FOLDER": "folder",
}
SMALL = ["limit=1", "max_new_tokens=4", "warmup=0", "repeats=1", "cores=null", "engine=eager"]
STUDY = "study/${method.name}_${task.name}_${model.name}"
SMALL_TUNE = [
    "limit=1", "max_new_tokens=12", "warmup=0", "cores=null", "tune.trials=1", "tune.finalists=1",
    f"tune.study={STUDY}",
]  # fmt: skip
SMALL_DRAFT = [
    "own_text.prompts=[{task: gsm8k, variant: base, held_out: 1, count: 2}]", "own_text.answer_tokens=8",
    "optimisation.own_epochs=1", "optimisation.on_policy_steps=1", "work=work",
]  # fmt: skip
SMALL_SEARCH = ["trials=1", "tasks={humaneval:0,gsm8k:1,cnndm:0,wmt16:0}", "max_new_tokens=8", "output=search"]
SCRIPTS = {"search_skip_layers.py": SMALL_SEARCH, "train_draft.py": SMALL_DRAFT}
# Of these a command is only composed: it needs a network, or processes of its own.
ELSEWHERE = re.compile(r"\b(data=hub|hydra/launcher=\w+|model=(?!tiny\b|custom\b)[\w.]+)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[list[str]]:
        """The words of every line, without comments."""
        return [words for line in self.text.splitlines() if (words := shlex.split(line, comments=True))]


def blocks(language: str) -> list[Block]:
    """All of one language, in the pages' order."""
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            assert match[1] in LANGUAGES, f"{page.name}: a block says which language it is in, not {match[1]!r}"
            line = text.count("\n", 0, match.start()) + 1
            if match[1] == language:
                found.append(Block(page.name, line, match[1], match[2]))
    return found


def inline_commands() -> list[tuple[str, list[str]]]:
    """(page, words) of every command within a sentence or a table."""
    found = []
    for page in PAGES:
        prose = " ".join(re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.M).split())
        commands = re.findall(r"`((?:python|pip|make|ouroboros-bench) [^`]+)`", prose)
        found += [(page.name, shlex.split(command)) for command in commands]
    return found


ALL = blocks("sh")
# What a reader types first, after the installation.
FIRST = next(block for block in ALL if "python -m bench" in block.text)
COMMANDS = [(block, words) for block in ALL for words in block.commands]


def parts_of(command: tuple[object, list[str]]) -> set[str]:
    """What a command calls, and every flag and choice of a preset, a method or a task in it."""
    _, words = command
    chosen = [word for word in words[3:] if word.startswith(("-", "experiment=", "method=", "task="))]
    return {" ".join(words[:3]), *chosen}


def id_of(value: object) -> str:
    """A command, or a block's place."""
    return shlex.join(value[1]) if isinstance(value, tuple) else str(value)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a reader might stand: models of the checkout, a file of prompts, a data set in the
    hub's schema."""
    (tmp_path / "models").symlink_to(ROOT / "models")
    row = {"id": "one", "prompt": "def add(a, b):", "reference": "pass"}
    (tmp_path / WORDS["PROMPTS"]).write_text(json.dumps(row) + "\n")
    (tmp_path / WORDS["DATA"]).mkdir()
    (tmp_path / WORDS["DATA"] / "gsm8k").symlink_to(ROOT / "tasks" / "bundled" / "gsm8k")
    (tmp_path / "results" / "tasks").mkdir(parents=True)
    shutil.copy(ROOT / "results" / "tasks" / "runs.tar.xz", tmp_path / "results" / "tasks")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    # The winner of a search would go to the checkout; tests/test_tune.py holds that it is written.
    monkeypatch.setattr(bench.tune.job, "_write", lambda *_: None)
    return tmp_path


def filled(words: list[str]) -> list[str]:
    """A command with its capitals filled in; a file of the checkout is meant as that."""
    words = [re.sub(r"\b[A-Z]+\b", lambda found: WORDS.get(found[0], found[0]), word) for word in words]
    return [str(ROOT / word) if (ROOT / word).is_file() else word for word in words]


def status(monkeypatch, words: list[str]) -> int:
    """The exit status of a command."""
    words = filled(words)
    if words[0] == "eval":
        return status(monkeypatch, shlex.split(re.fullmatch(r"\$\((.*)\)", words[1])[1]))
    if words[0] == "make":
        return made(monkeypatch, words)
    if words[0] == "pip":
        read(words)
        return 0
    if words[0] == "ouroboros-bench":
        words = ["python", "-m", "bench", *words[1:]]
    assert words[0] == "python", f"no rule says how to run {words[0]}"
    if words[1] != "-m":
        # As a shell does.
        words = [word for each in words for word in (sorted(map(str, Path().glob(each))) if "*" in each else [each])]
        monkeypatch.setattr(sys, "argv", [*words[1:], *SCRIPTS.get(Path(words[1]).name, [])])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(words[1], run_name="__main__")
        return ended.value.code or 0
    module, rest = words[2], words[3:]
    programs = {
        "report": report, "figures": figures, "refold": refold, "archive": archive, "study": study, "export": export,
        "simulate": simulate, "project": project, "html": html,
    }  # fmt: skip
    if module == "ouroboros.pool":
        return pool(rest)
    if module == "bench":
        return measured(monkeypatch, rest)
    if module == "bench.engine":
        monkeypatch.setattr(sys, "argv", [module, *rest, "repeats=1"])
        return bench_main("bench.engine_job:run", "engine")
    if module == "bench.agreement":
        monkeypatch.setattr(sys, "argv", [module, *rest, "limit=1", "max_new_tokens=4", "engine=eager"])
        return bench_main("bench.agreement_job:run", "agreement")
    if module == "bench.tune":
        monkeypatch.setattr(sys, "argv", ["bench.tune", *rest, *SMALL_TUNE])
        return bench_main(bench.tune.job.tune, "tune")
    if module == "bench.selfcheck":
        monkeypatch.setattr(selfcheck_job, "FEWEST_PAIRS", 1)
        monkeypatch.setattr(selfcheck_job, "OWN_RUN", (*selfcheck_job.OWN_RUN, *SMALL))
        return selfcheck_job.main(rest)
    return programs[module.removeprefix("bench.")](rest)


def measured(monkeypatch, overrides: list[str]) -> int:
    """`python -m bench`, at its smallest size or only composed."""
    if any(word.startswith("-") and word != "-m" for word in overrides):
        return run(monkeypatch, *overrides)
    if not ELSEWHERE.search(" ".join(overrides)):
        return run(monkeypatch, *overrides, *SMALL)
    launcher = [word for word in overrides if word.startswith("hydra")]
    for job in single_jobs([word for word in overrides if word not in launcher]):
        read_plan(composed(*job, *launcher))
    return 0


def made(monkeypatch, words: list[str]) -> int:
    """`make`: the bench it starts is run; of a list of commands only the name is checked."""
    for command in recipe_of(words):
        if command[1:3] == ["-m", "bench"]:
            assert measured(monkeypatch, command[3:]) == 0
        if command[1:3] == ["-m", "bench.paper"]:
            # tests/test_paper.py composes each command of the list.
            monkeypatch.setattr(bench.paper, "read_steps", lambda commands: [])
            assert bench.paper.main(command[3:]) == 0
    return 0


def recipe_of(words: list[str]) -> list[list[str]]:
    """What a `make` command would start."""
    dry = subprocess.run(
        ["make", "--dry-run", "BENCH_MODEL=tiny", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert dry.returncode == 0, dry.stderr
    return [shlex.split(line, comments=True) for line in dry.stdout.splitlines()]


@pytest.mark.parametrize("fetched", [False, True])
def test_make_bench_takes_the_real_pair_where_it_was_fetched(tmp_path, fetched):
    command = ["make", "--dry-run", "BENCH_MODEL=smollm2_135m", "bench"]
    dry = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    fetching, measuring = [line for line in dry.stdout.splitlines() if "python " in line][-2:]
    assert "fetch_smollm2" in fetching
    if fetched:
        (tmp_path / "models" / "smollm2_135m").mkdir(parents=True)
        (tmp_path / "models" / "smollm2_135m" / "config.json").touch()
    said = subprocess.run(["sh", "-c", f"echo {measuring}"], cwd=tmp_path, capture_output=True, text=True, check=True)
    words = said.stdout.split()
    assert ("model=smollm2_135m" in words, "limit=20" in words) == (fetched, not fetched)
    read(["python", *words[1:]])


@pytest.mark.parametrize("command", covering([*COMMANDS, *inline_commands()], parts_of), ids=id_of)
def test_every_command_is_read(monkeypatch, folder, command):
    """Nothing is loaded or measured: the first job of each is composed and checked."""
    _, words = command
    read(filled(words))


def read(words: list[str]) -> None:
    """Fail if a command is none, or its settings are wrong."""
    if words[0] == "ouroboros-bench":
        words = ["python", "-m", "bench", *words[1:]]
    if words[0] == "eval":
        read(shlex.split(re.fullmatch(r"\$\((.*)\)", words[1])[1]))
    elif words[0] == "make":
        assert recipe_of(words)
    elif words[0] == "pip":
        # tests/test_packaging.py installs the wheel.
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        found = re.fullmatch(r"\.(?:\[(\w+)\])?", words[-1])
        assert words[:2] == ["pip", "install"] and found and found[1] in {None, *extras}
    elif words[1] != "-m":
        assert (ROOT / words[1]).is_file()
    elif words[2] in ("bench", "bench.tune"):
        name = "tune" if words[2] == "bench.tune" else "config"
        given = [word for word in words[3:] if not word.startswith("hydra")]
        job = [word for word in single_jobs(given, name)[0] if "=" in word and not word.startswith(("-", "install"))]
        with initialize_config_dir(str(CONF), version_base="1.3"):
            given = [*job, *(word for word in words[3:] if word.startswith("hydra"))]
            config = compose(name, given, return_hydra_config=True)
        read_plan(OmegaConf.masked_copy(config, [key for key in config if key != "tune"]))
    else:
        assert find_spec(words[2]), words[2]


@pytest.mark.parametrize(
    "block", [pytest.param(each, marks=[] if each == FIRST else pytest.mark.slow) for each in ALL], ids=id_of
)
def test_the_commands_work(monkeypatch, folder, capsys, block):
    for words in block.commands:
        assert status(monkeypatch, words) == 0, f"{shlex.join(words)}\n{capsys.readouterr().err}"


@pytest.mark.parametrize("command", ["python -m bench method=nosuch", "python -m bench method.gamma=no", "make nosuch"])
def test_a_command_that_does_not_work_is_found_out(monkeypatch, folder, command):
    with pytest.raises((AssertionError, HydraException, UserError)):
        read(shlex.split(command))
    with pytest.raises(AssertionError):
        assert status(monkeypatch, shlex.split(command)) == 0


@pytest.mark.parametrize(
    "block",
    [pytest.param(each, marks=[] if each.page == "README.md" else pytest.mark.slow) for each in blocks("python")],
    ids=id_of,
)
def test_the_python_blocks_run(folder, block):
    exec(compile(block.text, str(block), "exec"), {"__name__": "page"})


README = (ROOT / "README.md").read_text(encoding="utf-8")
VARIANTS = ("no draft", "hf_generate compiled")
PRINTED = next(block for block in blocks("text") if block.page == "README.md")


def test_the_readme_shows_what_its_run_printed(tmp_path):
    """Its table is that of the packed run, whose command stands above it."""
    unpack(ROOT / "results" / "readme" / "runs.tar.xz", tmp_path)
    summaries = [Summary.from_json(json.loads(file.read_text())) for file in tmp_path.rglob("summary.json")]
    command = next(block.text for block in ALL if "compare" in block.text and block.page == "README.md").strip()
    sessions = [json.loads(file.read_text())["sessions"] for file in tmp_path.rglob("provenance.json")]
    words = {word for word in shlex.split(command) if "=" in word}
    assert len(sessions) == 3 and all(words <= set(each["command"]) for [each] in sessions)
    table = {row[0]: row for row in headline(summaries)}
    lines = PRINTED.text.splitlines()
    shown = [re.split(r"  +", line) for line in lines if line.split("  ")[0] in table]
    assert [row[0] for row in shown] == ["method", "ouroboros tuned", "speculative tuned", "lookahead tuned"]
    for row in shown:
        assert row == table[row[0]][:-1]
        if row[0] != "method":
            assert f"{table['method'][-1]}, {row[0]}: {table[row[0]][-1]}" in lines


def test_the_table_of_methods_is_measured(tmp_path):
    """Each figure in it is one of results/paper's panel: of every method the plainest case, at its
    own setting, of Ouroboros the paper's as well."""
    unpack(ROOT / "results" / "paper" / "runs.tar.xz", tmp_path)
    summaries = [json.loads(file.read_text()) for file in (tmp_path / "methods").rglob("summary.json")]
    found = {(named(each), each["task"]): each for each in summaries if each["label"] not in VARIANTS}
    with (ROOT / "results" / "paper" / "table.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["panel"] == "methods" and row["name"] not in VARIANTS]
    means = {(named(row), row["task"]): float(row["geomean_speedup"]) for row in rows}
    means_of_tokens = {(named(row), row["task"]): float(row["tokens_per_target_forward_mean"]) for row in rows}
    line = r"^\| `(\w+(?: settings=paper)?)` \|.*\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$"
    methods = re.findall(line, (ROOT / "docs" / "methods.md").read_text(), re.MULTILINE)
    some = re.findall(line, README, re.MULTILINE)
    assert some and {*some} < {*methods}
    # The reference of all; what at temperature 0 draws one chain and no more; what the bundled pair
    # has no draft for; and what is younger than the panel.
    unmeasured = {
        "greedy", "clasp", "spectr", "eagle", "glide", "parallel", "racer", "suffix", "superposed", "synthetic",
        "tapout",
    }  # fmt: skip
    assert {name for name, *_ in methods} == {*unmeasured, *(name for name, _ in found)}
    for name, *cells in methods:
        if name in unmeasured:
            assert cells == ["-"] * 3
            continue
        own = [found[name, task] for task in ("humaneval", "gsm8k")]
        speeds = [
            [*(each["speedup"]["decode"][part] for part in ("value", "low", "high")), means[name, each["task"]]]
            for each in own
        ]
        tokens = [[each["tokens_per_target_forward"], means_of_tokens[name, each["task"]]] for each in own]
        wanted = ["{:.2f} [{:.2f}, {:.2f}]; {:.2f}".format(*each) for each in speeds]
        wanted.append(", ".join("{:.2f}; {:.2f}".format(*each) for each in tokens))
        cells = [cell.removesuffix(" ~") for cell in cells]
        assert not list(printed_differences(" ".join(cells), " ".join(wanted), sum([*speeds, *tokens], []))), name


def named(case: dict[str, str]) -> str:
    """The table's name of a case of that panel."""
    settings = case.get("method_config") or [each.partition("=")[0] for each in case["settings"].split()]
    at_the_papers = "ouroboros paper" in (case.get("label"), case.get("name"))
    return of_today(case["method"], settings) + " settings=paper" * at_the_papers


def test_what_the_readme_says_of_the_engine_is_measured(tmp_path):
    """results/rivals has the rivals' speeds, and README's own run the ratios over greedy."""
    for name in ("rivals", "readme"):
        unpack(ROOT / "results" / name / "runs.tar.xz", tmp_path / name)
    found = [Summary.from_json(json.loads(file.read_text())) for file in (tmp_path / "rivals").rglob("summary.json")]
    speeds = {each.label: each.tokens_per_second.decode for each in found}
    ours, assisted, plain = speeds["speculative"], speeds["hf_assisted"], speeds["hf_generate plain"]
    wanted = {f"{ours.greedy / plain.method:.1f} times as fast", f"{ours.method / assisted.method:.1f} times as fast"}
    words = " ".join(README.split())
    assert set(re.findall(r"[\d.]+ times as fast", words)) == wanted
    for file in (tmp_path / "readme").rglob("summary.json"):
        summary = Summary.from_json(json.loads(file.read_text()))
        ratio = f"{summary.speedup.decode.value:.2f} for `{summary.method}`"
        assert ratio in words or summary.method == "lookahead"


def test_what_the_readme_says_of_tuned_settings_is_so():
    """A window where drafts are of phrases, and a threshold where they are of more than one
    forward."""
    files = list((GENERATED / "method" / "tuned" / "tiny").rglob("ouroboros*.yaml"))
    tuned = [OmegaConf.load(file) for file in files]
    windows = sum(each.drafting.phrases and each.window > 0 for each in tuned)
    unsure = sum(each.gamma > 1 and each.drafting.confidence > 0 for each in tuned)
    assert (len(tuned), windows, unsure) == (10, 0, 8)
    assert "without a lookahead window in all ten cases, and in eight ends" in README


def test_the_way_that_the_architecture_shows_is_a_run_s(monkeypatch, tmp_path, arguments):
    """A run calls into each of the twelve files."""
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\d+\. `([\w/]+\.py)`", page, re.MULTILINE)
    entered = set()
    monkeypatch.setattr(sys, "argv", ["bench", *arguments, "method=greedy", "limit=1"])
    sys.setprofile(lambda frame, event, _: entered.add(frame.f_code.co_filename) if event == "call" else None)
    try:
        with pytest.raises(SystemExit) as ended:
            runpy.run_module("bench", run_name="__main__", alter_sys=True)
    finally:
        sys.setprofile(None)
    assert ended.value.code == 0 and len(listed) == 12
    assert not [file for file in listed if str(ROOT / file) not in entered]


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 120


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_names_is_there(page):
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    links = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", prose) if "://" not in link]
    assert not [link for link in links if link and not (page.parent / link).exists()]
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./]+)`", text)
    named += re.findall(r"\b((?:bench|decoding)/[\w/]+\.py)", text)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert all("/mymethod." in name or "/mytask." in name for name in missing), missing
    wide = [line for line in prose.splitlines() if len(line) > 100 and not line.startswith("|")]
    assert not wide, "prose wraps at 100"
