"""python -m bench: measures a decoding method beside greedy decoding, checks its outputs, and reports."""
