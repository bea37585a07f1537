"""The Markdown of a model's answer: fenced blocks apart from the text around them."""

import re
from dataclasses import dataclass

from tasks.python_source import dedented, parsed

PYTHON = frozenset({"python", "python3", "py", "py3"})
MARKDOWN = frozenset({"markdown", "md"})

_FENCE = re.compile(r"(?P<before>[^`~]*)(?P<fence>`{3,}|~{3,})(?P<info>.*)")
_ONE_LINE = re.compile(r"[ \t]*(`{3,})(?P<info>[^`]+?)[ \t]*\1[ \t]*")
# A fence may stand in a quotation or be the first thing of a list's item.
_MARGIN = re.compile(r"(?:[ \t]|>|[-*+][ \t]|\d+[.)][ \t])*")
_QUOTE = re.compile(r"[ \t]*(?:> ?)+")
_CODE = re.compile(r"(?:async\s+def|def|class|import|from|return|for|while|if|with)\s|@\w|\w+\s*=[^=]")
# Ends of a block that are tried; with all of them the time for a long answer would grow with its
# cube.
TRIES = 40
_LANGUAGE = re.compile(r"\s*\{?\.?(?P<name>[\w+#-]*)(?P<rest>.*)")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: its tag in lower case, "" without one.
        code: its lines, as far left as they go.
    """

    language: str
    code: str


def split_blocks(text: str) -> tuple[list[Block], str]:
    """The fenced blocks of a text in order, and the text around them.

    A fence closes at the start of a line only, and no deeper than it was opened, so that a fence in
    a docstring is code. Where the block thus found is no Python, another end is taken with which it
    is; the last may never close.
    """
    lines, blocks, outside, index = text.split("\n"), [], [], 0
    while index < len(lines):
        line = lines[index]
        index += 1
        single, found = _ONE_LINE.fullmatch(line), _FENCE.fullmatch(line)
        if single:
            blocks.append(_block(*_tagged(single["info"]), []))
        elif not found or not _opens(found):
            outside.append(line)
        else:
            language, code = _tagged(found["info"])
            end, after = _end(found, language, code, lines, index)
            block = _block(language, code, _inside(found, lines[index:end], after))
            blocks += split_blocks(block.code)[0] if language in MARKDOWN else [block]
            index = end + (after is not None)
    return blocks, "\n".join(outside)


def _opens(found: re.Match[str]) -> bool:
    """Whether a fence opens a block.

    It does so at the start of a line, or at the end of one of prose with a mere tag.
    """
    if "`" in found["info"] and found["fence"][0] == "`":
        return False
    return bool(_MARGIN.fullmatch(found["before"]) or re.fullmatch(r"[\w+#-]*\s*", found["info"]))


def _tagged(info: str) -> tuple[str, str]:
    """(language, code) that stand on a fence's line."""
    info = info.strip()
    if _CODE.match(info):
        return "", info
    found = _LANGUAGE.match(info)
    rest = found["rest"].strip()
    return found["name"].lower(), rest if _CODE.match(rest) and found["rest"][0].isspace() else ""


def _end(found: re.Match[str], language: str, code: str, lines: list[str], start: int) -> tuple[int, str | None]:
    """(the line that ends the block, what that line holds of it).

    None in place of the latter at the text's end.
    """
    fence, depth = found["fence"], _width(found["before"]) if _MARGIN.fullmatch(found["before"]) else 0
    closing = re.compile(rf"(?P<before>[ \t>]*){fence[0]}{{{len(fence)},}}[ \t]*")
    ends: list[tuple[int, str | None]] = []
    others: list[tuple[int, str | None]] = []
    for index in range(start, len(lines)):
        closed = closing.fullmatch(lines[index])
        if closed and _width(closed["before"]) <= depth + 3:
            ends.append((index, ""))
        elif closed or lines[index].rstrip().endswith(fence):
            others.append((index, lines[index].rstrip().rstrip(fence[0])))
        elif lines[index].lstrip().startswith(fence):
            others.append((index - 1, None))
    first = ends[0] if ends else (len(lines), None)
    if language and language not in PYTHON:
        return first
    candidates = [*sorted({*ends, *others}, key=lambda each: each[0])[:TRIES], (len(lines), None)]
    for end, after in [first, *candidates]:
        # A None before the text's end: the next block opens there, and this one was never closed.
        stop = end + 1 if after is None and end < len(lines) else end
        if parsed(_block(language, code, _inside(found, lines[start:stop], after)).code):
            return stop, after if stop == end else None
    return first


def _inside(found: re.Match[str], lines: list[str], after: str | None) -> list[str]:
    """The lines of a block without the quotation's marks and the indentation of its fence."""
    lines = [*lines, after] if after else lines
    if ">" in found["before"]:
        lines = [_QUOTE.sub("", line, count=1) for line in lines]
    depth = _width(found["before"]) if _MARGIN.fullmatch(found["before"]) else 0
    return [re.sub(rf"^ {{0,{depth}}}", "", line) for line in lines]


def _block(language: str, code: str, lines: list[str]) -> Block:
    if not language and not code and lines and lines[0].strip().lower() in PYTHON:
        language, lines = lines[0].strip().lower(), lines[1:]  # a tag that slipped into the next line
    text = "\n".join([code, *lines] if code else lines)
    return Block(language, dedented(f"{text}\n"))


def _width(margin: str) -> int:
    return len(margin.expandtabs(4))
