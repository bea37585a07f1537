"""Entry point of `python -m bench.selfcheck`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.selfcheck_job:main")
