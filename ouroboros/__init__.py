"""Ouroboros (arXiv 2402.13720): phrase by phrase drafting, longer drafts, and a pool that learns from verification.

For use outside the harness: `generate` inside transformers' model.generate(), `decode` as a stream of tokens.
"""

from ouroboros.library import decode, generate
from ouroboros.method import Config, new_pool

__all__ = ["Config", "decode", "generate", "new_pool"]
