from random import Random

import pytest

from collector.simulator.fleet.ap_optional_components import FirmwareUpdate, MeshLinks, make_optional_components


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("gps", {"gps_stat"}),
        ("usb", {"usb_stat", "iot_stat"}),
        ("l2tp", {"l2tp_stat"}),
        ("fwupdate", {"fwupdate"}),
        ("certs", {"expiring_certs", "cert_expiry"}),
        ("locating", {"locating"}),
    ],
)
def test_every_name_makes_its_section(name, keys):
    (component,) = make_optional_components((name,), 1, "5c5b35000000", 1000.0)
    assert set(component.advance(30.0, 1000.0, Random(1))) == keys


def test_names_of_other_components_are_ignored():
    assert make_optional_components(("mesh_base", "weak_power"), 1, "5c5b35000000", 0.0) == []


def test_certificates_expire_relative_to_the_creation():
    (component,) = make_optional_components(("certs",), 1, "5c5b35000000", 1000.0)
    section = component.advance(30.0, 1000.0, Random(1))
    assert sorted(section["expiring_certs"].values()) == [1000 + 9 * 86_400, 1000 + 21 * 86_400]


def test_a_firmware_update_runs_to_completion_and_starts_again():
    update = FirmwareUpdate()
    states = [update.advance(6.0, 0.0, Random(1))["fwupdate"] for _ in range(200)]
    statuses = [state["status"] for state in states]
    assert statuses.index("success") < len(statuses) - 1 - statuses[::-1].index("inprogress")
    assert {state["progress"] for state in states if state["status"] == "success"} == {100}


def test_a_mesh_restart_resets_the_link_counters():
    rng = Random(1)
    links = MeshLinks(rng, "site", uplink_id="base")
    assert links.advance(60.0, 0.0, rng)["mesh_uplink"]["rx_bytes"] > 0
    links.restart()
    uplink = links.advance(0.0, 0.0, rng)["mesh_uplink"]
    assert (uplink["rx_bytes"], uplink["uplink_ap_id"], uplink["site_id"]) == (0, "base", "site")
