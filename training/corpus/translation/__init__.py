"""A small German-English grammar: words, inflection, clauses, and patterns of sentences."""
