"""A run's summary held against its records."""

import json
from pathlib import Path

from close import differences

from bench.measure.float32 import roles
from bench.measure.store import RunFolder
from bench.models.place import Place
from bench.plan.typed_json import to_json
from bench.report.case_records import CaseRecords
from bench.report.figure_types import TREE
from bench.report.metrics.case import figures
from bench.report.writing import json_text


def check_summary(path: Path) -> None:
    """A run's summary is what its records give today."""
    summary = json.loads((path / "summary.json").read_text())
    wanted = roles(Place(summary["device"], summary["dtype"]))
    with RunFolder(path) as folder:
        ids = list(dict.fromkeys(prompt for prompt, *_ in folder.records))
        records = CaseRecords.of(folder.records, ids, summary["repeats"], wanted)
        assert len(ids) == summary["prompts"]
        again = json.loads(json_text(to_json(figures(records, summary["seed"]))))
    # A summary may be older than a figure; those that it has are today's.
    if "drafts" not in summary and (again["drafts"] or {}).get("shape") == TREE:
        # It has a rate of a tree still.
        again["acceptance"]["rate"] = summary["acceptance"]["rate"]
    kept = {key: summary[key] for key in again.keys() & summary.keys()}
    again = {key: again[key] for key in kept}
    if "intervals_over" not in summary and summary["repeats"] > 1:
        # Of a summary older than the drawing of repeats.
        again["speedup"], kept["speedup"] = (
            {name: each["value"] for name, each in side["speedup"].items()} for side in (again, kept)
        )
    assert not list(differences(again, kept, str(path)))
