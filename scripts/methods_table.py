"""Write the table of methods again, from what each method's module declares.

    python scripts/methods_table.py

Its figures are those of results/methods: decode speedup with its interval and the geometric mean of
the prompts by task, and tokens per target forward.

The table stands between the comments `<!-- methods -->` and `<!-- end of methods -->`, in README.md
or a file of docs/.
"""

import csv
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.plan.methods import METHODS, Method  # noqa: E402

BEGIN, END = "<!-- methods -->", "<!-- end of methods -->"
SITES = ("https://arxiv.org/abs/", "https://github.com/")


TASKS = ("humaneval", "gsm8k")
# Cases of results/methods that are no method's plain one.
VARIANTS = ("no draft", "hf_generate compiled")


def table() -> str:
    """The table in markdown, a row a method."""
    speeds = [f"{task}; geomean" for task in TASKS]
    head = ["method", "what drafts", "source", *speeds, "tokens per target forward"]
    found = _measured()
    rows = [
        [f"`{method.name}`", method.drafts, ", ".join(map(_link, method.sources)), *_figures(found, method.name)]
        for method in _shown()
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])


def _measured() -> dict[tuple[str, str], dict[str, str]]:
    """The rows of results/methods, by method and task."""
    with (ROOT / "results" / "methods" / "table.csv").open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["panel"] == "methods" and row["name"] not in VARIANTS]
    return {(row["method"], row["task"]): row for row in rows}


def _figures(found: dict[tuple[str, str], dict[str, str]], method: str) -> list[str]:
    """The cells of a method; dashes where it was not measured."""
    rows = [found.get((method, task)) for task in TASKS]
    if None in rows:
        return ["-"] * (len(TASKS) + 1)
    parts = ("decode_speedup", "decode_speedup_low", "decode_speedup_high", "geomean_speedup")
    speeds = ["{:.2f} [{:.2f}, {:.2f}]; {:.2f}".format(*(float(row[part]) for part in parts)) for row in rows]
    return [*speeds, ", ".join(f"{float(row['tokens_per_target_forward']):.2f}" for row in rows)]


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
    between = re.compile(f"(?<={BEGIN}\n).*?(?=\n{END})", re.DOTALL)
    return between.sub(lambda _: table(), text)


if __name__ == "__main__":
    for file in pages():
        file.write_text(renewed(file.read_text("utf-8")), encoding="utf-8")
