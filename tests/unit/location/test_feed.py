"""Maps by REST, positions by webhook in metres, options, and the floor as a page sees it."""

import pytest

from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all
from collector.mist.directory import Changes, Site
from tests.support import samples
from tests.support.floors import IDS, MAP, ORG, OTHER_MAP, SITE, Floors, mac

ROOM = [(0, 0), (100, 0), (100, 100), (0, 100)]


@pytest.fixture
def floors():
    floors = Floors()
    floors.map()
    floors.zone("a", ROOM, occupancy_limit=3)
    return floors


def event(**more):
    return {"site_id": SITE, "map_id": MAP, "x": 2.5, "y": 2.5, "timestamp": 5000, "type": "wifi", "mac": mac(1)} | more


def post(floors, topic, **more):
    return floors.catalog.open_topic(topic)(event(**more), 1_700_000_000.0)


def refused(floors, topic):
    return {reason: n for (name, reason), n in floors.catalog.rejected_parts().items() if name == f"webhook:{topic}"}


# positions by webhook


@pytest.mark.parametrize(
    ("topic", "more", "kind"),
    [
        ("location", {}, "client"),
        ("location", {"type": "asset"}, "asset"),
        ("location", {"type": "sdk", "id": "de87bf9d", "mac": None}, "sdkclient"),
        ("location-client", {}, "client"),
        ("location-unclient", {}, "unconnected_client"),
        ("location-asset", {}, "asset"),
        ("location-sdk", {"id": "de87bf9d"}, "sdkclient"),
        ("location-centrak", {}, "asset"),
    ],
)
def test_metres_become_pixels(floors, topic, more, kind):
    post(floors, topic, **more)
    assert floors.zones(kind=kind) == {"a": 1}
    post(floors, topic, **more | {"x": 5.0, "timestamp": 5001})  # 100 pixels: the right edge does not belong
    assert floors.zones(kind=kind) == {}


def test_stream_and_webhook_know_the_same_person(floors):
    floors.at(1, 50, 50, seen=4999, kind="asset")
    post(floors, "location-asset")
    assert floors.value("mist_map_entities", kind="asset") == 1


def test_the_common_topic_does_not_make_a_stranger_a_client(floors):
    post(floors, "location-unclient")
    post(floors, "location")
    assert floors.value("mist_map_entities", kind="unconnected_client") == 1
    assert not floors.value("mist_map_entities", kind="client")


def test_a_map_without_scale_is_said_so_and_counted(floors):
    floors.map(OTHER_MAP, ppm=None)
    post(floors, "location", map_id=OTHER_MAP)
    assert floors.value("mist_map_scale_known", map_id=OTHER_MAP) == 0
    assert floors.value("mist_map_unscaled_positions_total", map_id=OTHER_MAP) == 1
    assert refused(floors, "location") == {"no_scale": 1}
    floors.map(OTHER_MAP, ppm=None, width=1000, width_m=50)
    assert floors.value("mist_map_scale_known", map_id=OTHER_MAP) == 1
    post(floors, "location", map_id=OTHER_MAP, timestamp=5001)
    assert floors.value("mist_map_entities", map_id=OTHER_MAP, kind="client") == 1


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"map_id": None}, "unknown_map"),
        ({"type": "new"}, "unknown_type"),
        ({"x": None}, "no_position"),
        ({"mac": ""}, "no_identity"),
        ({"mac": "nobody"}, "no_identity"),
    ],
)
def test_what_is_no_position_is_left_out_and_counted(floors, more, reason):
    assert post(floors, "location", **more) is None  # the event itself counts
    assert refused(floors, "location") == {reason: 1}


def test_maps_that_only_events_name_are_limited(floors, monkeypatch):
    monkeypatch.setattr("collector.location.feed.MAX_UNLISTED", 2)
    for number in range(4):
        post(floors, "location", map_id=f"map-{number}", timestamp=5000 + number)
    assert refused(floors, "location") == {"no_scale": 2, "unknown_map": 2}


def test_positions_by_webhook_are_counted_only_where_wanted():
    floors = Floors(webhook_positions=False)
    floors.map()
    post(floors, "location")
    assert not floors.value("mist_map_entities", kind="client")
    assert floors.value("mist_webhook_events_total", topic="location") == 1


# maps and zones


def test_what_rest_tells_of_a_zone_is_told_once_whichever_poll_brought_it(floors):
    stats = {"id": "a", "map_id": MAP, "name": "zone a", "num_clients": 7, "vertices": []}
    floors.catalog.rest_object("zone", stats, IDS)
    assert floors.value("mist_zone_reported_occupants", zone_id="a", kind="client") == 7
    assert floors.value("mist_zone_occupancy_limit", zone_id="a") == 3
    assert floors.value("mist_zone_info", zone_id="a") == 1


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        ({"map_id": MAP}, "no_identity"),
        ({"id": "z"}, "no_identity"),
        ({"id": "z", "map_id": MAP}, "no_outline"),
        ({"id": "z", "map_id": MAP, "vertices": [{"x": 1, "y": 1}]}, "no_outline"),
    ],
)
def test_a_zone_that_cannot_be_drawn_is_refused(floors, payload, reason):
    assert floors.catalog.rest_object("zone_definition", payload, IDS).reason == reason


def test_a_zone_may_come_before_its_map():
    floors = Floors()
    floors.zone("a", ROOM)
    floors.at(1, 50, 50)
    assert floors.zones() == {"a": 1}
    assert floors.location.maps() == set(), "a map is followed only once REST listed it"
    floors.map()
    assert floors.location.maps() == {(SITE, MAP)}


def test_floors_go_with_their_site(floors):
    floors.at(1, 50, 50)
    floors.catalog.changed(Changes(sites_removed=(Site(SITE, ORG),)))
    assert not [name for name, _ in floors.samples() if name.startswith(("mist_map_", "mist_zone_"))]
    assert floors.location.lines() == []


# options


def test_a_heat_grid_counts_squares():
    floors = Floors(heat_cell_m=5.0)
    floors.map()
    floors.at(1, 10, 10)
    floors.at(2, 99, 99)
    floors.at(3, 100, 10)
    floors.sweep()
    assert samples.by_label(floors.samples(), "mist_map_heat_entities", "x", "y") == {
        ("2.5", "2.5"): 2,
        ("7.5", "2.5"): 1,
    }
    floors.at(3, 10, 10)
    floors.sweep()
    assert samples.by_label(floors.samples(), "mist_map_heat_entities", "x", "y") == {("2.5", "2.5"): 3}


def test_a_heat_grid_has_a_limit():
    floors = Floors(heat_cell_m=1.0, heat_max_cells=3)
    floors.map()
    for number in range(10):
        floors.at(number, 40 * number, 0)
    floors.at(11, 0, 0)
    floors.sweep()
    squares = samples.by_label(floors.samples(), "mist_map_heat_entities", "x", "y")
    assert len(squares) == 3
    assert squares["0.5", "0.5"] == 2


def test_chosen_assets_have_series_of_their_own():
    floors = Floors(named_assets=(mac(7),))
    floors.map()
    floors.zone("a", ROOM)
    floors.at(7, 50, 40, seen=5000, kind="asset")
    floors.at(8, 50, 40, seen=5000, kind="asset")
    assert floors.value("mist_asset_position_meters", mac=mac(7), axis="x") == 2.5
    assert floors.value("mist_asset_position_meters", mac=mac(7), axis="y") == 2.0
    assert floors.value("mist_asset_position_timestamp_seconds", mac=mac(7)) == 5000
    assert floors.value("mist_asset_in_zone", mac=mac(7)) == 1
    assert not samples.having(floors.samples(), mac=mac(8))
    floors.at(7, 500, 40, seen=5001, kind="asset")
    assert samples.by_label(floors.samples(), "mist_asset_in_zone", "zone_id") == {("",): 1}
    floors.now += 181
    floors.sweep()
    assert not samples.having(floors.samples(), mac=mac(7))


# the floor as a page sees it


def test_a_view_of_a_floor(floors):
    floors.map(wall_path={"nodes": [
        {"name": "N1", "position": {"x": 0, "y": 0}, "edges": {"N2": "0"}},
        {"name": "N2", "position": {"x": 9, "y": 0}, "edges": {}},
    ]})  # fmt: skip
    floors.at(1, 50, 50)
    floors.at(2, 500, 50, kind="asset")
    (line,) = floors.location.lines()
    assert (line.map_id, line.name, line.people, line.zones) == (MAP, "Floor", 2, 1)
    view = floors.location.view(MAP)
    assert (view.width, view.height, view.ppm, view.walls) == (1200, 800, 20, ((0, 0, 9, 0),))
    assert [tuple(dot) for dot in view.dots] == [("client", 50, 50), ("asset", 500, 50)]
    assert view.people["client"] == view.people["asset"] == 1
    (zone,) = view.zones
    assert (zone.name, zone.corners, zone.limit) == ("zone a", tuple(ROOM), 3)
    assert zone.occupants == {"client": 1, "asset": 0}
    assert floors.location.view("nowhere") is None
    assert mac(1) not in repr(view)


def test_what_rest_tells_of_chosen_assets_is_told_too():
    catalog = FeedRouter(named_assets=[mac(7)])
    for number in (7, 8):
        record = {"mac": mac(number), "map_id": MAP, "battery_voltage": 3000, "temperature": 21.5}
        catalog.rest_object("asset", record, IDS)
    told = samples.of_text(render_all(catalog.store).decode())
    assert samples.by_label(told, "mist_asset_battery_volts", "mac") == {(mac(7),): 3.0}
    assert samples.by_label(told, "mist_asset_temperature_celsius", "mac") == {(mac(7),): 21.5}
