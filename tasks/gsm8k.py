"""GSM8K (arXiv 2110.14168): grade-school problems whose worked answer ends in `#### number`."""

import re
from collections.abc import Sequence
from decimal import Decimal

from tasks.base import Example, Hub, Row, Scores, Task
from tasks.scoring import compared

# A minus with a space behind it takes away, as in 8 - 5.
NUMBER = r"-?(?:\$\s?)?\d[\d,]*(?:\.\d+)?"
MARKED = re.compile(rf"####\s*({NUMBER})")


def marked_number(text: str) -> Decimal | None:
    """The number behind `####`, None if the text has no such line."""
    found = MARKED.search(text)
    return _value(found.group(1)) if found else None


def last_number(text: str) -> Decimal | None:
    """The last number of the text, None if it has none."""
    found = re.findall(NUMBER, text)
    return _value(found[-1]) if found else None


def _value(text: str) -> Decimal:
    return Decimal(re.sub(r"[$,\s]", "", text))


class Gsm8k(Task):
    """Word problems, scored by exact match of the extracted number."""

    name = "gsm8k"
    hub = Hub("openai/gsm8k", "main", ("train", "test"))
    fields = {"question": str, "answer": str}
    aliases = {"validation": "train"}
    paper_shots = 8
    max_new_tokens = 256
    stop_strings = ("\nQuestion:",)

    def fault(self, row: Row) -> str | None:
        """An answer without its marked number cannot be scored."""
        return None if marked_number(row["answer"]) is not None else "the answer has no line '#### number'"

    def question(self, row: Row) -> str:
        """The problem, then the word that opens the answer."""
        return f"Question: {row['question']}\nAnswer:"

    def instruction(self, row: Row) -> str:
        """The problem and the form its answer should take."""
        return (
            "Solve this problem step by step. End with a line that holds only '#### ' and the number.\n\n"
            f"{row['question']}"
        )

    def answer(self, row: Row) -> str:
        """The set's own working, calculator marks included."""
        return f" {row['answer']}"

    def reference(self, row: Row) -> str:
        """The mark and the number that the answer ends in; "" where it has none."""
        found = MARKED.search(row["answer"])
        return found.group() if found else ""

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """Exact match, strict (number behind `####`) and flexible (last number of the answer)."""
        answers = [self.clean(example, text) for example, text in zip(examples, texts, strict=True)]
        return compared(
            "exact_match",
            answers,
            [[example.reference] for example in examples],
            extractions={"exact_match": marked_number, "exact_match_flexible": last_number},
        )
