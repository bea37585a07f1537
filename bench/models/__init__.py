"""In: where a pair of models lies. Out: the pair as decoders see it, with what it takes and what is odd about it."""
