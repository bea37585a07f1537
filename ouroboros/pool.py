"""`python -m ouroboros.pool inspect FILE` shows what a file with a phrase pool holds.

The package itself never imports this module, or Python would warn of running it twice. Python
imports the package, with torch, before the first line here: help waits for that, and an interrupt
until then is Python's own traceback.
"""

import argparse
import statistics
import sys
from collections import Counter
from pathlib import Path

from baselines.pool_state import FORMAT, PoolState
from decoding.errors import UserError, naming
from decoding.state_file import StateFile

SHOWN_KEYS = 5
SHOWN_PHRASES = 5


def describe(path: Path) -> list[str]:
    """What the file holds, line by line.

    Raises:
        UserError: the file cannot be read, or holds no pool.
    """
    file = StateFile.load(path)
    with naming(path):
        state = PoolState.read(file.state)
    counts = {key: len(phrases) for key, phrases in state.phrases.items()}
    lengths = Counter(len(phrase) for phrases in state.phrases.values() for phrase in phrases)
    lines = [
        f"{FORMAT}, version {state.version}: N {state.ngram}, tokenizer {file.tokenizer}",
        f"{sum(counts.values())} phrases under {len(counts)} first tokens",
    ]
    if counts:
        lines.append(
            f"phrases per first token: median {statistics.median(counts.values()):g}, most {max(counts.values())}"
        )
        by_length = ", ".join(f"{count} of {length}" for length, count in sorted(lengths.items()))
        lines.append(f"tokens a phrase: {by_length}")
        for key in sorted(counts, key=lambda key: (-counts[key], key))[:SHOWN_KEYS]:
            lines.append(f"after token {key}: {', '.join(str(list(phrase)) for phrase in state.phrases[key])}")
        lines += _most_useful(state)
    return lines + [f"{name}: {value}" for name, value in file.made_by.items()]


def _most_useful(state: PoolState) -> list[str]:
    """The phrases of which most tokens were accepted, line by line."""
    credited = [
        (useful, key, phrase)
        for key, credits in (state.credits or {}).items()
        for useful, phrase in zip(credits, state.phrases[key], strict=True)
        if useful
    ]
    best = sorted(credited, key=lambda each: (-each[0], each[1:]))[:SHOWN_PHRASES]
    return [f"most useful: {list(phrase)} after token {key}, {useful} accepted" for useful, key, phrase in best]


def main(arguments: list[str] | None = None) -> int:
    """The command line; exit status 2 for a file that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m ouroboros.pool", description="Look into saved phrase pools.")
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="show what a file holds and what it is bound to")
    inspect.add_argument("file", type=Path)
    try:
        lines = describe(parser.parse_args(arguments).file)
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
