"""Spec-Bench (arXiv 2401.07851): 480 questions of thirteen categories, eighty of them in two turns.

The second turn is a new example whose prompt holds the first answer: it is encoded and prefilled
anew, so no cache is carried from turn to turn and every example is measured alike.
"""

from collections.abc import Sequence
from dataclasses import replace

from tasks.base import Example, Row, Scores, Task, averaged
from tasks.metrics import rouge


class SpecBench(Task):
    """Assistant questions, scored by ROUGE-L where a row has a reference, and per category."""

    name = "spec_bench"
    fields = {"question_id": (int, str), "category": str, "turns": list}
    optional_fields = {"reference": object}
    id_field = "question_id"
    aliases = {"test": "question"}
    max_new_tokens = 256
    stop_strings = ("\nUser:",)

    def fault(self, row: Row) -> str | None:
        """A question needs a turn, and a reply is a string or a list of alternatives."""
        if not row["turns"]:
            return "field 'turns' is empty"
        replies = row.get("reference") or []
        texts = [text for reply in replies for text in (reply if isinstance(reply, list) else [reply])]
        if isinstance(replies, list) and all(isinstance(text, str) for text in texts):
            return None
        return "field 'reference' must be a list with a string, or a list of alternatives, for each turn"

    def question(self, row: Row) -> str:
        """The first turn, then the word that opens the answer."""
        return _opened("", row["turns"][0])

    def instruction(self, row: Row) -> str:
        """The first turn."""
        return row["turns"][0]

    def answer(self, row: Row) -> str:
        """The first reply, followed by the later turns and their replies; "" where the row has none."""
        replies = [", ".join(alternatives) for alternatives in _replies(row)]
        if not replies:
            return ""
        text = f" {replies[0]}"
        for turn, reply in zip(row["turns"][1:], replies[1:], strict=False):
            text = f"{_opened(text, turn)} {reply}"
        return text

    def reference(self, row: Row) -> list[str]:
        """The alternatives of the first reply; none if the row has no reference."""
        return next(iter(_replies(row)), [])

    def follow_up(self, example: Example, text: str) -> Example | None:
        """The next turn, in which `text` stands as the answer so far."""
        row = example.row
        turns, done = row["turns"], row.get("turn", 1)
        if done >= len(turns):
            return None
        reply, known = self.clean(example, text).strip(), _replies(row)[done : done + 1]
        return replace(
            example,
            id=f"{row['question_id']}#{done + 1}",
            prompt=_opened(f"{example.prompt} {reply}", turns[done]),
            messages=(
                *example.messages,
                {"role": "assistant", "content": reply},
                {"role": "user", "content": turns[done]},
            ),
            answer=f" {', '.join(known[0])}" if known else "",
            reference=known[0] if known else [],
            row={**row, "turn": done + 1},
        )

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """ROUGE-L F against the nearest alternative, over the examples with a reference and by category."""
        per_example = []
        for example, text in zip(examples, texts, strict=True):
            if not example.reference:
                per_example.append({})
                continue
            answer = self.clean(example, text).strip()
            value = max(rouge(answer, alternative)["rougeL"] for alternative in example.reference)
            per_example.append({"rougeL": value, f"rougeL/{example.row['category']}": value})
        scores = averaged(per_example, {"rougeL": "rouge_score, stemmed, F-measure; examples with a reference only"})
        return replace(scores, means={"rougeL": None} | scores.means)


def _opened(before: str, turn: str) -> str:
    start = f"{before}\n\n" if before else ""
    return f"{start}User: {turn}\nAssistant:"


def _replies(row: Row) -> list[list[str]]:
    """For each turn the alternatives of its reply."""
    return [reply if isinstance(reply, list) else [reply] for reply in row.get("reference") or []]
