"""A pool kept in a file, for programs.

The harness has history_file and save_history, and the very same files.
"""

from dataclasses import asdict
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from baselines.phrase_pool import PhrasePool
from baselines.pool_state import PoolState
from decoding.errors import naming
from decoding.state_file import StateFile, vocabulary_digest
from ouroboros.method import Config, new_pool, require_phrase_length


def load_pool(path: Path | str, tokenizer: PreTrainedTokenizerBase, method: Config | None = None) -> PhrasePool:
    """A pool for `generate` and `decode` with what the file holds.

    Per key it holds as many phrases as its capacity in `method` allows.

    Raises:
        UserError: the file cannot be read, or was made with another N or another tokenizer.
    """
    method = method or Config()
    file = StateFile.load(Path(path))
    with naming(path):
        state = PoolState.read(file.state, method.ngram)
    file.require_tokenizer(tokenizer.get_vocab(), Path(path))
    pool = new_pool(method)
    state.fill(pool)
    return pool


def save_pool(
    pool: PhrasePool, path: Path | str, tokenizer: PreTrainedTokenizerBase, method: Config | None = None
) -> None:
    """Write down what `pool` has learned, for `load_pool` or history_file.

    Args:
        pool: the phrases.
        path: the file, which is written as a whole or not at all.
        tokenizer: the target's, which the file is bound to.
        method: the settings the pool learned with. None for the published ones.

    Raises:
        UserError: the pool was made for another N.
        OSError: the file cannot be written.
    """
    method = method or Config()
    require_phrase_length(pool, method)
    state = PoolState.of(pool, method.ngram).plain()
    StateFile(state, vocabulary_digest(tokenizer.get_vocab()), {"method": asdict(method)}).save(Path(path))
