from random import Random
from uuid import UUID

import pytest

from collector.simulator.fleet.primitives import (
    AP_OUI,
    RADIO_STEP,
    StaticComponent,
    TrafficCounters,
    colons,
    device_id,
    mac_of,
    mac_plus,
    random_interval_s,
    random_walk,
    serial_of,
    uuid_of,
)


def test_identifiers_follow_from_the_seed():
    assert uuid_of(1, "site", 0) == uuid_of(1, "site", 0)
    assert len({uuid_of(1, "site", 0), uuid_of(1, "site", 1), uuid_of(2, "site", 0)}) == 3
    assert UUID(uuid_of(1, "site", 0)).version == 4
    assert mac_of(1, AP_OUI, 5) == mac_of(1, AP_OUI, 5) != mac_of(2, AP_OUI, 5)


def test_mac_addresses_of_devices_leave_room_for_the_bssids_of_four_radios():
    first, second = (int(mac_of(1, AP_OUI, ordinal), 16) for ordinal in range(2))
    assert second - first == 4 * RADIO_STEP
    assert mac_of(1, AP_OUI, 0).startswith(AP_OUI)


def test_formats_of_identifiers():
    assert mac_plus("5c5b350000ff", 1) == "5c5b35000100"
    assert device_id("5c5b35000001") == "00000000-0000-0000-1000-5c5b35000001"
    assert serial_of("5c5b350000ff", "A") == "A00000000255"
    assert colons("5c5b35000001") == "5c:5b:35:00:00:01"


def test_traffic_counters_grow_with_time_and_restart_at_zero():
    traffic, rng = TrafficCounters(1000.0, 2000.0), Random(1)
    traffic.transfer(10.0, 1.0, rng)
    assert 5_000 <= traffic.rx_bytes <= 15_000
    assert traffic.tx_bytes == pytest.approx(2 * traffic.rx_bytes, abs=2)
    assert traffic.rx_bps == pytest.approx(traffic.rx_bytes * 8 / 10, abs=1)
    before = traffic.rx_bytes
    traffic.transfer(0.0, 1.0, rng)
    assert traffic.rx_bytes == before
    traffic.restart()
    assert (traffic.rx_bytes, traffic.tx_pkts, traffic.rx_bps) == (0, 0, 0)


def test_a_random_walk_stays_within_its_bounds():
    rng, value, seen = Random(1), 5.0, set()
    for _ in range(500):
        value = random_walk(rng, value, 0.0, 10.0, 4.0)
        seen.add(round(value))
        assert 0.0 <= value <= 10.0
    assert {0, 10} <= seen


def test_random_intervals_have_the_mean_of_the_rate():
    rng = Random(1)
    intervals = [random_interval_s(rng, 6.0, 3600.0) for _ in range(5000)]
    assert sum(intervals) / len(intervals) == pytest.approx(600.0, rel=0.05)
    assert random_interval_s(rng, 0.0, 3600.0) is None


def test_a_static_component_returns_its_section():
    section = {"a": 1}
    component = StaticComponent(section)
    component.restart()
    assert component.advance(30.0, 0.0, Random(1)) == section
