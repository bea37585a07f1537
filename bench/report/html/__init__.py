"""In: finished runs. Out: one page for a browser, which needs no other file (docs/html.md)."""
