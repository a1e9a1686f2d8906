"""Frames for the benchmarks, made by the simulator's fleet and serialised beforehand; and what REST says of the fleet.

`ap`     full messages of access points, filled up to the 7 KB of real ones: the parts that Mist sends in the "basic"
         message of the same cycle, five Ethernet ports, both neighbours.
`mixed`  everything that devices say, in the order and the shares in which the simulator lets them speak.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from collector.simulator.fleet import Fleet, FleetPlan, StreamMessage
from collector.simulator.fleet.primitives import device_id
from collector.simulator.frames import FrameEncoder, frame_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROUND_S = 30.0
SITE_APS = 20
PORTS = ("eth0", "eth1", "eth2", "eth3", "module")
SWITCH = (
    "Juniper Networks, Inc. ex4100-48mp Ethernet Switch, kernel JUNOS 23.4R2-S4, Build date: 2024-03-21 19:47:18 UTC "
    "Copyright (c) 1996-2024 Juniper Networks, Inc."
)
QUIET = {
    "clients_per_ap": 0,
    "location_cadence_s": 0.0,
    "reboots_per_device_day": 0.0,
    "port_flaps_per_device_day": 0.0,
    "events_per_device_hour": 0.0,
    "site_events_per_hour": 0.0,
    "insights_cadence_s": 0.0,
}


@dataclass(frozen=True, slots=True)
class Said:
    """One message before it is a frame."""

    channel: str
    payload: dict[str, Any]
    mac: str


@dataclass(slots=True)
class Traffic:
    """A fleet on the wire: its frames in the order of sending, and the objects that REST lists."""

    frames: list[bytes] = field(default_factory=list)
    orgs: list[dict[str, Any]] = field(default_factory=list)
    sites: list[dict[str, Any]] = field(default_factory=list)
    devices: list[dict[str, Any]] = field(default_factory=list)
    of_site: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {"maps": [], "zones": []})
    channels: list[str] = field(default_factory=list)  # empty: those of devices

    @property
    def frame_bytes(self) -> float:
        return sum(map(len, self.frames)) / len(self.frames)


def make(kind: str, devices: int, rounds: int) -> Traffic:
    """The traffic of `rounds` cycles; `devices` are APs for "ap", sites for "mixed", people for "positions".

    People of "positions_apart" have floors of their own where they are many.
    """
    if kind.startswith("positions"):
        from tests.benchmarks.positions import positions  # it builds on this module

        return positions(devices, rounds, crowded=kind == "positions")
    return access_points(devices, rounds) if kind == "ap" else mixed(devices, rounds)


def access_points(devices: int, rounds: int) -> Traffic:
    """Every AP speaks once a round; beyond 200 APs the messages are those of the first 200 under other addresses."""
    lively = min(devices, 200)
    fleet = Fleet(FleetPlan(sites=-(-lively // SITE_APS), aps=min(lively, SITE_APS), **QUIET))
    said = [said for _ in range(rounds) for said in complete(step(fleet))]
    told = inventory(fleet)
    by_mac = {entry["mac"]: entry for entry in told.devices}
    told.devices, makers = [], FrameEncoder(nested=True)
    spoken: dict[str, None] = {}
    bodies = [(one, orjson.dumps(one.payload)) for one in said]
    for copy_number in range(-(-devices // lively)):
        for one, body in bodies:
            mac = one.mac if not copy_number else alias(one.mac, copy_number)
            if mac not in spoken:
                if len(spoken) == devices:
                    continue
                spoken[mac] = None
                told.devices.append({**by_mac[one.mac], "mac": mac, "id": device_id(mac)})
            told.frames.append(makers.encode(one.channel, body.replace(one.mac.encode(), mac.encode())))
    return told


def alias(mac: str, number: int) -> str:
    """Another address for a copy of a device."""
    return f"02{number:04x}{mac[-6:]}"


def mixed(sites: int, rounds: int) -> Traffic:
    """Access points, switches, virtual chassis, gateways of three sorts and Mist Edges, `sites` times."""
    plan = FleetPlan(
        sites=sites, aps=10, switches=3, virtual_chassis=1, gateways=1, srx_clusters=1, ssrs=1, mxedges=2, **QUIET
    )
    fleet = Fleet(plan)
    told, makers = inventory(fleet), FrameEncoder(nested=True)
    for _ in range(rounds):
        told.frames += [makers.encode(one.channel, orjson.dumps(one.payload)) for one in step(fleet)]
    return told


def step(fleet: Fleet) -> Iterator[Said]:
    """What the devices say within the next cycle, changes and totals of the org left out."""
    for one in fleet.step(fleet.now + ROUND_S):
        if isinstance(one, StreamMessage) and one.kind in {"ap", "switch", "gateway", "mxedge"}:
            yield Said(one.channel, one.payload, one.mac)


def complete(said: Iterable[Said]) -> Iterator[Said]:
    """The full messages of APs, filled up."""
    basic: dict[str, dict[str, Any]] = {}
    for one in said:
        if frame_type(one.payload) == "basic":
            basic[one.mac] = one.payload
        elif one.mac in basic:
            yield Said(one.channel, filled(one.payload, basic[one.mac]), one.mac)


def filled(full: dict[str, Any], basic: dict[str, Any]) -> dict[str, Any]:
    """One AP's message with everything that such an AP can have plugged in."""
    payload = copy.deepcopy({**{k: v for k, v in basic.items() if not k.startswith("_offset")}, **full})
    ports = payload["port_stat"]
    for name in PORTS:
        ports.setdefault(name, dict(ports["eth0"]))
    neighbour = {**payload.get("lldp_stat", {}), "system_desc": SWITCH}
    payload["lldp_stat"] = neighbour
    payload.setdefault("lldp_stats", {})
    for name in ("eth0", "eth1"):
        payload["lldp_stats"][name] = {**neighbour, **payload["lldp_stats"].get(name, {}), "system_desc": SWITCH}
    return payload


def inventory(fleet: Fleet) -> Traffic:
    """What REST lists."""
    orgs = fleet.orgs()
    sites = [site for org in orgs for site in fleet.sites(org["id"])]
    devices = [device for org in orgs for device in fleet.inventory(org["id"])]
    return Traffic(orgs=orgs, sites=sites, devices=devices)
