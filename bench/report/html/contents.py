"""What the page's script reads: every prompt of every run, and the figures, each thing once."""

import base64
import gzip
import json
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bench.report.html.pieces import TokenTexts
from bench.report.metrics.prompts import PromptFigures

Key = TypeVar("Key", bound=Hashable)

# Below so many bytes compressed data would only be harder to read.
PLAIN = 20_000
# Stands for no number in a column of indices.
NONE = -1
# A token's source is a letter in a string as long as the output.
FIRST_LETTER = ord("A")
COLUMNS = (
    "run", "prompt", "repeat", "output", "greedy", "sources", "tokens", "speedup", "perForward", "verdict",
    "difference",
)  # fmt: skip


class Numbered(dict[Key, int]):
    """Numbers things in the order in which they are first asked for."""

    def __missing__(self, key: Key) -> int:
        """The next number is its."""
        self[key] = number = len(self)
        return number


@dataclass
class Contents:
    """Gathers what the page shows beside its tables of runs.

    Attributes:
        figures: (title, SVG), each once.
        foreign: by run how many of its outputs its tokenizer does not decode to their text.
    """

    figures: dict[str, str] = field(default_factory=dict)
    foreign: dict[int, int] = field(default_factory=dict)
    _tables: list[str] = field(default_factory=list)
    _runs: list[tuple[str, int]] = field(default_factory=list)
    _prompts: Numbered[str] = field(default_factory=Numbered)
    _verdicts: Numbered[str] = field(default_factory=Numbered)
    _sources: Numbered[str] = field(default_factory=Numbered)
    _pieces: Numbered[str] = field(default_factory=Numbered)
    _places: dict[Hashable, int] = field(default_factory=dict)
    _outputs: list[str | list[int]] = field(default_factory=list)
    _rows: list[tuple[int | float | str | None, ...]] = field(default_factory=list)

    def add_figure(self, title: str, drawn: str) -> None:
        """A figure as SVG; the same one is not kept twice."""
        self.figures.setdefault(drawn, title)

    def add_table(self, title: str) -> None:
        """The table that runs belong to from now on."""
        self._tables.append(title)

    def add_run(self, name: str, prompts: Sequence[PromptFigures], texts: TokenTexts | None) -> int:
        """A run of the table added last.

        Args:
            name: the run's in its table.
            prompts: its own.
            texts: takes outputs apart; None where nothing can.

        Returns:
            The run's number.
        """
        run = len(self._runs)
        self._runs.append((name, len(self._tables) - 1))
        for each in prompts:
            record, greedy = each.record, each.reference
            same = record.tokens == greedy.tokens
            output = self._output(run, record.tokens, record.text, texts)
            verdict = f"{each.verdict}, greedy itself is wrong" if each.greedy_wrong else each.verdict
            letters = "".join(chr(FIRST_LETTER + self._sources[source]) for source in each.sources or [])
            self._rows.append(
                (
                    run,
                    self._prompts[each.prompt],
                    record.repeat,
                    output,
                    NONE if same else self._output(run, greedy.tokens, greedy.text, texts),
                    letters,
                    len(record.tokens),
                    _short(each.speedup),
                    _short(each.tokens_per_forward),
                    self._verdicts[verdict],
                    NONE if each.first_difference is None else each.first_difference,
                )
            )
        return run

    def _output(self, run: int, tokens: Sequence[int], text: str, texts: TokenTexts | None) -> int:
        """The number of an output; equal ones of one tokenizer have the same."""
        key = id(texts), tuple(tokens), text
        if key not in self._places:
            pieces = texts.of(tokens, text) if texts else None
            self._places[key] = len(self._outputs)
            self._outputs.append(text if pieces is None else [self._pieces[piece] for piece in pieces])
        place = self._places[key]
        if texts is not None and isinstance(self._outputs[place], str):
            self.foreign[run] = self.foreign.get(run, 0) + 1
        return place

    def to_json(self) -> dict[str, object]:
        """The mapping that page.js reads; rows lie column by column."""
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(COLUMNS)
        return {
            "tables": self._tables,
            "runs": [{"name": name, "table": table} for name, table in self._runs],
            "prompts": list(self._prompts),
            "verdicts": list(self._verdicts),
            "sources": list(self._sources),
            "pieces": list(self._pieces),
            "outputs": self._outputs,
            "rows": dict(zip(COLUMNS, map(list, columns), strict=True)),
            "figures": [{"title": title, "svg": drawn} for drawn, title in self.figures.items()],
        }


def _short(value: float | None) -> float | None:
    """The page shows two digits; two more are enough to sort by."""
    return None if value is None else round(value, 4)


def encoded(content: object) -> tuple[str, str]:
    """JSON that may stand within a script element.

    Args:
        content: plain mappings, lists and values.

    Returns:
        (encoding, text): "gzip" with base64 of what is large, "json" with what is small.
    """
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    if len(text) < PLAIN:
        # No output may end the element or begin a comment.
        return "json", text.replace("<", "\\u003c")
    return "gzip", base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
