"""Ouroboros (arXiv 2402.13720): phrase by phrase drafting, longer drafts, and a pool that learns.

The pool learns from verification. For use outside the harness: `generate` inside transformers'
model.generate(), `decode` as a stream of tokens and `TextStream` for their text; `new_pool` makes a
phrase pool for several calls, `save_pool` and `load_pool` keep it in a file. `UserError` is what a
wrong setting or a model that cannot be used raises.
"""

from decoding.errors import UserError
from decoding.text import TextStream
from ouroboros.library import decode, generate
from ouroboros.method import Config, new_pool
from ouroboros.pool_file import load_pool, save_pool
from ouroboros.settings import DraftingConfig, LearningConfig, PoolConfig

__all__ = [
    "Config",
    "DraftingConfig",
    "LearningConfig",
    "PoolConfig",
    "TextStream",
    "UserError",
    "decode",
    "generate",
    "load_pool",
    "new_pool",
    "save_pool",
]
