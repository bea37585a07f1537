"""Methods as their modules declare them: each is greedy's equal, and adding one takes a file, a
yaml and a line."""

import json
import multiprocessing
import os
import runpy
import shutil
import sys
from pathlib import Path

import pytest
from bench_pair import bench_arguments
from matrix import make_pair, prompts, reference

from bench.plan.methods import METHODS, method_config, of_today
from bench.report.figures.style import COLOURS, NAMED
from decoding.errors import UserError
from decoding.method import Spec, read_spec
from decoding.stopping import Stopping

ROOT = Path(__file__).resolve().parent.parent
# What a run and its figures need of the project. The bundled pair and data are not among it.
PACKAGES = ("baselines", "bench", "conf", "decoding", "ouroboros", "tasks")

TOY = '''"""Says the last token once more."""

from dataclasses import dataclass

from decoding.decoder import Drafter, ModelPair
from decoding.loop import DraftThenVerify
from decoding.method import Spec
from decoding.settings import require_at_least
from decoding.tree import TokenTree

SPEC = Spec(name="toy", drafts="the last token once more", colour="purple")


@dataclass
class Config:
    """times: how often."""

    name: str = "toy"
    times: int = 2

    def __post_init__(self) -> None:
        require_at_least("times", self.times, 1)


class Toy(Drafter):
    def __init__(self, times: int) -> None:
        self.times = times

    def propose(self, tokens: list[int], tree: TokenTree, limit: int) -> None:
        tree.add(0, [tokens[-1]] * min(self.times, limit), "toy")


def build(config: Config, pair: ModelPair) -> DraftThenVerify:
    """The toy on the pair's target."""
    return DraftThenVerify(pair, Toy(config.times))
'''


def run_in(tree: Path, module: str, *arguments: str) -> int | None:
    """`python -m module` with the project's packages in `tree`; the exit status.

    In a fork of this process, in which all that takes seconds to import is there; of the project
    and of Hydra, which keeps what the project registers, nothing.
    """

    def command() -> None:
        os.chdir(tree)
        for name in [name for name in sys.modules if name.partition(".")[0] in (*PACKAGES, "hydra", "hydra_plugins")]:
            del sys.modules[name]
        sys.path.insert(0, str(tree))
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)

    process = multiprocessing.get_context("fork").Process(target=command)
    process.start()
    process.join(300)
    return process.exitcode


@pytest.mark.parametrize("drawn", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_file_a_yaml_and_a_line_add_a_method(pair, tmp_path, drawn):
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "bundled", "tuned")
        shutil.copytree(ROOT / package, tmp_path / package, ignore=ignored)
    (tmp_path / "results").mkdir()
    (tmp_path / "results/published").symlink_to(ROOT / "results/published")

    (tmp_path / "baselines/toy.py").write_text(TOY)
    (tmp_path / "conf/method/toy.yaml").write_text("# A toy.\nname: toy\ntimes: 2\n")
    registry = tmp_path / "bench/plan/methods.py"
    last = '    "baselines.oracle",\n'
    assert registry.read_text().count(last) == 1
    registry.write_text(registry.read_text().replace(last, f'{last}    "baselines.toy",\n'))

    arguments = [*bench_arguments(pair), "method=toy", "method.times=3", "compare=[speculative]"]
    assert run_in(tmp_path, "bench", *arguments) == 0
    summaries = [json.loads(file.read_text()) for file in (tmp_path / "runs").rglob("summary.json")]
    assert {each["method"] for each in summaries} == {"toy", "speculative"}
    assert all(each["lossless"]["verdict"] == "identical" for each in summaries)
    (toy,) = [each for each in summaries if each["method"] == "toy"]
    assert toy["method_config"] == {"name": "toy", "times": 3} and toy["acceptance"]["drafted"]
    if drawn:
        assert run_in(tmp_path, "bench.figures", "runs", "--output", "figures") == 0
        assert list((tmp_path / "figures").glob("speedup*.png"))


@pytest.fixture(scope="module")
def models():
    return make_pair("llama", traced=True)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_gives_greedy_s_tokens(models, name):
    """As its module has it when told nothing.

    A skip set belongs to one target, so here a layer is named.
    """
    module = METHODS[name].load()
    own = {"skip": None, "skip_mlp": [1]} if name == "self_speculative" else {}
    decoder = module.build(module.Config(**own), models)
    for prompt in prompts(1):
        stopping = Stopping(frozenset({5}), 24)
        found, expected = decoder.generate(prompt, stopping), reference(models, prompt, stopping)
        assert (found.tokens, found.stop) == (expected.tokens, expected.stop)


def test_the_table_of_methods_is_made_from_what_they_declare(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    import methods_table

    assert len(methods_table.pages()) == 2
    for page in methods_table.pages():
        text = page.read_text("utf-8")
        assert methods_table.renewed(text) == text, "python scripts/methods_table.py"
        assert all((f"| `{name}` | " in text) or page.name == "README.md" for name in METHODS)


def test_what_was_measured_under_a_name_that_another_method_has_now_is_told_apart():
    """SAM-Decoding was named suffix."""
    assert of_today("suffix", {"min_match", "alpha", "draft_length", "history_bias"}) == "sam"
    assert of_today("suffix", {"depth", "draft_length"}) == of_today("suffix", {}) == "suffix"
    assert of_today("hybrid", {"min_match"}) == "hybrid" and of_today("gone", {"min_match"}) == "gone"
    with pytest.raises(UserError, match="^method.drafter.min_match is a setting of sam, which was named suffix"):
        method_config({"name": "suffix", "min_match": 2}, "method.drafter")
    for method in METHODS.values():
        for name, setting in method.formerly.items():
            assert hasattr(method.load().Config(), setting) and not hasattr(METHODS[name].load().Config(), setting)


def test_every_method_has_words_and_a_colour():
    assert len(METHODS) >= 15 and list(COLOURS) == list(METHODS)
    for method in METHODS.values():
        assert method.drafts and method.colour in NAMED
        assert method.sources or not method.ours or method.name in ("greedy", "oracle")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "needs SPEC"),
        ("SPEC = None", "SPEC must be"),
        ("SPEC = Spec(name='x')", "drafts"),
        ("SPEC = Spec(name='x', drafts=1 + x)", "literals alone"),
        ("SPEC = Spec(name='x', drafts='y', size=3)", "size"),
    ],
)
def test_a_module_that_declares_nothing_is_refused(tmp_path, monkeypatch, text, said):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "undeclared.py").write_text(text + "\n")
    with pytest.raises(UserError, match=said):
        read_spec("undeclared")


def test_a_declaration_is_read_without_running_anything(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "mylab").mkdir()
    (tmp_path / "mylab/__init__.py").write_text("raise RuntimeError\n")
    (tmp_path / "mylab/method.py").write_text("import nothing\nSPEC = Spec(name='x', drafts='y', ours=False)\n")
    assert read_spec("mylab.method") == Spec(name="x", drafts="y", ours=False)
    for module in ("mylab.nothing", "nothing", "nothing.method"):
        with pytest.raises(UserError, match="no such file"):
            read_spec(module)
