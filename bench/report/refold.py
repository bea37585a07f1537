"""python -m bench.refold FOLDER...: summaries of finished runs by today's formulas.

Nothing is measured: summary.json, summary.csv and report.md change where a figure that follows from
the records alone does, warnings included. What else they say (quality, categories, the comparison
with the panel and its A/A case, when and where it was measured) stays. Runs whose records are gone
stay as they are.
"""

import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from bench.console.terminal import complain, say
from bench.measure.float32 import roles
from bench.measure.provenance import Provenance
from bench.measure.record import METHOD
from bench.measure.store import RunFolder
from bench.models.place import Place
from bench.plan.typed_json import from_json, to_json
from bench.report.case_records import CaseRecords, flat
from bench.report.figure_types import Noise
from bench.report.markdown import COMPARISON, report
from bench.report.metrics.case import figures
from bench.report.summary import Summary
from bench.report.warnings import warnings_of
from bench.report.writing import json_text, write_reports
from decoding.errors import UserError

# What rounding in another processor's vector units may change is no change.
TOLERANCE = 1e-9


def refold(path: Path) -> bool:
    """Bring the reports of one run folder up to date; whether any figure changed.

    Raises:
        UserError: the folder's files are damaged or do not belong together.
    """
    with RunFolder(path) as folder:
        old = _summary(path)
        provenance = folder.provenance()
        try:
            new = folded(old, folder, provenance)
            if new == old:
                return False
            summary = Summary.from_json(new)
            page = report(summary, provenance) + _panel(path)
        except KeyError as error:
            raise UserError(f"its records or summary lack {error}: too old, or not of one run") from error
        write_reports(folder, summary, page)
    return True


def folded(old: dict[str, Any], folder: RunFolder, provenance: Provenance) -> dict[str, Any]:
    """The content of a summary.json, with what follows from the records as it is today.

    A figure that is the same within rounding keeps its digits.

    Raises:
        KeyError: records are missing.
    """
    ids = list(dict.fromkeys(prompt for prompt, _, role in folder.records if role == METHOD))[: old["prompts"]]
    if len(ids) < old["prompts"]:
        raise UserError(f"it has records of {len(ids)} prompts, and a summary of {old['prompts']}")
    records = CaseRecords.of(folder.records, ids, old["repeats"], roles(Place(old["device"], old["dtype"])))
    again = json.loads(json_text(to_json(figures(records, old["seed"]))))
    first = next(index for index, key in enumerate(old) if key in again)
    before = dict(list(old.items())[:first])
    after = {key: value for key, value in old.items() if key not in again and key not in before}
    # The panel's other rows stay as they are, so a case that has none among them has none still.
    sessions = provenance.sessions_of({record.session for record in flat(records.method)})
    noise = from_json(Noise | None, old.get("noise"))
    warnings = warnings_of(sessions, records, old.get("left_out") or {}, noise)
    settled: dict[str, Any] = _settled(old, {**before, **again, **after, "warnings": warnings})
    return settled


def _settled(old: Any, new: Any) -> Any:
    """`new`, with the digits of `old` wherever both are the same number within TOLERANCE."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {key: _settled(old.get(key), value) for key, value in new.items()}
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return [_settled(before, value) for before, value in zip(old, new, strict=True)]
    if isinstance(old, float) and isinstance(new, float) and math.isclose(old, new, rel_tol=TOLERANCE):
        return old
    return new


def _summary(path: Path) -> dict[str, Any]:
    try:
        found = json.loads((path / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"summary.json is damaged ({' '.join(str(error).split())})") from error
    if not isinstance(found, dict) or found.get("schema_version") != Summary.SCHEMA_VERSION:
        raise UserError(f"summary.json is not of schema version {Summary.SCHEMA_VERSION}")
    return found


def _panel(path: Path) -> str:
    """The end of the old report.md, on the panel's other runs, whose records lie elsewhere."""
    file = path / "report.md"
    _, heading, rest = (file.read_text(encoding="utf-8") if file.exists() else "").partition(f"{COMPARISON}\n")
    return f"\n{heading}{rest}" if heading else ""


def refold_all(folders: Sequence[Path]) -> int:
    """Refold every finished run below `folders`; the exit status.

    0, or 2 if a folder is not there, holds no finished run, or has one that cannot be folded.
    """
    runs = sorted({file.parent for folder in folders for file in folder.rglob("summary.json")})
    if not runs:
        complain(f"no finished run in {', '.join(map(str, folders))}: give folders with runs, such as results/runs")
        return 2
    recorded = [run for run in runs if (run / "records.jsonl").exists()]
    changed = failed = 0
    with tqdm(recorded, unit="run", file=sys.stderr, leave=False) as bar:
        for run in bar:
            try:
                if refold(run):
                    changed += 1
                    bar.write(f"refolded: {run}", file=sys.stdout)
            except (UserError, OSError) as error:
                failed += 1
                bar.write(f"left as it was: {run}: {error}", file=sys.stdout)
    say(f"{changed} of {len(runs)} runs changed, {len(runs) - len(recorded)} have no records any more, {failed} failed")
    return 2 if failed else 0
