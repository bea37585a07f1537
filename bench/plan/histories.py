"""Pool files in a run: a saved pool for every prompt, or the pool of a warm run written down."""

import os
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from bench.console.disk import writing
from bench.plan.cases import Case
from bench.plan.methods import METHODS
from bench.plan.prompts import Prompts
from bench.plan.settings import Plan
from decoding.decoder import Decoder
from decoding.errors import UserError
from decoding.phrase_pool import PhrasePool
from ouroboros.pool_file import PoolFile, vocabulary_digest

NO_POOL = "method {} keeps no phrase pool: pool files are for ouroboros and lookahead (a case may say history: cold)"


def load_history(path: str, config: Any, decoder: Decoder, tokenizer: PreTrainedTokenizerBase) -> PoolFile:
    """A pool file for a method of these settings. Raises UserError where file and method do not fit."""
    _pool(decoder, config.name)
    loaded = PoolFile.load(Path(path))
    loaded.require(Path(path), config.ngram, vocabulary_digest(tokenizer.get_vocab()))
    return loaded


def require_savable(path: str, case: Case) -> None:
    """Raise UserError, before anything is measured, where a pool cannot be saved at `path`."""
    if not case.method.saves_state:
        raise UserError(NO_POOL.format(case.config.name))
    drafter = getattr(getattr(case.config, "drafter", None), "name", None)
    if drafter and METHODS[drafter].keeps_history:
        raise UserError(f"save_history keeps the phrase pool alone, but drafter {drafter} learns too: leave one out")
    file = Path(path)
    existing = next(folder for folder in [file, *file.parents] if folder.exists())
    if file.is_dir() or (existing != file and not existing.is_dir()) or not os.access(existing, os.W_OK):
        raise UserError(f"cannot write save_history={path}: name a file in a folder that can be written")


def is_saved(path: str, case: Case, passes: int) -> bool:
    """Whether the file holds the pool of this very case after as many passes."""
    try:
        made_by = PoolFile.load(Path(path)).made_by
    except UserError:
        return False
    return (made_by.get("run"), made_by.get("passes")) == (case.folder.name, passes)


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
        "run": case.folder.name,
        "passes": plan.settings.repeats,
    }
    pool = _pool(decoder, case.config.name)
    file = PoolFile.of(pool, case.config.ngram, vocabulary_digest(tokenizer.get_vocab()), made_by)
    with writing(Path(path)):
        file.save(Path(path))


def _pool(decoder: Decoder, name: str) -> PhrasePool:
    pool = getattr(decoder, "pool", None)
    if pool is None:
        raise UserError(NO_POOL.format(name))
    return pool
