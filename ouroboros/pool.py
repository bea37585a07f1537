"""`python -m ouroboros.pool inspect FILE` shows what a pool file holds.

The package itself never imports this module, or Python would warn of running it twice. Python imports the package,
with torch, before the first line here: help waits for that, and an interrupt until then is Python's own traceback.
"""

import argparse
import sys
from pathlib import Path

from decoding.errors import UserError
from ouroboros.pool_file import PoolFile


def main(arguments: list[str] | None = None) -> int:
    """The command line; exit status 2 for a file that cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m ouroboros.pool", description="Look into pool files.")
    commands = parser.add_subparsers(dest="command", required=True)
    inspect = commands.add_parser("inspect", help="show what a pool file holds and what it is bound to")
    inspect.add_argument("file", type=Path)
    try:
        lines = PoolFile.load(parser.parse_args(arguments).file).describe()
    except UserError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        return 130
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
