"""Pool files in a run: a saved pool for every prompt, or the pool of a warm run written down."""

from pathlib import Path

from transformers import PreTrainedTokenizerBase

from bench.cases import Case
from bench.prompts import Prompts
from bench.settings import Plan
from decoding.decoder import Decoder
from decoding.errors import UserError
from decoding.phrase_pool import Phrase, PhrasePool
from ouroboros.pool_file import PoolFile, vocabulary_digest


def load_history(
    path: str, case: Case, decoder: Decoder, tokenizer: PreTrainedTokenizerBase
) -> dict[int, list[Phrase]]:
    """The phrases of a pool file for `case`. Raises UserError where file and method do not fit."""
    _pool(decoder, case)
    loaded = PoolFile.load(Path(path))
    loaded.require(Path(path), case.config.ngram, vocabulary_digest(tokenizer.get_vocab()))
    return dict(loaded.phrases)


def save_history(
    path: str, case: Case, decoder: Decoder, tokenizer: PreTrainedTokenizerBase, plan: Plan, prompts: Prompts
) -> None:
    """Write down what the method has learned in its last pass."""
    made_by = {
        "method": case.identity["method"],
        "task": plan.task.name,
        "model": plan.model.label,
        "data": plan.data.source,
        "split": prompts.rows.split,
        "prompts": len(prompts.examples),
    }
    phrases = _pool(decoder, case).phrases()
    PoolFile(case.config.ngram, vocabulary_digest(tokenizer.get_vocab()), phrases, made_by).save(Path(path))


def _pool(decoder: Decoder, case: Case) -> PhrasePool:
    pool = getattr(decoder, "pool", None)
    if pool is None:
        raise UserError(f"method {case.config.name} keeps no phrase pool: pool files are for ouroboros and lookahead")
    return pool
