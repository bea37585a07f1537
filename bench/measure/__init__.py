"""In: cases and a loaded pair. Out: one judged record for every generation, on disk before the next begins."""
