"""Figures of another machine pass where their last digits differ, and wrong ones do not."""

import pytest
from close import csv_differences, differences, printed_differences

FIGURES = {"speedup": {"value": 1.5, "low": None}, "steps": [1, 2], "rates": [0.25, float("inf")], "name": "a"}


def changed(**changes):
    return FIGURES | changes


@pytest.mark.parametrize(
    ("other", "count"),
    [
        (changed(), 0),
        (changed(speedup={"value": 1.5 + 1e-12, "low": None}), 0),
        (changed(speedup={"value": 1.5 + 1e-8, "low": None}), 1),
        (changed(speedup={"value": None, "low": 1.5}), 2),
        (changed(speedup={"value": 1.5}), 1),
        (changed(steps=[1, 3]), 1),
        (changed(steps=[1.0, 2]), 1),
        (changed(steps=[1]), 1),
        (changed(rates=[0.25, 1e300]), 1),
        (changed(name="b"), 1),
        ({"speedup": None}, 2),
    ],
)
def test_values(other, count):
    assert len(list(differences(other, FIGURES))) == len(list(differences(FIGURES, other))) == count


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ('name,value\n"a, b",1.2500000000001\nc,7\n', 0),
        ('name,value\n"a, b",1.25001\nc,7\n', 1),
        ('name,value\n"a, b",1.25\nc,8\n', 1),
        ('name,value\n"a, b",\nc,7\n', 1),
        ('name,value\n"a, b",1.25\n', 1),
        ('name,value,more\n"a, b",1.25,\nc,7,\n', 3),
    ],
)
def test_csv_files(other, count):
    assert len(list(csv_differences(other, 'name,value\n"a, b",1.25\nc,7\n'))) == count


@pytest.mark.parametrize(
    ("other", "count"),
    [
        ("| a | 1.23 [0.88, 2] | 45% |", 0),
        ("| a | 1.22 [0.88, 2] | 45% |", 0),  # of 1.225
        ("| a | 1.23 [0.88, 2] | 44% |", 0),  # of 44.5%
        ("| a | 1.23 [0.89, 2] | 45% |", 1),
        ("| a | 1.21 [0.88, 2] | 45% |", 1),
        ("| a | 1.2 [0.88, 2] | 45% |", 1),
        ("| b | 1.23 [0.88, 2] | 45% |", 1),
        ("| a | **1.23** [0.88, 2] | 45% |", 1),
    ],
)
def test_printed_texts(other, count):
    text = "| a | 1.23 [0.88, 2] | 45% |"
    assert len(list(printed_differences(other, text, [1.225, 0.881, 0.445]))) == count
