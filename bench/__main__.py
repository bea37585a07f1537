"""Entry point of `python -m bench`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.cli:main")
