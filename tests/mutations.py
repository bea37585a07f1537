"""Plant faults one by one and show that the test suite catches each: `python tests/mutations.py [name ...]`.

Every fault is planted in a copy of the tree; the working tree is not touched. The tests that are not marked slow are
run, up to the first that fails. Exit status 1 if a fault survives.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
SIDE_BY_SIDE = 2
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
    Fault("stop strings in the output alone", "decoding/stopping.py", "continuation(self.decode, self.prompt, tokens)",
          "self.decode(tokens)", ("test_stopping.py",)),
    Fault("stop strings of the prompt's end", "decoding/stopping.py", "continuation(self.decode, self.prompt, tokens)",
          "self.decode([*self.prompt[-16:], *tokens])", ("test_stopping.py",)),
    Fault("a cut character hides a stop string", "decoding/stopping.py", "UNFINISHED in text or ", "",
          ("test_stopping.py",)),
    Fault("stop strings looked for from within a character", "decoding/stopping.py",
          "text_from(self.decode, tokens, len(tokens) - count)[0]", "self.decode(tokens[-count:])",
          ("test_stopping.py",)),
    Fault("prompts begun within a character", "decoding/text.py", "max(start - 4, -1), -1):", "start - 1, -1):",
          ("test_text.py",)),
    Fault("the prompt not told to the rule", "bench/runner.py", "self.loaded.pair.decode, tuple(ids))",
          "self.loaded.pair.decode)", ("test_bench_race.py",)),
    Fault("streamed text forgets what came before", "decoding/text.py",
          "self._before = [*self._before, *self._held][-2 * TAIL :]", "self._before = []", ("test_text.py",)),
    Fault("a streamed text's prompt ignored", "decoding/text.py", "list(prompt)[-2 * TAIL :]", "[]",
          ("test_text.py",)),
    Fault("parts of characters streamed", "decoding/text.py", "certain = text.rstrip(UNFINISHED)", "certain = text",
          ("test_text.py",)),
    Fault("the last mark never streamed", "decoding/text.py",
          "        piece = continuation(self._decode, self._before, self._held)[self._given :]\n        self._settle()",
          "        piece = \"\"\n        self._settle()", ("test_text.py",)),
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
    Fault("cut steps counted as failures", "bench/statistics.py", " & ~(cut & (taken == depth))", "",
          ("test_bench_statistics.py",)),
    Fault("cut steps left out as a whole", "bench/statistics.py", "~(cut & (taken == depth))", "~cut",
          ("test_bench_statistics.py",)),
    Fault("cut steps forgotten", "bench/statistics.py", "int(cut.sum()))", "0)", ("test_bench_statistics.py",)),
    Fault("seconds compared in place of rates", "bench/statistics.py", "else rates[0] / rates[1]",
          "else float(reference.seconds.sum() / method.seconds.sum())", ("test_bench_statistics.py",)),
    Fault("tokens per forward pooled in place of the mean per prompt", "bench/fold.py",
          "sum(own) / len(own) if own else None", "shares[0]", ("test_bench_figures.py",)),
    Fault("a repeat counted as a prompt of its own", "bench/fold.py", "*([repeats] for repeats in records)]",
          "*([[each]] for repeats in records for each in repeats)]", ("test_bench_figures.py",)),
    Fault("rivals' rounds not folded", "bench/fold.py", " or record.get(\"rounds\") or {})", " or {})",
          ("test_bench_figures.py",)),
    Fault("tokens of the prefill timed as decoded", "bench/fold.py", "record.get(\"prefill_tokens\", 1), 0)", "1, 0)",
          ("test_bench_figures.py", "test_progress.py")),
    Fault("every long output a runaway", "bench/fold.py", " and (repetition_rate([record[\"tokens\"]]) or 0.0) > "
          "RUNAWAY_REPETITION", "", ("test_bench_figures.py",)),
    Fault("every repetitive output a runaway", "bench/fold.py", "record[\"stop\"] in ENDLESS and ", "",
          ("test_bench_figures.py",)),
    Fault("a category's tokens per forward from steps alone", "bench/categories.py",
          "\"tokens_per_target_forward\": pooled,", "\"tokens_per_target_forward\": drafts.rate and pooled,",
          ("test_bench_figures.py",)),
    Fault("no warning of runaways", "bench/warnings.py", "said_of_numbers, _runaways)", "said_of_numbers)",
          ("test_bench_figures.py",)),
    Fault("runaway mark lost", "bench/report.py", "RUNAWAY * ran_away(run.summary)", "\"\"", ("test_report.py",)),
    Fault("runaway mark lost on the terminal", "bench/page.py", "marked(name, RUNAWAY * ran_away(summary))",
          "name", ("test_progress.py",)),
    Fault("geometric mean is the pooled figure", "bench/report.py",
          "number(run[\"speedup\"].get(\"geomean\", NO_FIGURE)", "number(run[\"speedup\"][\"decode\"]",
          ("test_report.py",)),
    Fault("a table wider than the screen", "bench/terminal.py", "> WIDTH:", "> 2 * WIDTH:", ("test_progress.py",)),
    Fault("the bar counts the prefill's tokens", "bench/progress.py", "decode_throughput([[each]])",
          "decode_throughput([[each | {\"prefill_tokens\": 1}]])", ("test_progress.py",)),
    Fault("refolding drops what the records lack", "bench/refold.py", "{**before, **again, **after, ",
          "{**before, **again, ", ("test_refold.py",)),
    Fault("refolding moves digits of rounding", "bench/refold.py", "rel_tol=TOLERANCE", "rel_tol=0.0",
          ("test_refold.py",)),
    Fault("refolding drops the panel", "bench/refold.py", "report(new, provenance) + _panel(path)",
          "report(new, provenance)", ("test_refold.py",)),
    Fault("a rival's accepted tokens are all it drafted", "baselines/hf_rival.py",
          "kept.index(False) if False in kept else len(kept)", "len(kept)", ("test_rivals.py",)),
    Fault("a rival's drafts beyond the end count", "baselines/hf_rival.py", ".tolist()[:limit]", ".tolist()",
          ("test_rivals.py",)),
    Fault("a step's gather not waited for", "decoding/session.py", "self._cache.keep(path)\n        self._wait()\n",
          "self._cache.keep(path)\n", ("test_prefill.py",)),
    Fault("only the first device is waited for", "decoding/session.py", "{self.device, *self._cache.devices}",
          "{self.device}", ("test_prefill.py",)),
    Fault("the text's phrases read in the first step", "decoding/phrase_pool.py",
          "        self._done = 0\n        self.read(prompt)\n", "        self._done = 0\n", ("test_prefill.py",)),
    Fault("the n-gram index reads in the first step", "baselines/prompt_lookup.py",
          "        self.index.read(prompt)\n", "", ("test_prefill.py",)),
    Fault("the suffix automaton reads in the first step", "baselines/suffix.py", "        self._read(prompt)\n",
          "        self._read([])\n", ("test_prefill.py",)),
    Fault("the draft model reads in the first step", "decoding/session.py", "        if len(prompt) < self.context:\n"
          "            self.prefill(prompt)\n", "", ("test_prefill.py",)),
    Fault("the prompt's phrases are in no step", "decoding/pool_meter.py", "{name: {} for name in pools[0].counts()}",
          "pools[0].counts()", ("test_prefill.py",)),
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
    Fault("average of acceptance carried to the next prompt", "baselines/self_speculative.py",
          "        self.early_exit.reset()\n", "", SELF_SPECULATIVE),
    Fault("threshold reset although warm", "baselines/self_speculative.py",
          "        self.early_exit.reset()\n", "        self.early_exit.forget()\n", SELF_SPECULATIVE),
    Fault("threshold not forgotten", "baselines/self_speculative.py",
          "        self.early_exit.forget()\n", "        pass\n", SELF_SPECULATIVE),
    Fault("a round cut by the length counted", "baselines/self_speculative.py",
          " and not self._cut:", ":", SELF_SPECULATIVE),
    Fault("any short draft a cut one", "baselines/self_speculative.py",
          "self._cut = limit < self.max_draft", "self._cut = True", SELF_SPECULATIVE),
    Fault("threshold beyond a probability", "baselines/self_speculative.py", "min(max(moved, 0.0), 1.0)", "moved",
          SELF_SPECULATIVE),
    Fault("any model's skip set taken for the target's", "baselines/skip_set.py",
          "parts[-len(wanted) :] == wanted", "parts[-1:] == wanted[-1:]", SELF_SPECULATIVE),
    Fault("the search counts cut rounds", "training/skip_objective.py",
          "(doubtful or not drafted == longest < max_draft)", "True", ("test_skip_search.py",)),
    Fault("the search carries the threshold", "training/skip_objective.py", "                drafter.forget()\n", "",
          ("test_skip_search.py",)),
    Fault("root not counted in the draft's length", "baselines/suffix.py", "return rows - 1", "return rows",
          ("test_suffix.py",)),
    Fault("bias of earlier outputs ignored", "baselines/suffix.py", "there.length - self.config.history_bias",
          "there.length", ("test_suffix.py",)),
    Fault("hybrid drafts by the match's length", "baselines/hybrid.py", "alpha: float | None = None",
          "alpha: float | None = 4.0", ("test_hybrid.py",)),
    Fault("accepted_only ignored", "ouroboros/learning.py", "(whole or not accepted_only)", "True",
          ("test_lossless.py",)),
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
    Fault("a search repeats itself", "bench/tuning_study.py", "if space.key(choice) not in tried:", "if True:",
          ("test_tune.py",)),
    Fault("silent settings make a new trial", "bench/tuning_space.py", "return canonical(method_config(",
          "return (method_config(", ("test_tune.py",)),
    Fault("a schedule of its own heeds gamma", "baselines/hf_assisted.py",
          'self if self.schedule == "constant" else replace(self, gamma=Config.gamma)', "self", ("test_canonical.py",)),
    Fault("a setting that speaks taken for silent", "ouroboros/method.py",
          'silent |= {"max_guesses", "idle_window", "window"}', 'silent |= {"max_guesses", "idle_window", "ngram"}',
          ("test_canonical.py",)),
    Fault("the winner is drawn from noise", "bench/tuning_study.py",
          "if margin > BEATEN_BY * noise * math.sqrt(2 / repeats) else", "if margin > 0 else", ("test_tune.py",)),
    Fault("a load on a whole repeat taken for noise", "bench/tuning_study.py",
          " - logs.mean(axis=0, keepdims=True) + logs.mean()", "", ("test_tune.py",)),
    Fault("finalists run in one order", "bench/tuning_objective.py",
          "self.draw.sample([greedy, *entrants], len(entrants) + 1)", "[greedy, *entrants]", ("test_tune.py",)),
    Fault("a search takes wrong outputs", "bench/tuning_objective.py", "== MISMATCH:", "== None:", ("test_tune.py",)),
    Fault("tuned for another history", "bench/tuned.py", "{WARM if kept else ''}", "", ("test_tuned.py",)),
    Fault("tuned for other weights", "bench/tuned.py", "if chosen_for and chosen_for != pair_digits(wanted.model):",
          "if False:", ("test_tuned.py",)),
    Fault("the published value cannot be given", "bench/tuned.py", ' or f"method.{key}" in named)', ")",
          ("test_tuned.py",)),
    Fault("settings=paper still tuned", "bench/tuned.py", "elif wanted.mode == PAPER:", "elif False:",
          ("test_tuned.py",)),
    Fault("a case's own choice of settings ignored", "bench/settings.py", "mode=mode or wanted.mode",
          "mode=wanted.mode", ("test_tuned.py",)),
    Fault("tuned settings not named", "bench/page.py", 'words = [kind] if kind in ("tuned", "paper") and',
          "words = [kind] if False and", ("test_tuned.py",)),
    Fault("a warning that the report leaves out", "bench/page.py", '        *_warnings(summary["warnings"]),\n', "",
          ("test_bench_cli.py",)),
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
    Fault("first block taken", "tasks/extraction.py", "found, _, chosen = max(rated, default=((0,), False, 0))",
          "found, _, chosen = (rated or [((0,), False, 0)])[0]", ("test_extraction.py",)),
    Fault("a cut block taken for the whole one", "tasks/extraction.py", "code == block.code, place)", "True, place)",
          ("test_extraction.py",)),
    Fault("helpers of other blocks left out", "tasks/extraction.py", "if not any(found):\n            break",
          "break", ("test_extraction.py",)),
    Fault("an import binds like a definition", "tasks/python_source.py", "names = [_alias_name(node)]",
          "names, kind = [_alias_name(node)], Binding.DEFINED", ("test_extraction.py",)),
    Fault("a stub defines", "tasks/python_source.py", "Binding.NAMED if _stub(node) else Binding.DEFINED",
          "Binding.DEFINED", ("test_extraction.py",)),
    Fault("an empty NotImplementedError is an implementation", "tasks/python_source.py",
          'raised.id == "NotImplementedError"', "False", ("test_extraction.py",)),
    Fault("a result under the function's name replaces it", "tasks/python_source.py",
          "list(bound(targets) - _read_at_once(node.value))", "list(bound(targets))",
          ("test_extraction.py",)),
    Fault("an assignment defines", "tasks/python_source.py", "_read_at_once(node.value)), Binding.ASSIGNED",
          "_read_at_once(node.value)), Binding.DEFINED", ("test_extraction.py",)),
    Fault("a recursive lambda is its own result", "tasks/python_source.py", "elif not isinstance(node, ast.Lambda):",
          "else:", ("test_extraction.py",)),
    Fault("the standard library counts for no more than any module", "tasks/python_source.py",
          "for alias in node.names], Binding.LIBRARY", "for alias in node.names], Binding.NAMED",
          ("test_extraction.py",)),
    Fault("an import hides code without fences", "tasks/extraction.py", 'loose = "" if found[0] else',
          'loose = "" if any(found) else', ("test_extraction.py",)),
    Fault("helpers of helpers left out", "tasks/extraction.py", "wanted = (wanted | lacking(other)) -",
          "wanted = wanted -", ("test_extraction.py",)),
    Fault("other blocks' examples run too", "tasks/python_source.py", "if isinstance(node, _DEFINING)]", "]",
          ("test_extraction.py",)),
    Fault("prose that parses is run", "tasks/extraction.py", "while tree and tree.body and _remark(tree.body[-1]):",
          "while False:", ("test_extraction.py",)),
    Fault("drafts of thinking taken", "tasks/fences.py", 'text = _CLOSED.sub("", text)', "pass",
          ("test_extraction.py",)),
    Fault("thinking begun in the prompt taken", "tasks/fences.py", "text[closings[-1].end() :] if closings else text",
          "text", ("test_extraction.py",)),
    Fault("thinking without end taken", "tasks/fences.py", "return text[: opened.start()] if opened else text",
          "return text", ("test_extraction.py",)),
    Fault("a deeper fence closes", "tasks/fences.py", '_width(closed["before"]) <= depth + 3', "True",
          ("test_extraction.py",)),
    Fault("a fence within a line closes", "tasks/fences.py",
          "for end, after in [first, *sorted(", "for end, after in [*others, first, *sorted(", ("test_extraction.py",)),
    Fault("code on the fence's line lost", "tasks/fences.py", '        return "", info\n', '        return "", ""\n',
          ("test_extraction.py",)),
    Fault("blocks left indented", "tasks/fences.py", 'Block(language, dedented(f"{text}\\n"))',
          'Block(language, f"{text}\\n")', ("test_extraction.py",)),
    Fault("a body's first line left at the margin", "tasks/python_source.py", '(whole, f"    {code.lstrip()}")',
          "(whole,)", ("test_extraction.py",)),
    Fault("a program cut at a mark within it", "tasks/mbpp.py", 'r"^\\[DONE\\]"', 'r"\\[DONE\\]"',
          ("test_extraction.py",)),
    Fault("what tests call ignored", "tasks/mbpp.py", "for name in names if name in words) or names",
          "for name in names)", ("test_extraction.py",)),
    Fault("a heading's number marked", "tasks/numbers.py", "not _HEADING.match(rest) and", "", ("test_numbers.py",)),
    Fault("a range's start marked", "tasks/numbers.py", "(result or not _PART.match(rest)):", "True:",
          ("test_numbers.py",)),
    Fault("a calculation's first number marked", "tasks/numbers.py", "result = _result(rest)", "result = None",
          ("test_numbers.py",)),
    Fault("a remark's result marked", "tasks/numbers.py", "if not equals or rest", "if not equals or 0 and rest",
          ("test_numbers.py",)),
    Fault("a calculation marked as its result", "tasks/numbers.py",
          "return number if number and not _OPERATION.match(rest, number.end()) else None", "return number",
          ("test_numbers.py",)),
    Fault("the last mark counts", "tasks/numbers.py", "next((value for value, alone in marks if alone)",
          "next((value for value, alone in reversed(marks) if alone)", ("test_numbers.py",)),
    Fault("a minus after a digit negates", "tasks/numbers.py", '_SIGN = r"(?:(?<![\\w.)}])-', '_SIGN = r"(?:-',
          ("test_numbers.py",)),
    Fault("other minus signs lost", "tasks/numbers.py", 'text.replace("\\u2212", "-")', "text", ("test_numbers.py",)),
    Fault("a no-break space parts numbers", "tasks/numbers.py", "\\u00a0\\u202f]", "]", ("test_numbers.py",)),
    Fault("a point needs a digit before it", "tasks/numbers.py", "|(?<![\\w.])\\.\\d+)", ")", ("test_numbers.py",)),
    Fault("braces in a box close it", "tasks/numbers.py", '{"{": 1, "}": -1}', '{"}": -1}', ("test_numbers.py",)),
    Fault("boxes ignored", "tasks/numbers.py", "for values in (marks, boxed, said)", "for values in (marks, said)",
          ("test_numbers.py",)),
    Fault("said answers ignored", "tasks/numbers.py", "for values in (marks, boxed, said)",
          "for values in (marks, boxed)", ("test_numbers.py",)),
    Fault("an answer that goes on is said", "tasks/numbers.py", "if not number or not _ENDING.match(after) or",
          "if not number or", ("test_numbers.py",)),
    Fault("an answer reckoned on is said", "tasks/numbers.py", "or _calculates(re.split(_SENTENCE_END, after)[0]):",
          "or False:", ("test_numbers.py",)),
    Fault("an answer far from its words is said", "tasks/numbers.py", "_NUMBER.match(rest, _OPENING.match(rest).end())",
          "_NUMBER.search(rest)", ("test_numbers.py",)),
    Fault("a list's first number is said", "tasks/numbers.py", "return None if listed else", "return",
          ("test_numbers.py",)),
    Fault("fractions not divided", "tasks/numbers.py", 'value /= Decimal(number["divisor"])', "pass",
          ("test_numbers.py",)),
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
    Fault("missing tensors drawn at random", "bench/checkpoint.py", "    if missing:\n", "    if False:\n",
          ("test_loading.py",)),
    Fault("another shape taken for none", "bench/checkpoint.py", "    if found[\"mismatched_keys\"]:", "    if False:",
          ("test_loading.py",)),
    Fault("surplus tensors not told", "bench/checkpoint.py", "    if surplus:\n", "    if False:\n",
          ("test_loading.py",)),
    Fault("no number is no difference", "decoding/finite.py", "if not bool(torch.isfinite(logits).all()):", "if False:",
          ("test_loading.py",)),
    Fault("an overflowing draft not told", "bench/runner.py", "None if fine else not_finite", "None and not_finite",
          ("test_loading.py",)),
    Fault("an overflowing draft not told before", "bench/drafting.py", "        if bad:\n", "        if False:\n",
          ("test_loading.py",)),
    Fault("the draft in the target's dtype", "bench/models.py", "model.draft_dtype or place.dtype", "place.dtype",
          ("test_loading.py",)),
    Fault("the draft's memory in the target's dtype", "bench/check.py", "model.draft_dtype or place.dtype",
          "place.dtype",
          ("test_loading.py",)),
    Fault("the draft's dtype no part of the run", "bench/cases.py", "not in (None, place.dtype)", "in ()",
          ("test_loading.py",)),
    Fault("a draft's room counted one short", "bench/drafting.py", "prompt + output - context))",
          "prompt + output - context - 1))", ("test_loading.py",)),
    Fault("prompts beyond the draft's context not told", "bench/drafting.py", "counts is None or not any(counts)",
          "True",
          ("test_loading.py",)),
    Fault("other prompts appended", "bench/store.py", "if digest and (", "if False and (", ("test_encoding.py",)),
    Fault("a complete case's prompts not compared", "bench/job.py", "require_same_prompts(panel,",
          "require_same_prompts(folders.values(),", ("test_encoding.py",)),
    Fault("a panel of two prompts under one name", "bench/store.py", "if other != digest:", "if False:",
          ("test_encoding.py",)),
    Fault("an end in the template not told", "bench/encoding.py", "    if ended:\n", "    if False:\n",
          ("test_encoding.py",)),
    Fault("unread template variables not told", "bench/encoding.py", "    if unread and read:", "    if False:",
          ("test_encoding.py",)),
    Fault("template variables dropped", "tasks/base.py", "**(self.config.template or {})", "**{}",
          ("test_encoding.py",)),
    Fault("template variables no part of the run", "tasks/base.py", "if not settings[\"template\"]:", "if True:",
          ("test_encoding.py",)),
    Fault("prompts that are over already", "tasks/encoding.py", "return ids[: len(ids) - appended(tokenizer)]",
          "return ids",
          ("test_encoding.py",)),
    Fault("a doubled start not told", "bench/encoding.py", "    if doubled:\n", "    if False:\n",
          ("test_encoding.py",)),
    Fault("ids not compared with the file", "bench/encoding.py", "        if ours != theirs:", "        if False:",
          ("test_encoding.py",)),
    Fault("penalties of the generation config not told", "bench/generation_config.py", "    if not asked:",
          "    if True:",
          ("test_loading.py",)),
    Fault("figures of another machine may be any", "tests/close.py", "rel_tol=TOLERANCE", "rel_tol=1.0",
          ("test_close.py",)),
    Fault("a printed number may be its neighbour", "tests/close.py",
          "return any(close(abs(figure), edge) for figure in figures)", "return True", ("test_close.py",)),
    Fault("vector units stay on in the portability pass", "tests/portability.py", "\",\".join(optional)", "\"\"",
          ("test_portability.py",)),
    Fault("anyone is the judge", "tasks/sandbox/runner.py", "if proof == secret:", "if proof:", SANDBOX),
)  # fmt: skip


def passes(work: Path, tests: tuple[str, ...], seconds: int = 600) -> bool:
    """Whether the tests pass in the copy at `work`. SystemExit if pytest could not run them at all."""
    # Programs that tests start elsewhere import the copy too.
    environment = {**os.environ, "PYTHONPATH": str(work), "OMP_NUM_THREADS": "1"}
    files = [f"tests/{name}" for name in tests]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *files]
    try:
        result = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=seconds, check=False
        )
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
    """Plant every fault, or those whose names are given, two side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="faults to plant; all when none is given")
    names = parser.parse_args().names
    faults = [fault for fault in FAULTS if not names or fault.name in names]
    survivors = []
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        free: SimpleQueue[Path] = SimpleQueue()
        ignore = shutil.ignore_patterns(".git", ".venv", "results", "__pycache__", ".*_cache")
        for number in range(SIDE_BY_SIDE):
            copy = Path(folder) / str(number) / "tree"
            shutil.copytree(ROOT, copy, ignore=ignore)
            free.put(copy)
        # Before any fault is planted: every file of tests that must fail with one passes without it.
        needed = sorted({name for fault in faults for name in fault.tests})
        if not passes(copy, tuple(needed), seconds=3600):
            raise SystemExit("the tests fail without any fault: nothing can be shown")

        def planted(fault: Fault) -> tuple[str, bool]:
            work = free.get()
            try:
                return fault.name, survives(fault, work)
            finally:
                free.put(work)

        for name, alive in tqdm(pool.map(planted, faults), total=len(faults), desc="faults", file=sys.stderr):
            survivors += [name] * alive
            sys.stdout.write(f"{'SURVIVED' if alive else 'caught'}: {name}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(faults) - len(survivors)} of {len(faults)} faults caught\n")
    return 1 if survivors or not faults else 0


if __name__ == "__main__":
    sys.exit(main())
