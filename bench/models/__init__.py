"""In: where a pair of models lies. Out: the loaded pair, what it takes, what is odd about it."""
