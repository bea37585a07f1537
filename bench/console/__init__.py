"""In: what a user types. Out: overrides for Hydra, the jobs of a sweep, an error in one line."""
