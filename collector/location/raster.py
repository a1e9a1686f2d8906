"""A grid of cells over the zones of a floor, so that finding the zones of a position is one lookup.

A cell that no edge crosses lies in the same zones everywhere and stores that set. A cell that edges cross lists the
zones of those edges; only positions there are tested exactly (`geometry.Outline.holds`). shapely finds the crossed
cells, numpy decides the others by the rule of `geometry`. Both are used only here and never for a position;
`daemon.preload` imports them at start. A floor takes a few milliseconds.
"""

from __future__ import annotations

import math
from array import array
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collector.location.geometry import Outline

MAX_CELLS = 6_400  # one byte each: the grids of some hundred floors fit into the CPU cache
LEAST_CELL_PX = 2.0
_MARGIN = 1e-6  # share of a cell by which it is enlarged, so that rounding cannot hide an edge


class CellKind(NamedTuple):
    """One kind of cell: the zones that contain all of it, and those whose edges cross it."""

    certain: frozenset[int]
    touched: tuple[int, ...]


class Raster(NamedTuple):
    """The grid: the cell of a point is column `int(x * per_px + left)`, line `int(y * per_px + top)`.

    `cells[line * columns + column]` is an index into `kinds`; kind 0 is that of every point outside the grid: no zone.
    A margin of one cell around the zones makes rounding harmless.
    """

    per_px: float
    left: float
    top: float
    columns: int
    lines: int
    cells: bytes | array[int]
    kinds: tuple[CellKind, ...]


def rasterize(outlines: Sequence[Outline]) -> Raster:
    """Compute the grid of outlines, which are numbered in their order. At least one is required."""
    import numpy as np  # noqa: PLC0415 - loaded at start only where positions are collected

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
        CellKind(frozenset(np.flatnonzero(sure).tolist()), tuple(np.flatnonzero(edge).tolist()))
        for sure, edge in zip(flat_inside, flat_touched, strict=True)
    )
    codes: bytes | array[int] = (cells + 1).astype(np.uint8).tobytes()
    if len(kinds) >= 1 << 8:
        codes = array("H", (cells + 1).astype(np.uint16).tobytes())
    return Raster(per_px, -left * per_px, -top * per_px, columns, lines, codes, (CellKind(frozenset(), ()), *kinds))


def _touched(outlines: Sequence[Outline], xs: Any, ys: Any, cell: float) -> Any:
    """Return the cells that an edge crosses: booleans (outline, row, column)."""
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
    """Number the distinct columns of boolean `layers`: one index of each, and the number of every column."""
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
    """Return whether the centre of each cell belongs to an outline: booleans (outline, row, column)."""
    import numpy as np  # noqa: PLC0415

    found = np.zeros((len(outlines), len(ys), len(xs)), dtype=bool)
    for number, outline in enumerate(outlines):
        for top, bottom, x, run in outline.edges:
            rows = (ys >= top) & (ys < bottom)
            found[number, rows] ^= xs[None, :] < (x + (ys[rows] - top) * run)[:, None]
    return found
