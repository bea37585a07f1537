"""State files in a run.

What was learned elsewhere is loaded for every prompt, or what a warm run learned is written down.
"""

import os
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from bench.console.disk import writing
from bench.plan.case import Case
from bench.plan.methods import METHODS
from bench.plan.prompts import Prompts
from bench.plan.settings import Plan
from decoding.decoder import StatefulDecoder
from decoding.errors import UserError, naming
from decoding.state_file import StateFile, vocabulary_digest


def load_history(path: str, name: str, decoder: StatefulDecoder, tokenizer: PreTrainedTokenizerBase) -> None:
    """Let the decoder of method `name` begin every prompt with what the file holds.

    Raises:
        UserError: file, method and tokenizer do not fit.
    """
    _require_stateful(name)
    file = StateFile.load(Path(path))
    with naming(path):
        decoder.load_state(file.state)
    file.require_tokenizer(tokenizer.get_vocab(), Path(path))


def require_savable(path: str, case: Case) -> None:
    """Raise UserError where what is learned cannot be saved at `path`.

    This is asked before anything is measured.
    """
    _require_stateful(case.config.name)
    for role in METHODS[case.config.name].within:
        inner = getattr(getattr(case.config, role), "name", None)
        if inner and METHODS[inner].keeps_history:
            raise UserError(
                f"save_history keeps what {case.config.name} learns, but its {role} {inner} learns too: leave one out"
            )
    file = Path(path)
    existing = next(folder for folder in [file, *file.parents] if folder.exists())
    if file.is_dir() or (existing != file and not existing.is_dir()) or not os.access(existing, os.W_OK):
        raise UserError(f"cannot write save_history={path}: name a file in a folder that can be written")


def is_saved(path: str, case: Case, passes: int) -> bool:
    """Whether the file holds what this very case has learned after as many passes."""
    try:
        made_by = StateFile.load(Path(path)).made_by
    except UserError:
        return False
    return (made_by.get("run"), made_by.get("passes")) == (case.folder.name, passes)


def save_history(
    path: str, case: Case, decoder: StatefulDecoder, tokenizer: PreTrainedTokenizerBase, plan: Plan, prompts: Prompts
) -> None:
    """Write down what the method has learned in its last pass."""
    made_by = {
        "method": case.identity.method,
        "task": plan.task.name,
        "model": plan.model.label,
        "data": plan.data.source,
        "split": prompts.rows.split,
        "prompts": len(prompts.examples),
        "run": case.folder.name,
        "passes": plan.settings.repeats,
    }
    file = StateFile(decoder.save_state(), vocabulary_digest(tokenizer.get_vocab()), made_by)
    with writing(Path(path)):
        file.save(Path(path))


def _require_stateful(name: str) -> None:
    if not METHODS[name].saves_state:
        known = " and ".join(each for each, method in METHODS.items() if method.saves_state)
        raise UserError(
            f"method {name} learns nothing that can be saved; {known} do, and a case of a panel may say history: cold"
        )
