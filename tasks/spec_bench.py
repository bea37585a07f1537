"""Spec-Bench (arXiv 2401.07851): 480 questions of thirteen categories, eighty of them in two turns.

Each turn is an example of its own. A later turn's prompt holds the answers to the earlier ones,
greedy decoding's for every method alike, and is encoded and prefilled again: no cache is carried
from turn to turn.

The set is not on the hub: its authors' question.jsonl is read with data=local.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from tasks.base import Example, Row, Scores, Task
from tasks.numbers import last_number
from tasks.scoring import compared

# Its questions come from GSM8K: what counts is the number at the end.
RECKONING = "math_reasoning"
# Where the long texts stand in turns of two categories: after a word, and before the question on
# the last line.
PASSAGES = {
    "summarization": re.compile(r"(Summarize: )(.+)()", re.DOTALL),
    "rag": re.compile(r"()(.+)(\n[^\n]+)", re.DOTALL),
}


class SpecBench(Task):
    """Assistant questions, scored by ROUGE-L where a row has a reference.

    Problems are also scored by their number.
    """

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
        if isinstance(replies, list):
            texts = [text for reply in replies for text in (reply if isinstance(reply, list) else [reply])]
            if all(isinstance(text, str) for text in texts):
                return None
        return "field 'reference' must be a list with a string, or a list of alternatives, for each turn"

    def category(self, row: Row) -> str:
        """One of thirteen: eight of conversations, five of single questions."""
        return row["category"]

    def question(self, row: Row) -> str:
        """The first turn, then the word that opens the answer."""
        return _opened("", row["turns"][0])

    def instruction(self, row: Row) -> str:
        """The first turn."""
        return row["turns"][0]

    def answer(self, row: Row) -> str:
        """The first reply, then the later turns and their replies; "" where the row has none."""
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
        reply, known = self.clean(example, text).strip(), next(iter(_replies(row)[done:]), [])
        return replace(
            example,
            id=f"{row['question_id']}#{done + 1}",
            follows=example.id,
            prompt=_opened(f"{example.prompt} {reply}", turns[done]),
            messages=(
                *example.messages,
                {"role": "assistant", "content": reply},
                {"role": "user", "content": turns[done]},
            ),
            answer=f" {', '.join(known)}" if known else "",
            reference=known,
            row={**row, "turn": done + 1},
        )

    def passage(self, row: Row) -> str | None:
        """The article of a summary, the passages that a question is asked about.

        Both stand in single turns.
        """
        parts = _parts(row)
        return parts[1] if parts else None

    def with_passage(self, row: Row, text: str) -> Row:
        """The row with another such text."""
        before, _, after = _parts(row)
        return {**row, "turns": [before + text + after]}

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """ROUGE-L F against the nearest alternative where there is a reference.

        Of problems the last number too.
        """
        answers = [self.clean(example, text).strip() for example, text in zip(examples, texts, strict=True)]
        known = [example.reference for example in examples]
        numbers = [example.reference if example.row["category"] == RECKONING else [] for example in examples]
        likeness = compared("rouge", answers, known)
        reckoning = compared("exact_match", answers, numbers, extractions={"exact_match": last_number})
        return Scores(
            {"rougeL": likeness.means["rougeL"], "exact_match": reckoning.means["exact_match"]},
            [
                {name: value for name, value in {**one, **other}.items() if name in ("rougeL", "exact_match")}
                for one, other in zip(likeness.per_example, reckoning.per_example, strict=True)
            ],
            {
                "rougeL": f"{likeness.notes['rougeL']}; examples with a reference only",
                "exact_match": f"number that the answer ends with; category {RECKONING} only",
            },
        )


def _parts(row: Row) -> tuple[str, str, str] | None:
    """What stands before the passage of a turn, the passage, and what follows it.

    None if it has none.
    """
    form = PASSAGES.get(row["category"])
    found = form.fullmatch(row["turns"][0]) if form and len(row["turns"]) == 1 else None
    return found.groups() if found else None


def _opened(before: str, turn: str) -> str:
    start = f"{before}\n\n" if before else ""
    return f"{start}User: {turn}\nAssistant:"


def _replies(row: Row) -> list[list[str]]:
    """For each turn the alternatives of its reply.

    The set leaves some replies empty, which is none.
    """
    replies = [reply if isinstance(reply, list) else [reply] for reply in row.get("reference") or []]
    return [[text for text in reply if text] for reply in replies]
