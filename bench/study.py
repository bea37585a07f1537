"""Entry point of `python -m bench.study`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.report.study:main")
