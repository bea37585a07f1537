"""Entry point of `python -m bench.engine`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.cli:main", "bench.engine_job:run", "engine")
