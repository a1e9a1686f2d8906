"""The static part of a floor drawing: outlines, walls and names as SVG on a sheet whose longer side is `SPAN` units.

Coordinates are scaled to the sheet and rounded to whole units, so that the style sheet can use absolute sizes and a dot
is no more precise than a screen. The sheet of a floor of unknown size contains its zones and walls; without these, its
occupants, and it is redrawn only when they spread to twice the size.
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
_LETTER = 9.0  # average width of a letter, in units
_ROOM = 0.95  # share of the available width that a name may use
_HEIGHTS = (0.5, 0.35, 0.65, 0.2, 0.8, 0.08, 0.92)  # relative heights in an outline at which its name is tried
_BETWEEN = 0.25  # a line between whole units crosses no corner
_WIDE = 2.0  # a label is about twice as wide as it is high
_MARGIN = 1.02


@dataclass(frozen=True, slots=True)
class Sheet:
    """The transformation of map pixels to drawing units; `width` and `height` are in units."""

    scale: float
    left: float
    top: float
    width: int
    height: int

    def unit(self, x: float, y: float) -> tuple[int, int]:
        """Return a point in whole units, clamped to the sheet."""
        right, down = (x - self.left) * self.scale, (y - self.top) * self.scale
        return round(min(max(right, 0.0), self.width)), round(min(max(down, 0.0), self.height))

    def units(self, points: Iterable[Point]) -> list[tuple[int, int]]:
        """Return the corners of an outline in whole units, not clamped."""
        return [(round((x - self.left) * self.scale), round((y - self.top) * self.scale)) for x, y in points]


@dataclass(frozen=True, slots=True)
class ZoneLabel:
    """The position of the name and number of a zone, and the name, truncated to the available width."""

    x: int
    y: int
    name: str


@dataclass(frozen=True, slots=True)
class Sketch:
    """The drawing without occupants. `mark` changes with its content; `key` is what it was made from."""

    key: object
    mark: str
    sheet: Sheet
    areas: tuple[tuple[int, str], ...]  # number and SVG of each zone, the larger ones first
    walls: str
    labels: tuple[ZoneLabel, ...]  # by the number of the zone


def sketch_of(view: FloorView, before: Sketch | None = None) -> Sketch:
    """Return the static drawing; `before` if it is still valid."""
    sheet = sheet_of(view)
    key = (view.name, sheet, view.walls, tuple((zone.zone_id, zone.name, zone.corners) for zone in view.zones))
    if before is not None and before.key == key:
        return before
    mark = hashlib.blake2b(repr(key).encode(), digest_size=8).hexdigest()
    outlines = [sheet.units(zone.corners) for zone in view.zones]
    labels = tuple(label(outline, zone.name) for zone, outline in zip(view.zones, outlines, strict=True))
    return Sketch(key, mark, sheet, _areas(outlines), _walls(view, sheet), labels)


def sheet_of(view: FloorView) -> Sheet:
    """Return the sheet that contains the floor."""
    left = top = 0.0
    width, height = view.width, view.height
    if not (width and height):
        left, top, width, height = _extent(view)
    scale = SPAN / max(width, height)
    return Sheet(scale, left, top, max(1, round(width * scale)), max(1, round(height * scale)))


def _extent(view: FloorView) -> tuple[float, float, float, float]:
    """Return left, top, width and height of the content of a map without a size, in pixels."""
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
    """Return the area of an outline, in square units."""
    shifted = (*outline[1:], outline[0])
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(outline, shifted, strict=True))) / 2


def label(outline: Sequence[tuple[int, int]], name: str) -> ZoneLabel:
    """Return the label at the position with most room in an outline, tried at a few heights."""
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
    return ZoneLabel(round(x), round(y), _shortened(name, int(width * _ROOM / _LETTER)))


def _inside(outline: Sequence[tuple[int, int]], y: float) -> Iterable[tuple[float, float]]:
    """Return the segments of a horizontal line inside an outline, from the left."""
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
    """Return the areas of zones, the larger ones first, so that a zone inside another is visible."""
    order = sorted(range(len(outlines)), key=lambda number: -area(outlines[number]))
    return tuple((number, _area(outlines[number])) for number in order)


def _area(outline: list[tuple[int, int]]) -> str:
    points = " ".join(f"{x},{y}" for x, y in outline)
    return f'<polygon class="area" points="{points}"/><polygon class="hatch" fill="url(#hatch)" points="{points}"/>'


def _walls(view: FloorView, sheet: Sheet) -> str:
    lines = (sheet.units(((x0, y0), (x1, y1))) for x0, y0, x1, y1 in view.walls)
    path = "".join(f"M{x0} {y0}L{x1} {y1}" for (x0, y0), (x1, y1) in lines)
    return f'<path class="walls" d="{path}"/>' if path else ""
