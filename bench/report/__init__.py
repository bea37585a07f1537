"""In: records and summaries on disk. Out: every figure, as summaries, tables, warnings and drawings."""
