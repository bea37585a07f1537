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

FORMAT, VERSION = "ouroboros phrase pool", 2
READABLE = (1, 2)  # version 1 knew no credits
SHOWN_KEYS = 5
SHOWN_PHRASES = 5
ANEW = "with save_history=FILE or ouroboros.save_pool"


@dataclass
class PoolFile:
    """Phrases with what they are bound to.

    ngram: N, the longest phrase's length + 1. tokenizer: `vocabulary_digest` of the tokenizer. phrases: by first token,
    oldest first. credits: in the same order, how many tokens of each phrase were accepted, None where that is not
    known. made_by: where they come from (method, task, model, prompts, ...), for the reader.
    """

    ngram: int
    tokenizer: str
    phrases: Mapping[int, list[Phrase]]
    made_by: dict[str, Any] = field(default_factory=dict)
    credits: Mapping[int, list[int]] | None = None
    version: int = VERSION

    @classmethod
    def of(cls, pool: PhrasePool, ngram: int, tokenizer: str, made_by: dict[str, Any]) -> "PoolFile":
        """What `pool` holds now."""
        return cls(ngram, tokenizer, pool.phrases(), made_by, pool.credits())

    def fill(self, pool: PhrasePool) -> None:
        """Let `pool` hold what the file does, as far as its capacity allows."""
        pool.load(self.phrases, self.credits)

    def save(self, path: Path) -> None:
        """Write the file as a whole or not at all. Raises OSError where that cannot be done."""
        content = {
            "format": FORMAT,
            "version": VERSION,
            "ngram": self.ngram,
            "tokenizer": self.tokenizer,
            "made_by": self.made_by,
            "phrases": self.phrases,
            "credits": self.credits,
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
        if version not in READABLE:
            known = " and ".join(map(str, READABLE))
            raise UserError(f"{path} is a pool file of version {version!r}, {known} are read here: write it anew")
        try:
            phrases = {_id(key): [_phrase(each) for each in listed] for key, listed in content["phrases"].items()}
            made_by = dict(content.get("made_by", {}))
            credits = _credits(content.get("credits"), phrases)
            loaded = cls(_of(int, content["ngram"]), _of(str, content["tokenizer"]), phrases, made_by, credits, version)
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
            f"{FORMAT}, version {self.version}: N {self.ngram}, tokenizer {self.tokenizer}",
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
            lines += self._most_useful()
        return lines + [f"{name}: {value}" for name, value in self.made_by.items()]

    def _most_useful(self) -> list[str]:
        """The phrases of which most tokens were accepted, line by line."""
        credited = [
            (useful, key, phrase)
            for key, credits in (self.credits or {}).items()
            for useful, phrase in zip(credits, self.phrases[key], strict=True)
            if useful
        ]
        best = sorted(credited, key=lambda each: (-each[0], each[1:]))[:SHOWN_PHRASES]
        return [f"most useful: {list(phrase)} behind token {key}, {useful} accepted" for useful, key, phrase in best]


def vocabulary_digest(vocabulary: Mapping[str, int]) -> str:
    """Sixteen hexadecimal digits for a tokenizer's map from tokens to ids."""
    entries = sorted((index, token) for token, index in vocabulary.items())
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:16]


def load_pool(path: Path | str, tokenizer: PreTrainedTokenizerBase, method: Config | None = None) -> PhrasePool:
    """A pool for `generate` and `decode` with what the file holds; per key as many as method.pool.capacity allows.

    Raises UserError if the file cannot be read, or was made with another N or another tokenizer.
    """
    method = method or Config()
    loaded = PoolFile.load(Path(path))
    loaded.require(Path(path), method.ngram, vocabulary_digest(tokenizer.get_vocab()))
    pool = new_pool(method)
    loaded.fill(pool)
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
    PoolFile.of(pool, method.ngram, digest, {"method": asdict(method)}).save(Path(path))


def _of(kind: type, value: Any) -> Any:
    """`value`, if it is of this very type (a bool is no int). Raises TypeError."""
    if type(value) is not kind:
        raise TypeError(f"{str(value)[:40]} is no {kind.__name__}")
    return value


def _credits(saved: Any, phrases: Mapping[int, list[Phrase]]) -> dict[int, list[int]] | None:
    """Raises TypeError or ValueError for anything but a count for every phrase; None where nothing was saved."""
    if saved is None:
        return None
    credits = {_id(key): [_of(int, count) for count in _of(list, counts)] for key, counts in _of(dict, saved).items()}
    if {key: len(counts) for key, counts in credits.items()} != {key: len(each) for key, each in phrases.items()}:
        raise ValueError("credits and phrases differ in number")
    if any(count < 0 for counts in credits.values() for count in counts):
        raise ValueError("a credit is below zero")
    return credits


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
