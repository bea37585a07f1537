"""In: records and summaries. Out: every figure, in summaries, tables, warnings and drawings."""
