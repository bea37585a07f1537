"""How a text is quoted on the command line, for the shell and for Hydra."""

import re
import shlex


def quoted(key: str, text: str) -> str:
    """`key=text` in quotes for Hydra, and those in quotes for the shell."""
    # A backslash before a quote, or at the end, would be taken for one that keeps the quote from
    # ending the text.
    escaped = re.sub(r'(\\*)("|$)', lambda found: 2 * found[1] + ('\\"' if found[2] else ""), text)
    return shlex.quote(f'{key}="{escaped}"')


def advice(override: str) -> list[str]:
    """What to type instead of an override whose value was not read as a text.

    [] where it has no value.
    """
    key, equals, value = override.partition("=")
    if not equals or not re.fullmatch(r"[+~\w./@:-]+", key):
        return []
    return [f"a text with such signs stands in two pairs of quotes: {quoted(key, value)}"]
