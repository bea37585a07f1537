"""A small German-English grammar: words, inflection, clauses, and the sentence patterns built of them."""
