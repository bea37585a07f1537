"""A request a line, with the acceptance record that vLLM puts into its responses.

https://docs.vllm.ai/en/stable/features/speculative_decoding/acceptance_metrics (vllm-project/vllm
pull request 48915); AIPerf normalises it (src/aiperf/common/models/spec_decode_models.py of
ai-dynamo/aiperf). Read at vllm 02cf515 and aiperf 0786f0c.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.measure.record import Record
from bench.plan.typed_json import to_json
from bench.report.case_records import flat
from bench.report.collection import Run
from bench.report.exports.files import json_lines
from bench.report.metrics.requests import RequestAcceptance, longest_draft, request_acceptance

FILE = "acceptance.jsonl"


@dataclass(frozen=True)
class Request:
    """One generation in the form of a response.

    Attributes:
        record: of the method.
        model: the pair's label.
        acceptance: None for a method that drafts nothing, as vLLM has it without speculation.
    """

    record: Record
    model: str
    acceptance: RequestAcceptance | None

    def to_json(self) -> dict[str, Any]:
        """The line's mapping."""
        usage = {"prompt_tokens": self.record.prompt_tokens, "completion_tokens": len(self.record.tokens)}
        return {
            "id": f"{self.record.prompt}/{self.record.repeat}",
            "model": self.model,
            "method": self.record.label,
            "usage": usage,
            "metrics": {"speculative_decoding": to_json(self.acceptance)},
        }


def export(run: Run, folder: Path) -> list[Path]:
    """Write a line a generation of the method; the file.

    Raises:
        UserError: the run's records cannot be read.
    """
    grid = run.records().method
    longest = longest_draft(grid)
    requests = [
        Request(record, run.summary.model, request_acceptance(record, longest) if longest else None)
        for record in flat(grid)
    ]
    return [json_lines(folder / FILE, [request.to_json() for request in requests])]
