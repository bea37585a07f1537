"""State files: what a decoder learned on some prompts, kept for others.

A file is bound to one tokenizer, for with another its token ids say other words. What it holds
besides, the decoder that loads it knows.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from decoding.errors import UserError


@dataclass
class StateFile:
    """A state with what it is bound to.

    Attributes:
        state: as `save_state` gives it.
        tokenizer: `vocabulary_digest` of the tokenizer.
        made_by: where the state comes from (method, task, model, prompts, ...), for the reader.
    """

    state: Mapping[str, Any]
    tokenizer: str
    made_by: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the file as a whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.partial")
        content = {**self.state, "tokenizer": self.tokenizer, "made_by": self.made_by}
        partial.write_text(json.dumps(content), encoding="utf-8")
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> "StateFile":
        """Read a file.

        Raises:
            UserError: the file is missing or no state file.
        """
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"cannot read the state file {path}: {error}") from error
        if not isinstance(content, dict):
            raise UserError(f"{path} is no state file")
        tokenizer, made_by = content.pop("tokenizer", None), content.pop("made_by", {})
        if not isinstance(tokenizer, str) or not isinstance(made_by, dict):
            raise UserError(f"{path} is no state file, or damaged: it names no tokenizer")
        return cls(content, tokenizer, made_by)

    def require_tokenizer(self, vocabulary: Mapping[str, int], path: Path) -> None:
        """Raise UserError unless the file, read from `path`, fits this tokenizer's vocabulary."""
        if self.tokenizer != vocabulary_digest(vocabulary):
            raise UserError(f"{path} was made with another tokenizer: its ids say other words here; write it anew")


def vocabulary_digest(vocabulary: Mapping[str, int]) -> str:
    """Sixteen hexadecimal digits for a tokenizer's map from tokens to ids."""
    entries = sorted((index, token) for token, index in vocabulary.items())
    return hashlib.sha256(json.dumps(entries).encode()).hexdigest()[:16]
