"""The command line before anything is loaded: flags, sweeps, quoting, help, tab completion and
interrupts."""

import os
import runpy
import signal
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from hydra._internal.hydra import Hydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from samples import chosen

from bench.cli import main
from bench.console.entry import find
from bench.console.quoting import quoted
from bench.console.sweep import single_jobs
from bench.plan.settings import read_plan
from ouroboros.pool import main as inspect
from training.command import main as train
from training.drafter.config import Text

ROOT = Path(__file__).resolve().parent.parent
MODULES = (
    "bench", "bench.engine", "bench.tune", "bench.report", "bench.figures", "bench.paper", "bench.archive",
    "bench.refold", "bench.study", "bench.agreement", "bench.export", "bench.simulate", "bench.project", "bench.html",
)  # fmt: skip
# Python imports the package, torch and all, before the module: its help is shown, but waits. Here
# torch is there.
WAITING = ("ouroboros.pool",)
SCRIPTS = ("scripts/search_skip_layers.py", "scripts/train_draft.py", "scripts/train_pair.py")
HEAVY = ("torch", "transformers", "matplotlib", "datasets", "optuna")


@pytest.fixture
def command(monkeypatch, tmp_path):
    """A function that runs a command line up to the job itself.

    (exit status, gammas of the jobs that would run).
    """
    monkeypatch.chdir(tmp_path)
    def run(*arguments: str) -> tuple[int, list[int]]:
        gammas = []
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        return main(lambda config: gammas.append(config.method.gamma) or 0), gammas

    return run


@pytest.fixture
def folder(tmp_path):
    """A config folder of the user's own, with a preset that sweeps, if -m is given, and one that
    sweeps by itself."""
    (tmp_path / "own/experiment").mkdir(parents=True)
    text = "# @package _global_\nhydra:\n  sweeper:\n    params:\n      method.gamma: 1,2,3\n"
    (tmp_path / "own/experiment/swept.yaml").write_text(text)
    (tmp_path / "own/experiment/itself.yaml").write_text(f"{text}  mode: MULTIRUN\n")
    return "own"


def test_a_job_is_composed_once(command, monkeypatch):
    """A composition takes as long as all else before the models are loaded."""
    compositions, compose = [], Hydra.compose_config

    def counting(*given, **named):
        compositions.append(named)
        return compose(*given, **named)

    monkeypatch.setattr(Hydra, "compose_config", counting)
    assert command("method=speculative", "method.gamma=3") == (0, [3]) and len(compositions) == 1


def test_a_preset_may_ask_for_its_sweep_itself(command, folder):
    assert command("--config-dir", folder, "experiment=itself") == (0, [1, 2, 3])
    assert command("--config-dir", folder, "experiment=swept") == (0, [12])


def test_a_folder_of_the_users_own_hides_nothing_of_conf(command, folder):
    """As in Hydra's own entry: what lies in both is taken from conf/."""
    Path(folder, "method").mkdir()
    Path(folder, "method/speculative.yaml").write_text("name: speculative\ngamma: 99\n")
    assert command("--config-dir", folder, "method=speculative") == (0, [4])


def test_flags_that_show_something_run_nothing(command, capsys, folder):
    for arguments, said in (
        (["--cfg", "job"], "max_new_tokens: null"),
        (["method.gamma=3", "--cfg=job", "--package", "method"], "# @package method"),
        (["--cfg", "job", "--resolve"], "gamma: 12"),
        (["--cfg", "job", "--config-dir", folder, "experiment=swept"], "gamma: 12"),
        (["--hydra-help"], "--config-dir"),
        (["-m", "--help"], "compare=[speculative,lookahead]"),
        (["--config-name", "tune", "--cfg", "job"], "finalists"),
    ):
        assert command(*arguments) == (0, [])
        assert said in capsys.readouterr().out
    # In a process of its own: Hydra logs this, and with that closes what other libraries log to
    # under pytest.
    info = [sys.executable, "-m", "bench", "--info", "defaults"]
    done = subprocess.run(info, capture_output=True, text=True, env=environment(), timeout=60)
    assert done.returncode == 0 and "Defaults List" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("-m --cfg job method.gamma=1,2", "-m and --cfg do not go together"),
        ("-m --info", "-m and --info do not go together"),
        ("-m -sc query=bash", "-m and --shell-completion"),
        ("--resolve", "--cfg job"),
        ("--package method", "--cfg job"),
        ("--cfg job --package nosuch", "nosuch"),
        ("--cfg nosuch", "'job', 'hydra', 'all'"),
        ("--nosuch", "--nosuch"),
        ("--config-dir nosuch", "nosuch"),
        ("-m --config-dir nosuch", "nosuch"),
        ("--config-name nosuch", "nosuch"),
        ("-sc install=nosuch", "nosuch"),
        ("-sc install=zsh", "install=zsh: tab completion is for bash alone, -sc install=bash"),
        ("-sc uninstall=fish", "uninstall=fish: tab completion is for bash alone"),
        ("-sc query=fish", "query=fish: tab completion is for bash alone"),
        ("-m method=glob(x*)", "glob(x*) stands for no value"),
        ("-m hydra/launcher=basic method=glob(x*)", "glob(x*) stands for no value"),
        ("-m method.gamma=range(5,2)", "no value"),
        ("-m method.gamma=interval(1,2)", "INTERVAL_SWEEP"),
        ("-m hydra.sweeper.params={method.gamma:1}", "-m KEY=VALUE,VALUE"),
        ("-m hydra/sweeper=nosuch method.gamma=1,2", "hydra/sweeper/nosuch"),
        ("method=glob(x*)", "requires --multirun"),
        ("method.gamma", "missing EQUAL"),
        ("method.nosuch=1", "method.nosuch is no setting: --cfg job"),
        ("nosuch=1", "nosuch is no setting: --cfg job"),
        ("metod=speculative", "metod is no setting"),
        ("hydra.nosuch=1", "hydra.nosuch is no setting: --cfg hydra"),
        ("method.order=recency", "method.order is now method.pool.order of ouroboros"),
        ("~method.order", "method.order is now method.pool.order of ouroboros"),
        ("~method.nosuch", "~method.nosuch: there is no such setting"),
        ("~limit", "~limit: there is no such setting, or it is null already"),
        ("~metod", "~metod: there is no such setting"),
        ("~method=speculative", "~method=speculative: that is not chosen here"),
        ("~task", "~task: nothing can be measured without it; task=OPTION"),
        ("~model=tiny", "~model=tiny: nothing can be measured without it"),
        ("-m ~data method.gamma=1,2", "~data: nothing can be measured without it"),
        ("task=null", "task=null: task takes one of its options"),
        ("method=null cases=[greedy]", "leave it out, ~method"),
        ("experiment=null", "or is left out, ~experiment"),
        ("task=[gsm8k,mbpp]", "task takes one option; -m task=gsm8k,mbpp"),
        ("method=[speculative,lookahead]", "compare=[...]"),
        ("+method=speculative", "method is chosen without +, method=speculative"),
        ("++task=gsm8k", "task is chosen without +, task=gsm8k"),
        ("+method.gamma=3", "'++method.gamma=3'"),
        ("=3", "'=3': it names no setting"),
        ("~", "'~': it names no setting"),
    ],
)
def test_what_cannot_be_is_one_line_and_status_2(command, capsys, arguments, said):
    assert command(*arguments.split()) == (2, [])
    error = capsys.readouterr().err
    jobs = 2 if "method.gamma=1,2" in arguments and "~" in arguments else 1
    assert said in error and error.count("\n") == jobs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("+nosuch=1", "error: nosuch is no setting: choose among limit, "),
        ("++method.nosuch=1", "error: method.nosuch is no setting: choose among name, "),
        ("+method.order=recency", "error: method.order is now method.pool.order"),
        ("~method", "error: no method is chosen: give method=OPTION, or methods in cases=[...]"),
        ("method.pool=3", "error: method.pool holds settings, "),
        ("limit=", "error: limit: Value ''"),
    ],
)
def test_what_the_typed_settings_refuse_is_one_line_and_status_2(monkeypatch, capsys, tmp_path, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", *arguments.split()])
    assert main(lambda config: 0 if read_plan(config) else 1) == 2
    error = capsys.readouterr().err
    assert error.startswith(said) and error.count("\n") == 1


@pytest.mark.parametrize("given", ["~tune", "tune=3"])
def test_a_search_without_its_settings_is_one_line_and_status_2(monkeypatch, capsys, tmp_path, given):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench.tune", given])
    assert main("bench.tune.job:tune", "tune") == 2
    assert capsys.readouterr().err.startswith("error: tune holds settings: it cannot be ")


def test_what_is_left_out_on_purpose_is(monkeypatch, tmp_path):
    """A panel of cases alone, an experiment, and a setting that falls back to its default."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", "~method", "cases=[greedy]", "~experiment", "~output"])
    seen = []
    assert main(lambda config: seen.append(read_plan(config)) or 0) == 0
    assert [each.config.name for each in seen[0].methods] == ["greedy"]


SWEEPS = [
    ("hydra.mode=MULTIRUN method.gamma=1,2", [1, 2]),
    ("-m --config-dir own experiment=swept", [1, 2, 3]),
    ("-m --config-dir own experiment=glob(swe*)", [12]),
    ("-m hydra.sweep.dir=logs method.gamma=1,2", [1, 2]),
    ("-m method=glob(*ve) method.gamma=3", [3]),
    ("-m method.gamma=1,2", [1, 2]),
    ("method.gamma=1,2 -m task=gsm8k,mbpp", [1, 1, 2, 2]),
    ("-m --config-dir own experiment=swept method.gamma=7", [7]),
    ("-m --config-name tune method.gamma=1,2", [1, 2]),
    ("-m hydra/sweeper=basic method.gamma=1,2", [1, 2]),
]


@pytest.mark.parametrize("case", chosen(SWEEPS, *SWEEPS[:5]))
def test_sweeps_run_every_job(command, folder, case):
    arguments, gammas = case
    status, ran = command(*arguments.split())
    assert ran == gammas and status == (2 if "glob(*ve)" in arguments else 0)
    assert ("hydra.sweep.dir" in arguments) == Path("logs").exists()


def test_a_missing_preset_costs_the_others_nothing(command, capsys, folder):
    assert command("-m", "--config-dir", folder, "experiment=nosuch,swept", "method.gamma=4") == (2, [4])
    assert "experiment/nosuch" in capsys.readouterr().err


TEXTS = ["a=b", "a(b", "a(b)", "a#b", "a,b", "a{b", "{a}", "\u00e4/\u00f6", "~/x", 'a"b', "it's", "a\\"]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("sweep", [[], ["-m"]])
def test_an_error_of_the_grammar_says_how_to_quote(command, capsys, text, sweep):
    """And what it says works, after the shell has taken its quotes away."""
    status, _ = command(*sweep, f"output={text}")
    error = capsys.readouterr().err
    if text == "a,b" and sweep:
        assert status == 0  # a sweep
    elif text == "a\\":
        assert status == 0  # read as it stands
    else:
        assert status == 2 and quoted("output", text) in error and error.count("\n") == 1
    shown = subprocess.run(["sh", "-c", f"printf %s {quoted('output', text)}"], capture_output=True, text=True)
    assert OverridesParser.create().parse_override(shown.stdout).value() == text


@pytest.mark.parametrize(
    ("override", "name"),
    [
        ("model.revision=12e4567", "model.revision"),
        ("model.revision=1.10", "model.revision"),
        ("model.revision=1_0", "model.revision"),
        ("model.revision=true", "model.revision"),
        ("model.draft_revision=1e3", "model.draft_revision"),
        ("model.name=1e3", "model.name"),
        ("data.revision=1.10", "data.revision"),
        ("data.root=2024", "data.root"),
        ("data.path=1e3", "data.path"),
        ("output=2024_05", "output"),
        ("output={a: b}", "output"),
        ("save_history=1e3", "save_history"),
        ("compare=[{name: greedy, label: 1e3}]", "label"),
    ],
)
def test_a_text_that_was_read_as_a_number_is_refused(monkeypatch, capsys, tmp_path, override, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench", "history=warm", override])
    assert main(lambda config: 0 if read_plan(config) else 1) == 2
    error = capsys.readouterr().err
    assert name in error and "with both pairs of quotes" in error and error.count("\n") == 1


def test_a_quoted_number_is_a_text(monkeypatch):
    seen = []
    given = ['model.revision="12e4567"', "model.draft_revision=null", 'output="1.10"']
    monkeypatch.setattr(sys, "argv", ["bench", *given])

    def look(config):
        plan = read_plan(config)
        seen.append((plan.model.revision, plan.model.draft_revision, plan.settings.output))
        return 0

    assert main(look) == 0 and seen == [("12e4567", None, "1.10")]


@pytest.mark.parametrize(
    ("command", "override"),
    [
        (("bench.cli:main", "bench.agreement_job:run", "agreement"), "run=20241201"),
        (("training.command:main", "train_draft"), "target=1.10"),
        (("training.command:main", "train_draft"), "own_text.packed=1e3"),
        (("training.command:main", "train_draft"), "own_text.openings=[1.10]"),
        (("training.command:main", "train_draft"), "own_text.prompts=[{task: 1e3}]"),
        (("training.command:main", "train_pair"), "output=2024_05"),
        (("training.command:main", "search_skip_layers"), "name=1e3"),
    ],
)
def test_other_commands_refuse_it_too(monkeypatch, capsys, tmp_path, command, override):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["command", override])
    assert find(command[0])(*command[1:]) == 2
    error = capsys.readouterr().err
    name = override.partition("=")[0]
    assert f"'{name}" in error and "with both pairs of quotes" in error and error.count("\n") == 1


def test_what_is_not_named_in_a_scripts_config_has_its_types_default(monkeypatch):
    seen = []
    monkeypatch.setattr("training.command.find", lambda _: lambda settings: seen.append(settings) or 0)
    for name, given in (("train_draft", 'target="1.10"'), ("train_pair", "seed=3"), ("search_skip_layers", "seed=3")):
        monkeypatch.setattr(sys, "argv", [name, given])
        assert train(name) == 0
    draft, pair, search = seen
    assert (draft.target, draft.text.length, draft.own_text.prompts[0].shots) == ("1.10", Text().length, 0)
    assert (pair.seed, pair.target.grow_at, search.seed, search.tasks["gsm8k"]) == (3, 0.6, 3, 10)


# Each of these composes a config of its own for its help, which takes a second.
COMPOSING = ("bench.engine", "bench.agreement", *SCRIPTS)


@pytest.mark.parametrize(
    "commands",
    [
        [each for each in MODULES if each not in COMPOSING],
        pytest.param(["bench", "bench.tune", *COMPOSING], marks=pytest.mark.slow),
    ],
    ids=["most", "composing"],
)
def test_help_waits_for_no_heavy_import(monkeypatch, capsys, commands):
    """Of every entry point, and a typing error's.

    In one fresh interpreter, so that nothing is there yet.
    """
    program = f"""
import runpy, sys
helps = [(each, "--help") for each in {[str(ROOT / each) if each in SCRIPTS else each for each in commands]}]
for module, argument in [*helps, ("bench", "--cfg=job"), ("bench", "nosuch=1")]:
    sys.argv = [module, argument]
    try:
        if module.endswith(".py"):
            runpy.run_path(module, run_name="__main__")
        else:
            runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        assert ended.code == (2 if argument == "nosuch=1" else 0), (module, argument, ended.code)
    here = [name for name in {HEAVY} if name in sys.modules]
    assert not here, (module, argument, here)
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=60)
    assert done.returncode == 0, done.stderr
    for module in WAITING:
        monkeypatch.setattr(sys, "argv", [module, "--help"])
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(find_spec(module).origin, run_name="__main__")
        assert ended.value.code == 0
    shown = done.stdout + capsys.readouterr().out
    assert "Hydra" not in shown.replace("--hydra-help", "")
    for each in (*commands, *WAITING):
        assert f"python {each if each in SCRIPTS else f'-m {each}'} [" in shown
    wanted = ("method: cascade, clasp, eagle", "max_new_tokens: null", "check=true", "tune.trials=40", 'output="a=b"')
    for said in wanted:
        assert said in shown


def started(command: str) -> list[str]:
    """What the interpreter is given: a module, or a script of the checkout."""
    return [str(ROOT / command)] if command in SCRIPTS else ["-m", *command.split()]


@pytest.mark.parametrize(
    ("command", "while_importing"),
    [
        ("bench", "hydra"),
        ("bench", "torch"),
        pytest.param("bench.tune task=gsm8k", "optuna", marks=pytest.mark.slow),
        ("bench.report", "yaml"),
        ("bench.paper quick", "tqdm"),
        ("bench.figures runs", "matplotlib"),
        ("bench.refold runs", "torch"),
        ("scripts/train_draft.py", "hydra"),
    ],
)
def test_an_interrupt_while_importing_is_one_line(tmp_path, command, while_importing):
    (tmp_path / f"{while_importing}.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    if command == "bench.figures runs":
        find("many_runs:write_run")(tmp_path / "runs", find("many_runs:summary_of")())
    here = environment()
    here["PYTHONPATH"] = os.pathsep.join([str(tmp_path), *filter(None, [here.get("PYTHONPATH")])])
    process = subprocess.Popen(
        [sys.executable, *started(command)], cwd=tmp_path, env=here, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        # Whoever started the tests in the background may have them ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    assert process.stdout.readline() == "importing\n"
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 130
    assert error.startswith("error: interrupted") and error.count("\n") == 1


def test_an_interrupt_while_a_pool_file_is_read_is_one_line(monkeypatch, capsys):
    def interrupted(_file):
        raise KeyboardInterrupt

    monkeypatch.setattr("ouroboros.pool.StateFile.load", interrupted)
    try:
        assert inspect(["inspect", "pool.json"]) == 130
    except KeyboardInterrupt:
        pytest.fail("the interrupt came through")  # it would end pytest itself
    assert capsys.readouterr().err == "error: interrupted\n"


@pytest.mark.parametrize("program", ["python -m bench", ".venv/bin/python3 -m bench", "ouroboros-bench"])
def test_tab_completion_offers_groups_and_settings(command, monkeypatch, capsys, program):
    completions = {
        "method=look": "method=lookahead", "model=t": "model=tiny", "max_new": "max_new_tokens=",
        "method=t": "method=tuned/", "method=tuned/": "method=tuned/tiny/",
        "method=tuned/tiny/gsm8k/ouro": "method=tuned/tiny/gsm8k/ouroboros",
    }  # fmt: skip
    for typed, offered in completions.items():
        monkeypatch.setenv("COMP_LINE", f"{program} task=gsm8k {typed}")
        assert command("-sc", "query=bash") == (0, [])
        options = capsys.readouterr().out.split()
        assert offered in options and all(each.startswith(typed) for each in options)


def test_tab_completion_in_bash():
    """Its word breaks are those that the script sets; a program that is not ours is left alone."""
    script = f"""
eval "$({sys.executable} -m bench -sc install=bash)"
for line in "{sys.executable} -m bench method=look" "{sys.executable} other.py method=look"; do
    COMPREPLY=() COMP_LINE=$line words=($line)
    COMP_CWORD=$((${{#words[@]}} - 1))
    _bench_complete
    echo "<${{COMPREPLY[*]}}>"
done
complete -p python ouroboros-bench
eval "$({sys.executable} -m bench -sc uninstall=bash)"
complete -p python
"""
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, env=environment(), timeout=60)
    lines = done.stdout.splitlines()
    assert lines[:2] == ["<method=lookahead>", "<>"], done.stderr
    assert len(lines) == 4 and all("-F _bench_complete" in line for line in lines[2:])


def test_the_console_script_is_the_same_command(monkeypatch, capsys):
    entry = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]["ouroboros-bench"]
    monkeypatch.setattr(sys, "argv", ["ouroboros-bench", "--cfg", "job"])
    with pytest.raises(SystemExit) as ended:
        find(entry)()
    assert ended.value.code == 0 and "max_new_tokens" in capsys.readouterr().out


def test_every_flag_reaches_hydra():
    given = ["--cfg=job", "--package=method", "--config-dir=x", "--config-name=y", "--resolve"]
    assert sorted(single_jobs(given)[0]) == sorted(given)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}
