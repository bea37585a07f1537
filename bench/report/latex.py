"""LaTeX tables with booktabs' rules."""

from collections.abc import Sequence

# Replaced letter by letter, so that no escape is escaped again.
ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}",
}  # fmt: skip


def escaped(text: str) -> str:
    """The text as LaTeX sets it, letter by letter; line breaks are spaces."""
    return "".join(ESCAPES.get(letter, letter) for letter in " ".join(text.split()))


def latex_table(table: Sequence[Sequence[tuple[str, bool]]], caption: str, notes: Sequence[str]) -> str:
    """A table as wide as the text, headings first, with notes below it, a paragraph each.

    Cells are (text, whether it is bold).
    """
    columns = "l" + "r" * (len(table[0]) - 3) + "ll"
    rows = [" & ".join(map(_cell, line)) for line in table]
    return "\n".join(
        [
            r"\begin{table}[t]",
            r"\centering",
            rf"\caption{{{escaped(caption)}}}",
            r"\resizebox{\linewidth}{!}{%",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            rf"{rows[0]} \\",
            r"\midrule",
            *(rf"{row} \\" for row in rows[1:]),
            r"\bottomrule",
            r"\end{tabular}}",
            *(rf"\par\smallskip\parbox{{\linewidth}}{{\footnotesize {escaped(note)}}}" for note in notes),
            r"\end{table}",
            "",
        ]
    )


def _cell(cell: tuple[str, bool]) -> str:
    return rf"\textbf{{{escaped(cell[0])}}}" if cell[1] else escaped(cell[0])
