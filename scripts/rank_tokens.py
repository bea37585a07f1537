"""Rank token ids by how often a target writes them, from run folders.

The ranking serves model.draft_vocabulary of any draft.

python scripts/rank_tokens.py ranking.json results/runs/gsm8k/MODEL/greedy-* counts every record's
output once. Take runs on training or validation prompts: counts of the prompts that are reported
flatter the draft.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.console.terminal import complain, say
from bench.measure.store import RunFolder
from bench.models.short_head import write_ranking
from decoding.errors import UserError


def rank(folders: list[Path]) -> list[int]:
    """The ids of all outputs, the most frequent first, the lower id first among equals.

    Raises:
        UserError: a folder without records.
    """
    counts = Counter[int]()
    for folder in folders:
        if not (folder / "records.jsonl").is_file():
            raise UserError(f"{folder} holds no records.jsonl")
        with RunFolder(folder) as run:
            for record in run.records.values():
                counts.update(record.tokens)
    return sorted(counts, key=lambda token: (-counts[token], token))


def main() -> int:
    """The exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ranking", type=Path, help="file to write, for model.draft_ranking")
    parser.add_argument("folders", type=Path, nargs="+", help="run folders of one model")
    given = parser.parse_args()
    try:
        ranking = rank(given.folders)
        write_ranking(given.ranking, ranking)
        say(f"{len(ranking)} ids in {given.ranking}")
    except (UserError, OSError) as error:
        complain(str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
