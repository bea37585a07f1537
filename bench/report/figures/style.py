"""One look for every figure.

Sizes, colours that colour-blind readers tell apart, names of files, and saving.
"""

import io
import itertools
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.artist import Artist  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.container import BarContainer, Container  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.patches import Patch, Rectangle  # noqa: E402
from PIL import Image  # noqa: E402

from bench.plan.methods import METHODS  # noqa: E402
from bench.report.figure_types import Estimate  # noqa: E402

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

# Keywords for matplotlib, whose values are of many types.
Keywords = dict[str, Any]
# What a legend takes.
Handle = Artist | Container
# Whether panels share an axis: all, none, or those of a row or column.
Share = bool | Literal["none", "all", "row", "col"]

STYLE: "dict[RcKeyType, Any]" = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "figure.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "0.88",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 5,
    "errorbar.capsize": 2,
    "hatch.linewidth": 0.6,
    "savefig.dpi": 100,
    "pdf.fonttype": 42,
    "svg.hashsalt": "bench",
}

# Okabe and Ito, "Color Universal Design" (2008).
VERMILION, BLUE, GREEN, ORANGE = "#D55E00", "#0072B2", "#009E73", "#E69F00"
SKY, PURPLE, YELLOW, BLACK, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#000000", "#999999"
PALETTE = (VERMILION, BLUE, GREEN, ORANGE, SKY, PURPLE, BLACK, YELLOW)
NAMED = {
    "vermilion": VERMILION, "blue": BLUE, "green": GREEN, "orange": ORANGE, "sky": SKY, "purple": PURPLE,
    "yellow": YELLOW, "black": BLACK, "grey": GREY,
}  # fmt: skip
# A method has the same colour in every figure, and shares it with its kin; one that is gone is
# black.
COLOURS = {name: NAMED[method.colour] for name, method in METHODS.items()}
HATCHES = ("", "////", "....", "xxxx", "\\\\\\\\", "oo", "++", "--")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ("-", "--", ":", "-.")
# So many series of one method share its colour.
CLOSE_KIN = 3
# What stands at a figure of outputs that are not the target's, and how its bar is filled.
MISMATCH, WRONG_HATCH = "mismatch", "xxxxxx"
WRONG_LEGEND = "mismatch: outputs are not the target's, no speedup"
ERROR: Keywords = {"ecolor": "0.25", "elinewidth": 0.9}


@dataclass(frozen=True)
class Look:
    """How one series is drawn, in bars as in lines."""

    colour: str
    hatch: str
    marker: str
    dash: str


@dataclass(frozen=True)
class Drawing:
    """A figure with the name of its files."""

    name: str
    figure: Figure


def looks(methods: Sequence[str]) -> list[Look]:
    """One for each series, given its method.

    Colours tell methods apart, hatches and markers those of one colour.

    Where many are of one method, as in an ablation, colours tell the series apart.
    """
    if max(Counter(methods).values()) > CLOSE_KIN:
        return [look(number, number // len(PALETTE)) for number in range(len(methods))]
    seen: Counter[str] = Counter()
    found = []
    for method in methods:
        colour = COLOURS.get(method, BLACK)
        found.append(_look(colour, seen[colour]))
        seen[colour] += 1
    return found


def look(number: int, variant: int = 0) -> Look:
    """The look of this number where colours say nothing but which is which."""
    return _look(PALETTE[number % len(PALETTE)], variant)


def _look(colour: str, variant: int) -> Look:
    return Look(
        colour, HATCHES[variant % len(HATCHES)], MARKERS[variant % len(MARKERS)], DASHES[variant % len(DASHES)]
    )


def canvas(
    rows: int, columns: int, width: float, height: float, sharex: Share = False, sharey: Share = False
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of rows x columns panels; width and height of one panel in inches."""
    figure, grid = plt.subplots(
        rows, columns, figsize=(width * columns, height * rows), layout="constrained", squeeze=False,
        sharex=sharex, sharey=sharey,
    )  # fmt: skip
    return figure, [list(line) for line in grid]


def entitle(figure: Figure, what: str, setup: str, note: str = "") -> None:
    """What is drawn, of which model, data, dtype and device, and how to read it.

    Broken to the figure's width.
    """
    letters = int(figure.get_figwidth() * 17)
    setup = setup.replace("batch size 1", "batch\u00a0size\u00a01")
    lines = [line for text in (what, setup, note) for line in textwrap.wrap(text, letters)]
    figure.suptitle("\n".join(lines), fontsize=8)
    _heighten(figure, 0.17 * len(lines))


def legend(figure: Figure, handles: Sequence[Handle], labels: Sequence[str]) -> None:
    """Below the panels, in as many columns as fit."""
    letters = figure.get_figwidth() * 15  # an inch holds so many, the wide ones among them
    columns = next((count for count in range(len(labels), 1, -1) if _width(labels, count) <= letters), 1)
    # matplotlib's stubs leave out that it takes containers.
    figure.legend(cast("Sequence[Artist]", handles), labels, loc="outside lower center", ncols=columns)
    _heighten(figure, 0.17 * -(-len(labels) // columns))


def _width(labels: Sequence[str], columns: int) -> int:
    """Letters that a legend takes across with its handles.

    matplotlib's columns differ by one entry at most.
    """
    rows, longer = divmod(len(labels), columns)
    ends = [rows * column + min(column, longer) for column in range(columns + 1)]
    return sum(max(map(len, labels[start:end])) + 8 for start, end in itertools.pairwise(ends))


def _heighten(figure: Figure, inches: float) -> None:
    """Room for what stands around the panels, so that they keep their height."""
    figure.set_figheight(figure.get_figheight() + inches)


def whiskers(figures: Sequence[Estimate]) -> list[list[float]]:
    """Lengths of the intervals below and above the values, as matplotlib wants them.

    0 where there is no interval.
    """
    return [
        [max(_or(each.value) - _or(each.low, each.value), 0.0) for each in figures],
        [max(_or(each.high, each.value) - _or(each.value), 0.0) for each in figures],
    ]


def _or(value: float | None, other: float | None = None) -> float:
    return value if value is not None else other if other is not None else 0.0


def gap(value: float | None) -> float:
    """A value as a line has it: a gap where there is none."""
    return float("nan") if value is None else value


def gaps(values: Iterable[float | None]) -> list[float]:
    """Values as a line has them."""
    return [gap(value) for value in values]


def wrong_handle() -> Patch:
    """What stands in a legend beside WRONG_LEGEND."""
    return Patch(facecolor="white", edgecolor="0.4", hatch=WRONG_HATCH, linewidth=0.8)


def cross_out(axes: Axes, across: float, up: float) -> Line2D:
    """A cross over a point whose outputs are not the target's; what a legend takes."""
    style: Keywords = {
        "linestyle": "", "marker": "x", "markersize": 10, "markeredgewidth": 1.6, "color": BLACK, "zorder": 5,
    }  # fmt: skip
    return axes.plot([across], [up], **style)[0]


def bars(
    axes: Axes, positions: Sequence[float], figures: Sequence[Estimate], width: float, look: Look, wrong: Sequence[bool]
) -> BarContainer:
    """Bars with intervals and their values above.

    Args:
        axes: where they stand.
        positions: of the bars' middles, on the x axis.
        figures: their heights.
        width: of a bar, on the x axis.
        look: their colour and hatch.
        wrong: which are of outputs that are not the target's: hollow, crossed, and named.

    Returns:
        What a legend takes.
    """
    values = [_or(each.value) for each in figures]
    drawn = axes.bar(
        positions, values, width, yerr=whiskers(figures), color=look.colour, hatch=look.hatch, edgecolor="white",
        linewidth=0.4, error_kw=ERROR,
    )  # fmt: skip
    for bar, position, value, figure, crossed in zip(drawn, positions, values, figures, wrong, strict=True):
        if crossed:
            bar.set(facecolor="white", edgecolor=look.colour, hatch=WRONG_HATCH, linewidth=0.8)
        text = "–" if figure.value is None else f"{value:.2f}"
        axes.annotate(
            f"{text}{' ' + MISMATCH if crossed else ''}", (position, max(value, _or(figure.high, value))), (0, 3),
            textcoords="offset points", ha="center", va="bottom", fontsize=6,
            rotation=90 if crossed or width < 0.16 else 0,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5, "alpha": 0.8},
        )  # fmt: skip
    if any(wrong):
        axes.margins(y=0.45)  # the word stands upright
    return drawn


def heat(
    axes: Axes,
    values: Sequence[Sequence[float | None]],
    texts: Sequence[Sequence[str]],
    scale: tuple[float, float],
    wrong: Sequence[Sequence[bool]],
) -> object:
    """A heat map with a text in every cell; cells without a value stay white.

    Args:
        axes: where it stands.
        values: of the cells, row by row, the topmost first.
        texts: of the cells, in the same order.
        scale: (lowest, highest) value.
        wrong: cells of outputs that are not the target's: white, crossed, and named.
    """
    import numpy as np

    table = np.array([[np.nan if value is None else value for value in line] for line in values], dtype=float)
    low, high = scale
    span = (high - low) or 1.0
    table[np.array(wrong, dtype=bool)] = np.nan
    image = axes.imshow(table, cmap="cividis", vmin=low, vmax=low + span, aspect="auto")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for row, line in enumerate(texts):
        for column, text in enumerate(line):
            value = table[row, column]
            if wrong[row][column]:
                text = f"{text}\n{MISMATCH}"
                axes.add_patch(
                    Rectangle(
                        (column - 0.5, row - 0.5), 1, 1, facecolor="white", edgecolor="0.75", hatch="xx", linewidth=0
                    )
                )  # fmt: skip
            colour = "black" if np.isnan(value) or (value - low) / span > 0.55 else "white"
            axes.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
    return image


def svg(drawing: Drawing) -> str:
    """As SVG that needs no font, the same text for the same figures."""
    text = io.StringIO()
    unsaid = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    drawing.figure.savefig(text, format="svg", metadata=unsaid)
    plt.close(drawing.figure)
    return text.getvalue()


def save(drawing: Drawing, folder: Path) -> list[Path]:
    """As PDF and PNG, the same bytes for the same figures."""
    files = [folder / f"{drawing.name}.{kind}" for kind in ("pdf", "png")]
    drawing.figure.savefig(files[0], metadata={"CreationDate": None})
    pixels = io.BytesIO()
    drawing.figure.savefig(pixels, format="png", metadata={"Software": None})
    # A drawing has few colours: with a palette it is a third as large.
    Image.open(pixels).convert("RGB").quantize(256).save(files[1], optimize=True)
    plt.close(drawing.figure)
    return files
