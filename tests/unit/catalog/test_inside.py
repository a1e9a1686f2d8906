"""Objects that stand both in REST answers and inside a device's statistics: one row, whoever tells it."""

from __future__ import annotations

import json

import pytest

from collector.feeds.payloads import InnerList, Inside
from collector.feeds.router import FeedRouter
from collector.metrics.text_format import render_all
from collector.mist.directories import Directories
from collector.mist.directory import Device, Directory, Org, Site

MAC = "020001ae9dd5"
IDS = {"org_id": "o", "site_id": "s"}
TUNNEL = {"tunnel_name": "t1", "wan_name": "isp", "node": "node0", "priority": "primary", "peer_host": "hub"}


@pytest.fixture
def directory():
    found = Directory()
    found.replace([Org("o")], [Site("s", "o")], [Device(MAC, type="gateway", site_id="s", org_id="o")])
    return found


@pytest.fixture
def catalog(directory):
    return FeedRouter(Directories(directory))


def tunnels(catalog):
    lines = render_all(catalog.store).decode().splitlines()
    return [line for line in lines if line.startswith("mist_wan_tunnel_receive_bytes_total{")]


def frame(**more):
    return json.dumps({"mac": MAC, "type": "gateway", "last_seen": 1000, **more})


def test_stream_and_rest_write_one_row(catalog):
    device = catalog.open_channel("/sites/s/stats/devices")
    assert device(frame(tunnels=[{**TUNNEL, "rx_bytes": 10}]), 1.0) is None
    labels = f'org_id="o",site_id="s",mac="{MAC}",node="node0",tunnel="t1",wan="isp",priority="primary",peer="hub"'
    assert tunnels(catalog) == [f"mist_wan_tunnel_receive_bytes_total{{{labels}}} 10.0"]
    assert catalog.rest_object("wan_tunnel", {**TUNNEL, **IDS, "mac": MAC, "rx_bytes": 11}, IDS) is None
    assert tunnels(catalog) == [f"mist_wan_tunnel_receive_bytes_total{{{labels}}} 11.0"]


def test_known_devices_are_read_as_well_as_new_ones(catalog):
    device = catalog.open_channel("/sites/s/stats/devices")
    for count in (1, 2, 3):
        device(frame(tunnels=[{**TUNNEL, "rx_bytes": count}]), 1.0)
        assert tunnels(catalog)[0].endswith(f"}} {count}.0")


def test_rest_statistics_are_read_too(catalog):
    payload = json.loads(frame(status="connected", tunnels=[{**TUNNEL, "rx_bytes": 5}]))
    assert catalog.rest_object("device", payload, IDS) is None
    assert tunnels(catalog)[0].endswith("} 5.0")


def test_they_end_with_their_device(catalog, directory):
    catalog.open_channel("/sites/s/stats/devices")(frame(tunnels=[{**TUNNEL, "rx_bytes": 1}]), 1.0)
    catalog.changed(directory.replace([Org("o")], [Site("s", "o")], []))
    assert tunnels(catalog) == []


def test_they_end_when_nobody_tells_of_them():
    now = 0.0
    catalog = FeedRouter(now=lambda: now)
    catalog.rest_object("wan_tunnel", {**TUNNEL, **IDS, "mac": MAC, "rx_bytes": 1}, IDS)
    now = 700.0
    list(catalog.sweep())
    assert len(tunnels(catalog)) == 1
    now = 800.0
    list(catalog.sweep())
    assert tunnels(catalog) == []


@pytest.mark.parametrize("rubbish", [None, 5, "x", {"a": 1}, [None, 7, "x"]])
def test_rubbish_in_the_place_of_a_list_spoils_nothing_else(catalog, rubbish):
    device = catalog.open_channel("/sites/s/stats/devices")
    assert device(frame(uptime=9, tunnels=rubbish), 1.0) is None
    assert tunnels(catalog) == []
    assert b"mist_device_uptime_seconds" in render_all(catalog.store)
    elements = len(rubbish) if isinstance(rubbish, list) else 0
    assert sum(n for (kind, _), n in catalog.rejected_parts().items() if kind == "wan_tunnel") == elements


def test_a_list_is_not_believed_without_the_field_beside_it():
    applied = []
    inside = Inside([InnerList("ports", "_time", lambda elements, ids, _now: applied.append((elements, ids["mac"])))])
    for payload in ({"ports": [1]}, {"ports": [1], "_time": None}, '{"ports":[1]}', "not json", "[]", 7):
        inside.apply(payload, {"mac": MAC}, 0.0)
    assert applied == []
    inside.apply('{"ports":[2],"_time":3}', {"mac": MAC}, 0.0)
    assert applied == [([b"2"], MAC)]
