"""News articles by theme: every module holds a few families in its `FAMILIES`."""
