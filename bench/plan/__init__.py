"""In: a composed config. Out: typed settings, the prompts, and the cases to measure."""
