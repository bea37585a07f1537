"""Problems about tables: lists of rows of equal length."""

import random

from training.corpus.code.problem import Param, Problem
from training.corpus.code.vocabulary import named, number_change, number_condition

LIST, ROWS = "List[int]", "List[List[int]]"


def _rows(rng: random.Random, square: bool = False) -> Param:
    """A table of two or three rows of equal length."""

    def sample() -> list[list[int]]:
        height = rng.randint(2, 3)
        width = height if square else rng.randint(2, 3)
        return [[rng.randint(0, 12) for _ in range(width)] for _ in range(height)]

    return Param(rng.choice(("matrix", "grid", "table", "rows", "board")), ROWS, sample, one="row")


def row_values(rng: random.Random) -> Problem:
    """A sum, count or product for each row."""
    rows = _rows(rng)
    keep = number_condition(rng, free=rng.random() < 0.4)
    word, start, step, sign = rng.choice(
        (("sum", "0", "x", "+="), ("count", "0", "1", "+="), ("product", "1", "x", "*="))
    )
    local = "total" if word == "sum" else word
    what = {"sum": "sums of the {}", "count": "numbers of {}", "product": "products of the {}"}[word]
    final, kind, told = rng.choice(
        (
            ("result", LIST, "the list of the"),
            ("max(result)", "int", "the largest of the"),
            ("min(result)", "int", "the smallest of the"),
        )
    )
    return Problem(
        names=(f"row_{word}s", named(word, keep.slug, "rows"), f"{word}_by_row"),
        aliases=(f"find_row_{word}s", f"{word}_each_row"),
        params=(rows, *keep.params),
        returns=kind,
        what=f"{told} {what.format(keep.of('elements'))} in the rows of {rows}",
        body=f"""
            result = []
            for row in {rows}:
                {local} = {start}
                for x in row:
                    if {keep.test("x")}:
                        {local} {sign} {step}
                result.append({local})
            return {final}
        """,
    )


def column_values(rng: random.Random) -> Problem:
    """A sum, maximum or minimum for each column."""
    rows = _rows(rng)
    word, code = rng.choice((("sum", "sum(column)"), ("maximum", "max(column)"), ("minimum", "min(column)")))
    change = number_change(rng)
    final, told = rng.choice((("result", "list"), ("result[::-1]", "reversed list"), ("sorted(result)", "sorted list")))
    return Problem(
        names=(f"column_{word}s", f"{word}_by_column"),
        aliases=(f"find_column_{word}s", f"{word}_each_column"),
        params=(rows,),
        returns=LIST,
        what=f"the {told} of the {word}s of the columns of {rows}",
        note=f"use {change.of('the elements')}" if change.slug else "",
        body=f"""
            result = []
            for i in range(len({rows}[0])):
                column = [{change.apply("row[i]")} for row in {rows}]
                result.append({code})
            return {final}
        """,
    )


def flatten_where(rng: random.Random) -> Problem:
    """The changed elements of all rows that pass a condition."""
    rows = _rows(rng)
    keep, change = number_condition(rng), number_change(rng)
    final, kind, told = rng.choice(
        (("result", LIST, "a flat list"), ("sum(result)", "int", "the sum"), ("sorted(result)", LIST, "a sorted list"))
    )
    return Problem(
        names=(f"flatten_{rows}", named("collect", keep.slug), f"{rows}_values"),
        aliases=("flatten_list", f"flatten_{rows}_values"),
        params=(rows, *keep.params),
        returns=kind,
        what=f"{told} of {change.of('the ' + keep.of('elements'))} in all rows of {rows}",
        body=f"""
            result = []
            for row in {rows}:
                for x in row:
                    if {keep.test("x")}:
                        result.append({change.apply("x")})
            return {final}
        """,
    )


def diagonal(rng: random.Random) -> Problem:
    """The changed elements on one line of a square table."""
    rows = _rows(rng, square=True)
    change = number_change(rng)
    where, index = rng.choice(
        (
            ("on the diagonal from the top left", f"{rows}[i][i]"),
            ("on the diagonal from the top right", f"{rows}[i][len({rows}) - 1 - i]"),
            ("in the first column", f"{rows}[i][0]"),
            ("in the last column", f"{rows}[i][-1]"),
            ("in the first row", f"{rows}[0][i]"),
            ("in the last row", f"{rows}[-1][i]"),
        )
    )
    start, line, kind, told = rng.choice(
        (
            ("0", "result += {}", "int", "the sum"),
            ("[]", "result.append({})", LIST, "the list"),
            ("1", "result *= {}", "int", "the product"),
        )
    )
    return Problem(
        names=(f"{rows}_line", f"{told[4:]}_in_{rows}", f"read_{rows}"),
        aliases=(f"find_{told[4:]}_{rows}", f"{rows}_{told[4:]}"),
        params=(rows,),
        returns=kind,
        what=f"{told} of {change.of(f'the elements of the square {rows} {where}')}",
        body=f"""
            result = {start}
            for i in range(len({rows})):
                x = {index}
                {line.format(change.apply("x"))}
            return result
        """,
    )


FAMILIES = (row_values, column_values, flatten_where, diagonal)
