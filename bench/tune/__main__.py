"""Entry point of `python -m bench.tune`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.cli:main", "bench.tune.job:tune", "tune")
