"""Names beside points, none over another."""

from collections.abc import Sequence
from itertools import product

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

# Where a label may stand, seen from its point: (horizontal, vertical) alignment by direction, the nearest first.
DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
DISTANCES = (6, 12, 20, 30, 42, 56)
AWAY = 12


def place_labels(figure: Figure, axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str]) -> None:
    """Each name at the first place that no other label or point covers and that lies within the panel.

    The panel's limits must be final. Names far from their points get a thin line.
    """
    figure.draw_without_rendering()
    renderer = figure.canvas.get_renderer()
    frame = axes.get_window_extent(renderer)
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in axes.transData.transform(points)]
    # From the right: there are the longest lines of near points.
    for place in sorted(range(len(points)), key=lambda place: -points[place][0]):
        best = None
        for distance, (right, up) in product(DISTANCES, DIRECTIONS):
            label = axes.annotate(
                names[place], points[place], (right * distance, up * distance), textcoords="offset points",
                ha=("right", "center", "left")[right + 1], va=("top", "center", "bottom")[up + 1], fontsize=6.5,
                arrowprops={"arrowstyle": "-", "color": "0.5", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 2}
                if distance >= AWAY else None,
            )  # fmt: skip
            box = label.get_tightbbox(renderer) if distance < AWAY else label.get_window_extent(renderer)
            cost = sum(_overlap(box, other) for other in taken) + 10 * _outside(box, frame)
            if best is None or cost < best[0]:
                if best is not None:
                    best[1].remove()
                best = cost, label, box
            else:
                label.remove()
            if not cost:
                break
        taken.append(best[2])


def _overlap(one: Bbox, two: Bbox) -> float:
    """Shared area in pixels."""
    both = Bbox.intersection(one, two)
    return both.width * both.height if both else 0.0


def _outside(box: Bbox, frame: Bbox) -> float:
    return box.width * box.height - _overlap(box, frame)
