"""WMT16 (news translation task): German to English, one sentence at a time."""

from collections.abc import Sequence

from tasks.base import Example, Hub, Row, Scores, Task
from tasks.scoring import compared


class Wmt16(Task):
    """Translation, scored by BLEU and chrF over the whole set."""

    name = "wmt16"
    hub = Hub("wmt/wmt16", "de-en", ("train", "validation", "test"))
    fields = {"translation.de": str, "translation.en": str}
    max_new_tokens = 64
    stop_strings = ("\n",)

    def question(self, row: Row) -> str:
        """An instruction, the German sentence, then the word that opens the English one."""
        return f"Translate German to English.\nGerman: {row['translation']['de']}\nEnglish:"

    def instruction(self, row: Row) -> str:
        """An instruction and the German sentence."""
        return f"Translate this German sentence to English. Answer with the translation only.\n\n{self._german(row)}"

    def answer(self, row: Row) -> str:
        """The English sentence."""
        return f" {row['translation']['en']}"

    def reference(self, row: Row) -> str:
        """The English sentence."""
        return row["translation"]["en"]

    def score(self, examples: Sequence[Example], texts: Sequence[str]) -> Scores:
        """BLEU and chrF.

        Per example these are sentence-level figures, whose mean is not the set's figure.
        """
        answers = [self.clean(example, text).strip() for example, text in zip(examples, texts, strict=True)]
        return compared("translation", answers, [[example.reference] for example in examples])

    def _german(self, row: Row) -> str:
        return row["translation"]["de"]
