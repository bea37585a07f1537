"""Entry point of `python -m bench.html`."""

from bench.console.entry import enter

if __name__ == "__main__":
    enter("bench.report.arguments:html")
