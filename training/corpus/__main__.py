"""Write the bundled data: `python -m training.corpus [FOLDER]`.

The same code gives the same bytes.
"""

import hashlib
import json
import sys
from importlib import import_module
from itertools import islice
from pathlib import Path

from tasks import TASKS
from tasks.overlap import BUNDLED_SHARES, WORDS, overlap
from tasks.sources import BUNDLED
from training.corpus.corpus import Corpus

COUNTS = {"train": 200, "validation": 100, "test": 120, "test_unseen": 120}
# The pair is trained on rows drawn beyond the bundled ones; the overlap is taken with this many.
KNOWN = 2000

README = f"""# Bundled data

Small data sets in the schemas of the hub's sets for the six tasks, so that every task runs without
a network. Written by the project's own generator from templates and word lists; no text of the
original sets is in it. Licence: the project's own.

Write the files again, byte for byte: `python -m training.corpus`. The splits share no row;
`test_unseen` holds families of problems that training never saw. "Known" is the share of the distinct
{WORDS}-word runs of the prompts that also occur in the prompts of the first {KNOWN} training rows;
`{BUNDLED_SHARES}` holds the same for reports.

| file | rows | known | sha256 |
|---|---|---|---|
"""


def main(folder: Path) -> None:
    """Write every task's splits, the README and the shares of known word runs below `folder`."""
    lines: list[str] = []
    shares = {}
    for task in TASKS:
        if task != "custom":
            written, shares[task] = _write(folder, import_module(f"training.corpus.{task}").CORPUS)
            lines += written
    (folder / "README.md").write_text(README + "\n".join(lines) + "\n", encoding="utf-8")
    (folder / BUNDLED_SHARES).write_text(json.dumps(shares, indent=2) + "\n", encoding="utf-8")


def _write(folder: Path, corpus: Corpus) -> tuple[list[str], dict[str, float]]:
    """Write the splits of one task.

    Returns their lines of the README's table, and split to share of known word runs.
    """
    question = TASKS[corpus.task]().question
    training = [question(row) for row in islice(corpus.rows("train"), KNOWN)]
    (folder / corpus.task).mkdir(parents=True, exist_ok=True)
    lines, shares = [], {}
    for split, count in COUNTS.items():
        rows = list(islice(corpus.rows(split), count))
        if len(rows) < count:
            raise ValueError(f"{corpus.task}: {split} has only {len(rows)} of {count} rows")
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
        file = folder / corpus.task / f"{split}.jsonl"
        file.write_bytes(content)
        if split != "train":
            shares[split] = round(overlap(map(question, rows), training) or 0.0, 4)
        known = f"{shares[split]:.0%}" if split in shares else ""
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"| {corpus.task}/{file.name} | {len(rows)} | {known} | `{digest}` |")
    return lines, shares


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else BUNDLED)
