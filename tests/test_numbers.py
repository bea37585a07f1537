"""The number in a model's answer: a table of strings with their strict and their flexible value."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from tasks import TASKS
from tasks.numbers import last_number, marked_number
from tasks.sources import BUNDLED

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

# After a mark and at the end of a sentence these say the same number; `#### ` or "It is " is put
# before them.
NUMBERS = {
    "18": 18, "18.": 18, "18.0": 18, "18.00.": 18, "-3": -3, "+3": 3, "\u22123": -3, "$18": 18, "$ 18": 18,
    "$-3": -3, "-$3": -3, "\u2212$3": -3, "$\u22123": -3, "-$ 3": -3, "€18": 18, "£18.50": "18.5", "\\$18": 18,
    "-\\$18": -18, "**18**": 18, "**18.**": 18, "**$18**": 18, "*18*": 18, "`18`": 18, "__18__": 18, "$18$": 18,
    "$\\$18$": 18, "\\(18\\)": 18, "\\[18\\]": 18, "(18)": 18, "= 18": 18, ".75": "0.75", "-.75": "-0.75",
    "$.75": "0.75", "0.75": "0.75", "1e3": 1000, "1.5e-2": "0.015", "2E+2": 200, "1,000": 1000,
    "1,234,567.5": "1234567.5", "$1,234.50": "1234.5", "1,00,000": 100000, "1\u2009000": 1000,
    "1\u202f234\u202f567": 1234567, "1\u00a0000": 1000, "1{,}000": 1000, "1\\,000": 1000, "1,\\!000": 1000,
    "18%": 18, "18\\%": 18, "18 %": 18, "3/4": "0.75",
    "-3/4": "-0.75", "2 1/2": "2.5", "\\frac{3}{4}": "0.75", "\\dfrac{1}{2}": "0.5", "\\boxed{18}": 18,
    "\\boxed{-3}": -3, "\\boxed{\\$18}": 18, "\\boxed{\\text{18}}": 18, "\\boxed{\\text{18 dollars}}": 18,
    "$\\boxed{18}$": 18, "\\boxed{18}.": 18, "\\boxed{\\frac{3}{4}}": "0.75", "\\boxed{1{,}000}": 1000,
    "**\\boxed{18}**": 18, "\\boxed{18\\text{ apples}}": 18, "\\boxed{18": 18, "18 dollars": 18, "18cm": 18, "18°": 18,
    "2\\frac{1}{2}": "2.5", "2 \\dfrac{1}{2}": "2.5", "\\boxed{1\\frac{1}{2}}": "1.5", "\u20133": -3, "\u20113": -3,
    "\ufe633": -3, "\uff0d3": -3, "\u2013$3": -3, "US$18": 18, "-US$18": -18, '"18"': 18, "\u201c18\u201d": 18,
    "18, since it doubles": 18, "0018": 18, "1234567": 1234567, "١٨": 18,
}  # fmt: skip

# Texts with their strict and flexible value. Where these differ, the reason.
TEXTS = [
    ("9 * 2 = 18\n#### 18", 18, 18, ""),
    ("####18", 18, 18, ""),
    ("####\n18", 18, 18, ""),
    ("#### 18\n", 18, 18, ""),
    ("#### 18\nI checked it in 2 ways.", 18, 18, ""),
    ("#### 1. Add\n9 + 9\n#### 2. Check\nfine\n#### 18", 18, 18, ""),
    ("#### **1. Add**\n#### **2.** Check\n#### **18**", 18, 18, ""),
    ("#### 1) Add\n#### 2: Check\n#### 18", 18, 18, ""),
    ("#### 1.Add\n#### Step 2: 5 + 3\n#### 18.", 18, 18, ""),
    ("#### 2 steps are left\n#### 18", 18, 18, ""),
    ("#### 1. Add\nThat gives 18.", None, 18, "the number of a heading is not marked as the answer"),
    ("#### Step 2\nThat gives 18.", None, 18, "a heading's word stands between mark and number"),
    ("#### Answer: 18", None, 18, "a word stands between mark and number"),
    ("#### 17 or 18", 17, 18, "the mark's number comes first, the last one last"),
    ("#### 18 of 20", 18, 20, "the same"),
    ("#### 17\nNo, wrong.\n#### 18", 17, 18, "an answer ends at its first mark; a correction is flexible's"),
    ("#### 3-5", None, 5, "a range is no number; its end is the last one"),
    ("#### 3 - 5", None, 5, "the same"),
    ("#### 3–5 apples", None, 5, "the same"),
    ("#### 50%-60%", None, 60, "the same"),
    ("#### 5 \u2013 8 = 3", 3, 3, ""),
    ("<think>\n#### 17\n</think>\n#### 18", 18, 18, ""),
    ("<think>\\boxed{17}?</think>It is 18.", None, 18, "no mark"),
    ("so 17.\n</think>\n\nThe answer is 18.", None, 18, "no mark"),
    ("#### 3 to 5", 3, 5, "a range in words reads as a number with more after it"),
    ("#### 3:30", None, 30, "a time is no number"),
    ("#### 3,5", None, 5, "not handled: a European decimal"),
    ("#### 1.234,56", None, 56, "not handled: the same"),
    ("#### 5 + 3 = 8", 8, 8, ""),
    ("#### 5 * 3 = 15", 15, 15, ""),
    ("#### 18 / 3 = 6", 6, 6, ""),
    ("#### 8 - 5 = $3", 3, 3, ""),
    ("#### 18/3 = **6** boxes", 6, 6, ""),
    ("#### (5 + 3) * 2 = 8 * 2 = 16.", 16, 16, ""),
    ("#### \\boxed{5 + 3 = 8}", 8, 8, ""),
    ("#### 10 / 4 ≈ 2.5", "2.5", "2.5", ""),
    ("#### 5 + 3 = 8\n#### 18", 18, 18, ""),
    ("#### 18 (17 + 2 = 19, less 1)", 18, 1, "a remark in brackets is not what is marked"),
    ("#### 18 = 9 * 2", 18, 2, "after the equals sign stands no result"),
    ("#### 2. Add: 5 + 3 = 8", None, 8, "a heading's number and what it reckons are not marked as the answer"),
    ("### 18", None, 18, "three hashes are no mark"),
    ("#### x = 18", None, 18, "a letter stands between mark and number"),
    ("So it is $18.", None, 18, "no mark"),
    ("The answer is 18.", None, 18, "no mark"),
    ("The answer is 18. I checked it in 2 ways.", None, 18, "no mark"),
    ("The answer is x = 18. I checked it in 2 ways.", None, 18, "no mark"),
    ("The answer is 9 * 2 = 18 dollars.", None, 18, "no mark"),
    ("Answer: 48/2 = 24 clips in May.\nIn total 48 + 24 = 72 clips.", None, 72, "no mark; a calculation goes on"),
    ("Answer: 9 * 2\nThat is 18.", None, 18, "the same"),
    ("Answer: 9 dollars, and 9 + 9 = 18.", None, 18, "the same"),
    ("**Answer:** Step 1: 9 clips.\nStep 2: 18 clips.", None, 18, "no mark; a word before the number"),
    ("**Answer:** Step 1: add.\nIt is 18", None, 18, "the same"),
    ("The answer is found in 2 steps.\nIt is 18", None, 18, "the same"),
    ("The answer is that in 2 days she earns $30.", None, 30, "the same"),
    ("Answer: 2 days bring her $30.", None, 30, "no mark; the sentence goes on to another number"),
    ("Answer: 5 friends share the cake equally.\nEach has 3.", None, 3, "no mark; more than a unit after the number"),
    ("Answer: 1. Add 9. 2. Double it: 18", None, 18, "no mark; the number of a list's first item"),
    ("Answer: 1,2,3", None, 3, "no mark; a list does not end at its first number"),
    ("Answer: 1.\nI checked it in 2 ways.", None, 1, "no mark"),
    ("**Answer: $18.**\nThis took 2 steps.", None, 18, "no mark"),
    ("The answer is **18** dollars per day.\n(2 steps)", None, 18, "no mark"),
    ("The answer is 18\\text{ km/h}!\n(2 steps)", None, 18, "no mark"),
    ("Answer: 18% (9 * 2 = 18), in 2 steps", None, 18, "no mark; a remark in brackets is not calculated with"),
    ("Answer: 18, in 2 steps", None, 18, "no mark"),
    ("Answer: 17\nNo. Answer: 18\n(2 steps)", None, 18, "no mark; the last said one"),
    ("**Answer:** 18\n\n(2 steps)", None, 18, "no mark"),
    ("The final answer is: $\\boxed{18}$, in 2 steps.", None, 18, "no mark"),
    ("\\boxed{17}, no, \\boxed{x = 18} by 2 steps", None, 18, "no mark"),
    ("\\boxed{18 \\text{ of } 20 \\text{ for } \\{3\\}} 5", None, 3, "no mark; a box's last number, braces balanced"),
    ("\\boxed{\\text{none}} but 18", None, 18, "no mark; a box without a number says nothing"),
    ("She has 8 - 5", None, 5, "no mark; a minus with a space takes away"),
    ("She has 8-5", None, 5, "no mark; a minus after a digit takes away"),
    ("She has 3 - $5", None, 5, "the same"),
    ("2*(3)-5", None, 5, "the same after a bracket"),
    ("It is -5", None, -5, "no mark"),
    ("1, 2, 3", None, 3, "no mark"),
    ("1,2,3", None, 3, "no mark; digits in ones are no thousands"),
    ("No.5", None, 5, "no mark; a full stop before a digit is no decimal point after a letter"),
    ("It is 18.5.7 then", None, 7, "no mark"),
    ("3/0", None, 3, "no mark; nothing is divided by zero"),
    ("5 million", None, 5, "not handled: magnitudes"),
    ("10^3", None, 3, "not handled: powers"),
    ("1 000", None, 0, "not handled: a plain space may as well stand between two numbers"),
    ("eighteen", None, None, ""),
    ("#### none", None, None, ""),
    ("", None, None, ""),
]


def decimal(value):
    return None if value is None else Decimal(value)


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_a_number_is_read_alike_marked_and_last(text, value):
    assert marked_number(f"He has 7.\n#### {text}") == decimal(value)
    assert last_number(f"He has 7. It is {text}") == decimal(value)
    assert last_number(f"#### {text}") == decimal(value)


@pytest.mark.parametrize(("text", "strict", "flexible", "reason"), TEXTS)
def test_strict_and_flexible_readings(text, strict, flexible, reason):
    assert (marked_number(text), last_number(text)) == (decimal(strict), decimal(flexible))
    assert bool(reason) == (strict != flexible), "where they differ the table says why"


@pytest.mark.parametrize("source", [BUNDLED, DATA], ids=["bundled", "real"])
def test_every_reference_is_its_row_s_number(source):
    files = sorted((source / "gsm8k").glob("*.jsonl"))
    if not files:
        pytest.skip(f"{source}/gsm8k is not there")
    task = TASKS["gsm8k"]()
    for file in files:
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            expected = Decimal(row["answer"].rsplit("####", 1)[1].replace(",", "").replace("$", "").strip())
            assert marked_number(row["answer"]) == last_number(row["answer"]) == expected
            assert re.fullmatch(r"#### -?\d+(\.\d+)?", task.reference(row))
            assert marked_number(task.reference(row)) == last_number(task.reference(row)) == expected
