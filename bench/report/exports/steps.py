"""A tidy table of steps as parquet: a row for each forward of the target.

Files of several runs have one schema, so that a folder of them reads as one table.
"""

from dataclasses import asdict
from pathlib import Path

import pyarrow
from pyarrow import parquet

from bench.plan.methods import REFERENCE_METHOD
from bench.report.case_records import flat
from bench.report.collection import Run
from bench.report.metrics.requests import step_rows

FILE = "steps.parquet"
TEXT, COUNT, SECONDS = pyarrow.string(), pyarrow.int32(), pyarrow.float64()
SCHEMA = pyarrow.schema(
    [
        *((name, TEXT) for name in ("run", "task", "model", "method", "label", "role", "prompt")),
        *((name, COUNT) for name in ("repeat", "step", "position", "tokens")),
        ("token_ids", pyarrow.list_(COUNT)),
        *((name, COUNT) for name in ("drafted", "accepted", "rows", "draft_forwards", "draft_rows")),
        ("sources", pyarrow.list_(TEXT)),
        *((name, SECONDS) for name in ("draft_seconds", "verify_seconds", "observe_seconds", "seconds")),
    ]
)


def export(run: Run, folder: Path) -> list[Path]:
    """Write the steps of the method and of greedy beside it (column role); the file.

    Raises:
        UserError: the run's records cannot be read.
    """
    summary, records = run.summary, run.records()
    common = {"run": run.folder.name, "task": summary.task, "model": summary.model}
    rows = []
    for grid, method in ((records.method, summary.method), (records.reference, REFERENCE_METHOD)):
        for record in flat(grid):
            own = {"method": method, "label": record.label, "role": record.role}
            which = {"prompt": record.prompt, "repeat": record.repeat}
            rows += [{**common, **own, **which, **asdict(row)} for row in step_rows(record)]
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=SCHEMA), folder / FILE)
    return [folder / FILE]
