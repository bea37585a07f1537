"""CNN/DailyMail 3.0.0 (arXiv 1704.04368): summarise a news article."""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace

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

    def fit(self, example: Example, tokenizer, limit: int) -> Example:
        """The example with as many words of its article, from the start, as `limit` tokens hold."""
        if len(self.encode(example, tokenizer)) <= limit:
            return example
        article = example.row["article"]
        ends = [word.end() for word in re.finditer(r"\S+", article)]
        kept = bisect_right(
            range(len(ends)),
            limit,
            key=lambda words: len(self.encode(self._cut(example, ends[words]), tokenizer)),
        )
        if kept == 0:
            return super().fit(example, tokenizer, limit)
        return self._cut(example, ends[kept - 1])

    def _cut(self, example: Example, end: int) -> Example:
        """The example whose article ends before the character `end`."""
        row = {**example.row, "article": example.row["article"][:end]}
        worked = example.prompt.removesuffix(self.question(example.row))
        request = {"role": "user", "content": self.instruction(row)}
        return replace(example, row=row, prompt=worked + self.question(row), messages=(*example.messages[:-1], request))

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """F-measure of ROUGE-1, -2, -L and -Lsum."""
        answers = [self.clean(example, text).strip() for example, text in zip(examples, texts, strict=True)]
        return compared("rouge", answers, [[example.reference] for example in examples])
