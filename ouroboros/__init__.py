"""Ouroboros (arXiv 2402.13720): phrase by phrase drafting, longer drafts, and a pool that learns from verification."""
