"""Entry point of `python -m bench.report`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.report.tables:main")
