"""In: a composed config. Out: typed settings, the prompts, and the cases that are to be measured."""
