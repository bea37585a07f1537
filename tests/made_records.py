"""Records by hand, for tests of what is made from them."""

from typing import Any

from bench.measure.record import METHOD, Record
from bench.measure.steps import NEEDED, RecordedSteps


def made_record(**changes: Any) -> Record:
    """A record of one token that is the target's own; changes: its fields."""
    fields: dict[str, Any] = {
        "prompt": "p", "prompt_version": "t-1", "repeat": 0, "role": METHOD, "order": 0, "prompt_cut": 0, "label": "x",
        "session": "s", "finished": 1.0, "prompt_tokens": 3, "tokens": [1], "stop": "length", "prefill_seconds": 1.0,
        "total_seconds": 2.0, "text": "", "peak_memory_bytes": 7, "gap": 0.0, "tolerance": 0.1,
    }  # fmt: skip
    return Record(**fields | changes)


def made_steps(**columns: Any) -> RecordedSteps:
    """Steps with these columns, one of them `emitted`, and zeros in the others that all have."""
    zeros: dict[str, Any] = dict.fromkeys(NEEDED, [0] * len(columns["emitted"]))
    return RecordedSteps(**zeros | columns)
