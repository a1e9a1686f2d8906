"""A floor prepared once, so that finding the zones of a position takes one look: a grid of cells over all zones.

A cell that no edge touches lies in the same zones everywhere, and holds that set. A cell that an edge touches names the
few zones whose edges those are; only positions there are tested exactly (`geometry.Outline.holds`). shapely finds the
touched cells, numpy decides the others by the very rule of `geometry`; both are needed only here, never for a position,
and are imported when the first floor is prepared. A floor takes some milliseconds.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.location.geometry import Outline

MAX_CELLS = 6_400  # a byte each: the grids of some hundred floors stay in a processor's cache
LEAST_CELL_PX = 2.0
_MARGIN = 1e-6  # share of a cell by which it is taken to be larger, so that rounding cannot hide an edge


class Cell(NamedTuple):
    """What is true in a cell: numbers of the zones it lies in for sure, and of those whose edges touch it."""

    certain: frozenset[int]
    touched: tuple[int, ...]


class Raster(NamedTuple):
    """The grid: the cell of a point is column `int(x * per_px + left)`, line `int(y * per_px + top)`.

    `cells[line * columns + column]` is an index into `kinds`; kind 0 is that of every point outside the grid: no zone.
    Around the zones lies a margin of one cell, so that rounding does no harm on any side.
    """

    per_px: float
    left: float
    top: float
    columns: int
    lines: int
    cells: bytes | array[int]
    kinds: tuple[Cell, ...]


def rasterize(outlines: Sequence[Outline]) -> Raster:
    """Prepare the grid over these outlines, which are numbered in their order. At least one is needed."""
    import numpy as np  # noqa: PLC0415 - only a daemon that locates loads it

    left, top = min(o.left for o in outlines), min(o.top for o in outlines)
    right, bottom = max(o.right for o in outlines), max(o.bottom for o in outlines)
    width, height = right - left, bottom - top
    cell = max(LEAST_CELL_PX, math.sqrt(width * height / MAX_CELLS), width / MAX_CELLS, height / MAX_CELLS)
    per_px = 1.0 / cell
    columns, lines = int(width * per_px) + 3, int(height * per_px) + 3
    left, top = left - cell, top - cell
    xs, ys = left + np.arange(columns) * cell, top + np.arange(lines) * cell
    touched = _touched(outlines, xs, ys, cell)
    inside = _inside(outlines, xs + cell / 2, ys + cell / 2) & ~touched
    firsts, cells = _alike(np.concatenate([inside, touched]).reshape(2 * len(outlines), -1))
    flat_inside, flat_touched = (layer.reshape(len(outlines), -1)[:, firsts].T for layer in (inside, touched))
    kinds = tuple(
        Cell(frozenset(np.flatnonzero(sure).tolist()), tuple(np.flatnonzero(edge).tolist()))
        for sure, edge in zip(flat_inside, flat_touched, strict=True)
    )
    codes: bytes | array[int] = (cells + 1).astype(np.uint8).tobytes()
    if len(kinds) >= 1 << 8:
        codes = array("H", (cells + 1).astype(np.uint16).tobytes())
    return Raster(per_px, -left * per_px, -top * per_px, columns, lines, codes, (Cell(frozenset(), ()), *kinds))


def _touched(outlines: Sequence[Outline], xs: Any, ys: Any, cell: float) -> Any:
    """For each outline the cells that one of its edges touches: booleans (outline, row, column)."""
    import numpy as np  # noqa: PLC0415
    import shapely  # noqa: PLC0415

    found = np.zeros((len(outlines), len(ys), len(xs)), dtype=bool)
    margin = cell * _MARGIN
    left, top = np.meshgrid(xs - margin, ys - margin)
    side = cell + 2 * margin
    for number, outline in enumerate(outlines):
        rows = slice(*np.searchsorted(ys, (outline.top - side, outline.bottom + side)))
        columns = slice(*np.searchsorted(xs, (outline.left - side, outline.right + side)))
        near_left, near_top = left[rows, columns], top[rows, columns]
        boxes = shapely.box(near_left, near_top, near_left + side, near_top + side)
        ring = shapely.linestrings((*outline.corners, outline.corners[0]))
        shapely.prepare(ring)
        found[number, rows, columns] = shapely.intersects(ring, boxes)
    return found


def _alike(layers: Any) -> tuple[Any, Any]:
    """Number the different columns of boolean `layers`: a place of each, and the number of every column."""
    import numpy as np  # noqa: PLC0415

    packed = np.packbits(layers, axis=0)
    padded = np.zeros((-(-len(packed) // 8) * 8, packed.shape[1]), dtype=np.uint8)
    padded[: len(packed)] = packed
    firsts: Any = None
    numbers: Any = np.zeros(packed.shape[1], dtype=np.uint64)
    for first in range(0, len(padded), 8):
        word = np.ascontiguousarray(padded[first : first + 8].T).view(np.uint64).ravel()
        _, part = np.unique(word, return_inverse=True)
        _, firsts, numbers = np.unique(numbers * (part.max() + 1) + part, return_index=True, return_inverse=True)
    return firsts, numbers


def _inside(outlines: Sequence[Outline], xs: Any, ys: Any) -> Any:
    """For each outline whether the middle of each cell belongs to it: booleans (outline, row, column)."""
    import numpy as np  # noqa: PLC0415

    found = np.zeros((len(outlines), len(ys), len(xs)), dtype=bool)
    for number, outline in enumerate(outlines):
        for top, bottom, x, run in outline.edges:
            rows = (ys >= top) & (ys < bottom)
            found[number, rows] ^= xs[None, :] < (x + (ys[rows] - top) * run)[:, None]
    return found
