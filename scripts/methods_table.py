"""Write the table of methods anew, from what each method's module declares: python scripts/methods_table.py

The table stands between the comments `<!-- methods -->` and `<!-- end of methods -->`, in README.md or a file of docs/.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.plan.methods import METHODS, Method  # noqa: E402

BEGIN, END = "<!-- methods -->", "<!-- end of methods -->"
SITES = ("https://arxiv.org/abs/", "https://github.com/")


def table() -> str:
    """The table in markdown, a row a method."""
    rows = [f"| `{method.name}` | {method.drafts} | {', '.join(map(_link, method.sources))} |" for method in _shown()]
    return "\n".join(["| method | what drafts | source |", "|---|---|---|", *rows])


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
