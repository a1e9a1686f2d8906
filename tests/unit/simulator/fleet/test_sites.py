import pytest

from collector.simulator.fleet import Fleet, FleetPlan
from collector.simulator.fleet.sites import (
    PPM,
    UNASSIGNED,
    SimulatedZone,
    make_org,
    make_site,
    unassigned_site,
    wall_path,
)

L_SHAPE = ((0, 0), (4, 0), (4, 2), (2, 2), (2, 4), (0, 4))


@pytest.mark.parametrize(
    ("x_m", "y_m", "inside"),
    [(1.0, 1.0, True), (3.9, 1.0, True), (3.0, 3.0, False), (1.0, 3.0, True), (-1.0, 1.0, False), (5.0, 1.0, False)],
)
def test_an_l_shaped_zone_contains_the_points_inside_its_outline(x_m, y_m, inside):
    assert SimulatedZone(id="z", name="L", outline_m=L_SHAPE).contains(x_m, y_m) is inside


def test_visits_are_counted_per_kind():
    zone = SimulatedZone(id="z", name="L", outline_m=L_SHAPE)
    zone.visits_of("client").add_stay(30.0)
    zone.visits_of("client").add_stay(12.0)
    assert (zone.visits["client"].exits, zone.visits["client"].stayed_s) == (2, 42.0)
    assert zone.visits_of("asset").exits == 0


def test_rest_objects_of_sites_maps_and_zones_reference_each_other():
    fleet = Fleet(FleetPlan(orgs=2, sites=3, aps=1, clients_per_ap=1))
    sites = [site for org in fleet.orgs() for site in fleet.sites(org["id"])]
    assert len({site["id"] for site in sites}) == 6
    maps = {one["id"]: one for site in sites for one in fleet.maps(site["id"])}
    assert len(maps) == 8
    for zone in (zone for site in sites for zone in fleet.zones(site["id"])):
        floor = maps[zone["map_id"]]
        for corner, corner_m in zip(zone["vertices"], zone["vertices_m"], strict=True):
            assert 0 <= corner["x"] <= floor["width"]
            assert 0 <= corner["y"] <= floor["height"]
            assert (corner["x"], corner["y"]) == (corner_m["x"] * PPM, corner_m["y"] * PPM)
    assert fleet.site_settings(sites[0]["id"])["device_updown_threshold"] == 0


def test_office_floors_have_the_rooms_of_an_office():
    site = make_site(1, make_org(1, 0, 0.0), 0, 0.0, office_floors=2)
    assert [len(floor.zones) for floor in site.maps] == [6, 6]
    assert site.maps[0].walls


def test_the_wall_path_connects_nodes_that_exist():
    path = wall_path([((0, 0), (1, 0)), ((1, 0), (1, 2))])
    names = {node["name"] for node in path["nodes"]}
    assert len(names) == 3
    assert all(other in names for node in path["nodes"] for other in node["edges"])
    assert {(node["position"]["x"], node["position"]["y"]) for node in path["nodes"]} == {
        (0, 0),
        (PPM, 0),
        (PPM, 2 * PPM),
    }
    assert wall_path([]) is None


def test_unassigned_devices_have_the_nil_site():
    site = unassigned_site(make_org(1, 0, 0.0))
    assert (site.id, site.maps) == (UNASSIGNED, [])
