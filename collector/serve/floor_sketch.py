"""What of a floor stands still: outlines, walls, names, for SVG on a sheet whose longer side is `SPAN` units.

Everything is scaled to that sheet and rounded to whole units, so that the style sheet may speak of sizes and a dot says
no more than a screen shows. A floor whose size is not known gets a sheet that holds its zones and walls; without these,
one that holds its people and is redrawn only when they spread to twice the size.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from collector.floors import FloorView, Point

SPAN = 1000
_LETTER = 9.0  # units a letter of a name takes, about
_ROOM = 0.95  # share of the width found that a name may take
_HEIGHTS = (0.5, 0.35, 0.65, 0.2, 0.8, 0.08, 0.92)  # of an outline, where there may be room for its name
_BETWEEN = 0.25  # a line between whole units meets no corner
_WIDE = 2.0  # a label is about twice as wide as high
_MARGIN = 1.02


@dataclass(frozen=True, slots=True)
class Sheet:
    """How map pixels become units of the drawing; `width` and `height` are in units."""

    scale: float
    left: float
    top: float
    width: int
    height: int

    def unit(self, x: float, y: float) -> tuple[int, int]:
        """A point in whole units; what lies outside is at the edge."""
        right, down = (x - self.left) * self.scale, (y - self.top) * self.scale
        return round(min(max(right, 0.0), self.width)), round(min(max(down, 0.0), self.height))

    def units(self, points: Iterable[Point]) -> list[tuple[int, int]]:
        """The corners of an outline in whole units, which may lie outside."""
        return [(round((x - self.left) * self.scale), round((y - self.top) * self.scale)) for x, y in points]


@dataclass(frozen=True, slots=True)
class Label:
    """Where the name and number of a zone stand, and the name as far as there is room for it."""

    x: int
    y: int
    name: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """The drawing without anybody. `mark` changes when anything of it does; `key` is what it was made from."""

    key: object
    mark: str
    sheet: Sheet
    areas: tuple[tuple[int, str], ...]  # zones by their number and how they are drawn, the larger ones first
    walls: str
    labels: tuple[Label, ...]  # of the zones, by their number


def sketch_of(view: FloorView, before: Sketch | None = None) -> Sketch:
    """Draw what stands still; `before` is given back when it is still right."""
    sheet = sheet_of(view)
    key = (view.name, sheet, view.walls, tuple((zone.zone_id, zone.name, zone.corners) for zone in view.zones))
    if before is not None and before.key == key:
        return before
    mark = hashlib.blake2b(repr(key).encode(), digest_size=8).hexdigest()
    outlines = [sheet.units(zone.corners) for zone in view.zones]
    labels = tuple(label(outline, zone.name) for zone, outline in zip(view.zones, outlines, strict=True))
    return Sketch(key, mark, sheet, _areas(outlines), _walls(view, sheet), labels)


def sheet_of(view: FloorView) -> Sheet:
    """The sheet that shows the whole floor."""
    left = top = 0.0
    width, height = view.width, view.height
    if not (width and height):
        left, top, width, height = _extent(view)
    scale = SPAN / max(width, height)
    return Sheet(scale, left, top, max(1, round(width * scale)), max(1, round(height * scale)))


def _extent(view: FloorView) -> tuple[float, float, float, float]:
    """Left, top, width and height of what is on a map without a size, in pixels."""
    corners = [point for zone in view.zones for point in zone.corners]
    drawn = corners + [point for x0, y0, x1, y1 in view.walls for point in ((x0, y0), (x1, y1))]
    if drawn:
        left, right = min(x for x, _ in drawn), max(x for x, _ in drawn)
        top, bottom = min(y for _, y in drawn), max(y for _, y in drawn)
        return left, top, max(1.0, (right - left) * _MARGIN), max(1.0, (bottom - top) * _MARGIN)
    farthest = max(chain((1.0,), (max(dot.x, dot.y) for dot in view.dots)))
    side = 2.0 ** math.ceil(math.log2(farthest))
    return 0.0, 0.0, side, side


def area(outline: Sequence[tuple[float, float]]) -> float:
    """The area of an outline, in square units."""
    shifted = (*outline[1:], outline[0])
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(outline, shifted, strict=True))) / 2


def label(outline: Sequence[tuple[int, int]], name: str) -> Label:
    """Where there is most room for a name and a number within an outline, looking along a few heights of it."""
    top, bottom = min(y for _, y in outline), max(y for _, y in outline)
    turned = [(y, x) for x, y in outline]
    best = (0.0, 0.0, float(outline[0][0]), float(top))  # room, width, and where
    for share in _HEIGHTS:
        y = top + (bottom - top) * share + _BETWEEN
        for left, right in _inside(outline, y):
            x = (left + right) / 2 + _BETWEEN
            above, below = next(((a, b) for a, b in _inside(turned, x) if a <= y <= b), (y, y))
            room = min(right - left, _WIDE * (below - above))
            if room > best[0] * 1.1:
                best = room, right - left, x, (above + below) / 2
    _, width, x, y = best
    return Label(round(x), round(y), _shortened(name, int(width * _ROOM / _LETTER)))


def _inside(outline: Sequence[tuple[int, int]], y: float) -> Iterable[tuple[float, float]]:
    """The stretches of a horizontal line that lie within an outline, from the left."""
    crossings = sorted(
        x0 + (x1 - x0) * (y - y0) / (y1 - y0)
        for (x0, y0), (x1, y1) in zip(outline, (*outline[1:], outline[0]), strict=True)
        if (y0 < y) != (y1 < y)
    )
    return zip(crossings[::2], crossings[1::2], strict=True)


def _shortened(name: str, letters: int) -> str:
    if len(name) <= letters:
        return name
    return f"{name[: letters - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}" if letters > 1 else ""


def _areas(outlines: list[list[tuple[int, int]]]) -> tuple[tuple[int, str], ...]:
    """The areas of zones, the larger ones first, so that a zone within another is seen."""
    order = sorted(range(len(outlines)), key=lambda number: -area(outlines[number]))
    return tuple((number, _area(outlines[number])) for number in order)


def _area(outline: list[tuple[int, int]]) -> str:
    points = " ".join(f"{x},{y}" for x, y in outline)
    return f'<polygon class="area" points="{points}"/><polygon class="hatch" fill="url(#hatch)" points="{points}"/>'


def _walls(view: FloorView, sheet: Sheet) -> str:
    lines = (sheet.units(((x0, y0), (x1, y1))) for x0, y0, x1, y1 in view.walls)
    path = "".join(f"M{x0} {y0}L{x1} {y1}" for (x0, y0), (x1, y1) in lines)
    return f'<path class="walls" d="{path}"/>' if path else ""
