"""One rule for what is inside: even-odd, left and top edges belong, right and bottom ones do not."""

import pytest

from collector.location.geometry import Outline, corners_of, segments_of

SQUARE = Outline([(0, 0), (10, 0), (10, 10), (0, 10)])
L_SHAPE = Outline([(0, 0), (4, 0), (4, 2), (2, 2), (2, 4), (0, 4)])
BOW_TIE = Outline([(0, 0), (10, 10), (10, 0), (0, 10)])


@pytest.mark.parametrize(
    ("x", "y", "inside"),
    [
        (5, 5, True),
        (0, 5, True),
        (5, 0, True),
        (0, 0, True),
        (10, 5, False),
        (5, 10, False),
        (10, 10, False),
        (10, 0, False),
        (0, 10, False),
        (-1, 5, False),
        (11, 5, False),
    ],
)
def test_left_and_top_belong_to_a_zone_right_and_bottom_do_not(x, y, inside):
    assert SQUARE.holds(x, y) is inside
    backwards = Outline(list(reversed(SQUARE.corners)))
    assert backwards.holds(x, y) is inside


@pytest.mark.parametrize(("x", "y", "inside"), [(1, 3, True), (3, 1, True), (3, 3, False), (2, 2, False), (2, 1, True)])
def test_a_concave_zone(x, y, inside):
    assert L_SHAPE.holds(x, y) is inside


@pytest.mark.parametrize(("x", "y", "inside"), [(5, 2, False), (5, 8, False), (2, 5, True), (8, 5, True)])
def test_an_outline_that_crosses_itself(x, y, inside):
    assert BOW_TIE.holds(x, y) is inside


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([(0, 0), (10, 0), (10, 10), (0, 10)], [(10, 0), (20, 0), (20, 10), (10, 10)]),
        ([(0, 0), (3.3, 0), (7.1, 9.7), (0, 9.7)], [(3.3, 0), (9, 0), (9, 9.7), (7.1, 9.7)]),
        ([(0, 0), (7, 0), (0, 9)], [(7, 9), (0, 9), (7, 0)]),
    ],
)
def test_zones_that_share_an_edge_share_no_point_of_it_and_lose_none(left, right):
    one, other = Outline(left), Outline(right)
    (x0, y0), (x1, y1) = (corner for corner in left if corner in right)
    for step in range(1, 1000):
        x, y = x0 + (x1 - x0) * step / 1000, y0 + (y1 - y0) * step / 1000
        assert one.holds(x, y) != other.holds(x, y)


@pytest.mark.parametrize(
    "vertices",
    [
        None,
        {},
        [],
        [{"x": 0, "y": 0}, {"x": 1, "y": 0}],
        [{"x": 0, "y": 0}, {"x": 1, "y": 0}, {"x": 1}],
        [{"x": 0, "y": 0}, {"x": 1, "y": 0}, "corner"],
        [{"x": 0, "y": 0}, {"x": 1e9, "y": 0}, {"x": 1, "y": 1}],
        [{"x": 0, "y": 0}, {"x": True, "y": 0}, {"x": 1, "y": 1}],
        [{"x": 0, "y": 0}] * 2001,
    ],
)
def test_what_is_no_outline(vertices):
    assert corners_of(vertices) is None


def test_corners_may_be_numbers_written_as_text():
    assert corners_of([{"x": "1", "y": 2}, {"x": 3.5, "y": "4"}, {"x": 0, "y": 0}]) == ((1, 2), (3.5, 4), (0, 0))


def test_walls_are_drawn_once_however_they_are_joined():
    path = {
        "nodes": [
            {"name": "N1", "position": {"x": 0, "y": 0}, "edges": {"N2": "0", "N9": "0", "N1": "0"}},
            {"name": "N2", "position": {"x": 10, "y": 0}, "edges": {"N1": "0"}},
            {"name": "N3", "position": {"x": None, "y": 0}, "edges": {"N1": "0"}},
            {"name": "N4", "position": {"x": 1, "y": 1}, "edges": None},
            "rubbish",
        ]
    }
    assert segments_of(path) == ((0, 0, 10, 0),)
    assert segments_of(None) == segments_of({"nodes": 7}) == ()
