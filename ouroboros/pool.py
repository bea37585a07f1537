"""Pool files: what was learned on some prompts, kept for others (arXiv 2402.13720, section 3.5).

A file is bound to one tokenizer and one phrase length, for with others its ids and phrases would say something else.
`python -m ouroboros.pool inspect FILE` shows what one holds.
"""

import argparse
import hashlib
import json
import statistics
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from decoding.errors import UserError
from decoding.phrase_pool import Phrase

FORMAT, VERSION = "ouroboros phrase pool", 1
SHOWN_KEYS = 5


@dataclass
class PoolFile:
    """Phrases with what they are bound to.

    ngram: N, the longest phrase's length + 1. tokenizer: `vocabulary_digest` of the tokenizer. phrases: by first token,
    oldest first. made_by: where they come from (method, task, model, prompts, ...), for the reader.
    """

    ngram: int
    tokenizer: str
    phrases: Mapping[int, list[Phrase]]
    made_by: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the file as a whole or not at all. Raises OSError where that cannot be done."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "ngram": self.ngram,
            "tokenizer": self.tokenizer,
            "made_by": self.made_by,
            "phrases": {str(key): phrases for key, phrases in self.phrases.items()},
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        partial.write_text(json.dumps(content), encoding="utf-8")
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "PoolFile":
        """Read a file. Raises UserError if it is missing, no pool file, damaged, or of another version."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise UserError(f"cannot read the pool file {path}: {error}") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise UserError(f"{path} is no pool file: write one with save_history=FILE")
        version = content.get("version")
        if version != VERSION:
            raise UserError(f"{path} is a pool file of version {version}, this harness reads {VERSION}: write it anew")
        try:
            phrases = {
                int(key): [tuple(map(int, phrase)) for phrase in each] for key, each in content["phrases"].items()
            }
            loaded = cls(int(content["ngram"]), str(content["tokenizer"]), phrases, dict(content.get("made_by", {})))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{path} is damaged ({error!r}): write it anew with save_history=FILE") from error
        lengths = {len(phrase) for each in phrases.values() for phrase in each}
        if not lengths <= set(range(1, loaded.ngram)) or min([0, *phrases, *_tokens(phrases)]) < 0:
            raise UserError(f"{path} is damaged: it holds phrases that cannot be; write it anew with save_history=FILE")
        return loaded

    def require(self, path: Path, ngram: int, tokenizer: str) -> None:
        """Raise UserError unless the file was made with this N and this tokenizer."""
        if self.ngram != ngram:
            raise UserError(
                f"{path} was made with ngram={self.ngram}, this method has ngram={ngram}: set method.ngram={self.ngram}"
            )
        if self.tokenizer != tokenizer:
            raise UserError(f"{path} was made with another tokenizer: its ids say other words here; write it anew")

    def describe(self) -> list[str]:
        """What the file holds, line by line."""
        counts = {key: len(phrases) for key, phrases in self.phrases.items()}
        lengths = Counter(len(phrase) for phrases in self.phrases.values() for phrase in phrases)
        lines = [
            f"{FORMAT}, version {VERSION}: N {self.ngram}, tokenizer {self.tokenizer}",
            f"{sum(counts.values())} phrases under {len(counts)} first tokens",
        ]
        if counts:
            lines.append(
                f"phrases per first token: median {statistics.median(counts.values()):g}, most {max(counts.values())}"
            )
            by_length = ", ".join(f"{count} of {length}" for length, count in sorted(lengths.items()))
            lines.append(f"tokens a phrase: {by_length}")
            for key in sorted(counts, key=lambda key: (-counts[key], key))[:SHOWN_KEYS]:
                lines.append(f"behind token {key}: {', '.join(str(list(phrase)) for phrase in self.phrases[key])}")
        return lines + [f"{name}: {value}" for name, value in self.made_by.items()]


def vocabulary_digest(vocabulary: Mapping[str, int]) -> str:
    """Sixteen hexadecimal digits for a tokenizer's map from tokens to ids."""
    entries = sorted((index, token) for token, index in vocabulary.items())
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:16]


def _tokens(phrases: Mapping[int, list[Phrase]]) -> set[int]:
    return {token for each in phrases.values() for phrase in each for token in phrase}


def main(arguments: list[str] | None = None) -> int:
    """The command line; exit status 2 for a file that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m ouroboros.pool", description="Look into pool files.")
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="show what a pool file holds and what it is bound to")
    inspect.add_argument("file", type=Path)
    try:
        lines = PoolFile.load(parser.parse_args(arguments).file).describe()
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
