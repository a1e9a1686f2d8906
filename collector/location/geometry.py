"""Zone outlines, and the rule that decides whether a point is inside, on the border as well.

The rule is even-odd with half-open edges: a ray from the point towards greater x crosses an edge if y0 <= y < y1 and
the edge is to the right of the point (x < x of the edge at y). The left and top edges of a rectangle belong to the
zone, the right and bottom edges do not (y grows downwards on a map). A point on an edge that two zones share belongs to
exactly one of them: an edge is always computed from its upper end, so that both zones compute the same numbers. The
same rule covers self-intersecting outlines and both orientations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from collector.metrics.values import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Point = tuple[float, float]

MAX_CORNERS = 2000  # per zone; drawn zones have some dozens
LARGEST_PX = 1e6  # a coordinate beyond it is invalid
_TRIANGLE = 3


class Edge(NamedTuple):
    """One non-horizontal edge, from its end with the smaller y; `run` is the change of x per unit of y."""

    top: float
    bottom: float
    x: float
    run: float


class Outline:
    """A closed polygon in map pixels."""

    __slots__ = ("bottom", "corners", "edges", "left", "right", "top")

    def __init__(self, corners: Sequence[Point]) -> None:
        self.corners = tuple(corners)
        self.edges = tuple(edges_of(self.corners))
        self.left, self.right = min(x for x, _ in corners), max(x for x, _ in corners)
        self.top, self.bottom = min(y for _, y in corners), max(y for _, y in corners)

    def holds(self, x: float, y: float) -> bool:
        """Return whether a point belongs to the polygon, by the rule above."""
        inside = False
        for top, bottom, edge_x, run in self.edges:
            if top <= y < bottom and x < edge_x + (y - top) * run:
                inside = not inside
        return inside

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Outline) and self.corners == other.corners

    def __hash__(self) -> int:
        return hash(self.corners)


def edges_of(corners: Sequence[Point]) -> Iterable[Edge]:
    """Yield the edges that a horizontal ray can cross."""
    for (x0, y0), (x1, y1) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if y0 < y1:
            yield Edge(y0, y1, x0, (x1 - x0) / (y1 - y0))
        elif y1 < y0:
            yield Edge(y1, y0, x1, (x0 - x1) / (y0 - y1))


def corners_of(vertices: object) -> tuple[Point, ...] | None:
    """Parse `vertices` of a zone ([{"x": 732, "y": 1821}, ...], pixels); None if it is not a polygon."""
    if not isinstance(vertices, list) or not _TRIANGLE <= len(vertices) <= MAX_CORNERS:
        return None
    corners = [point_of(vertex) for vertex in vertices]
    return tuple(corner for corner in corners if corner) if all(corners) else None


def point_of(vertex: object) -> Point | None:
    """Parse {"x": ..., "y": ...}; None if one of them is not a number."""
    if not isinstance(vertex, dict):
        return None
    x, y = number(vertex.get("x")), number(vertex.get("y"))
    if not isinstance(x, float) or not isinstance(y, float):
        return None
    return (x, y) if abs(x) <= LARGEST_PX and abs(y) <= LARGEST_PX else None


def segments_of(path: object) -> tuple[tuple[float, float, float, float], ...]:
    """Parse `wall_path` of a map (nodes with positions, edges by the names of their ends) as segments in pixels."""
    nodes = path.get("nodes") if isinstance(path, dict) else None
    named: dict[str, tuple[Point, Mapping[str, object]]] = {}
    for node in nodes if isinstance(nodes, list) else ():
        position = point_of(node.get("position")) if isinstance(node, dict) else None
        if position and isinstance(node.get("name"), str):
            edges = node.get("edges")
            named[node["name"]] = position, edges if isinstance(edges, dict) else {}
    found: dict[frozenset[str], tuple[float, float, float, float]] = {}
    for name, (start, edges) in named.items():
        for other in edges:
            if other in named and other != name:
                found.setdefault(frozenset((name, other)), (*start, *named[other][0]))
    return tuple(found.values())
