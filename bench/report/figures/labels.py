"""Names beside points, none over another."""

from collections.abc import Sequence
from itertools import product

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

# Where a label may stand, seen from its point: (horizontal, vertical) alignment by direction, the
# nearest first.
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
DISTANCES = (6, 12, 20, 30, 42, 56, 72, 90)
AWAY = 12


def place_labels(
    figure: Figure,
    axes: Axes,
    points: Sequence[tuple[float, float]],
    intervals: Sequence[tuple[float, float]],
    names: Sequence[str],
) -> None:
    """Each name at the first spot within the panel that no other label, point or interval covers.

    The panel's limits must be final. Names far from their points get a thin line.

    Args:
        figure: the one that holds the panel.
        axes: the panel.
        points: (x, y), in data coordinates.
        intervals: (low, high) of each point, on the y axis.
        names: one a point.
    """
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()  # type: ignore[attr-defined]  # of FigureCanvasAgg, which has no stubs
    frame = axes.get_window_extent(renderer)
    pixels = figure.dpi / 72
    spots = axes.transData.transform(points)
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in spots]
    for (x, _), ends in zip(points, intervals, strict=True):
        (left, low), (_, high) = axes.transData.transform([(x, end) for end in ends])
        taken.append(Bbox.from_extents(left - 3, low, left + 3, high))
    labels: list[Bbox] = []
    # From the right: there the labels have the least room.
    for index in sorted(range(len(points)), key=lambda index: -points[index][0]):
        label = axes.annotate(
            names[index], points[index], (0, 0), textcoords="offset points", fontsize=6.5,
            arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2},
        )  # fmt: skip
        # Of the text alone: the line to the point is no part of it.
        size = Text.get_window_extent(label, renderer)
        candidates = []
        for number, (distance, (right, up)) in enumerate(product(DISTANCES, DIRECTIONS)):
            x = spots[index][0] + right * distance * pixels - (1 - right) / 2 * size.width
            y = spots[index][1] + up * distance * pixels - (1 - up) / 2 * size.height
            box = Bbox.from_bounds(x, y, size.width, size.height)
            cost = sum(_overlap(box, other) for other in taken) + 10 * _outside(box, frame)
            cost += 20 * sum(_overlap(box, other) for other in labels)
            cost += sum(_crosses(spots[index], box, other) for other in labels) if distance >= AWAY else 0
            candidates.append((cost, number, distance, right, up, box))
        _, _, distance, right, up, box = min(candidates, key=lambda each: each[:2])
        label.set_position((right * distance, up * distance))
        label.set_horizontalalignment(("right", "center", "left")[right + 1])
        label.set_verticalalignment(("top", "center", "bottom")[up + 1])
        assert label.arrow_patch is not None
        label.arrow_patch.set_visible(distance >= AWAY)
        taken.append(box)
        labels.append(box)


def _overlap(one: Bbox, two: Bbox) -> float:
    """Shared area in pixels."""
    both = Bbox.intersection(one, two)
    return both.width * both.height if both else 0.0


def _outside(box: Bbox, frame: Bbox) -> float:
    return box.width * box.height - _overlap(box, frame)


def _crosses(spot: Sequence[float], box: Bbox, other: Bbox) -> float:
    """What it costs that the line from the point to its label runs through another label."""
    across, up = (box.x0 + box.x1) / 2 - spot[0], (box.y0 + box.y1) / 2 - spot[1]
    return sum(50.0 for part in range(1, 10) if other.contains(spot[0] + across * part / 10, spot[1] + up * part / 10))
