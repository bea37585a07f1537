"""The text of every token of an output, as far as this machine can tell it."""

from collections.abc import Sequence
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from bench.models.config import ModelConfig
from bench.models.location import tokenizer_of
from bench.report.collection import Run
from decoding.errors import UserError
from decoding.text import Pieces, TextStream, bytewise, text_of
from tasks.settings import typed


class TokenTexts:
    """Takes outputs apart with a run's tokenizer."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._pieces = Pieces(self._decode) if bytewise(tokenizer) else None

    def of(self, tokens: Sequence[int], text: str) -> list[str] | None:
        """The text of each token; joined they are the output's, or there is no answer.

        Args:
            tokens: of a whole output.
            text: the same in words, as its run recorded it.

        Returns:
            None where this tokenizer decodes the tokens to another text: it is not the run's.
        """
        if self._pieces is not None:
            found = [self._pieces[token] for token in tokens]
            if "".join(found) == text:
                return found
        stream = TextStream(self._tokenizer)
        found = [stream.add(token) for token in tokens]
        if found:
            found[-1] += stream.end()
        # Without its prompt an output begins a text, whose first space some tokenizers drop.
        dropped = text.removesuffix("".join(found))
        if found and dropped.isspace():
            found[0] = dropped + found[0]
        return found if "".join(found) == text else None

    def _decode(self, ids: list[int]) -> str:
        return text_of(self._tokenizer, ids, skip_special_tokens=True)


def token_texts(run: Run) -> TokenTexts:
    """Those of the target that a run's config names.

    Raises:
        UserError: the config or the tokenizer is not there any more.
    """
    if not run.config.get("model"):
        raise UserError("its config.yaml names no model")
    model = typed(ModelConfig, run.config["model"], "model")
    return _loaded(model.target_name, model.revision)


@lru_cache(maxsize=8)
def _loaded(name: str, revision: str | None) -> TokenTexts:
    return TokenTexts(tokenizer_of(name, revision, fetch=False))
