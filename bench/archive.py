"""Entry point of `python -m bench.archive`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.report.archive:main")
