"""python -m bench: measures a decoding method beside greedy decoding, checks its outputs, and reports."""

# Of summary.json; here, so that what only reads summaries need not load torch.
SCHEMA_VERSION = 1
