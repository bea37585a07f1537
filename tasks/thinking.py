"""A model's answer without the thinking before it."""

import re

_TAG = r"(?:think|thinking|thought|reasoning)>"
_CLOSED = re.compile(rf"^[ \t]*<{_TAG}.*?</{_TAG}", re.DOTALL | re.MULTILINE | re.IGNORECASE)
# An end whose beginning is not here: at the start of a line, after a sentence's end, or at the end
# of a line that is no comment. Elsewhere, and beside quotation marks, an answer or its code speaks
# of the tag.
_CLOSING = re.compile(
    rf"(?:^[ \t]*|[.!?…)\]}}*][ \t]*|^(?![ \t]*#)[^\n]*(?=</{_TAG}[ \t]*$))(?<![\"'`])</{_TAG}(?![\"'`\\])",
    re.MULTILINE | re.IGNORECASE,
)
_OPEN = re.compile(rf"^[ \t]*<{_TAG}", re.MULTILINE | re.IGNORECASE)


def without_thinking(text: str) -> str:
    """The answer after its thinking.

    A chat template may have opened the thinking in the prompt, so that only its end is here.
    Thinking that never ends has no answer after it.
    """
    text = _CLOSED.sub("", text)
    closings = list(_CLOSING.finditer(text))
    text = text[closings[-1].end() :] if closings else text
    opened = _OPEN.search(text)
    return text[: opened.start()] if opened else text
