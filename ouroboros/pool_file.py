"""Pool files: what was learned on some prompts, kept for others (arXiv 2402.13720, section 3.5).

A file is bound to one tokenizer and one phrase length, for with others its ids and phrases would say something else.
`load_pool` and `save_pool` are for programs, the harness has history_file and save_history; `python -m ouroboros.pool
inspect FILE` shows what a file holds.
"""

import hashlib
import json
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from decoding.errors import UserError
from decoding.phrase_pool import Phrase, PhrasePool
from ouroboros.method import Config, new_pool, require_phrase_length

FORMAT, VERSION = "ouroboros phrase pool", 1
SHOWN_KEYS = 5
ANEW = "with save_history=FILE or ouroboros.save_pool"


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
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"cannot read the pool file {path}: {error}") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise UserError(f"{path} is no pool file: write one {ANEW}")
        version = content.get("version")
        if version != VERSION:
            raise UserError(f"{path} is a pool file of version {version!r}, {VERSION} is read here: write it anew")
        try:
            phrases = {_id(key): [_phrase(each) for each in listed] for key, listed in content["phrases"].items()}
            made_by = dict(content.get("made_by", {}))
            loaded = cls(_of(int, content["ngram"]), _of(str, content["tokenizer"]), phrases, made_by)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UserError(f"{path} is damaged ({error!r}): write it anew {ANEW}") from error
        if not all(0 < len(phrase) < loaded.ngram for listed in phrases.values() for phrase in listed):
            raise UserError(f"{path} is damaged: it holds phrases that cannot be; write it anew {ANEW}")
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


def load_pool(path: Path | str, tokenizer: PreTrainedTokenizerBase, method: Config | None = None) -> PhrasePool:
    """A pool for `generate` and `decode` with what the file holds; per key the newest that method.pool_capacity allows.

    Raises UserError if the file cannot be read, or was made with another N or another tokenizer.
    """
    method = method or Config()
    loaded = PoolFile.load(Path(path))
    loaded.require(Path(path), method.ngram, vocabulary_digest(tokenizer.get_vocab()))
    pool = new_pool(method)
    pool.load(loaded.phrases)
    return pool


def save_pool(
    pool: PhrasePool, path: Path | str, tokenizer: PreTrainedTokenizerBase, method: Config | None = None
) -> None:
    """Write down what `pool` has learned, for `load_pool` or history_file.

    method: the settings it learned with. Raises UserError if the pool was made for another N, OSError if the file
    cannot be written.
    """
    method = method or Config()
    require_phrase_length(pool, method)
    digest = vocabulary_digest(tokenizer.get_vocab())
    PoolFile(method.ngram, digest, pool.phrases(), {"method": asdict(method)}).save(Path(path))


def _of(kind: type, value: Any) -> Any:
    """`value`, if it is of this very type (a bool is no int). Raises TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:40]} is no {kind.__name__}")
    return value


def _id(key: str) -> int:
    """The token that stands as a key. Raises ValueError for anything but a plain number."""
    if str(int(key)) != key or int(key) < 0:
        raise ValueError(f"{key[:40]} is no token id")
    return int(key)


def _phrase(tokens: Any) -> Phrase:
    """Raises TypeError or ValueError for anything but a list of token ids."""
    phrase = tuple(_of(int, token) for token in _of(list, tokens))
    if min(phrase, default=0) < 0:
        raise ValueError(f"{min(phrase)} is no token id")
    return phrase
