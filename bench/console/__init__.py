"""In: what a user types and reads. Out: overrides that Hydra takes, a job for each of a sweep, an error in one line."""
