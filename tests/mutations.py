"""Plant faults one by one and show that the test suite catches each: `python tests/mutations.py [name ...]`.

Every fault is planted in a copy of the tree; the working tree is not touched. The tests that are not marked slow are
run, up to the first that fails. Exit status 1 if a fault survives.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
ENGINE = ("test_tree.py", "test_stopping.py", "test_phrase_pool.py", "test_drafting.py", "test_families.py")
ALL = (*ENGINE, "test_lossless.py")
SELF_SPECULATIVE = ("test_layer_skipping.py", "test_self_speculative.py")

SANDBOX = ("test_sandbox.py", "test_sandbox_parts.py")


@dataclass(frozen=True)
class Fault:
    """Replace `old`, which must occur once in `file`, by `new`; one of `tests` must then fail."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...] = ALL


FAULTS = (
    Fault(
        "causal mask instead of the tree's",
        "decoding/session.py",
        "= tree.ancestors()",
        "= np.tri(len(tree), dtype=bool)",
    ),
    Fault(
        "positions shifted by one",
        "decoding/session.py",
        "(first + depth for depth",
        "(first + depth + 1 for depth",
    ),
    Fault("keep off by one", "decoding/cache.py", "[self.length + row for row", "[self.length + row - 1 for row"),
    Fault("cursor off by one", "decoding/cache.py", "self.length += len(rows)", "self.length += len(rows) + 1"),
    Fault("bonus dropped", "decoding/verification.py", "+ [choice]", "+ [choice][: 1 if len(path) == 1 else 0]"),
    Fault(
        "tokens after the end of sequence",
        "decoding/stopping.py",
        "if token in self.eos:",
        "if token in self.eos and token == tokens[-1]:",
    ),
    Fault(
        "unverified node accepted",
        "decoding/verification.py",
        "        if child is None or child not in choices:\n            break\n        path.append(child)\n",
        "        if child is None:\n            break\n        path.append(child)\n"
        "        choices.setdefault(child, tree.tokens[child])\n",
    ),
    Fault("unknown ids reach the draft", "decoding/session.py", "token if token < self.vocabulary else 0", "token"),
    Fault("context room ignored", "decoding/session.py", "return max(room, 0)", "return max(room, 0) + 1"),
    Fault("draft forwards counted double", "decoding/draft_model.py", "return self.session.counters.forwards,",
          "return 2 * self.session.counters.forwards,"),
    Fault("cut tokens counted as accepted", "decoding/loop.py", "verdict.path[1 : 1 + min(emitted, limit)]",
          "verdict.path[1:]"),
    Fault("wrong source credited", "decoding/loop.py", "tree.sources[node][0]", "tree.sources[node][-1]"),
    Fault("aligned run one too long", "ouroboros/learning.py", "rejected[end] == choices[end - 1]", "True"),
    Fault("harvest under the wrong key", "baselines/lookahead.py", "for node in self._columns]",
          "for node in [*self._columns[1:], 0]]"),
    Fault("phrase not refreshed", "decoding/phrase_pool.py", "useful = phrases.pop(phrase, None)",
          "useful = phrases.get(phrase)"),
    Fault("suffixes behind the end", "ouroboros/method.py", "if last in self.eos and end:", "if False:"),
    Fault(
        "wrong token accepted",
        "decoding/verification.py",
        "child = tree.child(path[-1], choice)",
        "child = tree.child(path[-1], choice) or (path[-1] + 1 if path[-1] + 1 in choices else None)",
    ),
    Fault("highest id on a tie", "decoding/verification.py", "logits.argmax(dim=-1)",
          "(logits.shape[-1] - 1 - logits.flip(-1).argmax(dim=-1))"),
    Fault("window one too wide", "decoding/masks.py", "[None, :] >= window", "[None, :] > window"),
    Fault("mask left empty", "decoding/masks.py", "(torch.from_numpy(hidden)", "(torch.from_numpy(hidden & False)"),
    Fault("rows of an outgrown buffer", "decoding/cache.py", "        self._placed = None\n", "", ("test_cache.py",)),
    Fault("rows of another place", "decoding/cache.py", "if self._placed != (self.length, rows):",
          "if self._placed is None or self._placed[1] != rows:", ("test_cache.py",)),
    Fault("longrope rows left stale", "decoding/session.py", "return boundary is not None and", "return False and"),
    Fault("rollback forgotten", "decoding/session.py", "self._cache.truncate(length)",
          "self._cache.truncate(length) if length == 0 else None"),
    Fault("stale draft rows", "decoding/session.py", "self.tokens[known] == tokens[known]", "True"),
    Fault("length overrun", "decoding/stopping.py", ">= self.max_new_tokens", "> self.max_new_tokens"),
    Fault("draft goes on behind the end", "decoding/draft_model.py", "if end is not None or (", "if ("),
    Fault("full phrase counted short", "baselines/lookahead.py", "phrase[: max(limit, 0)]",
          "phrase[: max(limit, 0)][:-1]"),
    Fault("window harvest shifted", "baselines/lookahead.py", "self.levels = [levels[1][1:],",
          "self.levels = [levels[1][:-1],"),
    Fault("window parents wrong", "baselines/lookahead.py", "tree.add(parent, [token]", "tree.add(0, [token]"),
    Fault("oldest phrase first", "decoding/phrase_pool.py", "newest = reversed(phrases)", "newest = iter(phrases)"),
    Fault("newest phrase evicted", "decoding/phrase_pool.py", "next(iter(phrases))", "next(reversed(phrases))"),
    Fault("useful phrase evicted", "decoding/phrase_pool.py", "useful = self.order == \"usefulness\"", "useful = False",
          ("test_phrase_pool.py",)),
    Fault("newest of the least useful evicted", "decoding/phrase_pool.py", "min(phrases,", "min(reversed(phrases),",
          ("test_phrase_pool.py",)),
    Fault("credits lost in the file", "ouroboros/pool_file.py", "pool.load(self.phrases, self.credits)",
          "pool.load(self.phrases)", ("test_history.py",)),
    Fault("pool counts run on from step to step", "decoding/pool_meter.py", "before, self._counts = self._counts,",
          "before, _ = self._counts,", ("test_hybrid.py",)),
    Fault("pool time all taken for learning", "decoding/loop.py", "            meter.drafted()\n", "",
          ("test_pool_meter.py",)),
    Fault("a nested pool's time left in the draft", "decoding/pool_meter.py", "for pool in self.pools)",
          "for pool in self.pools[:1])", ("test_pool_meter.py",)),
    Fault("pool time within pool time counted twice", "decoding/stopwatch.py", "-= 1\n        if not self._depth",
          "-= 1\n        if True", ("test_pool_meter.py",)),
    Fault("pool time counted beside the draft's", "bench/split.py", "draft - drafting", "draft",
          ("test_bench_figures.py",)),
    Fault("a nested drafter's pool not told", "bench/summary.py",
          "_pool([extra.get(\"drafter\", {}) for extra in extras])", "None", ("test_bench_figures.py",)),
    Fault("a replaced phrase still counts as there", "decoding/phrase_pool.py", "self._size -= 1", "pass",
          ("test_phrase_pool.py",)),
    Fault("older records do not fold", "bench/fold.py", "(record[\"steps\"] or {}).get(name)",
          "record[\"steps\"] and record[\"steps\"][name]", ("test_bench_figures.py",)),
    Fault("a window of no columns spends rows", "ouroboros/method.py", "self.window.width > 0 and (", "(",
          ("test_drafting.py",)),
    Fault("refinement misaligned", "ouroboros/learning.py", "[parent, *self.nodes[:-1]]", "self.nodes"),
    Fault("history not forgotten", "ouroboros/method.py", "self.pool.clear()", "pass"),
    Fault("suffix behind the wrong node", "ouroboros/method.py", "tree.add(end, phrase", "tree.add(0, phrase"),
    Fault("draft rows stay in the cache", "decoding/view.py", "self.truncate(length)", "pass", SELF_SPECULATIVE),
    Fault("draft forwards on the target's account", "decoding/view.py",
          "        self.counters = Counters()\n        self._p", "        self._p", SELF_SPECULATIVE),
    Fault("reread sees itself twice", "decoding/view.py", "np.tri(count, k=-1",
          "np.tri(count, k=0", SELF_SPECULATIVE),
    Fault("longrope turned over by a draft", "baselines/self_speculative.py",
          "if self.view.rotates_anew(len(tokens) - 1):", "if False:", SELF_SPECULATIVE),
    Fault("unsure token drafted behind", "baselines/self_speculative.py", "probability < self.early_exit.threshold or ",
          "", SELF_SPECULATIVE),
    Fault("view drafts behind the end", "baselines/self_speculative.py", " or token in self.eos:", ":",
          SELF_SPECULATIVE),
    Fault("threshold carried to the next prompt", "baselines/self_speculative.py",
          "        self.early_exit.reset()\n", "", SELF_SPECULATIVE),
    Fault("threshold falls at full length", "baselines/self_speculative.py", "elif not full:", "else:",
          SELF_SPECULATIVE),
    Fault("a norm that something hears left out", "baselines/layer_skipping.py", "if fed <= silent.keys()",
          "if fed & silent.keys()", SELF_SPECULATIVE),
    Fault("skipped attention attends", "baselines/layer_skipping.py", "silent[name] = _SilentAttention()", "pass",
          SELF_SPECULATIVE),
    Fault("parameters copied", "baselines/layer_skipping.py", "(*self.model.parameters(), *self.model.buffers())",
          "self.model.buffers()", SELF_SPECULATIVE),
    Fault("layers that change anyway pass", "baselines/layer_skipping.py", "changed.add(index)", "pass",
          SELF_SPECULATIVE),
    Fault("grown rows overwritten", "decoding/session.py", "self._cache.advance(standing)", "pass"),
    Fault("grown rows seen by all", "decoding/session.py", "inputs = (context + tree.tokens)[standing:]",
          "inputs = (context + tree.tokens)[standing:]; visible = visible | True"),
    Fault("unknown candidates made up", "baselines/token_recycling.py", ".get(tree.tokens[node], [])", ".get(0, [0])",
          ("test_token_recycling.py",)),
    Fault("lines under the wrong token", "baselines/token_recycling.py",
          "self.matrix[verdict.tree.tokens[node]] = line",
          "self.matrix[verdict.choices[node]] = line", ("test_token_recycling.py",)),
    Fault("matrix not forgotten", "baselines/token_recycling.py", "self.matrix.clear()", "pass",
          ("test_token_recycling.py",)),
    Fault("first of two rows counts", "baselines/token_recycling.py", "self.matrix[verdict.tree.tokens[node]] = line",
          "self.matrix.setdefault(verdict.tree.tokens[node], line)", ("test_token_recycling.py",)),
    Fault("accepted draft rows dropped", "baselines/multi_candidate.py", "self.session.keep(path)",
          "self.session.keep(path[:1])", ("test_multi_candidate.py",)),
    Fault("likelihood of the last token only", "baselines/multi_candidate.py", "above + score)", "score)",
          ("test_multi_candidate.py",)),
    Fault("hopeless nodes expanded", "baselines/multi_candidate.py", "self.config.nodes - 1", "self.config.nodes",
          ("test_multi_candidate.py",)),
    Fault("hopeful nodes not expanded", "baselines/multi_candidate.py", "self.config.nodes - 1",
          "max(self.config.nodes - 2, 0)", ("test_multi_candidate.py",)),
    Fault("candidates behind the end", "baselines/multi_candidate.py",
          "place >= first and candidates[place].token not in self.eos", "place >= first", ("test_multi_candidate.py",)),
    Fault("text taken back stays indexed", "baselines/prompt_lookup.py", "self._ends[ngram].pop()", "pass",
          ("test_cascade.py",)),
    Fault("suffixes not found are not counted", "ouroboros/method.py", "gains += [0] * (self.k - len(gains))",
          "gains += []", ("test_adaptive.py",)),
    Fault("a refined phrase starts anew", "decoding/phrase_pool.py", "self.credit(key, new, earned or 0)",
          "self.credit(key, new, 0)", ("test_phrase_pool.py",)),
    Fault("oldest place looked up", "baselines/prompt_lookup.py", "return ends[-1]", "return ends[0]",
          ("test_cascade.py", "test_prompt_lookup.py")),
    Fault("speculative drafts on when unsure", "baselines/speculative.py", "pair.eos, config.confidence", "pair.eos",
          ("test_lossless.py",)),
    Fault("the exit learns from others' tokens", "baselines/self_speculative.py",
          "len(set(self._chain).intersection(verdict.path))", "len(verdict.path) - 1", ("test_self_speculative.py",)),
    Fault("phrases of the prompt are the output's", "decoding/phrase_pool.py",
          "if end <= self._prompt else", "if not end else", ("test_phrase_pool.py",)),
    Fault("a search repeats itself", "bench/tuning_study.py", "if settings not in tried:", "if True:",
          ("test_tune.py",)),
    Fault("a rival that cannot run ends its panel", "bench/runner.py",
          "            if ours:\n", "            if True:\n",
          ("test_bench_cli.py",)),
    Fault("a rival left out is not said in reports", "bench/reporting.py", ", *left_out]", "]",
          ("test_bench_cli.py",)),
    Fault("only the first case is checked", "bench/check.py", "for each in entrants:", "for each in entrants[:1]:",
          ("test_bench_cli.py",)),
    Fault("a mismatch drawn like any other bar", "bench/figures/style.py",
          "        if crossed:\n", "        if False:\n",
          ("test_figures.py",)),
    Fault("a revision read as a number", "tasks/settings.py", "if hints[key] in TEXTS:", "if False:",
          ("test_command_line.py",)),
    Fault("an empty sweep is well", "bench/sweep.py",
          "    if not found:\n", "    if False:\n", ("test_command_line.py",)),
    Fault("a preset's sweep is dropped", "bench/sweep.py", '.get("params") or {}', '.get("nothing") or {}',
          ("test_command_line.py",)),
    Fault("a quote inside a text ends it", "bench/quoting.py", "'\\\\\"' if found[2]", "'\"' if found[2]",
          ("test_command_line.py",)),
    Fault("an interrupt while importing is a traceback", "bench/entry.py",
          "except KeyboardInterrupt", "except EOFError",
          ("test_command_line.py",)),
    Fault("help waits for matplotlib", "bench/figures/__main__.py", "from bench.entry import enter\n",
          "from bench.entry import enter\nimport matplotlib\n", ("test_command_line.py",)),
    Fault("completion takes -m for a sweep", "bench/cli.py", "    shorten_line()\n", "", ("test_command_line.py",)),
    Fault("a full disk names no file", "bench/disk.py", "error.filename or path", "error.filename",
          ("test_bench_store.py",)),
    Fault("a line half written counts", "bench/store.py", "            while rest:\n", "            if rest:\n",
          ("test_bench_store.py",)),
    Fault("a GGUF file is a hub id", "bench/weights.py", "    _refuse_gguf(folder)\n", "", ("test_bench_cli.py",)),
    Fault("the wall clock hides runs", "bench/company.py", "process.create_time() - psutil.boot_time()",
          "process.create_time()", ("test_company.py",)),
    Fault("tail behind the wrong node", "baselines/cascade.py", "nodes = [last]", "nodes = [0]", ("test_cascade.py",)),
    Fault("program fills in the builtins", "tasks/sandbox/inside/judge.py",
          "{name: defined[name] for name in job.names if name in defined}", "defined", SANDBOX),
    Fault("program ends the tests' loops", "tasks/sandbox/inside/judge.py",
          "silent = (StopIteration, StopAsyncIteration)", "silent = ()", SANDBOX),
    Fault("program compares", "tasks/sandbox/inside/judge.py", "    def __len__(self) -> object:\n",
          "    def __eq__(self, other) -> object:\n        return self._ask('contains', other)\n\n"
          "    def __len__(self) -> object:\n", SANDBOX),
    Fault("job before the candidate is split off", "tasks/sandbox/inside/supervisor.py",
          "        judge = os.fork()\n", "        job = sys.stdin.buffer.peek()\n        judge = os.fork()\n", SANDBOX),
    Fault("candidate keeps its parent's files", "tasks/sandbox/inside/supervisor.py",
          "    try:\n        keep_only(*pipes, alive)\n", "    try:\n", SANDBOX),
    Fault("scratch folder without end", "tasks/sandbox/inside/supervisor.py", "elif not status and _full(settings):",
          "elif False:", SANDBOX),
    Fault("no death with the parent", "tasks/sandbox/inside/lockdown.py",
          "kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)", "pass", SANDBOX),
    Fault("no death with the harness", "tasks/sandbox/inside/supervisor.py",
          "kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)", "pass", SANDBOX),
    Fault("`in` believes the program", "tasks/sandbox/inside/judge.py", "    # No __contains__:",
          "    __contains__ = lambda self, value: True\n    # No __contains__:", SANDBOX),
    Fault("a shard counts twice", "tasks/files.py", '["number"] == shard["number"]:', '["number"] == "":',
          ("test_sources.py",)),
    Fault("a study of other fixed settings goes on", "bench/tuning_study.py",
          "if known.get(name) != value and (name in known or study.trials):", "if False:", ("test_tune.py",)),
    Fault("no limit on memory", "tasks/sandbox/inside/lockdown.py", "settings.memory_mib << 20)",
          "settings.memory_mib << 40)", SANDBOX),
    Fault("every command of fcntl", "tasks/sandbox/inside/seccomp.py",
          "        code.append((RETURN, 0, 0, MISSING))\n", "        code.append((RETURN, 0, 0, ALLOW))\n", SANDBOX),
    Fault("Landlock allows the root", "tasks/sandbox/inside/lockdown.py",
          "landlock.restrict(settings.readable,", "landlock.restrict([\"/\"],", SANDBOX),
    Fault("anyone is the judge", "tasks/sandbox/runner.py", "if proof == secret:", "if proof:", SANDBOX),
)  # fmt: skip


def passes(work: Path, tests: tuple[str, ...]) -> bool:
    """Whether the tests pass in the copy at `work`. SystemExit if pytest could not run them at all."""
    files = [f"tests/{name}" for name in tests]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *files]
    try:
        result = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=900, check=False)
    except subprocess.TimeoutExpired:
        return False  # a fault that makes the engine run for ever is caught by the clock
    if result.returncode not in (0, 1):
        raise SystemExit(f"pytest did not run the tests:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result.returncode == 0


def survives(fault: Fault, work: Path) -> bool:
    """Plant the fault in the copy at `work`, run the tests, take it back."""
    file = work / fault.file
    clean = file.read_text()
    if clean.count(fault.old) != 1:
        raise SystemExit(f"{fault.name}: {fault.old!r} occurs {clean.count(fault.old)} times in {fault.file}")
    file.write_text(clean.replace(fault.old, fault.new))
    try:
        return passes(work, fault.tests)
    finally:
        file.write_text(clean)


def main() -> int:
    """Plant every fault, or those whose names are given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="faults to plant; all when none is given")
    names = parser.parse_args().names
    faults = [fault for fault in FAULTS if not names or fault.name in names]
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder) / "tree"
        ignore = shutil.ignore_patterns(".git", ".venv", "results", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, work, ignore=ignore)
        if not passes(work, ALL):
            raise SystemExit("the tests fail without any fault: nothing can be shown")
        for fault in tqdm(faults, desc="faults", file=sys.stderr):
            alive = survives(fault, work)
            survivors += [fault.name] * alive
            sys.stdout.write(f"{'SURVIVED' if alive else 'caught'}: {fault.name}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(faults) - len(survivors)} of {len(faults)} faults caught\n")
    return 1 if survivors or not faults else 0


if __name__ == "__main__":
    sys.exit(main())
