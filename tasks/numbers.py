"""The number that a model's answer gives: strictly the marked one, flexibly the one at its end.

Read alike: `1,000`, also with a thin or no-break space and as LaTeX's `1{,}000`; `.75`; `1e3`;
`3/4` and `2 1/2`; any minus, before or after a currency's sign (an en dash where it begins a
number); and the marks of Markdown and LaTeX around a number. Thinking before the answer is left
out. Not read: European decimals (`3,5` is two numbers), words (`eighteen`), magnitudes (`5 million`
is 5), powers (`10^3`), percentages as shares (`25%` is 25), a plain space within a number, lists
without spaces (`100,200` is one number).
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from tasks.thinking import without_thinking

# After a digit or a bracket a minus takes away, and one with a space after it does so everywhere,
# as in 8 - 5.
_SIGN = r"(?:(?<![\w.)}%])-|\+)?"
_CURRENCY = r"(?:(?:(?<![^\W\d_])(?:US|CA|AU?|NZ|HK|S)\$|[$€£¥₹])\s?)?"
_WHOLE = r"(?:\d{1,3}(?:,\d{2,3})*,\d{3}(?!\d)|\d+)"
_PLAIN = rf"(?:{_WHOLE}(?:\.\d+)?|(?<![\w.])\.\d+)(?:[eE][-+]?\d{{1,3}}(?!\w))?"
_OVER = r"(?: (?P<above>\d+)/(?P<below>\d+)|/(?P<divisor>\d+)(?!\.?\d))?"
_NUMBER = re.compile(rf"(?P<sign>{_SIGN}{_CURRENCY}{_SIGN})(?P<value>{_PLAIN}){_OVER}")

_MARK = re.compile(r"####(?!#)(?P<lead>\s*)(?=(?P<line>[^\n]*))")
# What may stand around a number that is alone on its line.
_AROUND = r"[\s*_`~$()\[\]{}=≈:\"“”]*+"
_BEFORE = re.compile(_AROUND)
_AFTER = re.compile(rf"{_AROUND}[%°]?{_AROUND}\.?{_AROUND}")
# `1. Step one`, `2) Add`, `3: Sum`: the number of a heading.
_HEADING = re.compile(r"\\?[.):][*_]*(?:[^\S\n]+\S|[^\W\d_])")
# `3-5`, `3 - 5`, `3:30`, `1.2.3`, `3,5`: a part of something else.
_PART = re.compile(r"(?:[.,:/]?|%?\s*[-–—]\s*)\$?\d")

_SAYS = re.compile(r"\banswer(?:\s+is|\s*[:=])(?P<rest>[^\n]*)", re.IGNORECASE)
_OPENING = re.compile(r"[\s*_`~$()\[\]{}=≈:\"'“]*")
_CLOSING = r"[\s*_`~$)\]}\"'”]*+"
_SENTENCE_END = r"[.;!?](?=[*_`$)\]}\"'”]*(?:\s|$))"
# A unit of up to three words, and then the end of the sentence, of its clause, or of the line.
_UNIT = r"[^\W\d_]++(?:[-/'’][^\W\d_]++)*+[²³]?+"
_ENDING = re.compile(
    rf"{_CLOSING}[%°]?+-?{_CLOSING}(?:{_UNIT}{_CLOSING}){{0,3}}(?:$|{_SENTENCE_END}|,(?!\s*\$?\d)|(?<=\s)\()"
)
_EQUALS = re.compile("[=≈]")
# `x = 18`: what the number is called.
_VARIABLE = re.compile(r"[\s*_`~$(]*[^\W\d]\w*\s*(?==)")
_OPERATION = re.compile(r"\s*[-+*/×÷]\s*[$(]?\d")
# `Answer: 1. Add ... 2. Take`: a list, not the answer 1.
_NEXT_ITEM = re.compile(r"(?<![\w.])2[.):]\s")
_BOX = re.compile(r"\\boxed\s*\{")
_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")
_FRACTION = re.compile(r"\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}")
_MIXED = re.compile(r"(?<=\d)\s*(?=\\[dt]?frac\b)")
_MINUS = re.compile(r"[\u2011\u2212\ufe63\uff0d]|(?<![^\s*_`~$(\[{=])[\u2012\u2013](?=[$€£¥₹.]?\d)")
_SPACED = re.compile(r"(?<=\d)(?:[\u2007\u2009\u00a0\u202f]|\{,\}|,?\\[,;:!])(?=\d{3}(?!\d))")


def marked_number(text: str) -> Decimal | None:
    """The strict reading: the number after `####`, None without one.

    The first mark counts whose line holds a number alone, for what follows it is no part of the
    answer; else the first with a number and more. Of a calculation the number after its last equals
    sign counts. The number of a heading is none, nor is a part of a range or a time.
    """
    marks = list(_marks(_plain(text)))
    return next((value for value, alone in marks if alone), marks[0][0] if marks else None)


def last_number(text: str) -> Decimal | None:
    """The flexible reading of an answer; None without any number.

    The last number that is marked and alone, boxed, or called the answer, in this order of
    preference; else the last number of the text. "The answer is 18 dollars." calls 18 the answer;
    "The answer is that in 2 days" and "Answer: 2 * 9 = 18" do not.
    """
    text = _plain(text)
    marks = [value for value, alone in _marks(text) if alone]
    boxed = [value for value in map(_last, _boxes(text)) if value is not None]
    said = [value for value in map(_said, _SAYS.finditer(text)) if value is not None]
    return next((values[-1] for values in (marks, boxed, said) if values), _last(text))


def _marks(text: str) -> Iterator[tuple[Decimal, bool]]:
    """(the number after each `####`, whether it is alone on its line); other marks are left out."""
    for mark in _MARK.finditer(text):
        line = _TEXT.sub(r" \1 ", _BOX.sub("{", mark["line"]))
        number = _NUMBER.match(line, _BEFORE.match(line).end())
        rest = line[number.end() :] if number else ""
        result = _result(rest)
        if number and not _HEADING.match(rest) and (result or not _PART.match(rest)):
            alone = not result and bool(_AFTER.fullmatch(rest))
            if alone or "\n" not in mark["lead"]:
                yield _value(result or number), alone


def _result(rest: str) -> re.Match[str] | None:
    """The number after the last equals sign of a calculation; a remark in brackets is none."""
    equals = list(_EQUALS.finditer(rest))
    if not equals or rest.count("(", 0, equals[-1].start()) > rest.count(")", 0, equals[-1].start()):
        return None
    number = _NUMBER.match(rest, _BEFORE.match(rest, equals[-1].end()).end())
    return number if number and not _OPERATION.match(rest, number.end()) else None


def _said(sentence: re.Match[str]) -> Decimal | None:
    """The number right after "the answer is".

    It must end its sentence, clause or line without a calculation.
    """
    rest = _TEXT.sub(r" \1 ", sentence["rest"])
    if variable := _VARIABLE.match(rest):
        rest = rest[variable.end() :]
    number = _NUMBER.match(rest, _OPENING.match(rest).end())
    after = rest[number.end() :] if number else ""
    if not number or not _ENDING.match(after) or _calculates(re.split(_SENTENCE_END, after)[0]):
        return None
    listed = number["value"] == "1" and _HEADING.match(after) and _NEXT_ITEM.search(rest)
    return None if listed else _value(number)


def _calculates(text: str) -> bool:
    """Whether a text reckons outside of brackets."""
    text = re.sub(r"\([^)]*\)", "", text)
    return bool(_EQUALS.search(text) or re.search(rf"\d{_OPERATION.pattern}", text))


def _last(text: str) -> Decimal | None:
    """The last number; what LaTeX sets as words counts only where there is no other."""
    for words in (" ", r" \1 "):
        if found := list(_NUMBER.finditer(_TEXT.sub(words, text))):
            return _value(found[-1])
    return None


def _value(number: re.Match[str]) -> Decimal:
    value = Decimal(number["value"].replace(",", ""))
    if number["below"] and int(number["below"]):
        share = Decimal(number["above"]) / Decimal(number["below"])
        value = value + share if share < 1 else share
    elif number["divisor"] and int(number["divisor"]):
        value /= Decimal(number["divisor"])
    return -value if "-" in number["sign"] else value


def _plain(text: str) -> str:
    """The answer with one kind of minus and with commas between thousands.

    Thinking before it and LaTeX's escapes and spaces are gone.
    """
    text = _FRACTION.sub(r"\1/\2", _MIXED.sub(" ", _MINUS.sub("-", without_thinking(text))))
    text = _SPACED.sub(",", text)
    return re.sub(r"\\[,;:!()\[\] ]", " ", re.sub(r"\\(?=[$%#])", "", text))


def _boxes(text: str) -> Iterator[str]:
    """What LaTeX's boxes hold, braces within them balanced.

    A box that is never closed holds the rest.
    """
    for start in (box.end() for box in _BOX.finditer(text)):
        depth, end = 1, start
        while end < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        yield text[start:end]
