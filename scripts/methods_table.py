"""Write the table of methods again, from what each method's module declares.

    python scripts/methods_table.py

Its figures are those of the panel `methods` of results/paper: decode speedup with its interval and
the geometric mean of the prompts by task, and tokens per target forward with the mean of the
prompts. A tilde marks a row where outputs that ran away hold a fifth of the tokens or more.

The table stands between the comments `<!-- methods -->` and `<!-- end of methods -->`, in README.md
or a file of docs/. A first comment `<!-- methods: a, b -->` asks for these methods alone.
"""

import csv
import re
import sys
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "scripts")]

from study_tables import with_interval, with_mark  # noqa: E402

from bench.plan.methods import METHODS, Method, of_today  # noqa: E402

BEGIN, END = "<!-- methods", "<!-- end of methods -->"
SITES = ("https://arxiv.org/abs/", "https://github.com/")


TASKS = ("humaneval", "gsm8k")
# Cases of the panel that are no method's plain one.
PAPER = "ouroboros paper"
VARIANTS = (PAPER, "no draft", "hf_generate compiled")


def table(names: Collection[str] = METHODS) -> str:
    """The table in markdown, a row for each of the methods `names`."""
    speeds = [f"{task}; geomean" for task in TASKS]
    head = ["method", "what drafts", "source", *speeds, "tokens per target forward; mean of prompts"]
    panel = _panel()
    plain = {(_method(row), row["task"]): row for row in panel if row["name"] not in VARIANTS}
    paper = {(row["method"], row["task"]): row for row in panel if row["name"] == PAPER}
    rows = []
    for method in (each for each in _shown() if each.name in names):
        sources = ", ".join(map(_link, method.sources))
        rows.append([f"`{method.name}`", method.drafts, sources, *_figures(plain, method.name)])
        if (method.name, TASKS[0]) in paper:
            figures = _figures(paper, method.name)
            rows.append([f"`{method.name} settings=paper`", "the same at the paper's settings", sources, *figures])
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _panel() -> list[dict[str, str]]:
    """The panel's rows."""
    with (ROOT / "results" / "paper" / "table.csv").open(encoding="utf-8", newline="") as stream:
        return [row for row in csv.DictReader(stream) if row["panel"] == "methods"]


def _method(row: dict[str, str]) -> str:
    """The name today of what a row measured."""
    return of_today(row["method"], {each.partition("=")[0] for each in row["settings"].split()})


def _figures(found: dict[tuple[str, str], dict[str, str]], method: str) -> list[str]:
    """The cells of a method; dashes where it was not measured."""
    rows = [found.get((method, task)) for task in TASKS]
    if None in rows:
        return ["-"] * (len(TASKS) + 1)
    speeds = [with_mark(f"{with_interval(row)}; {float(row['geomean_speedup']):.2f}", row) for row in rows]
    names = ("tokens_per_target_forward", "tokens_per_target_forward_mean")
    tokens = ["; ".join(f"{float(row[name]):.2f}" for name in names) for row in rows]
    return [*speeds, ", ".join(tokens)]


def _shown() -> list[Method]:
    """Ours before the rivals, and of ours the paper's method first."""
    return sorted(METHODS.values(), key=lambda method: (not method.ours, method.module.startswith("baselines.")))


def _link(address: str) -> str:
    for site in SITES:
        if address.startswith(site):
            return f"[{address.removeprefix(site)}]({address})"
    return f"<{address}>"


def pages() -> list[Path]:
    """The documents that hold the table."""
    return [page for page in (ROOT / "README.md", *ROOT.glob("docs/*.md")) if BEGIN in page.read_text("utf-8")]


def renewed(text: str) -> str:
    """A document's text with today's table."""
    between = re.compile(f"(?<={BEGIN})(:[^\n]*)?( -->\n).*?(?=\n{END})", re.DOTALL)

    def made(found: re.Match[str]) -> str:
        names = found[1].removeprefix(":").replace(" ", "").split(",") if found[1] else METHODS
        return f"{found[1] or ''}{found[2]}{table(names)}"

    return between.sub(made, text)


if __name__ == "__main__":
    for file in pages():
        file.write_text(renewed(file.read_text("utf-8")), encoding="utf-8")
