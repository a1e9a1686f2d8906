from random import Random

import pytest

from collector.simulator.fleet.switch_components import (
    MODELS,
    ChassisMember,
    ChassisMembers,
    WiredClientCounts,
    make_interfaces,
)


def member(index=0, *, count=1, numbering="fpc_idx", seed=1):
    return ChassisMember(MODELS[0], "20d80b000000", index, Random(seed), count=count, numbering=numbering)


@pytest.mark.parametrize("numbering", ["fpc_idx", "_idx"])
def test_a_member_has_its_index_in_the_field_of_its_generation(numbering):
    section = member(1, count=2, numbering=numbering).advance(30.0, 0.0, Random(1))
    assert section[numbering] == 1
    assert section["mac"] != "20d80b000000"


def test_a_member_without_numbering_has_no_index():
    section = member(numbering="none").advance(30.0, 0.0, Random(1))
    assert not {"fpc_idx", "_idx"} & set(section)


def test_members_of_a_chassis_link_to_their_neighbours():
    links = [
        [link["neighbor_module_idx"] for link in member(i, count=3).advance(30.0, 0.0, Random(1))["vc_links"]]
        for i in range(3)
    ]
    assert links == [[1], [0, 2], [1]]


def test_the_poe_draw_stays_within_the_budget():
    one, rng = member(), Random(1)
    draws = [one.advance(30.0, 0.0, rng)["poe"]["power_draw"] for _ in range(300)]
    assert 0 <= min(draws) < max(draws) <= MODELS[0].poe_w


def test_a_failed_power_supply_is_also_an_error():
    failed = [
        section
        for section in (member(seed=seed).advance(30.0, 100_000.0, Random(1)) for seed in range(40))
        if any(psu["status"] == "failed" for psu in section["psus"])
    ]
    assert 0 < len(failed) < 40
    assert all(section["errors"][0]["since"] == 86_400 for section in failed)


@pytest.mark.parametrize("listed", [True, False])
def test_members_that_are_not_listed_have_no_section(listed):
    section = ChassisMembers([member()], listed=listed).advance(30.0, 0.0, Random(1))
    assert bool(section) is listed


@pytest.mark.parametrize(("generation", "key"), [(0, "num_clients"), (1, "clients_stats"), (2, "clients")])
def test_each_generation_has_its_format_of_the_client_count(generation, key):
    assert set(WiredClientCounts(generation, "20d80b000000", 2, Random(1)).advance(30.0, 0.0, Random(1))) == {key}


def test_all_three_formats_of_the_client_count_occur_in_a_fleet(wired):
    wired.step(wired.now + 60)
    states = [wired.truth(mac)["state"] for mac in wired.macs("switch")]
    formats = {frozenset({"num_clients", "clients_stats", "clients"} & set(state)) for state in states}
    assert formats == {frozenset({"num_clients"}), frozenset({"clients_stats"}), frozenset({"clients"})}


def test_every_member_has_its_ports_and_uplinks():
    interfaces = make_interfaces(MODELS[1], 2, Random(1))
    physical = [one.port_id for one in interfaces if one.physical]
    assert len(physical) == len(set(physical)) == 2 * (MODELS[1].ports + 2)
    assert {one.key for one in interfaces if not one.physical} >= {"irb.172", "me0.0", "ae0.0"}
