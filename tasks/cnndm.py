"""CNN/DailyMail 3.0.0 (arXiv 1704.04368): summarise a news article."""

from collections.abc import Sequence

from tasks.base import Example, Hub, Row, Scores, Task
from tasks.scoring import compared


class CnnDm(Task):
    """Summaries, scored by ROUGE F."""

    name = "cnndm"
    hub = Hub("abisee/cnn_dailymail", "3.0.0", ("train", "validation", "test"))
    fields = {"id": str, "article": str, "highlights": str}
    id_field = "id"
    max_new_tokens = 128
    # Highlights are lines, so one line end does not end them.
    stop_strings = ("\n\n", "\nArticle:")

    def question(self, row: Row) -> str:
        """An instruction, the article, then the word that opens the summary."""
        return f"Summarize the following article.\nArticle: {row['article']}\nSummary:"

    def instruction(self, row: Row) -> str:
        """An instruction and the article."""
        return f"Summarize the following article in a few sentences.\n\n{row['article']}"

    def answer(self, row: Row) -> str:
        """The highlights written by the paper's editors."""
        return f" {row['highlights']}"

    def reference(self, row: Row) -> str:
        """The highlights."""
        return row["highlights"]

    def passage(self, row: Row) -> str:
        """The article, never the instruction."""
        return row["article"]

    def with_passage(self, row: Row, text: str) -> Row:
        """The row with another article."""
        return {**row, "article": text}

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """F-measure of ROUGE-1, -2, -L and -Lsum."""
        answers = [self.clean(example, text).strip() for example, text in zip(examples, texts, strict=True)]
        return compared("rouge", answers, [[example.reference] for example in examples])
