"""agreement.json, agreement.csv and the tables on the terminal of `python -m bench.agreement`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bench.console.disk import writing
from bench.measure.agreement import TEXTS, ReadText
from bench.measure.provenance import Environment
from bench.plan import typed_json
from bench.plan.case import Identity
from bench.report.markdown import csv_text, number
from bench.report.metrics.agreement import TOPS, Agreement, AgreementFigures, ChainFigure
from bench.report.writing import json_text
from decoding.figures import percent

REPORT, TABLE = "agreement.json", "agreement.csv"


@dataclass(frozen=True, kw_only=True)
class AgreementReport:
    """agreement.json.

    Attributes:
        model, task: their names.
        prompts: ids of the texts' prompts.
        source: where the texts come from: "decoded", or a run folder.
        identity: everything that changes the figures; its method is greedy decoding, which gave the
            texts.
        environment: what the draft was run with.
        command, started: what was typed, and when.
        figures: see bench.report.metrics.agreement.
    """

    SCHEMA_VERSION: ClassVar[int] = 1

    schema_version: int = SCHEMA_VERSION
    model: str
    task: str
    prompts: list[str]
    source: str
    identity: Identity
    environment: Environment
    command: list[str]
    started: str
    figures: AgreementFigures

    def to_json(self) -> dict[str, Any]:
        """The mapping of agreement.json."""
        content: dict[str, Any] = typed_json.to_json(self)
        return content

    @classmethod
    def from_json(cls, content: Any) -> "AgreementReport":
        """The report of the mapping in an agreement.json.

        Raises:
            UserError: another schema version, or a key that is missing, unknown or damaged.
        """
        report: AgreementReport = typed_json.from_file(cls, content, REPORT)
        return report


def write(report: AgreementReport, texts: Sequence[ReadText], folder: Path) -> None:
    """Write the report, its table, and the texts that all of it follows from.

    Raises:
        UserError: they cannot be written.
    """
    lines = (json.dumps(typed_json.to_json(text), ensure_ascii=False) + "\n" for text in texts)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TEXTS).write_text("".join(lines), encoding="utf-8")
        (folder / TABLE).write_text(csv_text(rows(report.figures)), encoding="utf-8")
        (folder / REPORT).write_text(json_text(report.to_json()), encoding="utf-8")


def rows(figures: AgreementFigures) -> list[dict[str, object]]:
    """The lines of agreement.csv: what each is of, then its figures in full precision."""
    found = [_row(of, name, part) for of, name, part in _parts(figures)]
    return found + [_chain_row(chain) for chain in figures.chains]


def _parts(figures: AgreementFigures) -> list[tuple[str, str, Agreement]]:
    parts: list[tuple[str, str, Agreement]] = [("all", "", figures.overall)]
    for of, named in (("position", figures.by_position), ("class", figures.by_class)):
        parts += [(of, name, part) for name, part in named.items()]
    return parts


def _row(of: str, name: str, part: Agreement) -> dict[str, object]:
    return {"of": of, "name": name, "tokens": part.tokens, **{f"top_{top}": part.top[top] for top in TOPS}}


def _chain_row(chain: ChainFigure) -> dict[str, object]:
    own: Mapping[str, object] = {f"confidence_{key}": value for key, value in chain.at_confidence.items()}
    forwards = {"tokens_per_target_forward": chain.tokens_per_target_forward, "independent": chain.independent}
    return {"of": "gamma", "name": chain.gamma, **forwards, **own}


def tables(figures: AgreementFigures) -> list[list[list[str]]]:
    """The two tables of the terminal, headings first: agreement, and chains by gamma."""
    shares = [["", "tokens", *(f"top {top}" for top in TOPS)]]
    for of, name, part in _parts(figures):
        shares.append([f"{of} {name}".strip(), str(part.tokens), *(percent(part.top[top]) for top in TOPS)])
    thresholds = list(figures.chains[0].at_confidence) if figures.chains else []
    chains = [["gamma", "tokens/forward", "if independent", *(f"confidence {each}" for each in thresholds)]]
    for chain in figures.chains:
        own = [chain.tokens_per_target_forward, chain.independent, *chain.at_confidence.values()]
        chains.append([str(chain.gamma), *map(number, own)])
    return [shares, chains]
