"""GSM8K (arXiv 2110.14168): grade-school problems whose worked answer ends in `#### number`."""

from collections import Counter
from collections.abc import Sequence
from statistics import fmean

from tasks.base import Example, Hub, Row, Scores, Task, by_prompt
from tasks.numbers import last_number, marked_number
from tasks.scoring import compared


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
        number = marked_number(row["answer"])
        return "" if number is None else f"#### {number:f}"

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """Exact match, strict (number after `####`) and flexible (the number at the end)."""
        answers = [self.clean(example, text) for example, text in zip(examples, texts, strict=True)]
        scores = compared(
            "exact_match",
            answers,
            [[example.reference] for example in examples],
            extractions={"exact_match": marked_number, "exact_match_flexible": last_number},
        )
        prompts = by_prompt(examples)
        if len(prompts) < len(examples):
            scores.means["majority"] = fmean(_majority(examples, answers, places) for places in prompts)
            scores.notes["majority"] = "the number that most samples of a problem end with (the first of equals)"
        return scores


def _majority(examples: Sequence[Example], answers: Sequence[str], places: Sequence[int]) -> bool:
    """Whether the commonest last number of a problem's samples is right (arXiv 2203.11171)."""
    numbers = [number for place in places if (number := last_number(answers[place])) is not None]
    if not numbers:
        return False
    return Counter(numbers).most_common(1)[0][0] == marked_number(str(examples[places[0]].reference))
