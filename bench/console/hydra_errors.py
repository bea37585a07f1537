"""What is wrong with a command line that Hydra cannot compose, in one line of our own words."""

import re
from collections.abc import Callable

from hydra.errors import OverrideParseException

from bench.console.quoting import advice

# Lines of an error that are of no use here, or advise `+key`, which the typed settings refuse.
UNWANTED = (
    "To append to your config", "full_key:", "object_type=", "reference_type=", "See https://", "provider=",
    "Config search path",
)  # fmt: skip
SEVERAL = re.compile(r"Ambiguous value for argument '(?P<typed>.*)'$")
# No setting of that name, and nothing to delete there; Hydra does not tell null from absent.
UNKNOWN = re.compile(r"Could not override '(?P<key>[\w./]+)'")
ABSENT = re.compile(r"Could not delete from config\. '(?P<key>.*)' does not exist")
UNCHOSEN = re.compile(r"Could not delete '(?P<key>.*)'\. No match in the defaults list")


def in_words(error: Exception, renamed: Callable[[str], list[str]]) -> str:
    """One line.

    Args:
        error: of Hydra or OmegaConf, or our own.
        renamed: what there is to say of a setting that had another name once; [] for any other.
    """
    causes = [error, error.__cause__] if error.__cause__ else [error]
    lines = [line.strip() for cause in causes for line in str(cause).splitlines()]
    kept = [line for line in lines if line and not line.startswith(UNWANTED)]
    first = kept[0] if kept else ""
    if isinstance(error, OverrideParseException):
        # What the grammar says; the error itself draws an arrow below the override.
        reason = str(error.__context__ or error).splitlines()[0]
        kept = [f"cannot read the override {error.override!r}:", "; ".join([reason, *advice(error.override)])]
    elif found := SEVERAL.match(first):
        typed = found["typed"]
        kept = [f"{typed} holds several values: give -m to run one after the other, brackets for a list;"]
        kept += advice(typed)
    elif found := UNKNOWN.match(first):
        kept = renamed(found["key"]) or [f"{found['key']} is no setting: {_shown(found['key'])}"]
    elif found := ABSENT.match(first):
        absent = f"~{found['key']}: there is no such setting, or it is null already: {_shown(found['key'])}"
        kept = renamed(found["key"]) or [absent]
    elif found := UNCHOSEN.match(first):
        kept = [f"~{found['key']}: that is not chosen here"]
    return " ".join(dict.fromkeys(kept)) or type(error).__name__


def _shown(key: str) -> str:
    """How to see what there is."""
    return f"--cfg {'hydra' if key.startswith('hydra') else 'job'} shows what there is"
