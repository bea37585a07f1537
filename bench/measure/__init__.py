"""In: cases and a loaded pair. Out: a judged record of each generation, on disk before the next."""
