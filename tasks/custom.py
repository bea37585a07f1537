"""The user's own prompts: a file of rows with id, prompt, and optionally reference and stop."""

from collections.abc import Sequence

from tasks.base import Example, Row, Scores, Task
from tasks.scoring import compared


class Custom(Task):
    """Prompts taken as they stand, scored by exact match where a row has a reference."""

    name = "custom"
    fields = {"id": (str, int), "prompt": str}
    optional_fields = {"reference": str, "stop": (str, list)}
    id_field = "id"
    max_new_tokens = 256

    def fault(self, row: Row) -> str | None:
        """An empty stop string would end every output before it begins."""
        return "field 'stop' holds an empty string" if "" in self.row_stop(row) or row.get("stop") == "" else None

    def question(self, row: Row) -> str:
        """The prompt, unchanged."""
        return row["prompt"]

    def instruction(self, row: Row) -> str:
        """The prompt, unchanged."""
        return row["prompt"]

    def answer(self, row: Row) -> str:
        """The reference, or nothing."""
        return row.get("reference") or ""

    def reference(self, row: Row) -> str | None:
        """The reference, None if the row has none."""
        return row.get("reference")

    def row_stop(self, row: Row) -> tuple[str, ...]:
        """The row's `stop`: one string or a list of them."""
        stop = row.get("stop") or ()
        return (stop,) if isinstance(stop, str) else tuple(stop)

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """Exact match, surrounding whitespace aside; None when no row has a reference."""
        answers = [self.clean(example, text) for example, text in zip(examples, texts, strict=True)]
        references = [[] if example.reference is None else [example.reference] for example in examples]
        return compared("exact_match", answers, references)
