"""Entry point of `python -m bench`."""

from bench.entry import enter

if __name__ == "__main__":
    enter("bench.cli:main")
