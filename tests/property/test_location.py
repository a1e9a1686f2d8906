"""What holds of floors whatever is drawn and whoever walks: exact grids, whole counts, order is all one."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.location.floor import Floor, ZoneSets
from collector.location.geometry import Outline
from collector.metrics.text_format import render_all
from tests.support import samples
from tests.support.floors import MAP, OTHER_MAP, Floors

whole = st.integers(-20, 120).map(float)  # so that points lie on corners and edges, too
fine = st.floats(-20, 120, allow_nan=False, width=32)
points = st.tuples(whole | fine, whole | fine)
corners = st.tuples(whole | fine, whole | fine)
polygons = st.lists(corners, min_size=3, max_size=9)  # concave, crossing themselves, without area: all of them


@st.composite
def stars(draw: st.DrawFn) -> list[tuple[float, float]]:
    """A concave polygon that does not cross itself."""
    count = draw(st.integers(5, 14))
    x, y = draw(st.floats(10, 90)), draw(st.floats(10, 90))
    radii = draw(st.lists(st.floats(2, 60), min_size=count, max_size=count))
    turns = [2 * math.pi * step / count for step in range(count)]
    return [(x + r * math.cos(t), y + r * math.sin(t)) for r, t in zip(radii, turns, strict=True)]


drawings = st.lists(polygons | stars(), min_size=1, max_size=5)


def floor_of(outlines: list[list[tuple[float, float]]]) -> Floor:
    floor = Floor("map", "site", "org", 0, ZoneSets())
    for number, outline in enumerate(outlines):
        floor.draw(str(number), {"vertices": [{"x": x, "y": y} for x, y in outline]}, kinds=1)
    return floor


@given(drawings, st.lists(points, min_size=1, max_size=40))
@settings(deadline=None)
def test_the_grid_agrees_with_exact_geometry(outlines, where):
    floor = floor_of(outlines)
    exact = [Outline(outline) for outline in outlines]
    near = [(math.nextafter(x, 1e9), math.nextafter(y, -1e9)) for x, y in where]
    for x, y in [*where, *near, *(corner for outline in outlines for corner in outline)]:
        found = {zone.id for zone in floor.find(x, y).zones}
        assert found == {str(number) for number, outline in enumerate(exact) if outline.holds(x, y)}


@given(st.floats(1, 99), st.lists(st.floats(0, 100, exclude_max=True), min_size=1, max_size=30), st.data())
@settings(deadline=None)
def test_zones_side_by_side_cover_each_point_once(cut, ys, data):
    """Two zones that share a slanting border: together they are the whole, without gap and without overlap."""
    top, bottom = cut, data.draw(st.floats(1, 99))
    floor = floor_of([[(0, 0), (top, 0), (bottom, 100), (0, 100)], [(top, 0), (100, 0), (100, 100), (bottom, 100)]])
    for y in ys:
        border = top + (y - 0.0) * ((bottom - top) / 100.0)
        for x in (0.0, border, math.nextafter(border, 0), math.nextafter(border, 100), 50.0):
            if 0 <= x < 100:
                assert len(floor.find(x, y).zones) == 1


# people

ZONES = {
    "a": [(0.0, 0.0), (60.0, 0.0), (60.0, 60.0), (0.0, 60.0)],
    "b": [(30.0, 30.0), (90.0, 30.0), (90.0, 90.0), (30.0, 90.0)],
    "l": [(0.0, 60.0), (100.0, 60.0), (100.0, 100.0), (80.0, 100.0), (80.0, 70.0), (0.0, 70.0)],
}
places = st.tuples(st.integers(-5, 105), st.integers(-5, 105))
moves = st.lists(
    st.tuples(
        st.integers(0, 4),  # who
        st.sampled_from([MAP, OTHER_MAP]),
        places,
        st.integers(1, 12),  # when, by the cloud's clock
    ),
    min_size=1,
    max_size=25,
)


def drawn() -> Floors:
    floors = Floors()
    for map_id in (MAP, OTHER_MAP):
        floors.map(map_id)
    for name, outline in ZONES.items():
        floors.zone(name, outline)
    return floors


def told(floors: Floors, said: list[tuple[int, str, tuple[int, int], int]]) -> Floors:
    for who, map_id, (x, y), when in said:
        floors.at(who, x, y, seen=5000 + when, kind="asset", map_id=map_id)
    return floors


@pytest.mark.slow
@given(moves, st.randoms(use_true_random=False), st.data())
@settings(deadline=None, max_examples=30)
def test_any_order_and_any_repetition_ends_in_the_same_state(said, random, data):
    again = [*said, *data.draw(st.lists(st.sampled_from(said), max_size=10))]
    random.shuffle(again)
    assert told(drawn(), again).state() == told(drawn(), said).state()


steps = st.lists(
    st.one_of(
        st.tuples(st.just("at"), st.integers(0, 4), st.sampled_from([MAP, OTHER_MAP]), places),
        st.tuples(st.just("wait"), st.sampled_from([1, 60, 200, 500])),
        st.tuples(st.just("sweep")),
        st.tuples(st.just("draw"), st.sampled_from(sorted(ZONES)), st.integers(-30, 30)),
        st.tuples(st.just("unlist"), st.sampled_from(sorted(ZONES))),
    ),
    min_size=1,
    max_size=30,
)


@pytest.mark.slow
@given(steps)
@settings(deadline=None, max_examples=30)
def test_enters_minus_exits_are_the_occupants_and_never_negative(walked):
    floors = drawn()
    listed = set(ZONES)
    for step in walked:
        do(floors, step, listed)
        counts: dict[tuple[str, str], dict[str, float]] = {}
        for (name, labels), value in samples.of_text(render_all(floors.catalog.store).decode()).items():
            if name.startswith(("mist_zone_", "mist_map_entities")):
                own = dict(labels)
                counts.setdefault((own["map_id"], own.get("zone_id", "")), {})[name] = value
        for (_, zone), told_of in counts.items():
            if "mist_zone_occupants" in told_of:
                there = told_of["mist_zone_occupants"]
                assert there == told_of["mist_zone_enters_total"] - told_of["mist_zone_exits_total"] >= 0, zone
                assert told_of["mist_zone_dwell_seconds_count"] == told_of["mist_zone_exits_total"]
            assert told_of.get("mist_map_entities", 0) >= 0


def do(floors: Floors, step: tuple, listed: set[str]) -> None:
    match step:
        case "at", who, map_id, (x, y):
            floors.at(who, x, y, map_id=map_id)
        case "wait", seconds:
            floors.now += seconds
        case ("sweep",):
            floors.sweep()
        case "draw", name, by:
            listed.add(name)
            floors.zone(name, [(x + by, y) for x, y in ZONES[name]])
        case "unlist", name:
            floors.now += 1
            began = floors.now
            listed.discard(name)
            for other in listed:
                floors.zone(other, ZONES[other])
            floors.catalog.site_complete("zone_definition", "4ac1dcf4-9d8b-7211-65c4-057819f0862b", began)
