"""Entry point of `python -m bench.agreement`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.cli:main", "bench.agreement_job:run", "agreement")
